/** Popping the lowest or highest members of sorted sets, at once or once there are some. */
import { ValueType } from "../../data/value.ts";
import { ZsetValue } from "../../data/zset.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type Command,
  command,
  doubleArg,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  keyRange,
  keysCountedAt,
  oneOf,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import { COUNT_NOT_POSITIVE, MUST_BE_POSITIVE, NUMKEYS_NOT_POSITIVE, SYNTAX } from "../../protocol/errors.ts";
import { timeoutArgument } from "../timeout.ts";

/** The end that members are popped from. */
type End = "MIN" | "MAX";

/** Pops up to `count` members and replies with each, in pairs of their own if `nested`. */
function popMembers(
  ctx: CommandContext,
  key: Key,
  zset: ZsetValue,
  end: End,
  count: number,
  nested: boolean,
): void {
  const isMax = end === "MAX";
  zset.eachBytes(isMax ? zset.size - 1 : 0, count, isMax, (buf, start, end, score) => {
    if (nested) ctx.reply.array(2);
    ctx.reply.bulkBytes(buf, start, end);
    ctx.reply.score(score);
    return true;
  });
  zset.removeRange(isMax ? zset.size - count : 0, count);
  ctx.changed(key, Notify.Zset, isMax ? "zpopmax" : "zpopmin", count);
  ctx.deleteIfEmpty(key, zset);
}

function zpop(ctx: CommandContext, args: Args, end: End): void {
  if (args.count > 3) throw SYNTAX;
  const hasCount = args.count === 3;
  const wanted = hasCount ? args.int(2, MUST_BE_POSITIVE, 0) : 1;
  const key = args.key(1), zset = ctx.write(key, ZsetValue);
  if (zset === undefined || wanted === 0) return ctx.reply.array(0);
  const count = Math.min(wanted, zset.size), nested = hasCount && ctx.reply.resp === 3;
  ctx.reply.array(nested ? count : count * 2);
  popMembers(ctx, key, zset, end, count, nested);
}

/** The first of the keys at arguments `from` … `to - 1` that exists. */
function firstZset(ctx: CommandContext, args: Args, from: number, to: number): [Key, ZsetValue] | undefined {
  for (let i = from; i < to; i++) {
    const key = args.key(i), zset = ctx.write(key, ZsetValue);
    if (zset !== undefined) return [key, zset];
  }
  return undefined;
}

/**
 * Blocks the client on one of the keys, or replies with nothing at once if blocking is forbidden.
 */
function waitFor(ctx: CommandContext, args: Args, from: number, to: number, timeoutMs: number): void {
  if (!ctx.canBlock) return ctx.reply.nullArray();
  ctx.block({
    keys: args.strings(from, to),
    timeoutMs,
    type: ValueType.Zset,
    onTimeout: (reply) => reply.nullArray(),
  });
}

function bzpop(ctx: CommandContext, args: Args, end: End): void {
  const last = args.count - 1, timeoutMs = timeoutArgument(args, last);
  const found = firstZset(ctx, args, 1, last);
  if (found === undefined) return waitFor(ctx, args, 1, last, timeoutMs);
  const [key, zset] = found;
  ctx.rewrite(`ZPOP${end}`, key.text);
  ctx.reply.array(3);
  ctx.reply.bulk(key.text);
  popMembers(ctx, key, zset, end, 1, false);
}

/** The arguments of ZMPOP, and of BZMPOP after the time-out. */
interface ManyPop {
  firstKey: number;
  /** Index behind the last key. */
  endOfKeys: number;
  end: End;
  count: number;
}

/** Parses `numkeys key … MIN|MAX [COUNT count]` from argument `at` on. */
function parseManyPop(args: Args, at: number): ManyPop {
  const keyCount = args.int(at, NUMKEYS_NOT_POSITIVE, 1);
  const endOfKeys = at + 1 + keyCount;
  const options = new ArgReader(args, endOfKeys);
  if (!options.more) throw SYNTAX;
  const end = options.take("MIN") ? "MIN" : options.take("MAX") ? "MAX" : undefined;
  if (end === undefined) throw SYNTAX;
  let count: number | undefined;
  while (options.more) {
    if (count !== undefined || !options.take("COUNT", 1)) throw SYNTAX;
    count = options.int(COUNT_NOT_POSITIVE, 1);
  }
  return { firstKey: at + 1, endOfKeys, end, count: count ?? 1 };
}

