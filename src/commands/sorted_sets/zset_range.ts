/**
 * Ranges of sorted sets by rank, by score and by the order of bytes: reading, storing, counting and
 * removing them.
 *
 * {@linkcode Range.within} turns a range of any kind into a span of ranks; reading backwards,
 * LIMIT, counting and removing are then the same for all kinds.
 */
import { ZsetValue } from "../../data/zset.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type ArgSpec,
  blockArg,
  type Command,
  command,
  type CommandDeclaration,
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
  LIMIT_BY_RANK,
  NOT_LEX_RANGE,
  NOT_SCORE_RANGE,
  SCORES_BY_LEX,
  SYNTAX,
} from "../../protocol/errors.ts";
import { latin1 } from "../../util/bytes.ts";
import { parseDouble, parseDoubleBytes } from "../../util/numbers.ts";
import { replyRange, storeResult } from "./zset_reply.ts";

// ---- Kinds of ranges ----------------------------------------------------------------------------

/** `count` members from rank `start` upwards. */
interface Span {
  start: number;
  count: number;
}

/** A range as the client gave it. */
interface Range {
  within(zset: ZsetValue): Span;
}

/** The kind of a range. */
type RangeKind = "rank" | "score" | "lex";

function spanBetween(start: number, end: number): Span {
  return { start, count: Math.max(0, end - start) };
}

/** From rank to rank, both included; negative ranks count from the end. */
class RankRange implements Range {
  constructor(readonly first: number, readonly last: number, readonly fromTop: boolean) {}

  within(zset: ZsetValue): Span {
    const { size } = zset;
    const first = Math.max(0, this.first < 0 ? size + this.first : this.first);
    const last = Math.min(size - 1, this.last < 0 ? size + this.last : this.last);
    if (first > last) return { start: 0, count: 0 };
    return spanBetween(this.fromTop ? size - 1 - last : first, this.fromTop ? size - first : last + 1);
  }
}

/** An end of a range of scores. */
interface ScoreEnd {
  score: number;
  excluded: boolean;
}

class ScoreRange implements Range {
  constructor(readonly min: ScoreEnd, readonly max: ScoreEnd) {}

  within(zset: ZsetValue): Span {
    return spanBetween(
      zset.countBelow(this.min.score, this.min.excluded),
      zset.countBelow(this.max.score, !this.max.excluded),
    );
  }
}

/** An end of a range of members; `-` (infinite -1) is before all members, `+` (1) behind them. */
interface LexEnd {
  args: Args;
  /** The argument, whose first byte is not part of the member. */
  at: number;
  excluded: boolean;
  infinite: -1 | 0 | 1;
}

class LexRange implements Range {
  constructor(readonly min: LexEnd, readonly max: LexEnd) {}

  within(zset: ZsetValue): Span {
    return spanBetween(
      this.#countBefore(zset, this.min, this.min.excluded),
      this.#countBefore(zset, this.max, !this.max.excluded),
    );
  }

  #countBefore(zset: ZsetValue, end: LexEnd, inclusive: boolean): number {
    if (end.infinite !== 0) return end.infinite < 0 ? 0 : zset.size;
    return zset.countLexBelow(end.args.buf, end.args.start(end.at) + 1, end.args.end(end.at), inclusive);
  }
}

/**
 * Parsed like C's strtod, which Redis applies without further checks here: leading spaces, an empty
 * text and overflow are accepted.
 */
function parseScore(text: string): number {
  const trimmed = text.replace(/^[ \t-\r]+/, "");
  if (trimmed === "") return text === "" ? 0 : NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)
    ? Number(trimmed)
    : parseDouble(trimmed) ?? NaN;
}

const OPEN_PAREN = 0x28, OPEN_BRACKET = 0x5b, MINUS = 0x2d, PLUS = 0x2b;

