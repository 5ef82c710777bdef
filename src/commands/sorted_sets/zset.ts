/** Sorted sets, member by member: ZADD, ZREM, scores, ranks, random members, ZSCAN. */
import { AddFlag, AddOutcome, ZsetValue } from "../../data/zset.ts";
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
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import {
  GT_LT_NX,
  INCR_OF_SEVERAL,
  NX_AND_XX,
  OUT_OF_RANGE,
  SCORE_IS_NAN,
  SYNTAX,
  wrongArity,
} from "../../protocol/errors.ts";
import { formatDouble } from "../../util/numbers.ts";
import { parseCursor, parseScanOptions, replyScan, scanArgs, scanComplexity } from "../collection_scan.ts";
import { checkRepeats, checkReplySize, randomCount } from "../random_count.ts";
import { zsetAlgebraCommands } from "./zset_algebra.ts";
import { zsetPopCommands } from "./zset_pop.ts";
import { zsetRangeCommands } from "./zset_range.ts";
import { memberReplier, replyMemberCount, replyRange } from "./zset_reply.ts";

// ---- Adding -------------------------------------------------------------------------------------

/** ZADD's options. */
export interface Addition {
  /** Bits of {@linkcode AddFlag}. */
  flags: number;
  /** True if changed scores count too. */
  countsChanges: boolean;
  scores: number[];
  /** Argument of the first member. */
  firstMember: number;
  /** Arguments from one member to the next. */
  step: number;
}

/** Throws the error for options that exclude each other. */
function checkAddFlags(flags: number, pairs: number): void {
  const has = (flag: number) => (flags & flag) !== 0;
  const absent = has(AddFlag.IfAbsent), greater = has(AddFlag.IfGreater), less = has(AddFlag.IfLess);
  if (absent && has(AddFlag.IfPresent)) throw NX_AND_XX;
  if ((greater && absent) || (less && absent) || (greater && less)) throw GT_LT_NX;
  if (has(AddFlag.Increment) && pairs > 1) throw INCR_OF_SEVERAL;
}

function addFlagAt(args: Args, at: number): number {
  if (args.is(at, "NX")) return AddFlag.IfAbsent;
  if (args.is(at, "XX")) return AddFlag.IfPresent;
  if (args.is(at, "GT")) return AddFlag.IfGreater;
  if (args.is(at, "LT")) return AddFlag.IfLess;
  return args.is(at, "INCR") ? AddFlag.Increment : 0;
}

function parseAddition(args: Args, flags: number): Addition {
  let at = 2, countsChanges = false;
  for (; at < args.count; at++) {
    const flag = addFlagAt(args, at);
    const isChange = flag === 0 && args.is(at, "CH");
    if (flag === 0 && !isChange) break;
    flags |= flag;
    countsChanges ||= isChange;
  }
  const left = args.count - at;
  if (left === 0 || left % 2 !== 0) throw SYNTAX;
  checkAddFlags(flags, left / 2);
  const scores: number[] = [], firstMember = at + 1;
  for (; at < args.count; at += 2) scores.push(args.double(at));
  return { flags, countsChanges, scores, firstMember, step: 2 };
}

function zadd(ctx: CommandContext, args: Args): void {
  addMembers(ctx, args, parseAddition(args, 0));
}

function zincrby(ctx: CommandContext, args: Args): void {
  addMembers(ctx, args, parseAddition(args, AddFlag.Increment));
}

/** Adds members to the sorted set at argument 1 and replies like ZADD. */
export function addMembers(ctx: CommandContext, args: Args, addition: Addition): void {
  const { flags, scores, firstMember, step } = addition;
  const key = args.key(1), increments = (flags & AddFlag.Increment) !== 0;
  const zset = flags & AddFlag.IfPresent ? ctx.write(key, ZsetValue) : ctx.writeOrCreate(key, ZsetValue);
  let added = 0, updated = 0, refused = 0;
  for (let i = 0; zset !== undefined && i < scores.length; i++) {
    const at = firstMember + i * step;
    const outcome = zset.addBytes(args.buf, args.start(at), args.end(at), scores[i]!, flags);
    if (outcome === AddOutcome.NotANumber) throw SCORE_IS_NAN;
    if (outcome === AddOutcome.Added) added++;
    else if (outcome === AddOutcome.Updated) updated++;
    else if (outcome === AddOutcome.Refused) refused++;
  }
  if (added + updated > 0) ctx.changed(key, Notify.Zset, increments ? "zincr" : "zadd", added + updated);
  if (!increments) return ctx.reply.integer(addition.countsChanges ? added + updated : added);
  if (refused > 0) return ctx.reply.null();
  replyScoreOrNull(ctx, added > 0 ? scores[0] : scoreAt(zset, args, firstMember));
}