function replyManyPop(ctx: CommandContext, key: Key, zset: ZsetValue, { end, count: wanted }: ManyPop): void {
  const count = Math.min(wanted, zset.size);
  ctx.rewrite(`ZPOP${end}`, key.text, String(count));
  ctx.reply.array(2);
  ctx.reply.bulk(key.text);
  ctx.reply.array(count);
  popMembers(ctx, key, zset, end, count, true);
}

function zmpop(ctx: CommandContext, args: Args): void {
  const pop = parseManyPop(args, 1);
  const found = firstZset(ctx, args, pop.firstKey, pop.endOfKeys);
  if (found === undefined) return ctx.reply.nullArray();
  replyManyPop(ctx, ...found, pop);
}

function bzmpop(ctx: CommandContext, args: Args): void {
  const pop = parseManyPop(args, 2), timeoutMs = timeoutArgument(args, 1);
  const found = firstZset(ctx, args, pop.firstKey, pop.endOfKeys);
  if (found === undefined) return waitFor(ctx, args, pop.firstKey, pop.endOfKeys, timeoutMs);
  replyManyPop(ctx, ...found, pop);
}

// ---- Declarations -------------------------------------------------------------------------------

const popFlags = KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete;
const manyPopArgs = [
  integerArg("numkeys"),
  keyArg("key", { multiple: true }),
  oneOf("where", [tokenArg("MIN"), tokenArg("MAX")]),
  integerArg("count", { token: "COUNT", optional: true }),
];
const popCost = "O(log(N)*M), N being the size of the sorted set and M the number of members removed.";
const manyPopCost =
  "O(K+log(N)*M), K being the number of keys, N the size of the set found and M the members removed.";

function popper(name: string, summary: string, end: End): Command {
  return command({
    name,
    group: "sorted-set",
    since: "5.0.0",
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, popFlags)],
    args: [keyArg(), integerArg("count", { optional: true })],
    summary,
    complexity: popCost,
    handler: (ctx, args) => zpop(ctx, args, end),
  });
}

function blockingPopper(name: string, summary: string, end: End): Command {
  return command({
    name,
    group: "sorted-set",
    since: "5.0.0",
    arity: -3,
    flags: Flag.Write | Flag.NoScript | Flag.Fast | Flag.Blocking,
    keys: [keyRange(1, -2, 1, popFlags)],
    args: [keyArg("key", { multiple: true }), doubleArg("timeout")],
    summary,
    complexity: "O(log(N)), N being the size of the sorted set.",
    history: [["6.0.0", "The time-out takes fractions of seconds."]],
    handler: (ctx, args) => bzpop(ctx, args, end),
  });
}

/** The commands of this group; `table.ts` joins the groups. */
export const zsetPopCommands: readonly Command[] = [
  popper("zpopmin", "Takes out the members with the lowest scores.", "MIN"),
  popper("zpopmax", "Takes out the members with the highest scores.", "MAX"),
  blockingPopper(
    "bzpopmin",
    "Takes out the member with the lowest score, waiting until there is one.",
    "MIN",
  ),
  blockingPopper(
    "bzpopmax",
    "Takes out the member with the highest score, waiting until there is one.",
    "MAX",
  ),
  command({
    name: "zmpop",
    group: "sorted-set",
    since: "7.0.0",
    arity: -4,
    flags: Flag.Write | Flag.MovableKeys,
    keys: [keysCountedAt(1, popFlags)],
    args: manyPopArgs,
    summary: "Takes members out of the first of several sorted sets that exists.",
    complexity: manyPopCost,
    handler: zmpop,
  }),
  command({
    name: "bzmpop",
    group: "sorted-set",
    since: "7.0.0",
    arity: -5,
    flags: Flag.Write | Flag.Blocking | Flag.MovableKeys,
    keys: [keysCountedAt(2, popFlags)],
    args: [doubleArg("timeout"), ...manyPopArgs],
    summary: "Takes members out of the first of several sorted sets that exists, waiting until there is one.",
    complexity: manyPopCost,
    handler: bzmpop,
  }),
];
