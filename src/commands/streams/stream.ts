/** Streams: XADD, XDEL, XTRIM, XLEN, XRANGE, XREVRANGE, XSETID. */
import { isEntryTooLarge, StreamValue, type TrimGoal } from "../../data/stream.ts";
import {
  compareIds,
  formatId,
  type IdPart,
  isZeroId,
  maxStreamId,
  minStreamId,
  parseId,
  parseIdPart,
  type StreamId,
} from "../../data/stream_id.ts";
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
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import {
  ENTRIES_ADDED_BELOW_LENGTH,
  ENTRIES_ADDED_NEGATIVE,
  ENTRY_TOO_LARGE,
  EXHAUSTED,
  ID_TOO_SMALL,
  INVALID_ID,
  LIMIT_WITHOUT_APPROXIMATION,
  LIMIT_WITHOUT_STRATEGY,
  NEGATIVE_LIMIT,
  NEGATIVE_MAXLEN,
  NO_STRATEGY,
  NO_SUCH_KEY,
  NOT_INTEGER,
  SETID_BELOW_DELETED,
  SETID_BELOW_OWN_DELETED,
  SETID_BELOW_TOP,
  SYNTAX,
  TWO_STRATEGIES,
  wrongArity,
  ZERO_ID,
} from "../../protocol/errors.ts";
import { bookkeepingChanged, endArgument, idArgument, replyEntries, startArgument } from "./stream_common.ts";

/** The trimming options of XADD and XTRIM. */
interface Trimming {
  goal: TrimGoal;
  approximate: boolean;
  /** Maximum number of entries to remove; 0: no limit. */
  limit: number;
  /** The argument with the threshold. */
  thresholdAt: number;
}

/** Collects the trimming options one by one, and combines them at the end. */
class TrimOptions {
  #found: Omit<Trimming, "limit"> | undefined;
  #limit: number | undefined;

  constructor(readonly options: ArgReader) {}

  /** Takes the next option if it concerns trimming. */
  take(): boolean {
    const { options } = this;
    if (options.take("MAXLEN", 1)) {
      this.#take(() => ({ maxLength: nonNegative(options, NEGATIVE_MAXLEN) }));
    } else if (options.take("MINID", 1)) {
      this.#take(() => ({ minId: idArgument(options.args, options.at++) }));
    } else if (options.take("LIMIT", 1)) this.#limit = nonNegative(options, NEGATIVE_LIMIT);
    else return false;
    return true;
  }

  /** The requested trimming, if any. Throws if the options do not go together. */
  finish(ctx: CommandContext): Trimming | undefined {
    const found = this.#found, limit = this.#limit;
    if (found === undefined) {
      if (limit !== undefined && limit > 0) throw LIMIT_WITHOUT_STRATEGY;
      return undefined;
    }
    // Commands from a file or a primary were made exact there.
    if (ctx.client.has(ClientFlag.Silent | ClientFlag.Primary)) return { ...found, limit: 0 };
    if (limit !== undefined && !found.approximate) throw LIMIT_WITHOUT_APPROXIMATION;
    return { ...found, limit: limit ?? (found.approximate ? defaultLimit(ctx) : 0) };
  }

  #take(goal: () => TrimGoal): void {
    if (this.#found !== undefined) throw TWO_STRATEGIES;
    const { options } = this;
    const approximate = options.left >= 2 && options.args.is(options.at, "~");
    if (approximate || (options.left >= 2 && options.args.is(options.at, "="))) options.at++;
    this.#found = { thresholdAt: options.at, approximate, goal: goal() };
  }
}

function nonNegative(options: ArgReader, error: typeof NOT_INTEGER): number {
  const value = options.int();
  if (value < 0) throw error;
  return value;
}

/** Without LIMIT, `~` removes no more than a hundred nodes at a time. */
function defaultLimit(ctx: CommandContext): number {
  const limit = 100 * ctx.engine.limits.streamNodeMaxEntries;
  return limit <= 0 ? 10_000 : Math.min(limit, 1_000_000);
}