function zrem(ctx: CommandContext, args: Args): void {
  const key = args.key(1), zset = ctx.write(key, ZsetValue);
  if (zset === undefined) return ctx.reply.integer(0);
  let removed = 0;
  for (let i = 2; i < args.count && zset.size > 0; i++) {
    if (zset.removeBytes(args.buf, args.start(i), args.end(i))) removed++;
  }
  if (removed > 0) {
    ctx.changed(key, Notify.Zset, "zrem", removed);
    ctx.deleteIfEmpty(key, zset);
  }
  ctx.reply.integer(removed);
}

// ---- Reading ------------------------------------------------------------------------------------

function zcard(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(ctx.read(args.key(1), ZsetValue)?.size ?? 0);
}

function replyScoreOrNull(ctx: CommandContext, score: number | undefined): void {
  if (score === undefined) ctx.reply.null();
  else ctx.reply.score(score);
}

/** The score of the member at argument `i`. */
export function scoreAt(zset: ZsetValue | undefined, args: Args, i: number): number | undefined {
  return zset?.scoreOf(args.buf, args.start(i), args.end(i));
}

function zscore(ctx: CommandContext, args: Args): void {
  replyScoreOrNull(ctx, scoreAt(ctx.read(args.key(1), ZsetValue), args, 2));
}

function zmscore(ctx: CommandContext, args: Args): void {
  const zset = ctx.read(args.key(1), ZsetValue);
  ctx.reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) replyScoreOrNull(ctx, scoreAt(zset, args, i));
}

function zrank(ctx: CommandContext, args: Args, fromTop: boolean): void {
  if (args.count > 4) throw wrongArity(ctx.cmd.fullName);
  const withScore = args.count === 4;
  if (withScore && !args.is(3, "WITHSCORE")) throw SYNTAX;
  const zset = ctx.read(args.key(1), ZsetValue);
  const rank = zset?.rankOf(args.buf, args.start(2), args.end(2)) ?? -1;
  if (zset === undefined || rank < 0) return withScore ? ctx.reply.nullArray() : ctx.reply.null();
  if (withScore) ctx.reply.array(2);
  ctx.reply.integer(fromTop ? zset.size - 1 - rank : rank);
  if (withScore) replyScoreOrNull(ctx, scoreAt(zset, args, 2));
}

// ---- Random members -----------------------------------------------------------------------------

/** With scores a reply has twice as many elements, and their number must also fit in an int64. */
function checkCountWithScores(count: number | bigint): void {
  if (count >= 2n ** 62n || (count <= -(2n ** 62n) && count > -(2n ** 63n))) throw OUT_OF_RANGE;
}

function zrandmember(ctx: CommandContext, args: Args): void {
  if (args.count === 2) {
    const zset = ctx.read(args.key(1), ZsetValue);
    if (zset === undefined) return ctx.reply.null();
    return zset.sample(ctx.engine.random, memberReplier(ctx.reply, false));
  }
  const withScores = args.count === 4 && args.is(3, "WITHSCORES");
  if (withScores) checkCountWithScores(args.integer(2));
  const count = randomCount(args, 2);
  if (args.count > 3 && !withScores) throw SYNTAX;
  const zset = ctx.read(args.key(1), ZsetValue);
  if (zset === undefined || count === 0) return ctx.reply.array(0);
  if (count < 0) replyRepeatedPicks(ctx, zset, -count, withScores);
  else if (count >= zset.size) replyRange(ctx.reply, zset, zset.size - 1, zset.size, true, withScores);
  else {
    replyMemberCount(ctx.reply, count, withScores);
    zset.sampleDistinct(count, ctx.engine.random, memberReplier(ctx.reply, withScores));
  }
}

function replyRepeatedPicks(ctx: CommandContext, zset: ZsetValue, count: number, withScores: boolean): void {
  checkRepeats(ctx, count);
  replyMemberCount(ctx.reply, count, withScores);
  const visit = memberReplier(ctx.reply, withScores);
  for (let i = 0; i < count; i++) {
    zset.sample(ctx.engine.random, visit);
    checkReplySize(ctx);
  }
}

/** If listpacks store scores as integers, ZSCAN shows them with all digits. */
function scannedScore(score: number, encoding: ZsetValue["encoding"]): string {
  const isStoredInteger = encoding === "listpack" && Number.isInteger(score) && Math.abs(score) <= 2 ** 62;
  return isStoredInteger ? BigInt(score).toString() : formatDouble(score);
}

