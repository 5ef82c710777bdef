/** Union, intersection and difference of sorted sets; plain sets take part with all scores 1. */
import { ownText } from "../../data/packed.ts";
import { SetValue } from "../../data/set.ts";
import { type TestMember, type VisitMember, ZsetValue } from "../../data/zset.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type ArgSpec,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  keysCountedAt,
  oneOf,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Key } from "../../keyspace/key.ts";
import { LIMIT_NEGATIVE, ReplyError, SYNTAX, WEIGHT_NOT_FLOAT, WRONGTYPE } from "../../protocol/errors.ts";
import { replyRange, storeResult } from "./zset_reply.ts";

// ---- Sources ----------------------------------------------------------------------------------------------------

/** One of the sets that are combined. */
class Source {
  weight = 1;

  constructor(readonly value: ZsetValue | SetValue | undefined) {}

  get size(): number {
    return this.value?.size ?? 0;
  }

  scoreOf(member: string): number | undefined {
    if (this.value instanceof ZsetValue) return this.value.score(member);
    return this.value?.has(member) ? 1 : undefined;
  }

  each(visit: VisitMember): void {
    if (this.value instanceof ZsetValue) this.value.forEach(visit);
    else this.value?.forEach((member) => visit(member, 1));
  }

  eachWhile(visit: TestMember): void {
    if (this.value instanceof ZsetValue) return this.value.eachWhile(0, this.size, false, visit);
    let goesOn = true;
    this.value?.forEach((member) => goesOn &&= visit(member, 1));
  }
}

function sourceAt(ctx: CommandContext, key: Key): Source {
  const ref = ctx.find(key);
  if (ref === 0) return new Source(undefined);
  if (ctx.db.typeOf(ref) !== ZsetValue.type && ctx.db.typeOf(ref) !== SetValue.type) throw WRONGTYPE;
  const value = ctx.db.collectionOf(ref);
  return new Source(value instanceof ZsetValue || value instanceof SetValue ? value : undefined);
}

/** The sets whose number argument `at` says and whose keys follow it. */
function readSources(ctx: CommandContext, args: Args, at: number): Source[] {
  const count = args.int(at);
  if (count < 1) throw new ReplyError(`ERR at least 1 input key is needed for '${ctx.cmd.fullName}' command`);
  if (count > args.count - at - 1) throw SYNTAX;
  const sources: Source[] = [];
  for (let i = 0; i < count; i++) sources.push(sourceAt(ctx, args.key(at + 1 + i)));
  return sources;
}

// ---- Options ----------------------------------------------------------------------------------------------------

/** Makes one score of two. */
type Aggregate = (a: number, b: number) => number;

const aggregates: Readonly<Record<string, Aggregate>> = {
  SUM: (a, b) => orZero(a + b),
  MIN: (a, b) => b < a ? b : a,
  MAX: (a, b) => b > a ? b : a,
};

/** Infinity - Infinity and 0 × Infinity count as 0. */
function orZero(score: number): number {
  return Number.isNaN(score) ? 0 : score;
}

function readAggregate(options: ArgReader): Aggregate {
  const aggregate = aggregates[options.string().toUpperCase()];
  if (aggregate === undefined) throw SYNTAX;
  return aggregate;
}

interface CombineOptions {
  aggregate: Aggregate;
  withScores: boolean;
}

/** Reads what follows the keys; WEIGHTS are put down in the sources. @param stores the result is not replied */
function readOptions(
  args: Args,
  at: number,
  sources: readonly Source[],
  isDiff: boolean,
  stores: boolean,
): CombineOptions {
  let aggregate = aggregates.SUM!, withScores = false;
  const options = new ArgReader(args, at);
  while (options.more) {
    if (!isDiff && options.take("WEIGHTS", sources.length)) {
      for (const source of sources) source.weight = options.double(WEIGHT_NOT_FLOAT);
    } else if (!isDiff && options.take("AGGREGATE", 1)) aggregate = readAggregate(options);
    else if (!stores && options.take("WITHSCORES")) withScores = true;
    else throw SYNTAX;
  }
  return { aggregate, withScores };
}

// ---- Combining --------------------------------------------------------------------------------------------------

type Combine = (sources: readonly Source[], aggregate: Aggregate, result: ZsetValue) => void;

/** The smallest first, as Redis does it: the order shows in the last digits of sums. */
function bySize(sources: readonly Source[]): Source[] {
  return sources.toSorted((a, b) => a.size - b.size);
}

const unite: Combine = (sources, aggregate, result) => {
  const scores = new Map<string, number>();
  for (const source of bySize(sources)) {
    source.each((member, score) => {
      const weighted = orZero(source.weight * score), old = scores.get(member);
      scores.set(member, old === undefined ? weighted : aggregate(old, weighted));
    });
  }
  for (const [member, score] of scores) result.add(ownText(member), score);
};

/** Visits what all sources have, until `visit` returns false. */
function eachCommon(sources: readonly Source[], aggregate: Aggregate, visit: TestMember): void {
  const [smallest, ...others] = bySize(sources);
  smallest?.eachWhile((member, score) => {
    let total = orZero(smallest.weight * score);
    for (const other of others) {
      const found = other.scoreOf(member);
      if (found === undefined) return true;
      total = aggregate(total, found * other.weight);
    }
    return visit(member, total);
  });
}

const intersect: Combine = (sources, aggregate, result) => {
  eachCommon(sources, aggregate, (member, score) => {
    result.add(ownText(member), score);
    return true;
  });
};

