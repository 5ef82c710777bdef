/** Strings: GET, SET and related commands. Counters are in `counter.ts`, LCS in `lcs.ts`. */
import { ValueType } from "../../data/value.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import {
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  type KeyPosition,
  keyRange,
  oneOf,
  stringArg,
  tokenArg,
  unixTimeArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { type Moment, NO_EXPIRY } from "../../keyspace/database.ts";
import type { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import {
  invalidExpire,
  OFFSET_OUT_OF_RANGE,
  STRING_TOO_LONG,
  SYNTAX,
  wrongArity,
  WRONGTYPE,
} from "../../protocol/errors.ts";
import { timeArgument, type TimeForm } from "../keys/expire.ts";

/** An expiry option of SET or GETEX. */
interface ExpiryOption {
  /** The argument with the time. */
  at: number;
  word: string;
  form: TimeForm;
}

/**
 * An argument as an expiry time in Unix milliseconds. Throws Redis's error unless it is positive
 * and in range: parse it after all options, because a syntax error takes precedence.
 */
function expiryTime(ctx: CommandContext, args: Args, at: number, form: TimeForm): Moment {
  if (args.integer(at) <= 0) throw invalidExpire(ctx.cmd.fullName);
  return timeArgument(ctx, args, at, form);
}

const expiryForms: readonly (readonly [word: string, form: TimeForm])[] = [
  ["EX", { inSeconds: true, isRelative: true }],
  ["PX", { inSeconds: false, isRelative: true }],
  ["EXAT", { inSeconds: true, isRelative: false }],
  ["PXAT", { inSeconds: false, isRelative: false }],
];

/**
 * Takes one of EX, PX, EXAT, PXAT with its value, if the next option is one. A second one after
 * `earlier` must be the same word; the later one counts.
 */
function takeExpiry(options: ArgReader, earlier: ExpiryOption | undefined): ExpiryOption {
  for (const [word, form] of expiryForms) {
    if ((earlier?.word ?? word) === word && options.take(word, 1)) return { at: options.at++, word, form };
  }
  throw SYNTAX;
}

// ---- Reading ------------------------------------------------------------------------------------

function get(ctx: CommandContext, args: Args): void {
  const value = ctx.readString(args.key(1));
  if (value === undefined) ctx.reply.null();
  else ctx.reply.bulkBytes(value.buf, value.start, value.end);
}

function mget(ctx: CommandContext, args: Args): void {
  ctx.reply.array(args.count - 1);
  for (let i = 1; i < args.count; i++) {
    ctx.lookAhead(args, i, 1);
    const ref = ctx.find(args.key(i));
    if (ref === 0 || ctx.db.typeOf(ref) !== ValueType.String) {
      ctx.reply.null();
      continue;
    }
    const value = ctx.db.readString(ref, scratch);
    ctx.reply.bulkBytes(value.buf, value.start, value.end);
  }
}

const scratch = new Slice();

function strlen(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(ctx.readString(args.key(1))?.length ?? 0);
}

function getrange(ctx: CommandContext, args: Args): void {
  let start = args.int(2), end = args.int(3);
  // Compared before they are clamped: far before the string's start they would become equal.
  const isReversed = start < 0 && end < 0 && args.integer(2) > args.integer(3);
  const value = ctx.readString(args.key(1));
  if (value === undefined) return ctx.reply.bulk("");
  const { length } = value;
  if (isReversed) return ctx.reply.bulk("");
  start = Math.max(0, start < 0 ? start + length : start);
  end = Math.min(length - 1, Math.max(0, end < 0 ? end + length : end));
  if (start > end || length === 0) ctx.reply.bulk("");
  else ctx.reply.bulkBytes(value.buf, value.start + start, value.start + end + 1);
}

/** Replies with the value of `key` or null, and returns true if it exists; throws WRONGTYPE. */
function replyOldValue(ctx: CommandContext, key: Key): boolean {
  const value = ctx.readString(key);
  if (value === undefined) ctx.reply.null();
  else ctx.reply.bulkBytes(value.buf, value.start, value.end);
  return value !== undefined;
}

// ---- Writing ------------------------------------------------------------------------------------

/** Stores argument `at` under `key`, for all commands that set a whole string. */
function store(
  ctx: CommandContext,
  key: Key,
  args: Args,
  at: number,
  keepTtl: boolean,
  expiresAtMs: Moment,
): void {
  ctx.setBytes(key, args.buf, args.start(at), args.end(at), keepTtl, expiresAtMs);
  ctx.changed(key, Notify.String, "set");
}

/** SET's options. */
interface SetOptions {
  onlyNew: boolean;
  onlyExisting: boolean;
  get: boolean;
  keepTtl: boolean;
  expiry: ExpiryOption | undefined;
}

function setOptions(args: Args): SetOptions {
  const found: SetOptions = {
    onlyNew: false,
    onlyExisting: false,
    get: false,
    keepTtl: false,
    expiry: undefined,
  };
  const options = new ArgReader(args, 3);
  while (options.more) {
    if (!found.onlyExisting && options.take("NX")) found.onlyNew = true;
    else if (!found.onlyNew && options.take("XX")) found.onlyExisting = true;
    else if (options.take("GET")) found.get = true;
    else if (found.expiry === undefined && options.take("KEEPTTL")) found.keepTtl = true;
    else if (found.keepTtl) throw SYNTAX;
    else found.expiry = takeExpiry(options, found.expiry);
  }
  return found;
}

function set(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  if (args.count === 3) {
    const expiresAtMs = defaultExpiry(ctx);
    store(ctx, key, args, 2, false, expiresAtMs);
    if (expiresAtMs !== NO_EXPIRY) propagateSet(ctx, args, expiresAtMs);
    return ctx.reply.ok();
  }
  setWithOptions(ctx, args, key, setOptions(args));
}

/**
 * `default-ttl`: the expiry time of a value set without one. Commands from a file or the primary
 * are already final and stay as they are.
 */
function defaultExpiry({ engine, client, nowMs }: CommandContext): number {
  const seconds = engine.config.values.defaultTtl;
  if (seconds === 0 || client.has(ClientFlag.Silent | ClientFlag.Primary)) return NO_EXPIRY;
  return nowMs + seconds * 1000;
}

function propagateSet(ctx: CommandContext, args: Args, expiresAtMs: Moment): void {
  ctx.rewrite("SET", args.string(1), args.string(2), "PXAT", String(expiresAtMs));
}

function setWithOptions(ctx: CommandContext, args: Args, key: Key, options: SetOptions): void {
  const expiry = options.expiry && expiryTime(ctx, args, options.expiry.at, options.expiry.form);
  const found = options.get ? replyOldValue(ctx, key) : ctx.findForWrite(key) !== 0;
  if ((options.onlyNew && found) || (options.onlyExisting && !found)) {
    if (!options.get) ctx.reply.null();
    return;
  }
  const expiresAtMs = expiry ?? (options.keepTtl ? NO_EXPIRY : defaultExpiry(ctx));
  if (expiresAtMs !== NO_EXPIRY && ctx.isOver(expiresAtMs)) {
    removeExpired(ctx, key, found);
  } else {
    store(ctx, key, args, 2, options.keepTtl, expiresAtMs);
    if (expiresAtMs !== NO_EXPIRY) {
      ctx.notify(Notify.Generic, "expire", key);
      propagateSet(ctx, args, expiresAtMs);
    }
  }
  if (!options.get) ctx.reply.ok();
}

/** A value set with a time in the past is removed at once. */
function removeExpired(ctx: CommandContext, key: Key, found: boolean): void {
  if (!found) return;
  ctx.delete(key);
  ctx.changed(key, Notify.Generic, "del");
  ctx.rewrite("DEL", key.text);
}

function setnx(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  if (ctx.findForWrite(key) !== 0) return ctx.reply.integer(0);
  store(ctx, key, args, 2, false, NO_EXPIRY);
  ctx.reply.integer(1);
}

/** SETEX and PSETEX. */
function setWithTime(ctx: CommandContext, args: Args, inSeconds: boolean): void {
  const expiresAtMs = expiryTime(ctx, args, 2, { inSeconds, isRelative: true });
  const key = args.key(1);
  store(ctx, key, args, 3, false, expiresAtMs);
  ctx.notify(Notify.Generic, "expire", key);
  ctx.rewrite("SET", args.string(1), args.string(3), "PXAT", String(expiresAtMs));
  ctx.reply.ok();
}

function getset(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  replyOldValue(ctx, key);
  store(ctx, key, args, 2, false, NO_EXPIRY);
  ctx.rewrite("SET", args.string(1), args.string(2));
}

function getdel(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  if (!replyOldValue(ctx, key)) return;
  ctx.delete(key);
  ctx.changed(key, Notify.Generic, "del");
  ctx.rewrite("DEL", key.text);
}

function getex(ctx: CommandContext, args: Args): void {
  let persist = false, expiry: ExpiryOption | undefined;
  const options = new ArgReader(args, 2);
  while (options.more) {
    if (expiry === undefined && options.take("PERSIST")) persist = true;
    else if (persist) throw SYNTAX;
    else expiry = takeExpiry(options, expiry);
  }
  const key = args.key(1);
  if (!replyOldValue(ctx, key)) return;
  if (expiry !== undefined) setExpiryOfValue(ctx, key, expiryTime(ctx, args, expiry.at, expiry.form));
  else if (persist) persistValue(ctx, key);
}

function setExpiryOfValue(ctx: CommandContext, key: Key, expiresAtMs: Moment): void {
  if (ctx.isOver(expiresAtMs)) return removeExpired(ctx, key, true);
  ctx.setExpiry(key, ctx.db.find(key), expiresAtMs);
  ctx.changed(key, Notify.Generic, "expire");
  ctx.rewrite("PEXPIREAT", key.text, String(expiresAtMs));
}

function persistValue(ctx: CommandContext, key: Key): void {
  const ref = ctx.db.find(key);
  if (ctx.db.expiryOf(ref) === NO_EXPIRY) return;
  ctx.setExpiry(key, ref, NO_EXPIRY);
  ctx.changed(key, Notify.Generic, "persist");
  ctx.rewrite("PERSIST", key.text);
}

/** MSET and MSETNX: false if a key exists and none may. */
function setMany(ctx: CommandContext, args: Args, onlyNew: boolean): boolean {
  if (args.count % 2 === 0) throw wrongArity(ctx.cmd.fullName);
  if (onlyNew) {
    for (let i = 1; i < args.count; i += 2) if (ctx.findForWrite(args.key(i)) !== 0) return false;
  }
  for (let i = 1; i < args.count; i += 2) {
    ctx.lookAhead(args, i, 2);
    store(ctx, args.key(i), args, i + 1, false, NO_EXPIRY);
  }
  return true;
}

/** The record of a string about to be changed, or 0; throws WRONGTYPE. */
export function findString(ctx: CommandContext, key: Key): number {
  const ref = ctx.findForWrite(key);
  if (ref !== 0 && ctx.db.typeOf(ref) !== ValueType.String) throw WRONGTYPE;
  return ref;
}

/** Throws unless a string may have `length` bytes. */
function checkStringLength(ctx: CommandContext, length: number): void {
  if (length > ctx.engine.config.values.protoMaxBulkLen) throw STRING_TOO_LONG;
}

function append(ctx: CommandContext, args: Args): void {
  const key = args.key(1), ref = findString(ctx, key);
  let length = args.length(2);
  if (ref === 0) {
    ctx.setBytes(key, args.buf, args.start(2), args.end(2));
  } else {
    const before = ctx.db.readString(ref, scratch).length;
    length += before;
    checkStringLength(ctx, length);
    ctx.editString(key, ref, length, scratch);
    scratch.buf.set(args.buf.subarray(args.start(2), args.end(2)), scratch.start + before);
  }
  ctx.changed(key, Notify.String, "append");
  ctx.reply.integer(length);
}

function setrange(ctx: CommandContext, args: Args): void {
  const offset = args.int(2);
  if (offset < 0) throw OFFSET_OUT_OF_RANGE;
  const key = args.key(1), ref = findString(ctx, key), added = args.length(3);
  const before = ref === 0 ? 0 : ctx.db.readString(ref, scratch).length;
  if (added === 0) return ctx.reply.integer(before);
  checkStringLength(ctx, offset + added);
  const length = Math.max(before, offset + added);
  if (ref === 0) ctx.setString(key, "");
  ctx.editString(key, ctx.db.find(key), length, scratch);
  scratch.buf.set(args.buf.subarray(args.start(3), args.end(3)), scratch.start + offset);
  ctx.changed(key, Notify.String, "setrange");
  ctx.reply.integer(length);
}

// ---- Declarations -------------------------------------------------------------------------------

const readKey = [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const updateKey = [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)];
const overwriteKey = [keyAt(1, KeyFlag.Overwrite | KeyFlag.Update)];
const expiryArgs = [
  integerArg("seconds", { token: "EX" }),
  integerArg("milliseconds", { token: "PX" }),
  unixTimeArg("unix-time-seconds", { token: "EXAT" }),
  unixTimeArg("unix-time-milliseconds", { token: "PXAT" }),
];
const pairs = [blockArg("data", [keyArg(), stringArg("value")], { multiple: true })];

const readingCommands = [
  command({
    name: "get",
    group: "string",
    since: "1.0.0",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: [keyArg()],
    summary: "Replies with the string value of a key.",
    complexity: "O(1)",
    handler: get,
  }),
  command({
    name: "mget",
    group: "string",
    since: "1.0.0",
    arity: -2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyRange(1, -1, 1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [keyArg("key", { multiple: true })],
    summary: "Replies with the string values of several keys at once.",
    complexity: "O(N) for N keys",
    tips: ["request_policy:multi_shard"],
    handler: mget,
  }),
  command({
    name: "strlen",
    group: "string",
    since: "2.2.0",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadOnly)],
    args: [keyArg()],
    summary: "Replies with the length of a string value in bytes.",
    complexity: "O(1)",
    handler: strlen,
  }),
  command({
    name: "getrange",
    group: "string",
    since: "2.4.0",
    arity: 4,
    flags: Flag.ReadOnly | Flag.Brief,
    keys: readKey,
    args: [keyArg(), integerArg("start"), integerArg("end")],
    summary: "Replies with a part of a string value.",
    complexity: "O(N) for N bytes replied",
    handler: getrange,
  }),
  command({
    name: "substr",
    group: "string",
    since: "1.0.0",
    arity: 4,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [keyArg(), integerArg("start"), integerArg("end")],
    summary: "Replies with a part of a string value; the older name of GETRANGE.",
    complexity: "O(N) for N bytes replied",
    deprecatedSince: "2.0.0",
    replacedBy: "`GETRANGE`",
    handler: getrange,
  }),
];