function zscan(ctx: CommandContext, args: Args): void {
  const cursor = parseCursor(args.string(2));
  const zset = ctx.read(args.key(1), ZsetValue);
  if (zset === undefined) return replyScan(ctx, 0, []);
  const { count, matches } = parseScanOptions(args, false);
  const found: string[] = [];
  const next = zset.scan(cursor, count, (member, score) => {
    if (matches(member)) found.push(member, scannedScore(score, zset.encoding));
  });
  replyScan(ctx, next, found);
}

// ---- Declarations -------------------------------------------------------------------------------

const readKey = [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)];

const memberCommands: readonly Command[] = [
  command({
    name: "zadd",
    group: "sorted-set",
    since: "1.2.0",
    arity: -4,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [
      keyArg(),
      oneOf("condition", [tokenArg("NX"), tokenArg("XX")], { optional: true, since: "3.0.2" }),
      oneOf("comparison", [tokenArg("GT"), tokenArg("LT")], { optional: true, since: "6.2.0" }),
      tokenArg("CH", { optional: true, since: "3.0.2" }),
      tokenArg("INCR", { optional: true, since: "3.0.2" }),
      blockArg("data", [doubleArg("score"), stringArg("member")], { multiple: true }),
    ],
    summary: "Adds members to a sorted set, or changes their scores; creates the set if needed.",
    complexity: "O(log(N)) for each member, N being the size of the sorted set.",
    history: [["2.4.0", "Takes several members."], ["3.0.2", "NX, XX, CH and INCR."], [
      "6.2.0",
      "GT and LT.",
    ]],
    handler: zadd,
  }),
  command({
    name: "zincrby",
    group: "sorted-set",
    since: "1.2.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    args: [keyArg(), integerArg("increment"), stringArg("member")],
    summary: "Adds to the score of a member, which begins at 0.",
    complexity: "O(log(N)), N being the size of the sorted set.",
    handler: zincrby,
  }),
  command({
    name: "zrem",
    group: "sorted-set",
    since: "1.2.0",
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: [keyArg(), stringArg("member", { multiple: true })],
    summary: "Removes members from a sorted set, and the set with its last member.",
    complexity: "O(M*log(N)), N being the size of the sorted set and M the number of members removed.",
    history: [["2.4.0", "Takes several members."]],
    handler: zrem,
  }),
  command({
    name: "zcard",
    group: "sorted-set",
    since: "1.2.0",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadOnly)],
    args: [keyArg()],
    summary: "Returns the number of members in a sorted set.",
    complexity: "O(1)",
    handler: zcard,
  }),
  command({
    name: "zscore",
    group: "sorted-set",
    since: "1.2.0",
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: [keyArg(), stringArg("member")],
    summary: "Returns the score of a member.",
    complexity: "O(1)",
    handler: zscore,
  }),
  command({
    name: "zmscore",
    group: "sorted-set",
    since: "6.2.0",
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: [keyArg(), stringArg("member", { multiple: true })],
    summary: "Returns the scores of several members.",
    complexity: "O(N), N being the number of members asked for.",
    handler: zmscore,
  }),
  rankCommand("zrank", "Returns the rank of a member, counted from the lowest score.", false),
  rankCommand("zrevrank", "Returns the rank of a member, counted from the highest score.", true),
  command({
    name: "zrandmember",
    group: "sorted-set",
    since: "6.2.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: [
      keyArg(),
      blockArg("options", [integerArg("count"), tokenArg("WITHSCORES", { optional: true })], {
        optional: true,
      }),
    ],
    summary: "Returns one or several random members of a sorted set.",
    complexity: "O(N), N being the number of members returned.",
    tips: ["nondeterministic_output"],
    handler: zrandmember,
  }),
  command({
    name: "zscan",
    group: "sorted-set",
    since: "2.8.0",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: readKey,
    args: scanArgs,
    summary: "Goes through the members and scores of a sorted set, some at a time.",
    complexity: scanComplexity,
    tips: ["nondeterministic_output"],
    handler: zscan,
  }),
];

function rankCommand(name: string, summary: string, fromTop: boolean): Command {
  return command({
    name,
    group: "sorted-set",
    since: "2.0.0",
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: readKey,
    args: [keyArg(), stringArg("member"), tokenArg("WITHSCORE", { optional: true, since: "7.2.0" })],
    summary,
    complexity: "O(log(N)), N being the size of the sorted set.",
    history: [["7.2.0", "WITHSCORE."]],
    handler: (ctx, args) => zrank(ctx, args, fromTop),
  });
}

/** The commands of this group; `table.ts` joins the groups. */
export const zsetCommands: readonly Command[] = [
  ...memberCommands,
  ...zsetRangeCommands,
  ...zsetAlgebraCommands,
  ...zsetPopCommands,
];