const subtract: Combine = ([first, ...others], _aggregate, result) => {
  if (others.some((other) => other.value === first?.value)) return;
  const bySizeDown = bySize(others).toReversed(); // the big ones are the likelier to have a member
  first?.each((member, score) => {
    if (bySizeDown.every((other) => other.scoreOf(member) === undefined)) result.add(ownText(member), score);
  });
};

// ---- Handlers ---------------------------------------------------------------------------------------------------

function combine(ctx: CommandContext, args: Args, operation: Combine): void {
  const sources = readSources(ctx, args, 1);
  const { aggregate, withScores } = readOptions(
    args,
    2 + sources.length,
    sources,
    operation === subtract,
    false,
  );
  // Never packed: what is only replied keeps -0.
  const result = new ZsetValue({ ...ctx.engine.limits, zsetMaxListpackEntries: 0 });
  operation(sources, aggregate, result);
  replyRange(ctx.reply, result, 0, result.size, false, withScores);
}

function combineAndStore(ctx: CommandContext, args: Args, operation: Combine): void {
  const sources = readSources(ctx, args, 2);
  const { aggregate } = readOptions(args, 3 + sources.length, sources, operation === subtract, true);
  const result = new ZsetValue(ctx.engine.limits);
  operation(sources, aggregate, result);
  storeResult(ctx, args.key(1), result, ctx.cmd.name);
}

function zintercard(ctx: CommandContext, args: Args): void {
  const sources = readSources(ctx, args, 1);
  let limit = 0;
  const options = new ArgReader(args, 2 + sources.length);
  while (options.more) {
    if (!options.take("LIMIT", 1)) throw SYNTAX;
    limit = options.int(LIMIT_NEGATIVE, 0);
  }
  let count = 0;
  eachCommon(sources, (a) => a, () => ++count !== limit);
  ctx.reply.integer(count);
}

// ---- Declarations -----------------------------------------------------------------------------------------------

const sourceArgs = [integerArg("numkeys"), keyArg("key", { multiple: true })];
const storeArgs = [
  keyArg("destination"),
  integerArg("numkeys"),
  keyArg("key", { multiple: true, keySpecIndex: 1 }),
];
const scoringArgs = [
  integerArg("weight", { token: "WEIGHTS", optional: true, multiple: true }),
  oneOf("aggregate", [tokenArg("SUM"), tokenArg("MIN"), tokenArg("MAX")], {
    token: "AGGREGATE",
    optional: true,
  }),
];
const withScoresArg = tokenArg("WITHSCORES", { optional: true });
const readKeys = keysCountedAt(1, KeyFlag.ReadOnly | KeyFlag.Access);

function combiner(
  name: string,
  summary: string,
  complexity: string,
  options: readonly ArgSpec[],
  operation: Combine,
): Command {
  return command({
    name,
    group: "sorted-set",
    since: "6.2.0",
    arity: -3,
    flags: Flag.ReadOnly | Flag.MovableKeys,
    keys: [readKeys],
    args: [...sourceArgs, ...options, withScoresArg],
    summary,
    complexity,
    handler: (ctx, args) => combine(ctx, args, operation),
  });
}

function storer(
  name: string,
  since: string,
  summary: string,
  complexity: string,
  options: readonly ArgSpec[],
  operation: Combine,
): Command {
  return command({
    name,
    group: "sorted-set",
    since,
    arity: -4,
    flags: Flag.Write | Flag.DenyOom | Flag.MovableKeys,
    keys: [
      keyAt(1, KeyFlag.Overwrite | KeyFlag.Update),
      keysCountedAt(2, KeyFlag.ReadOnly | KeyFlag.Access),
    ],
    args: [...storeArgs, ...options],
    summary,
    complexity,
    handler: (ctx, args) => combineAndStore(ctx, args, operation),
  });
}

const unionCost = "O(N+M*log(M)), N being the sum of all sizes and M the size of the result.";
const interCost =
  "O(N*K+M*log(M)) at worst, N being the size of the smallest set, K the number of sets and M the size of the result.";
const diffCost =
  "O(N*K+M*log(M)) at worst, N being the size of the first set, K the number of sets and M the size of the result.";

/** The commands of this group; `table.ts` joins the groups. */
export const zsetAlgebraCommands: readonly Command[] = [
  combiner("zunion", "Returns the union of sorted sets.", unionCost, scoringArgs, unite),
  combiner("zinter", "Returns the intersection of sorted sets.", interCost, scoringArgs, intersect),
  combiner(
    "zdiff",
    "Returns the first sorted set without the members of the others.",
    diffCost,
    [],
    subtract,
  ),
  storer("zunionstore", "2.0.0", "Stores the union of sorted sets.", unionCost, scoringArgs, unite),
  storer(
    "zinterstore",
    "2.0.0",
    "Stores the intersection of sorted sets.",
    interCost,
    scoringArgs,
    intersect,
  ),
  storer(
    "zdiffstore",
    "6.2.0",
    "Stores the first sorted set without the members of the others.",
    diffCost,
    [],
    subtract,
  ),
  command({
    name: "zintercard",
    group: "sorted-set",
    since: "7.0.0",
    arity: -3,
    flags: Flag.ReadOnly | Flag.MovableKeys,
    keys: [readKeys],
    args: [...sourceArgs, integerArg("limit", { token: "LIMIT", optional: true })],
    summary: "Counts the members that sorted sets have in common.",
    complexity: "O(N*K) at worst, N being the size of the smallest set and K the number of sets.",
    handler: zintercard,
  }),
];