function scoreEnd(args: Args, at: number): ScoreEnd {
  const { buf } = args,
    end = args.end(at),
    excluded = args.length(at) > 0 && buf[args.start(at)] === OPEN_PAREN;
  const start = args.start(at) + (excluded ? 1 : 0);
  const score = parseDoubleBytes(buf, start, end) ?? parseScore(latin1(buf, start, end));
  if (Number.isNaN(score)) throw NOT_SCORE_RANGE;
  return { score, excluded };
}

function lexEnd(args: Args, at: number): LexEnd {
  const length = args.length(at), first = length === 0 ? 0 : args.buf[args.start(at)]!;
  if (length === 1 && first === MINUS) return { args, at, excluded: true, infinite: -1 };
  if (length === 1 && first === PLUS) return { args, at, excluded: true, infinite: 1 };
  if (first !== OPEN_PAREN && first !== OPEN_BRACKET) throw NOT_LEX_RANGE;
  return { args, at, excluded: first === OPEN_PAREN, infinite: 0 };
}

/**
 * The range in arguments `at` and `at + 1`; backwards, ranges of scores and members begin with
 * their maximum.
 */
function rangeAt(args: Args, at: number, kind: RangeKind, backwards: boolean): Range {
  if (kind === "rank") return new RankRange(args.int(at), args.int(at + 1), backwards);
  const min = backwards ? at + 1 : at, max = backwards ? at : at + 1;
  if (kind === "score") return new ScoreRange(scoreEnd(args, min), scoreEnd(args, max));
  return new LexRange(lexEnd(args, min), lexEnd(args, max));
}

// ---- Reading ------------------------------------------------------------------------------------

/** The properties fixed by the name of a command of the ZRANGE family. */
interface RangeForm {
  /** Undefined if options set it. */
  kind?: RangeKind;
  backwards?: boolean;
}

/** The parameters of a command of the ZRANGE family. */
interface RangeQuery {
  range: Range;
  backwards: boolean;
  withScores: boolean;
  offset: number;
  /** Negative: all. */
  limit: number;
}

/** Parses `min max [options]` from argument `at` on. */
function parseQuery(args: Args, at: number, form: RangeForm, stores: boolean): RangeQuery {
  let kind = form.kind, backwards = form.backwards, withScores = false, offset = 0, limit = -1;
  const options = new ArgReader(args, at + 2);
  while (options.more) {
    if (!stores && options.take("WITHSCORES")) withScores = true;
    else if (options.take("LIMIT", 2)) {
      offset = options.int();
      limit = options.int();
    } else if (backwards === undefined && options.take("REV")) backwards = true;
    else if (kind === undefined && options.take("BYLEX")) kind = "lex";
    else if (kind === undefined && options.take("BYSCORE")) kind = "score";
    else throw SYNTAX;
  }
  kind ??= "rank";
  backwards ??= false;
  if (kind === "rank") {
    if (limit !== -1) throw LIMIT_BY_RANK;
    offset = 0; // LIMIT n -1 is accepted, and has no effect
  }
  if (withScores && kind === "lex") throw SCORES_BY_LEX;
  return { range: rangeAt(args, at, kind, backwards), backwards, withScores, offset, limit };
}

/**
 * The part of a query's range that LIMIT keeps: the starting rank, in the query's direction, and a
 * number.
 */
function limitedSpan(query: RangeQuery, zset: ZsetValue): Span {
  const { start, count } = query.range.within(zset);
  const { offset, limit, backwards } = query;
  if (offset < 0 || offset >= count) return { start: 0, count: 0 };
  const left = count - offset;
  return {
    start: backwards ? start + count - 1 - offset : start + offset,
    count: limit < 0 ? left : Math.min(limit, left),
  };
}

function zrange(ctx: CommandContext, args: Args, form: RangeForm): void {
  const query = parseQuery(args, 2, form, false);
  const zset = ctx.read(args.key(1), ZsetValue);
  if (zset === undefined) return ctx.reply.array(0);
  const { start, count } = limitedSpan(query, zset);
  replyRange(ctx.reply, zset, start, count, query.backwards, query.withScores);
}