/** Trims `stream`, sends the event, and returns the number of entries removed. */
function trim(ctx: CommandContext, args: Args, stream: StreamValue, trimming: Trimming): number {
  const removed = stream.trim(trimming.goal, trimming.approximate, trimming.limit);
  if (removed > 0) ctx.notify(Notify.Stream, "xtrim", args.key(1));
  return removed;
}

/**
 * Makes an approximate trimming exact in `words`, so that it removes the same entries elsewhere.
 */
function makeExact(words: string[], stream: StreamValue, trimming: Trimming): void {
  words[trimming.thresholdAt - 1] = "=";
  words[trimming.thresholdAt] = "maxLength" in trimming.goal
    ? String(stream.size)
    : formatId(stream.firstStoredId());
}

/** XADD's arguments. */
interface Addition {
  trimming: Trimming | undefined;
  mayCreate: boolean;
  idAt: number;
  /** Undefined for `*`. */
  ms: IdPart | undefined;
  /** Undefined for `*` and `<ms>-*`. */
  seq: IdPart | undefined;
}

function parseAddition(ctx: CommandContext, args: Args): Addition {
  const options = new ArgReader(args, 2), trimOptions = new TrimOptions(options);
  let mayCreate = true;
  while (options.more && !args.is(options.at, "*")) {
    if (options.take("NOMKSTREAM")) mayCreate = false;
    else if (!trimOptions.take()) break;
  }
  const idAt = options.at;
  const { ms, seq } = idAt < args.count ? newId(args.string(idAt)) : AUTOMATIC;
  const trimming = trimOptions.finish(ctx);
  const words = args.count - idAt - 1;
  if (words < 2 || words % 2 === 1) throw wrongArity(ctx.cmd.fullName);
  if (ms === 0 && seq === 0) throw ZERO_ID;
  return { trimming, mayCreate, idAt, ms, seq };
}

const AUTOMATIC = { ms: undefined, seq: undefined };

/** Parses `*`, `<ms>-*`, `<ms>-<seq>` or `<ms>`. */
function newId(text: string): { ms: IdPart | undefined; seq: IdPart | undefined } {
  if (text === "*") return AUTOMATIC;
  if (!text.endsWith("-*")) {
    const id = parseId(text, 0);
    if (id === undefined) throw INVALID_ID;
    return id;
  }
  const ms = parseIdPart(text.slice(0, -2));
  if (ms === undefined) throw INVALID_ID;
  return { ms, seq: undefined };
}

/** The id of a new entry of `stream`. */
function resolveId(stream: StreamValue, { ms, seq }: Addition, nowMs: number): StreamId {
  if (compareIds(stream.lastId, maxStreamId) === 0) throw EXHAUSTED;
  const id = ms === undefined
    ? stream.nextIdAt(nowMs)
    : seq === undefined
    ? stream.nextIdIn(ms)
    : { ms, seq };
  if (id === undefined || compareIds(id, stream.lastId) <= 0) throw ID_TOO_SMALL;
  return id;
}

function xadd(ctx: CommandContext, args: Args): void {
  const addition = parseAddition(ctx, args);
  const { trimming, idAt } = addition;
  const key = args.key(1), pairs = args.strings(idAt + 1);
  const found = ctx.write(key, StreamValue);
  if (found === undefined && !addition.mayCreate) return ctx.reply.null();
  const stream = found ?? new StreamValue(ctx.engine.limits);
  const id = resolveId(stream, addition, ctx.nowMs);
  if (isEntryTooLarge(pairs)) throw ENTRY_TOO_LARGE;
  stream.append(id, pairs);
  if (found === undefined) ctx.setCollection(key, stream);
  ctx.changed(key, Notify.Stream, "xadd");
  if (trimming !== undefined) trim(ctx, args, stream, trimming);
  const text = formatId(id), isExact = trimming === undefined || !trimming.approximate;
  if (ctx.engine.propagation.active && (addition.seq === undefined || !isExact)) {
    const words = args.strings();
    words[idAt] = text;
    if (trimming !== undefined && !isExact) makeExact(words, stream, trimming);
    ctx.rewriteAs(words);
  }
  ctx.reply.bulk(text);
}

