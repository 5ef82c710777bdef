/**
 * HyperLogLog: approximate counts of distinct elements, in strings of Redis's own format
 * (data/hyperloglog.ts).
 */
import { CorruptSketchError, countRegisters, HyperLogLog, registerCount } from "../../data/hyperloglog.ts";
import { ValueType } from "../../data/value.ts";
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import {
  type Command,
  command,
  Flag,
  keyArg,
  keyAt,
  KeyFlag,
  keyRange,
  stringArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import { CORRUPT, NO_KEY, NOT_A_SKETCH, NOT_SPARSE, ReplyError, WRONGTYPE } from "../../protocol/errors.ts";
import { selfTest } from "./hyperloglog_selftest.ts";

const scratch = new Slice();

/** The sketch of a record, sharing the keyspace's bytes: for reading, before anything changes. */
function sharedSketch(ctx: CommandContext, ref: number): HyperLogLog | undefined {
  if (ref === 0) return undefined;
  if (ctx.db.typeOf(ref) !== ValueType.String) throw WRONGTYPE;
  const bytes = ctx.db.readString(ref, scratch).view();
  if (!HyperLogLog.isSketch(bytes)) throw NOT_A_SKETCH;
  return new HyperLogLog(bytes, ctx.engine.limits);
}

/** A copy of a record's sketch, for changing. */
function sketchOf(ctx: CommandContext, ref: number): HyperLogLog | undefined {
  const shared = sharedSketch(ctx, ref);
  return shared === undefined ? undefined : new HyperLogLog(shared.bytes.slice(), ctx.engine.limits);
}

/**
 * Stores a changed sketch; the key keeps its expiry. As in Redis it is a string changed in place:
 * `raw`.
 */
function store(ctx: CommandContext, key: Key, sketch: HyperLogLog): void {
  const { bytes } = sketch;
  if (ctx.peek(key) === 0) ctx.setBytes(key, bytes, 0, bytes.length);
  ctx.editString(key, ctx.peek(key), bytes.length, scratch);
  scratch.buf.set(bytes, scratch.start);
}

/** A handler that may encounter a corrupt sketch. */
function guarded(work: (ctx: CommandContext, args: Args) => void): Command["handler"] {
  return (ctx, args) => {
    try {
      work(ctx, args);
    } catch (error) {
      throw error instanceof CorruptSketchError ? CORRUPT : error;
    }
  };
}

function pfadd(ctx: CommandContext, args: Args): void {
  const key = args.key(1), found = sketchOf(ctx, ctx.findForWrite(key));
  const sketch = found ?? HyperLogLog.empty(ctx.engine.limits);
  let changes = found === undefined ? 1 : 0;
  for (let i = 2; i < args.count; i++) {
    if (sketch.add(args.string(i))) changes++;
  }
  if (changes > 0) {
    sketch.invalidateCount();
    store(ctx, key, sketch);
    ctx.changed(key, Notify.String, "pfadd", changes);
  }
  ctx.reply.integer(changes > 0 ? 1 : 0);
}

function pfcount(ctx: CommandContext, args: Args): void {
  if (args.count === 2) return ctx.reply.integer(countOne(ctx, args.key(1)));
  const ranks = new Uint8Array(registerCount);
  for (let i = 1; i < args.count; i++) sharedSketch(ctx, ctx.find(args.key(i)))?.mergeInto(ranks);
  ctx.reply.integer(countRegisters(ranks));
}

/**
 * The count of one sketch; a newly computed count is cached in the sketch, which changes the key.
 * Clients of a replica do not change it: its data are the primary's, byte for byte.
 */
function countOne(ctx: CommandContext, key: Key): number {
  const ref = ctx.find(key), cached = sharedSketch(ctx, ref)?.cachedCount;
  const sketch = cached === -1 ? sketchOf(ctx, ref) : undefined;
  if (sketch === undefined) return cached ?? 0;
  const count = sketch.count(), isTold = ctx.client.has(ClientFlag.Silent | ClientFlag.Primary);
  if (ctx.engine.isReplica && !isTold) return count;
  sketch.cacheCount(count);
  store(ctx, key, sketch);
  ctx.changed(key, 0, "");
  return count;
}

function pfmerge(ctx: CommandContext, args: Args): void {
  const ranks = new Uint8Array(registerCount);
  let isDense = false;
  for (let i = 1; i < args.count; i++) {
    const source = sharedSketch(ctx, ctx.find(args.key(i)));
    if (source === undefined) continue;
    isDense ||= source.encoding === "dense";
    source.mergeInto(ranks);
  }
  const key = args.key(1);
  const sketch = sketchOf(ctx, ctx.findForWrite(key)) ?? HyperLogLog.empty(ctx.engine.limits);
  if (isDense) sketch.makeDense();
  for (let i = 0; i < registerCount; i++) {
    if (ranks[i] !== 0) sketch.raise(i, ranks[i]!);
  }
  sketch.invalidateCount();
  store(ctx, key, sketch);
  ctx.changed(key, Notify.String, "pfadd");
  ctx.reply.ok();
}

/** Makes a stored sketch dense; true if it was sparse. */
function storeDense(ctx: CommandContext, key: Key, sketch: HyperLogLog): boolean {
  if (!sketch.makeDense()) return false;
  store(ctx, key, sketch);
  ctx.changed(key, 0, "");
  return true;
}

function pfdebug(ctx: CommandContext, args: Args): void {
  const key = args.key(2), sketch = sketchOf(ctx, ctx.findForWrite(key));
  if (sketch === undefined) throw NO_KEY;
  if (args.is(1, "GETREG")) {
    storeDense(ctx, key, sketch);
    ctx.reply.array(registerCount);
    for (const rank of sketch.registers()) ctx.reply.integer(rank);
  } else if (args.is(1, "DECODE")) {
    if (sketch.encoding !== "sparse") throw NOT_SPARSE;
    ctx.reply.bulk(sketch.describe());
  } else if (args.is(1, "ENCODING")) {
    ctx.reply.simple(sketch.encoding);
  } else if (args.is(1, "TODENSE")) {
    ctx.reply.integer(storeDense(ctx, key, sketch) ? 1 : 0);
  } else throw new ReplyError(`ERR Unknown PFDEBUG subcommand '${args.string(1)}'`);
}

function pfselftest(ctx: CommandContext): void {
  const failure = selfTest(ctx.engine.random, ctx.engine.limits);
  if (failure !== undefined) throw new ReplyError(`TESTFAILED ${failure}`);
  ctx.reply.ok();
}

/** The commands of this group; `table.ts` joins the groups. */
export const hyperloglogCommands: readonly Command[] = [
  command({
    name: "pfadd",
    group: "hyperloglog",
    since: "2.8.9",
    arity: -2,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    args: [keyArg(), stringArg("element", { optional: true, multiple: true })],
    summary: "Counts elements into a HyperLogLog; creates it if needed.",
    complexity: "O(1) for each element.",
    handler: guarded(pfadd),
  }),
  command({
    name: "pfcount",
    group: "hyperloglog",
    since: "2.8.9",
    arity: -2,
    flags: Flag.ReadOnly | Flag.MayReplicate,
    keys: [keyRange(1, -1, 1, KeyFlag.ReadWrite | KeyFlag.Access)],
    args: [keyArg("key", { multiple: true })],
    summary: "Returns about how many different elements HyperLogLogs have seen together.",
    complexity: "O(1) for one key, O(N) with a large constant for N keys.",
    handler: guarded(pfcount),
  }),
  command({
    name: "pfmerge",
    group: "hyperloglog",
    since: "2.8.9",
    arity: -2,
    flags: Flag.Write | Flag.DenyOom,
    keys: [
      keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Insert),
      keyRange(2, -1, 1, KeyFlag.ReadOnly | KeyFlag.Access),
    ],
    args: [keyArg("destkey"), keyArg("sourcekey", { optional: true, multiple: true, keySpecIndex: 1 })],
    summary: "Merges HyperLogLogs into one.",
    complexity: "O(N), N being the number of HyperLogLogs, with a large constant.",
    handler: guarded(pfmerge),
  }),
  command({
    name: "pfdebug",
    group: "hyperloglog",
    since: "2.8.9",
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Admin,
    keys: [keyAt(2, KeyFlag.ReadWrite | KeyFlag.Access)],
    args: [stringArg("subcommand"), keyArg()],
    summary: "Shows the inside of a HyperLogLog.",
    isInternal: true,
    complexity: "O(N), N being the number of registers.",
    handler: guarded(pfdebug),
  }),
  command({
    name: "pfselftest",
    group: "hyperloglog",
    since: "2.8.9",
    arity: 1,
    flags: Flag.Admin,
    summary: "Checks the HyperLogLog implementation on this machine.",
    isInternal: true,
    complexity: "O(1): always the same work, about a second of it.",
    handler: pfselftest,
  }),
];
