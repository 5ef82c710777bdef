/** Sets: SADD and related commands, random members, and the algebra of several sets. */
import { type MemberBytesVisitor, SetValue } from "../../data/set.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  keyRange,
  keysCountedAt,
  stringArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import {
  KEYS_TOO_MANY,
  LIMIT_NEGATIVE,
  MUST_BE_POSITIVE,
  NUMKEYS_NOT_POSITIVE,
  SYNTAX,
} from "../../protocol/errors.ts";
import { parseCursor, parseScanOptions, replyScan, scanArgs, scanComplexity } from "../collection_scan.ts";
import { checkRepeats, checkReplySize, randomCount } from "../random_count.ts";

/** Members of one set looked up in others between two checks of the limit. */
const MEMBERS_AT_ONCE = 1000;

/** Maximum number of members in an SREM that propagates an SPOP. */
const propagatedBatch = 1024;

function sadd(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const set = ctx.writeOrCreate(key, SetValue);
  let added = 0;
  for (let i = 2; i < args.count; i++) if (set.addBytes(args.buf, args.start(i), args.end(i))) added++;
  if (added > 0) ctx.changed(key, Notify.Set, "sadd", added);
  ctx.reply.integer(added);
}

function srem(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const set = ctx.write(key, SetValue);
  let removed = 0;
  if (set !== undefined) {
    for (let i = 2; i < args.count; i++) if (set.deleteBytes(args.buf, args.start(i), args.end(i))) removed++;
    if (removed > 0) {
      ctx.changed(key, Notify.Set, "srem", removed);
      ctx.deleteIfEmpty(key, set);
    }
  }
  ctx.reply.integer(removed);
}

function smove(ctx: CommandContext, args: Args): void {
  const from = args.key(1), to = args.key(2), member = args.string(3);
  const source = ctx.write(from, SetValue);
  if (source === undefined) return ctx.reply.integer(0);
  const target = ctx.write(to, SetValue);
  if (source === target || !source.has(member)) return ctx.reply.integer(source.has(member) ? 1 : 0);
  source.delete(member);
  ctx.changed(from, Notify.Set, "srem");
  ctx.deleteIfEmpty(from, source);
  if (ctx.writeOrCreate(to, SetValue).add(member)) ctx.changed(to, Notify.Set, "sadd");
  ctx.reply.integer(1);
}

function sismember(ctx: CommandContext, args: Args): void {
  const set = ctx.read(args.key(1), SetValue);
  ctx.reply.integer(set !== undefined && set.hasBytes(args.buf, args.start(2), args.end(2)) ? 1 : 0);
}

function smismember(ctx: CommandContext, args: Args): void {
  const set = ctx.read(args.key(1), SetValue);
  ctx.reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    ctx.reply.integer(set !== undefined && set.hasBytes(args.buf, args.start(i), args.end(i)) ? 1 : 0);
  }
}

function scard(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(ctx.read(args.key(1), SetValue)?.size ?? 0);
}

function smembers(ctx: CommandContext, args: Args): void {
  const set = ctx.read(args.key(1), SetValue);
  ctx.reply.set(set?.size ?? 0);
  set?.forEachBytes((buf, start, end) => ctx.reply.bulkBytes(buf, start, end));
}

function sscan(ctx: CommandContext, args: Args): void {
  const cursor = parseCursor(args.string(2));
  const set = ctx.read(args.key(1), SetValue);
  if (set === undefined) return replyScan(ctx, 0, []);
  const { count, matches } = parseScanOptions(args, false);
  const found: string[] = [];
  const next = set.scan(cursor, count, (member) => {
    if (matches(member)) found.push(member);
  });
  replyScan(ctx, next, found);
}

// ---- Random members -----------------------------------------------------------------------------

function spop(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw SYNTAX;
  if (args.count === 3) return spopCount(ctx, args);
  const key = args.key(1);
  const set = ctx.write(key, SetValue);
  if (set === undefined) return ctx.reply.null();
  const member = set.popRandom(ctx.engine.random);
  ctx.changed(key, Notify.Set, "spop");
  ctx.rewrite("SREM", key.text, member);
  ctx.deleteIfEmpty(key, set);
  ctx.reply.bulk(member);
}

/**
 * SPOP leaves a newly built set if it has taken this many times the number of remaining members,
 * which OBJECT ENCODING shows.
 */
