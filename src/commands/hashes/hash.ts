/** Hashes: fields and values. The commands for the expiry of fields are in hash_expiry.ts. */
import { FieldParts, HashValue } from "../../data/hash.ts";
import { packFields } from "../../data/packed_fields.ts";
import { ValueType } from "../../data/value.ts";
import type { Args } from "../../engine/args.ts";
import {
  blockArg,
  type Command,
  command,
  doubleArg,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { expireAllFields, expireField, fieldClock, findField } from "../../engine/field_expiry.ts";
import { LARGEST_PACKED_BYTES } from "../../keyspace/database.ts";
import type { Key } from "../../keyspace/key.ts";
import {
  HASH_NOT_FLOAT,
  HASH_NOT_INTEGER,
  NAN_OR_INFINITY,
  NOT_FINITE,
  NOT_FLOAT,
  SYNTAX,
  wrongArity,
} from "../../protocol/errors.ts";
import { allocateBytes } from "../../util/bytes.ts";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../../util/long_double.ts";
import { parseInteger } from "../../util/numbers.ts";
import { parseCursor, parseScanOptions, replyScan, scanArgs, scanComplexity } from "../collection_scan.ts";
import { hashExpiryCommands } from "./hash_expiry.ts";
import { checkRepeats, checkReplySize, randomCount } from "../random_count.ts";
import { addIntegers } from "../strings/counter.ts";

/** Picks with repeats between two checks of the reply's size. */
const pickBatch = 1000;

/** Scratch space in which new hashes are packed. */
const packed = allocateBytes(LARGEST_PACKED_BYTES);

// ---- Writing ------------------------------------------------------------------------------------

function setFields(ctx: CommandContext, args: Args): number {
  if (args.count % 2 !== 0) throw wrongArity(ctx.cmd.fullName);
  const key = args.key(1), present = ctx.write(key, HashValue);
  const created = present === undefined && createPacked(ctx, key, args)
    ? (args.count - 2) / 2
    : setEach(args, present ?? ctx.writeOrCreate(key, HashValue));
  ctx.changed(key, Notify.Hash, "hset", (args.count - 2) / 2);
  return created;
}

/**
 * Creates a small hash from the arguments without an object for it; false if it has to be built
 * field by field.
 */
function createPacked(ctx: CommandContext, key: Key, args: Args): boolean {
  const length = packFields(ctx.engine.limits, args, 2, args.count, packed);
  if (length < 0) return false;
  ctx.createPacked(key, ValueType.Hash, packed, length);
  return true;
}

function setEach(args: Args, hash: HashValue): number {
  let created = 0;
  for (let i = 2; i < args.count; i += 2) {
    const isNew = hash.setBytes(args.buf, args.start(i), args.end(i), args.start(i + 1), args.end(i + 1));
    if (isNew) created++;
  }
  return created;
}

function hset(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(setFields(ctx, args));
}

function hmset(ctx: CommandContext, args: Args): void {
  setFields(ctx, args);
  ctx.reply.ok();
}

function hsetnx(ctx: CommandContext, args: Args): void {
  const key = args.key(1), field = args.string(2);
  const present = ctx.write(key, HashValue);
  if (present !== undefined && findField(ctx, key, present, field) !== undefined) return ctx.reply.integer(0);
  ctx.writeOrCreate(key, HashValue).set(field, args.string(3));
  ctx.changed(key, Notify.Hash, "hset");
  ctx.reply.integer(1);
}

function hdel(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const hash = ctx.write(key, HashValue);
  let removed = 0;
  if (hash !== undefined) {
    for (let i = 2; i < args.count; i++) {
      if (hash.deleteBytes(args.buf, args.start(i), args.end(i))) removed++;
    }
    if (removed > 0) {
      ctx.changed(key, Notify.Hash, "hdel", removed);
      ctx.deleteIfEmpty(key, hash);
    }
  }
  ctx.reply.integer(removed);
}

function hincrby(ctx: CommandContext, args: Args): void {
  const key = args.key(1), field = args.string(2), increment = args.integer(3);
  const text = fieldForUpdate(ctx, key, field) ?? "0";
  const old = parseInteger(text);
  if (old === undefined) throw HASH_NOT_INTEGER;
  const sum = addIntegers(old, increment);
  ctx.writeOrCreate(key, HashValue).set(field, String(sum), true);
  ctx.changed(key, Notify.Hash, "hincrby");
  ctx.reply.integer(sum);
}

function hincrbyfloat(ctx: CommandContext, args: Args): void {
  const key = args.key(1), field = args.string(2);
  const increment = parseLongDouble(args.string(3));
  if (increment === undefined) throw NOT_FLOAT;
  if (increment.infinite) throw NOT_FINITE;
  const old = parseLongDouble(fieldForUpdate(ctx, key, field) ?? "0");
  if (old === undefined) throw HASH_NOT_FLOAT;
  const sum = addLongDoubles(old, increment);
  if (sum === undefined) throw NAN_OR_INFINITY;
  const text = formatLongDouble(sum);
  const hash = ctx.writeOrCreate(key, HashValue);
  hash.set(field, text, true);
  ctx.changed(key, Notify.Hash, "hincrbyfloat");
  ctx.rewrite("HSET", key.text, field, text);
  const expiresAtMs = hash.expiryOf(field);
  if (expiresAtMs < Infinity) ctx.rewrite("HPEXPIREAT", key.text, String(expiresAtMs), "FIELDS", "1", field);
  ctx.reply.bulk(text);
}

/** The value of a field about to be changed, or undefined; an expired field is removed first. */
function fieldForUpdate(ctx: CommandContext, key: Key, field: string): string | undefined {
  const hash = ctx.write(key, HashValue);
  return hash === undefined ? undefined : findField(ctx, key, hash, field);
}

// ---- Reading ------------------------------------------------------------------------------------

function hget(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const hash = ctx.read(key, HashValue);
  if (hash === undefined) ctx.reply.null();
  else writeField(ctx, key, hash, args, 2);
}

function hmget(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const hash = ctx.read(key, HashValue);
  ctx.reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    if (hash === undefined) ctx.reply.null();
    else writeField(ctx, key, hash, args, i);
  }
}