function xtrim(ctx: CommandContext, args: Args): void {
  const trimOptions = new TrimOptions(new ArgReader(args, 2));
  while (trimOptions.options.more) if (!trimOptions.take()) throw SYNTAX;
  const trimming = trimOptions.finish(ctx);
  if (trimming === undefined) throw NO_STRATEGY;
  const key = args.key(1), stream = ctx.write(key, StreamValue);
  const removed = stream === undefined ? 0 : trim(ctx, args, stream, trimming);
  if (stream !== undefined && removed > 0) {
    ctx.changed(key, 0, "", removed);
    if (trimming.approximate) {
      const words = args.strings();
      makeExact(words, stream, trimming);
      ctx.rewriteAs(words);
    }
  }
  ctx.reply.integer(removed);
}

function xdel(ctx: CommandContext, args: Args): void {
  const key = args.key(1), stream = ctx.write(key, StreamValue);
  if (stream === undefined) return ctx.reply.integer(0);
  const ids: StreamId[] = [];
  for (let i = 2; i < args.count; i++) ids.push(idArgument(args, i));
  let deleted = 0;
  for (const id of ids) if (stream.delete(id)) deleted++;
  if (deleted > 0) ctx.changed(key, Notify.Stream, "xdel", deleted);
  ctx.reply.integer(deleted);
}

function xlen(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(ctx.read(args.key(1), StreamValue)?.size ?? 0);
}

function range(ctx: CommandContext, args: Args, reverse: boolean): void {
  const start = startArgument(args, reverse ? 3 : 2), end = endArgument(args, reverse ? 2 : 3);
  const options = new ArgReader(args, 4);
  let count = -1;
  while (options.more) {
    if (!options.take("COUNT", 1)) throw SYNTAX;
    count = Math.max(0, options.int());
  }
  const stream = ctx.read(args.key(1), StreamValue);
  if (stream === undefined) return ctx.reply.array(0);
  if (count === 0) return ctx.reply.nullArray();
  replyEntries(
    ctx.reply,
    reverse ? stream.reverseRange(start, end) : stream.range(start, end),
    Math.max(0, count),
  );
}

function xsetid(ctx: CommandContext, args: Args): void {
  const lastId = idArgument(args, 2);
  let entriesAdded: number | undefined, maxDeletedId = minStreamId;
  const options = new ArgReader(args, 3);
  while (options.more) {
    if (options.take("ENTRIESADDED", 1)) {
      entriesAdded = nonNegative(options, ENTRIES_ADDED_NEGATIVE);
    } else if (options.take("MAXDELETEDID", 1)) {
      maxDeletedId = idArgument(args, options.at++);
      if (compareIds(lastId, maxDeletedId) < 0) throw SETID_BELOW_DELETED;
    } else throw SYNTAX;
  }
  const key = args.key(1), stream = ctx.write(key, StreamValue);
  if (stream === undefined) throw NO_SUCH_KEY;
  if (compareIds(lastId, stream.maxDeletedId) < 0) throw SETID_BELOW_OWN_DELETED;
  if (stream.size > 0) {
    if (compareIds(lastId, stream.lastEntryId()) < 0) throw SETID_BELOW_TOP;
    if (entriesAdded !== undefined && entriesAdded < stream.size) throw ENTRIES_ADDED_BELOW_LENGTH;
  }
  stream.lastId = lastId;
  if (entriesAdded !== undefined) stream.entriesAdded = entriesAdded;
  if (!isZeroId(maxDeletedId)) stream.maxDeletedId = maxDeletedId;
  bookkeepingChanged(ctx, key, 1, "xsetid");
  ctx.reply.ok();
}