const settingCommands = [
  command({
    name: "set",
    group: "string",
    since: "1.0.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Brief,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update | KeyFlag.VariableFlags)],
    keysOf: setKeys,
    args: [
      keyArg(),
      stringArg("value"),
      oneOf("condition", [tokenArg("NX"), tokenArg("XX")], { optional: true, since: "2.6.12" }),
      tokenArg("GET", { optional: true, since: "6.2.0" }),
      oneOf("expiration", [...expiryArgs, tokenArg("KEEPTTL", { since: "6.0.0" })], { optional: true }),
    ],
    summary: "Sets the string value of a key, whatever it held before.",
    complexity: "O(1)",
    history: [
      ["2.6.12", "Options `EX`, `PX`, `NX` and `XX`."],
      ["6.0.0", "Option `KEEPTTL`."],
      ["6.2.0", "Options `GET`, `EXAT` and `PXAT`."],
      ["7.0.0", "`NX` and `GET` together."],
    ],
    handler: set,
  }),
  command({
    name: "setnx",
    group: "string",
    since: "1.0.0",
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.Overwrite | KeyFlag.Insert)],
    args: [keyArg(), stringArg("value")],
    summary: "Sets the string value of a key that does not exist.",
    complexity: "O(1)",
    deprecatedSince: "2.6.12",
    replacedBy: "`SET` with the `NX` argument",
    handler: setnx,
  }),
  command({
    name: "setex",
    group: "string",
    since: "2.0.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.Brief,
    keys: overwriteKey,
    args: [keyArg(), integerArg("seconds"), stringArg("value")],
    summary: "Sets the string value of a key and when it expires, in seconds.",
    complexity: "O(1)",
    deprecatedSince: "2.6.12",
    replacedBy: "`SET` with the `EX` argument",
    handler: (ctx, args) => setWithTime(ctx, args, true),
  }),
  command({
    name: "psetex",
    group: "string",
    since: "2.6.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.Brief,
    keys: overwriteKey,
    args: [keyArg(), integerArg("milliseconds"), stringArg("value")],
    summary: "Sets the string value of a key and when it expires, in milliseconds.",
    complexity: "O(1)",
    deprecatedSince: "2.6.12",
    replacedBy: "`SET` with the `PX` argument",
    handler: (ctx, args) => setWithTime(ctx, args, false),
  }),
  command({
    name: "getset",
    group: "string",
    since: "1.0.0",
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: updateKey,
    args: [keyArg(), stringArg("value")],
    summary: "Sets the string value of a key and replies with the one before.",
    complexity: "O(1)",
    deprecatedSince: "6.2.0",
    replacedBy: "`SET` with the `GET` argument",
    handler: getset,
  }),
  command({
    name: "getdel",
    group: "string",
    since: "6.2.0",
    arity: 2,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    args: [keyArg()],
    summary: "Replies with the string value of a key and deletes the key.",
    complexity: "O(1)",
    handler: getdel,
  }),
  command({
    name: "getex",
    group: "string",
    since: "6.2.0",
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    keys: updateKey,
    args: [keyArg(), oneOf("expiration", [...expiryArgs, tokenArg("PERSIST")], { optional: true })],
    summary: "Replies with the string value of a key and changes when it expires.",
    complexity: "O(1)",
    handler: getex,
  }),
  command({
    name: "mset",
    group: "string",
    since: "1.0.1",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Brief,
    keys: [keyRange(1, -1, 2, KeyFlag.Overwrite | KeyFlag.Update)],
    args: pairs,
    summary: "Sets the string values of several keys at once.",
    complexity: "O(N) for N keys",
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    handler: (ctx, args) => {
      setMany(ctx, args, false);
      ctx.reply.ok();
    },
  }),
  command({
    name: "msetnx",
    group: "string",
    since: "1.0.1",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyRange(1, -1, 2, KeyFlag.Overwrite | KeyFlag.Insert)],
    args: pairs,
    summary: "Sets the string values of several keys if none of them exists.",
    complexity: "O(N) for N keys",
    tips: ["request_policy:multi_shard", "response_policy:agg_min"],
    handler: (ctx, args) => ctx.reply.integer(setMany(ctx, args, true) ? 1 : 0),
  }),
  command({
    name: "append",
    group: "string",
    since: "2.0.0",
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    args: [keyArg(), stringArg("value")],
    summary: "Appends to the string value of a key, creating it if needed.",
    complexity: "O(1) for each byte appended",
    handler: append,
  }),
  command({
    name: "setrange",
    group: "string",
    since: "2.2.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.Brief,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [keyArg(), integerArg("offset"), stringArg("value")],
    summary: "Overwrites a part of a string value, lengthening it with zero bytes if needed.",
    complexity: "O(N) for N bytes written",
    handler: setrange,
  }),
];

/** SET reads the old value only with GET. */
function setKeys(args: Args): KeyPosition[] {
  let reads = false;
  for (let i = 3; i < args.count; i++) reads ||= args.is(i, "GET");
  const flags = reads ? KeyFlag.ReadWrite | KeyFlag.Access : KeyFlag.Overwrite;
  return [{ index: 1, flags: flags | KeyFlag.Update }];
}

/** The commands of this group; `table.ts` joins the groups. */
export const stringCommands: readonly Command[] = [
  ...readingCommands,
  ...settingCommands,
];