/** Replies with the value of the field in argument `i`, or with null; removes an expired field. */
function writeField(ctx: CommandContext, key: Key, hash: HashValue, args: Args, i: number): void {
  if (hash.writeValue(args.buf, args.start(i), args.end(i), fieldClock(ctx), ctx.reply)) return;
  if (hash.hasExpiringParts) expireField(ctx, key, hash, args.string(i));
  ctx.reply.null();
}

function hstrlen(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const hash = ctx.read(key, HashValue);
  ctx.reply.integer(hash === undefined ? 0 : findField(ctx, key, hash, args.string(2))?.length ?? 0);
}

function hexists(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const hash = ctx.read(key, HashValue);
  const found = hash !== undefined && findField(ctx, key, hash, args.string(2)) !== undefined;
  ctx.reply.integer(found ? 1 : 0);
}

function hlen(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(ctx.read(args.key(1), HashValue)?.size ?? 0);
}

function hgetall(ctx: CommandContext, args: Args): void {
  const hash = ctx.read(args.key(1), HashValue), nowMs = fieldClock(ctx), { reply } = ctx;
  reply.map(hash?.visibleSize(nowMs) ?? 0);
  hash?.writeAll(FieldParts.Both, nowMs, reply);
}

function hkeys(ctx: CommandContext, args: Args): void {
  const hash = ctx.read(args.key(1), HashValue), nowMs = fieldClock(ctx);
  ctx.reply.array(hash?.visibleSize(nowMs) ?? 0);
  hash?.writeAll(FieldParts.Names, nowMs, ctx.reply);
}

function hvals(ctx: CommandContext, args: Args): void {
  const hash = ctx.read(args.key(1), HashValue), nowMs = fieldClock(ctx);
  ctx.reply.array(hash?.visibleSize(nowMs) ?? 0);
  hash?.writeAll(FieldParts.Values, nowMs, ctx.reply);
}