const trimArgs = [
  oneOf("strategy", [tokenArg("MAXLEN"), tokenArg("MINID", { since: "6.2.0" })]),
  oneOf("operator", [
    { name: "equal", type: "pure-token", token: "=" },
    { name: "approximately", type: "pure-token", token: "~" },
  ], { optional: true }),
  stringArg("threshold"),
  integerArg("count", { token: "LIMIT", optional: true, since: "6.2.0" }),
];

const rangeArgs = [integerArg("count", { token: "COUNT", optional: true })];

/** The commands of this group; `table.ts` joins the groups. */
export const streamCommands: readonly Command[] = [
  command({
    name: "xadd",
    group: "stream",
    since: "5.0.0",
    arity: -5,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [
      keyArg(),
      tokenArg("NOMKSTREAM", { optional: true, since: "6.2.0" }),
      blockArg("trim", trimArgs, { optional: true }),
      oneOf("id-selector", [{ name: "auto-id", type: "pure-token", token: "*" }, stringArg("id")]),
      blockArg("data", [stringArg("field"), stringArg("value")], { multiple: true }),
    ],
    summary: "Adds an entry to a stream, which is created if needed, and may trim it.",
    complexity: "O(1), and O(N) for N entries trimmed",
    history: [
      ["6.2.0", "The options `NOMKSTREAM`, `MINID` and `LIMIT`."],
      ["7.0.0", "Ids of the form `<ms>-*`."],
    ],
    tips: ["nondeterministic_output"],
    handler: xadd,
  }),
  command({
    name: "xtrim",
    group: "stream",
    since: "5.0.0",
    arity: -4,
    flags: Flag.Write,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: [keyArg(), blockArg("trim", trimArgs)],
    summary: "Removes a stream's oldest entries.",
    complexity: "O(N) for N entries removed, with a small constant: nodes go as a whole",
    history: [["6.2.0", "The options `MINID` and `LIMIT`."]],
    tips: ["nondeterministic_output"],
    handler: xtrim,
  }),
  command({
    name: "xdel",
    group: "stream",
    since: "5.0.0",
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: [keyArg(), stringArg("id", { multiple: true })],
    summary: "Deletes entries by their ids and replies with how many there were.",
    complexity: "O(1) for each id, however long the stream",
    handler: xdel,
  }),
  command({
    name: "xlen",
    group: "stream",
    since: "5.0.0",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadOnly)],
    args: [keyArg()],
    summary: "Replies with the number of entries in a stream.",
    complexity: "O(1)",
    handler: xlen,
  }),
  command({
    name: "xrange",
    group: "stream",
    since: "5.0.0",
    arity: -4,
    flags: Flag.ReadOnly,
    keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [keyArg(), stringArg("start"), stringArg("end"), ...rangeArgs],
    summary: "Replies with the entries between two ids, oldest first.",
    complexity: "O(log M + N) for N entries of M",
    history: [["6.2.0", "Exclusive ranges."]],
    handler: (ctx, args) => range(ctx, args, false),
  }),
  command({
    name: "xrevrange",
    group: "stream",
    since: "5.0.0",
    arity: -4,
    flags: Flag.ReadOnly,
    keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [keyArg(), stringArg("end"), stringArg("start"), ...rangeArgs],
    summary: "Replies with the entries between two ids, newest first.",
    complexity: "O(log M + N) for N entries of M",
    history: [["6.2.0", "Exclusive ranges."]],
    handler: (ctx, args) => range(ctx, args, true),
  }),
  command({
    name: "xsetid",
    group: "stream",
    since: "5.0.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [
      keyArg(),
      stringArg("last-id"),
      integerArg("entries-added", { token: "ENTRIESADDED", optional: true, since: "7.0.0" }),
      stringArg("max-deleted-id", { token: "MAXDELETEDID", optional: true, since: "7.0.0" }),
    ],
    summary: "Sets a stream's last id and counters; for replication and restoring.",
    complexity: "O(1)",
    history: [["7.0.0", "The options `ENTRIESADDED` and `MAXDELETEDID`."]],
    handler: xsetid,
  }),
];
