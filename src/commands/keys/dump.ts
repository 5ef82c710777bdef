/**
 * DUMP and RESTORE: a value as a payload that other servers, and later versions of this one, can
 * read.
 */
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
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { freshLfuClock, lruClock, parsePolicy } from "../../keyspace/eviction.ts";
import { Notify } from "../../engine/events.ts";
import type { CollectionValue } from "../../data/value.ts";
import { type Moment, NO_EXPIRY } from "../../keyspace/database.ts";
import type { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import { dumpValue, hasValidFooter, restoreValue } from "../../persistence/rdb/dump.ts";
import { RdbError } from "../../persistence/rdb/rdb_input.ts";
import {
  BAD_DATA,
  BUSYKEY,
  INVALID_FREQ,
  INVALID_IDLETIME,
  INVALID_TTL,
  SYNTAX,
  WRONG_FOOTER,
} from "../../protocol/errors.ts";
import { isInt64, narrowInteger } from "../../util/numbers.ts";

/** The latest possible time, Unix milliseconds. */
const LATEST = (1n << 63n) - 1n;

function dump(ctx: CommandContext, args: Args): void {
  const ref = ctx.find(args.key(1));
  if (ref === 0) return ctx.reply.null();
  const value = ctx.db.valueOf(ref, new Slice());
  ctx.reply.bulkBytes(dumpValue(value, ctx.engine.config.values.rdbcompression));
}

interface RestoreOptions {
  replace: boolean;
  absoluteTtl: boolean;
  /** -1 if not given. */
  idleSeconds: number;
  frequency: number;
}

function restoreOptions(args: Args): RestoreOptions {
  const found: RestoreOptions = { replace: false, absoluteTtl: false, idleSeconds: -1, frequency: -1 };
  const options = new ArgReader(args, 4);
  while (options.more) {
    if (options.take("REPLACE")) found.replace = true;
    else if (options.take("ABSTTL")) found.absoluteTtl = true;
    else if (found.frequency < 0 && options.take("IDLETIME", 1)) {
      found.idleSeconds = options.int();
      if (found.idleSeconds < 0) throw INVALID_IDLETIME;
    } else if (found.idleSeconds < 0 && options.take("FREQ", 1)) {
      found.frequency = options.int();
      if (found.frequency < 0 || found.frequency > 255) throw INVALID_FREQ;
    } else throw SYNTAX;
  }
  return found;
}

/** The value in a payload; throws RESTORE's error replies. */
function valueOf(ctx: CommandContext, payload: Uint8Array): Slice | CollectionValue {
  if (!hasValidFooter(payload, ctx.engine.debug.skipChecksums)) throw WRONG_FOOTER;
  ctx.engine.stats.payloadsChecked++;
  try {
    return restoreValue(payload, ctx.engine.limits);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    ctx.engine.log.verbose(`RESTORE of '${ctx.args.string(1)}': ${error.message} at offset ${error.offset}`);
    throw BAD_DATA;
  }
}

function restore(ctx: CommandContext, args: Args): void {
  const options = restoreOptions(args), key = args.key(1);
  const isThere = ctx.peek(key) !== 0;
  if (isThere && !options.replace) throw BUSYKEY;
  const ttlMs = args.integer(2);
  if (ttlMs < 0) throw INVALID_TTL;
  const value = valueOf(ctx, args.buf.subarray(args.start(3), args.end(3)));
  const expiresAtMs = ttlMs === 0 ? NO_EXPIRY : options.absoluteTtl ? ttlMs : after(ctx.nowMs, ttlMs);
  if (ttlMs > 0 && ctx.isOver(expiresAtMs)) {
    restoreExpired(ctx, key, isThere);
    return ctx.reply.ok();
  }
  if (isThere) ctx.delete(key);
  if (value instanceof Slice) ctx.setBytes(key, value.buf, value.start, value.end, false, expiresAtMs);
  else ctx.setCollection(key, value, expiresAtMs);
  setAccessClock(ctx, key, options);
  if (ttlMs > 0 && !options.absoluteTtl) {
    ctx.rewrite("RESTORE", key.text, String(expiresAtMs), args.string(3), ...args.strings(4), "ABSTTL");
  }
  ctx.changed(key, Notify.Generic, "restore");
  ctx.reply.ok();
}

/** The time `ttlMs` from now, limited to the range of 64-bit integers. */
function after(nowMs: number, ttlMs: Moment): Moment {
  const sum = BigInt(nowMs) + BigInt(ttlMs);
  return narrowInteger(isInt64(sum) ? sum : LATEST);
}

/** A value that has already expired only removes the one it would replace. */
function restoreExpired(ctx: CommandContext, key: Key, isThere: boolean): void {
  if (!isThere) return;
  ctx.delete(key);
  ctx.rewrite("DEL", key.text);
  ctx.changed(key, Notify.Generic, "del");
}

function setAccessClock(ctx: CommandContext, key: Key, { idleSeconds, frequency }: RestoreOptions): void {
  const { order } = parsePolicy(ctx.engine.config.values.maxmemoryPolicy);
  const ref = ctx.db.find(key);
  if (idleSeconds >= 0 && order !== "lfu") ctx.setClock(ref, lruClock(ctx.nowMs - idleSeconds * 1000));
  if (frequency >= 0 && order === "lfu") {
    ctx.setClock(ref, (freshLfuClock(ctx.nowMs) & ~0xff) | frequency);
  }
}

const restoreHistory = [
  ["3.0.0", "`REPLACE`."],
  ["5.0.0", "`ABSTTL`."],
  ["5.0.0", "`IDLETIME` and `FREQ`."],
] as const;

const restoreArgs = [
  keyArg(),
  integerArg("ttl"),
  stringArg("serialized-value"),
  tokenArg("REPLACE", { optional: true, since: "3.0.0" }),
  tokenArg("ABSTTL", { optional: true, since: "5.0.0" }),
  integerArg("seconds", { token: "IDLETIME", optional: true, since: "5.0.0" }),
  integerArg("frequency", { token: "FREQ", optional: true, since: "5.0.0" }),
];

/** The commands of this group; `table.ts` joins the groups. */
export const dumpCommands: readonly Command[] = [
  command({
    name: "dump",
    group: "generic",
    since: "2.6.0",
    arity: 2,
    flags: Flag.ReadOnly,
    keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [keyArg()],
    summary: "Returns the value of a key as a payload that RESTORE takes.",
    complexity: "O(1) to find the key, and O(N) for the size of its value",
    tips: ["nondeterministic_output"],
    handler: dump,
  }),
  command({
    name: "restore",
    group: "generic",
    since: "2.6.0",
    arity: -4,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.Overwrite | KeyFlag.Update)],
    args: restoreArgs,
    summary: "Makes a key of the payload that DUMP returned.",
    complexity: "O(N) for the size of the value, O(N*log(N)) for a sorted set",
    history: restoreHistory,
    categories: ["dangerous"],
    handler: restore,
  }),
  command({
    name: "restore-asking",
    group: "server",
    since: "3.0.0",
    arity: -4,
    flags: Flag.Write | Flag.DenyOom | Flag.Asking,
    keys: [keyAt(1, KeyFlag.Overwrite | KeyFlag.Update)],
    args: restoreArgs,
    summary: "RESTORE within the migration of a cluster's slots.",
    complexity: "O(N) for the size of the value, O(N*log(N)) for a sorted set",
    history: restoreHistory,
    isInternal: true,
    categories: ["keyspace", "dangerous"],
    handler: restore,
  }),
];