function hscan(ctx: CommandContext, args: Args): void {
  const cursor = parseCursor(args.string(2));
  const hash = ctx.read(args.key(1), HashValue);
  if (hash === undefined) return replyScan(ctx, 0, []);
  const { count, matches, noValues } = parseScanOptions(args, true);
  const nowMs = fieldClock(ctx), found: string[] = [];
  const next = hash.scan(cursor, count, (field, value) => {
    if (!matches(field) || hash.expiryOf(field) <= nowMs) return;
    found.push(field);
    if (!noValues) found.push(value);
  });
  replyScan(ctx, next, found);
}

// ---- Random fields ------------------------------------------------------------------------------

function hrandfield(ctx: CommandContext, args: Args): void {
  if (args.count > 4 || (args.count === 4 && !args.is(3, "WITHVALUES"))) {
    randomCount(args, 2);
    throw SYNTAX;
  }
  const count = args.count === 2 ? 1 : randomCount(args, 2, args.count === 4);
  const key = args.key(1);
  const hash = ctx.read(key, HashValue);
  if (hash !== undefined) expireAllFields(ctx, key, hash);
  if (args.count > 2) return pickMany(ctx, hash, count, args.count === 4);
  if (hash === undefined || hash.size === 0) return ctx.reply.null();
  hash.randomEntry(ctx.engine.random, (field) => ctx.reply.bulk(field));
}

function pickMany(
  ctx: CommandContext,
  hash: HashValue | undefined,
  count: number,
  withValues: boolean,
): void {
  const { reply } = ctx, { random } = ctx.engine;
  const nested = withValues && reply.resp === 3;
  const announce = (picks: number) => reply.array(withValues && !nested ? 2 * picks : picks);
  const show = (field: string, value: string) => {
    if (nested) reply.array(2);
    reply.bulk(field);
    if (withValues) reply.bulk(value);
  };
  if (hash === undefined || hash.size === 0 || count === 0) return reply.array(0);
  if (count > 0) {
    announce(Math.min(count, hash.size));
    return hash.randomEntries(count, random, show);
  }
  checkRepeats(ctx, -count);
  announce(-count);
  for (let left = -count; left > 0; left--) {
    hash.randomEntry(random, show);
    if (left % pickBatch === 0) checkReplySize(ctx);
  }
}

// ---- Declarations -------------------------------------------------------------------------------

const group = "hash";
const readKey = [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const lookKey = [keyAt(1, KeyFlag.ReadOnly)];
const updateKey = [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)];
const countKey = [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)];
const fieldArgs = [keyArg(), stringArg("field")];
const fieldsArgs = [keyArg(), stringArg("field", { multiple: true })];
const pairArgs = [keyArg(), blockArg("data", [stringArg("field"), stringArg("value")], { multiple: true })];
const unordered = ["nondeterministic_output_order"];
const random = ["nondeterministic_output"];
const write = Flag.Write | Flag.DenyOom | Flag.Fast;
const fastRead = Flag.ReadOnly | Flag.Fast;
const perField = "O(N), N being the number of fields given.";
const perSize = "O(N), N being the size of the hash.";