const RENEWED_BELOW = 5;

function spopCount(ctx: CommandContext, args: Args): void {
  const count = args.int(2, MUST_BE_POSITIVE, 0);
  const key = args.key(1);
  const set = ctx.write(key, SetValue);
  if (set === undefined || count === 0) return ctx.reply.set(0);
  const popped = set.randomMembers(count, ctx.engine.random);
  const all = popped.length === set.size;
  for (const member of popped) set.delete(member);
  if (set.size * RENEWED_BELOW <= popped.length) set.renew();
  ctx.changed(key, Notify.Set, "spop", popped.length);
  if (all) {
    ctx.rewrite(ctx.engine.config.values.lazyfreeLazyServerDel ? "UNLINK" : "DEL", key.text);
    ctx.deleteIfEmpty(key, set);
  } else {
    for (let i = 0; i < popped.length; i += propagatedBatch) {
      ctx.rewrite("SREM", key.text, ...popped.slice(i, i + propagatedBatch));
    }
  }
  ctx.reply.set(popped.length);
  for (const member of popped) ctx.reply.bulk(member);
}

function srandmember(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw SYNTAX;
  const { random } = ctx.engine;
  if (args.count === 2) {
    const set = ctx.read(args.key(1), SetValue);
    return ctx.reply.bulkOrNull(set?.randomMember(random));
  }
  const count = randomCount(args, 2);
  const set = ctx.read(args.key(1), SetValue);
  if (set === undefined || count === 0) return ctx.reply.array(0);
  if (count > 0) return ctx.reply.bulkArray(set.randomMembers(count, random));
  checkRepeats(ctx, -count);
  ctx.reply.array(-count);
  for (let i = count; i < 0; i++) {
    ctx.reply.bulk(set.randomMember(random));
    checkReplySize(ctx);
  }
}

// ---- Several sets -------------------------------------------------------------------------------

/** The sets at arguments `from` … `to - 1`; undefined for a missing key. */
function readSets(ctx: CommandContext, args: Args, from: number, to = args.count): (SetValue | undefined)[] {
  const sets: (SetValue | undefined)[] = [];
  for (let i = from; i < to; i++) sets.push(ctx.read(args.key(i), SetValue));
  return sets;
}

/** Calls `visit` for the members common to all sets, at most `limit` of them. */
function intersect(
  sets: readonly (SetValue | undefined)[],
  limit: number,
  visit: MemberBytesVisitor,
): void {
  const present = sets.filter((set) => set !== undefined);
  if (present.length < sets.length) return;
  const [smallest, ...others] = present.sort((a, b) => a.size - b.size);
  let found = 0, cursor = 0;
  do {
    cursor = smallest!.scanBytes(cursor, MEMBERS_AT_ONCE, (buf, start, end) => {
      if (found < limit && others.every((set) => set.hasBytes(buf, start, end))) {
        found++, visit(buf, start, end);
      }
    });
  } while (cursor !== 0 && found < limit);
}

function intersection(ctx: CommandContext, sets: readonly (SetValue | undefined)[]): SetValue {
  const result = new SetValue(ctx.engine.limits);
  intersect(sets, Infinity, (buf, start, end) => result.addBytes(buf, start, end));
  return result;
}

function union(ctx: CommandContext, sets: readonly (SetValue | undefined)[]): SetValue {
  const result = new SetValue(ctx.engine.limits);
  for (const set of sets) if (set !== undefined) result.addAll(set);
  return result;
}

/**
 * The members of the first set that are in no other. Either every member of the first is looked up
 * in the others, or the others are removed from a copy of it: whichever takes fewer steps, by
 * Redis's estimate.
 */
function difference(ctx: CommandContext, sets: readonly (SetValue | undefined)[]): SetValue {
  const result = new SetValue(ctx.engine.limits);
  const [first, ...rest] = sets;
  if (first === undefined) return result;
  const others = rest.filter((set) => set !== undefined).sort((a, b) => b.size - a.size);
  if (others.includes(first)) return result;
  const lookUps = first.size * (others.length + 1) / 2;
  const removals = others.reduce((sum, set) => sum + set.size, first.size);
  if (lookUps <= removals) {
    first.forEachBytes((buf, start, end) => {
      if (!others.some((set) => set.hasBytes(buf, start, end))) result.addBytes(buf, start, end);
    });
    return result;
  }
  result.addAll(first);
  for (const set of others) set.forEachBytes((buf, start, end) => result.deleteBytes(buf, start, end));
  return result;
}