function zrangestore(ctx: CommandContext, args: Args): void {
  const query = parseQuery(args, 3, {}, true);
  const zset = ctx.read(args.key(2), ZsetValue);
  const { start, count } = zset === undefined ? { start: 0, count: 0 } : limitedSpan(query, zset);
  const result = zset === undefined
    ? new ZsetValue(ctx.engine.limits)
    : zset.slice(query.backwards ? start - count + 1 : start, count);
  storeResult(ctx, args.key(1), result, "zrangestore");
}

function countRange(ctx: CommandContext, args: Args, kind: RangeKind): void {
  const range = rangeAt(args, 2, kind, false);
  const zset = ctx.read(args.key(1), ZsetValue);
  ctx.reply.integer(zset === undefined ? 0 : range.within(zset).count);
}

// ---- Removing -----------------------------------------------------------------------------------

function removeRange(ctx: CommandContext, args: Args, kind: RangeKind): void {
  const range = rangeAt(args, 2, kind, false), key = args.key(1);
  const zset = ctx.write(key, ZsetValue);
  if (zset === undefined) return ctx.reply.integer(0);
  const { start, count } = range.within(zset);
  if (count > 0) {
    zset.removeRange(start, count);
    ctx.changed(key, Notify.Zset, ctx.cmd.name, count);
    ctx.deleteIfEmpty(key, zset);
  }
  ctx.reply.integer(count);
}

// ---- Declarations -------------------------------------------------------------------------------

const limitArg = blockArg("limit", [integerArg("offset"), integerArg("count")], {
  token: "LIMIT",
  optional: true,
});
const withScoresArg = tokenArg("WITHSCORES", { optional: true });
const kindArg = oneOf("sortby", [tokenArg("BYSCORE"), tokenArg("BYLEX")], { optional: true, since: "6.2.0" });
const revArg = tokenArg("REV", { optional: true, since: "6.2.0" });
const readKey = keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access);
const readComplexity =
  "O(log(N)+M), N being the size of the sorted set and M the number of members returned.";

/** An older command for a variant of ZRANGE. */
function olderRange(
  declaration: Pick<CommandDeclaration, "name" | "since" | "summary" | "replacedBy" | "history">,
  args: readonly ArgSpec[],
  form: Required<RangeForm>,
): Command {
  return command({
    ...declaration,
    group: "sorted-set",
    arity: -4,
    flags: Flag.ReadOnly,
    keys: [readKey],
    args: [keyArg(), ...args],
    complexity: readComplexity,
    deprecatedSince: "6.2.0",
    handler: (ctx, given) => zrange(ctx, given, form),
  });
}

function rangeCounter(
  name: string,
  since: string,
  summary: string,
  ends: readonly ArgSpec[],
  kind: RangeKind,
): Command {
  return command({
    name,
    group: "sorted-set",
    since,
    arity: 4,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [readKey],
    args: [keyArg(), ...ends],
    summary,
    complexity: "O(log(N)), N being the size of the sorted set.",
    handler: (ctx, args) => countRange(ctx, args, kind),
  });
}

function rangeRemover(
  name: string,
  since: string,
  summary: string,
  ends: readonly ArgSpec[],
  kind: RangeKind,
): Command {
  return command({
    name,
    group: "sorted-set",
    since,
    arity: 4,
    flags: Flag.Write,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: [keyArg(), ...ends],
    summary,
    complexity: "O(log(N)*M), N being the size of the sorted set and M the number of members removed.",
    handler: (ctx, args) => removeRange(ctx, args, kind),
  });
}

const rankEnds = [integerArg("start"), integerArg("stop")];
const scoreEnds = [doubleArg("min"), doubleArg("max")];
const lexEnds = [stringArg("min"), stringArg("max")];