/** The commands of this group; `table.ts` joins the groups. */
export const hashCommands: readonly Command[] = [
  command({
    name: "hset",
    group,
    since: "2.0.0",
    arity: -4,
    flags: write,
    keys: updateKey,
    args: pairArgs,
    summary: "Sets fields of a hash, making the hash if there is none.",
    complexity: "O(1) for each field.",
    history: [["4.0.0", "Takes several fields and values."]],
    handler: hset,
  }),
  command({
    name: "hmset",
    group,
    since: "2.0.0",
    arity: -4,
    flags: write,
    keys: updateKey,
    args: pairArgs,
    summary: "Sets several fields of a hash.",
    complexity: perField,
    deprecatedSince: "4.0.0",
    replacedBy: "`HSET` with several fields and values",
    handler: hmset,
  }),
  command({
    name: "hsetnx",
    group,
    since: "2.0.0",
    arity: 4,
    flags: write,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    args: [keyArg(), stringArg("field"), stringArg("value")],
    summary: "Sets a field of a hash only if it is not there.",
    complexity: "O(1)",
    handler: hsetnx,
  }),
  command({
    name: "hdel",
    group,
    since: "2.0.0",
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: fieldsArgs,
    summary: "Removes fields of a hash, and the hash with its last field.",
    complexity: perField,
    history: [["2.4.0", "Takes several fields."]],
    handler: hdel,
  }),
  command({
    name: "hincrby",
    group,
    since: "2.0.0",
    arity: 4,
    flags: write,
    keys: countKey,
    args: [keyArg(), stringArg("field"), integerArg("increment")],
    summary: "Adds to the integer in a field of a hash; a missing field counts as 0.",
    complexity: "O(1)",
    handler: hincrby,
  }),
  command({
    name: "hincrbyfloat",
    group,
    since: "2.6.0",
    arity: 4,
    flags: write,
    keys: countKey,
    args: [keyArg(), stringArg("field"), doubleArg("increment")],
    summary: "Adds to the number in a field of a hash; a missing field counts as 0.",
    complexity: "O(1)",
    handler: hincrbyfloat,
  }),
  command({
    name: "hget",
    group,
    since: "2.0.0",
    arity: 3,
    flags: fastRead,
    keys: readKey,
    args: fieldArgs,
    summary: "Gives the value of a field of a hash.",
    complexity: "O(1)",
    handler: hget,
  }),
  command({
    name: "hmget",
    group,
    since: "2.0.0",
    arity: -3,
    flags: fastRead,
    keys: readKey,
    args: fieldsArgs,
    summary: "Gives the values of several fields of a hash.",
    complexity: perField,
    handler: hmget,
  }),
  command({
    name: "hgetall",
    group,
    since: "2.0.0",
    arity: 2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [keyArg()],
    summary: "Gives all fields and values of a hash.",
    complexity: perSize,
    tips: unordered,
    handler: hgetall,
  }),
  command({
    name: "hkeys",
    group,
    since: "2.0.0",
    arity: 2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [keyArg()],
    summary: "Gives all fields of a hash.",
    complexity: perSize,
    tips: unordered,
    handler: hkeys,
  }),
  command({
    name: "hvals",
    group,
    since: "2.0.0",
    arity: 2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [keyArg()],
    summary: "Gives all values of a hash.",
    complexity: perSize,
    tips: unordered,
    handler: hvals,
  }),
  command({
    name: "hlen",
    group,
    since: "2.0.0",
    arity: 2,
    flags: fastRead,
    keys: lookKey,
    args: [keyArg()],
    summary: "Counts the fields of a hash.",
    complexity: "O(1)",
    handler: hlen,
  }),
  command({
    name: "hstrlen",
    group,
    since: "3.2.0",
    arity: 3,
    flags: fastRead,
    keys: lookKey,
    args: fieldArgs,
    summary: "Gives the length of the value of a field.",
    complexity: "O(1)",
    handler: hstrlen,
  }),
  command({
    name: "hexists",
    group,
    since: "2.0.0",
    arity: 3,
    flags: fastRead,
    keys: lookKey,
    args: fieldArgs,
    summary: "Tells whether a field is in a hash.",
    complexity: "O(1)",
    handler: hexists,
  }),
  command({
    name: "hscan",
    group,
    since: "2.8.0",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [...scanArgs, tokenArg("NOVALUES", { optional: true, since: "7.4.0" })],
    summary: "Goes through the fields and values of a hash in steps.",
    complexity: scanComplexity,
    tips: random,
    handler: hscan,
  }),
  command({
    name: "hrandfield",
    group,
    since: "6.2.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [
      keyArg(),
      blockArg("options", [integerArg("count"), tokenArg("WITHVALUES", { optional: true })], {
        optional: true,
      }),
    ],
    summary: "Gives random fields of a hash.",
    complexity: "O(N), N being the number of fields given back.",
    tips: random,
    handler: hrandfield,
  }),
  ...hashExpiryCommands,
];