type SetOperation = (ctx: CommandContext, sets: readonly (SetValue | undefined)[]) => SetValue;

/** A handler that replies with the result of `operation` on all keys. */
function replyWith(operation: SetOperation) {
  return (ctx: CommandContext, args: Args): void => {
    const result = operation(ctx, readSets(ctx, args, 1));
    ctx.reply.set(result.size);
    result.forEachBytes((buf, start, end) => ctx.reply.bulkBytes(buf, start, end));
    result.free();
  };
}

/**
 * A handler that stores the result of `operation` on all keys but the first under the first key.
 */
function storeOf(operation: SetOperation, event: string) {
  return (ctx: CommandContext, args: Args): void => {
    const target = args.key(1);
    store(ctx, target, operation(ctx, readSets(ctx, args, 2)), event);
  };
}

function store(ctx: CommandContext, target: Key, result: SetValue, event: string): void {
  if (result.size > 0) {
    ctx.setCollection(target, result);
    ctx.changed(target, Notify.Set, event);
  } else if (ctx.delete(target)) {
    ctx.changed(target, Notify.Generic, "del");
  }
  ctx.reply.integer(result.size);
}

function sinter(ctx: CommandContext, args: Args): void {
  const from = ctx.reply.length;
  let found = 0;
  intersect(readSets(ctx, args, 1), Infinity, (buf, start, end) => {
    ctx.reply.bulkBytes(buf, start, end);
    found++;
  });
  ctx.reply.setBefore(from, found);
}

function sintercard(ctx: CommandContext, args: Args): void {
  const keys = args.int(1, NUMKEYS_NOT_POSITIVE, 1);
  if (keys > args.count - 2) throw KEYS_TOO_MANY;
  const options = new ArgReader(args, 2 + keys);
  let limit = 0;
  while (options.more) {
    if (!options.take("LIMIT", 1)) throw SYNTAX;
    limit = options.int(LIMIT_NEGATIVE, 0);
  }
  let found = 0;
  intersect(readSets(ctx, args, 2, 2 + keys), limit === 0 ? Infinity : limit, () => found++);
  ctx.reply.integer(found);
}

// ---- Declarations -------------------------------------------------------------------------------

