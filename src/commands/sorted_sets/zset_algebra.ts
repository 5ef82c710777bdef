/**
 * Union, intersection and difference of sorted sets; plain sets take part with a score of 1 for
 * each member.
 */
import type { DataLimits } from "../../data/limits.ts";
import { SetValue } from "../../data/set.ts";
import { scoreTable, type TestBytes, ZsetValue } from "../../data/zset.ts";
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

// ---- Sources ------------------------------------------------------------------------------------

/** Members of a plain set that are visited between two looks at whether to go on. */
const MEMBERS_AT_ONCE = 1024;

/** One of the combined sets. */
class Source {
  weight = 1;

  constructor(readonly value: ZsetValue | SetValue | undefined) {}

  get size(): number {
    return this.value?.size ?? 0;
  }

  scoreOf(buf: Uint8Array, start: number, end: number): number | undefined {
    if (this.value instanceof ZsetValue) return this.value.scoreOf(buf, start, end);
    return this.value?.hasBytes(buf, start, end) ? 1 : undefined;
  }

  /** Visits all members, until `visit` returns false. */
  each(visit: TestBytes): void {
    if (this.value instanceof ZsetValue) return this.value.eachBytes(0, this.size, false, visit);
    let goesOn = true, cursor = 0;
    do {
      cursor = this.value?.scanBytes(cursor, MEMBERS_AT_ONCE, (buf, start, end) => {
        goesOn &&= visit(buf, start, end, 1);
      }) ?? 0;
    } while (cursor !== 0 && goesOn);
  }
}

function sourceAt(ctx: CommandContext, key: Key): Source {
  const ref = ctx.find(key);
  if (ref === 0) return new Source(undefined);
  if (ctx.db.typeOf(ref) !== ZsetValue.type && ctx.db.typeOf(ref) !== SetValue.type) throw WRONGTYPE;
  const value = ctx.db.collectionOf(ref);
  return new Source(value instanceof ZsetValue || value instanceof SetValue ? value : undefined);
}

/** The sets given by a count at argument `at` and the keys behind it. */
function readSources(ctx: CommandContext, args: Args, at: number): Source[] {
  const count = args.int(at);
  if (count < 1) throw new ReplyError(`ERR at least 1 input key is needed for '${ctx.cmd.fullName}' command`);
  if (count > args.count - at - 1) throw SYNTAX;
  const sources: Source[] = [];
  for (let i = 0; i < count; i++) sources.push(sourceAt(ctx, args.key(at + 1 + i)));
  return sources;
}

// ---- Options ------------------------------------------------------------------------------------

/** Combines two scores into one. */
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

/**
 * Parses the options after the keys; WEIGHTS are recorded in the sources. @param stores true if the
 * result is stored, not replied
 */
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

// ---- Combining ----------------------------------------------------------------------------------

type Combine = (sources: readonly Source[], aggregate: Aggregate, limits: DataLimits) => ZsetValue;

/** The smallest first, as in Redis: the order shows in the last digits of sums. */
function bySize(sources: readonly Source[]): Source[] {
  return sources.toSorted((a, b) => a.size - b.size);
}

const unite: Combine = (sources, aggregate, limits) => {
  const table = scoreTable(limits.store), { store } = table;
  try {
    for (const source of bySize(sources)) {
      source.each((buf, start, end, score) => {
        const weighted = orZero(source.weight * score), hash = table.hash(buf, start, end);
        const known = table.find(buf, start, end, hash), ref = known || table.insert(buf, start, end, hash);
        const scores = store.f64(ref), at = store.at(ref) >>> 3;
        scores[at] = known === 0 ? weighted : aggregate(scores[at]!, weighted);
        return true;
      });
    }
  } catch (error) {
    table.free();
    throw error;
  }
  return ZsetValue.ofTable(limits, table);
};

/** Visits the members common to all sources, until `visit` returns false. */
function eachCommon(sources: readonly Source[], aggregate: Aggregate, visit: TestBytes): void {
  const [smallest, ...others] = bySize(sources);
  smallest?.each((buf, start, end, score) => {
    let total = orZero(smallest.weight * score);
    for (const other of others) {
      const found = other.scoreOf(buf, start, end);
      if (found === undefined) return true;
      total = aggregate(total, found * other.weight);
    }
    return visit(buf, start, end, total);
  });
}

const intersect: Combine = (sources, aggregate, limits) => {
  const result = new ZsetValue(limits);
  eachCommon(sources, aggregate, (buf, start, end, score) => {
    result.addBytes(buf, start, end, score);
    return true;
  });
  return result;
};

const subtract: Combine = ([first, ...others], _aggregate, limits) => {
  const result = new ZsetValue(limits);
  if (others.some((other) => other.value === first?.value)) return result;
  // the larger ones are more likely to have a member
  const bySizeDown = bySize(others).toReversed();
  first?.each((buf, start, end, score) => {
    if (bySizeDown.every((other) => other.scoreOf(buf, start, end) === undefined)) {
      result.addBytes(buf, start, end, score);
    }
    return true;
  });
  return result;
};

// ---- Handlers -----------------------------------------------------------------------------------

function combine(ctx: CommandContext, args: Args, operation: Combine): void {
  const sources = readSources(ctx, args, 1);
  const { aggregate, withScores } = readOptions(
    args,
    2 + sources.length,
    sources,
    operation === subtract,
    false,
  );
  // Never packed: a result that is only replied keeps -0.
  const result = operation(sources, aggregate, { ...ctx.engine.limits, zsetMaxListpackEntries: 0 });
  replyRange(ctx.reply, result, 0, result.size, false, withScores);
  result.free();
}

function combineAndStore(ctx: CommandContext, args: Args, operation: Combine): void {
  const sources = readSources(ctx, args, 2);
  const { aggregate } = readOptions(args, 3 + sources.length, sources, operation === subtract, true);
  storeResult(ctx, args.key(1), operation(sources, aggregate, ctx.engine.limits), ctx.cmd.name);
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

// ---- Declarations -------------------------------------------------------------------------------

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