/** The commands of this group; `table.ts` joins the groups. */
export const zsetRangeCommands: readonly Command[] = [
  command({
    name: "zrange",
    group: "sorted-set",
    since: "1.2.0",
    arity: -4,
    flags: Flag.ReadOnly,
    keys: [readKey],
    args: [keyArg(), stringArg("start"), stringArg("stop"), kindArg, revArg, limitArg, withScoresArg],
    summary: "Returns the members in a range of ranks, scores or names.",
    complexity: readComplexity,
    history: [["6.2.0", "REV, BYSCORE, BYLEX and LIMIT."]],
    handler: (ctx, args) => zrange(ctx, args, {}),
  }),
  command({
    name: "zrangestore",
    group: "sorted-set",
    since: "6.2.0",
    arity: -5,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.Overwrite | KeyFlag.Update), keyAt(2, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [
      keyArg("dst"),
      keyArg("src", { keySpecIndex: 1 }),
      stringArg("min"),
      stringArg("max"),
      kindArg,
      revArg,
      limitArg,
    ],
    summary: "Stores the members in a range of ranks, scores or names as another sorted set.",
    complexity: "O(log(N)+M), N being the size of the sorted set and M the number of members stored.",
    handler: zrangestore,
  }),
  olderRange(
    {
      name: "zrevrange",
      since: "1.2.0",
      summary: "Returns the members in a range of ranks, the highest score first.",
      replacedBy: "`ZRANGE` with `REV`",
    },
    [...rankEnds, withScoresArg],
    { kind: "rank", backwards: true },
  ),
  olderRange(
    {
      name: "zrangebyscore",
      since: "1.0.5",
      summary: "Returns the members in a range of scores.",
      replacedBy: "`ZRANGE` with `BYSCORE`",
      history: [["2.0.0", "WITHSCORES."]],
    },
    [...scoreEnds, tokenArg("WITHSCORES", { optional: true, since: "2.0.0" }), limitArg],
    { kind: "score", backwards: false },
  ),
  olderRange(
    {
      name: "zrevrangebyscore",
      since: "2.2.0",
      summary: "Returns the members in a range of scores, the highest score first.",
      replacedBy: "`ZRANGE` with `REV` and `BYSCORE`",
      history: [["2.1.6", "Ends can be excluded."]],
    },
    [doubleArg("max"), doubleArg("min"), withScoresArg, limitArg],
    { kind: "score", backwards: true },
  ),
  olderRange(
    {
      name: "zrangebylex",
      since: "2.8.9",
      summary: "Returns the members in a range of names, while all scores are equal.",
      replacedBy: "`ZRANGE` with `BYLEX`",
    },
    [...lexEnds, limitArg],
    { kind: "lex", backwards: false },
  ),
  olderRange(
    {
      name: "zrevrangebylex",
      since: "2.8.9",
      summary: "Returns the members in a range of names, the last first, while all scores are equal.",
      replacedBy: "`ZRANGE` with `REV` and `BYLEX`",
    },
    [stringArg("max"), stringArg("min"), limitArg],
    { kind: "lex", backwards: true },
  ),
  rangeCounter("zcount", "2.0.0", "Counts the members in a range of scores.", scoreEnds, "score"),
  rangeCounter(
    "zlexcount",
    "2.8.9",
    "Counts the members in a range of names, while all scores are equal.",
    lexEnds,
    "lex",
  ),
  rangeRemover("zremrangebyrank", "2.0.0", "Removes the members in a range of ranks.", rankEnds, "rank"),
  rangeRemover("zremrangebyscore", "1.2.0", "Removes the members in a range of scores.", scoreEnds, "score"),
  rangeRemover(
    "zremrangebylex",
    "2.8.9",
    "Removes the members in a range of names, while all scores are equal.",
    lexEnds,
    "lex",
  ),
];