const group = "set";
const memberArgs = [keyArg(), stringArg("member", { multiple: true })];
const sourceArgs = [keyArg("key", { multiple: true })];
const storeArgs = [keyArg("destination"), keyArg("key", { keySpecIndex: 1, multiple: true })];
const sourceKeys = [keyRange(1, -1, 1, KeyFlag.ReadOnly | KeyFlag.Access)];
const storeKeys = [
  keyAt(1, KeyFlag.Overwrite | KeyFlag.Update),
  keyRange(2, -1, 1, KeyFlag.ReadOnly | KeyFlag.Access),
];
const readKey = [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const lookKey = [keyAt(1, KeyFlag.ReadOnly)];
const unordered = ["nondeterministic_output_order"];
const random = ["nondeterministic_output"];
const intersectionComplexity =
  "O(N*M) at worst, N being the size of the smallest set and M the number of sets.";
const totalComplexity = "O(N), N being the members of all given sets together.";

/** The commands of this group; `table.ts` joins the groups. */
export const setCommands: readonly Command[] = [
  command({
    name: "sadd",
    group,
    since: "1.0.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    args: memberArgs,
    summary: "Adds members to a set, making the set if there is none.",
    complexity: "O(1) for each member.",
    history: [["2.4.0", "Takes several members."]],
    handler: sadd,
  }),
  command({
    name: "srem",
    group,
    since: "1.0.0",
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: memberArgs,
    summary: "Removes members from a set, and the set with its last member.",
    complexity: "O(N), N being the number of members given.",
    history: [["2.4.0", "Takes several members."]],
    handler: srem,
  }),
  command({
    name: "smove",
    group,
    since: "1.0.0",
    arity: 4,
    flags: Flag.Write | Flag.Fast,
    keys: [
      keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
      keyAt(2, KeyFlag.ReadWrite | KeyFlag.Insert),
    ],
    args: [keyArg("source"), keyArg("destination", { keySpecIndex: 1 }), stringArg("member")],
    summary: "Moves a member from one set to another.",
    complexity: "O(1)",
    handler: smove,
  }),
  command({
    name: "sismember",
    group,
    since: "1.0.0",
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: lookKey,
    args: [keyArg(), stringArg("member")],
    summary: "Tells whether a member is in a set.",
    complexity: "O(1)",
    handler: sismember,
  }),
  command({
    name: "smismember",
    group,
    since: "6.2.0",
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: memberArgs,
    summary: "Tells of several members whether they are in a set.",
    complexity: "O(N), N being the number of members given.",
    handler: smismember,
  }),
  command({
    name: "scard",
    group,
    since: "1.0.0",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: lookKey,
    args: [keyArg()],
    summary: "Counts the members of a set.",
    complexity: "O(1)",
    handler: scard,
  }),
  command({
    name: "smembers",
    group,
    since: "1.0.0",
    arity: 2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [keyArg()],
    summary: "Gives all members of a set.",
    complexity: "O(N), N being the size of the set.",
    tips: unordered,
    handler: smembers,
  }),
  command({
    name: "sscan",
    group,
    since: "2.8.0",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: scanArgs,
    summary: "Goes through the members of a set in steps.",
    complexity: scanComplexity,
    tips: random,
    handler: sscan,
  }),
  command({
    name: "spop",
    group,
    since: "1.0.0",
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    args: [keyArg(), integerArg("count", { optional: true, since: "3.2.0" })],
    summary: "Removes random members from a set and gives them.",
    complexity: "O(1) without a count, else O(N), N being the count.",
    history: [["3.2.0", "Takes a count."]],
    tips: random,
    handler: spop,
  }),
  command({
    name: "srandmember",
    group,
    since: "1.0.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [keyArg(), integerArg("count", { optional: true, since: "2.6.0" })],
    summary: "Gives random members of a set.",
    complexity: "O(1) without a count, else O(N), N being the count without its sign.",
    history: [["2.6.0", "Takes a count."]],
    tips: random,
    handler: srandmember,
  }),
  command({
    name: "sinter",
    group,
    since: "1.0.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: sourceKeys,
    args: sourceArgs,
    summary: "Gives the members that are in all of several sets.",
    complexity: intersectionComplexity,
    tips: unordered,
    handler: sinter,
  }),
  command({
    name: "sintercard",
    group,
    since: "7.0.0",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: [keysCountedAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [
      integerArg("numkeys"),
      keyArg("key", { multiple: true }),
      integerArg("limit", { token: "LIMIT", optional: true }),
    ],
    summary: "Counts the members that are in all of several sets.",
    complexity: intersectionComplexity,
    handler: sintercard,
  }),
  command({
    name: "sinterstore",
    group,
    since: "1.0.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    keys: [
      keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update),
      keyRange(2, -1, 1, KeyFlag.ReadOnly | KeyFlag.Access),
    ],
    args: storeArgs,
    summary: "Stores the members that are in all of several sets.",
    complexity: intersectionComplexity,
    handler: storeOf(intersection, "sinterstore"),
  }),
  command({
    name: "sunion",
    group,
    since: "1.0.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: sourceKeys,
    args: sourceArgs,
    summary: "Gives the members that are in any of several sets.",
    complexity: totalComplexity,
    tips: unordered,
    handler: replyWith(union),
  }),
  command({
    name: "sunionstore",
    group,
    since: "1.0.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    keys: storeKeys,
    args: storeArgs,
    summary: "Stores the members that are in any of several sets.",
    complexity: totalComplexity,
    handler: storeOf(union, "sunionstore"),
  }),
  command({
    name: "sdiff",
    group,
    since: "1.0.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: sourceKeys,
    args: sourceArgs,
    summary: "Gives the members of one set that are in none of the others.",
    complexity: totalComplexity,
    tips: unordered,
    handler: replyWith(difference),
  }),
  command({
    name: "sdiffstore",
    group,
    since: "1.0.0",
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    keys: storeKeys,
    args: storeArgs,
    summary: "Stores the members of one set that are in none of the others.",
    complexity: totalComplexity,
    handler: storeOf(difference, "sdiffstore"),
  }),
];
