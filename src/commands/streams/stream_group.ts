/**
 * Consumer groups: XGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM.
 *
 * One file: all of them work on pending entries, with the same look-ups of groups and consumers.
 */
import {
  type Consumer,
  type ConsumerGroup,
  type PendingEntry,
  UNKNOWN_ENTRIES_READ,
} from "../../data/consumer_group.ts";
import { StreamValue } from "../../data/stream.ts";
import { compareIds, minStreamId, parseId, parseRangeId, type StreamId } from "../../data/stream_id.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
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
  unixTimeArg,
} from "../../engine/command.ts";
import { ClientFlag } from "../../engine/client.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import {
  BUSY_GROUP,
  COUNT_OPTION_NOT_POSITIVE,
  ENTRIES_READ_NEGATIVE,
  INVALID_ID,
  invalidClaimOption,
  invalidMinIdle,
  KEY_REQUIRED,
  noGroup,
  noGroupOfKey,
  SYNTAX,
  unknownClaimOption,
} from "../../protocol/errors.ts";
import {
  bookkeepingChanged,
  endArgument,
  idArgument,
  propagateClaim,
  propagateGroupId,
  replyEntry,
  replyId,
  startArgument,
} from "./stream_common.ts";
import { helpCommand, subcommandSyntax } from "../help.ts";

// ---- XGROUP -------------------------------------------------------------------------------------

/** The options of XGROUP CREATE and SETID behind the id. */
function groupOptions(args: Args, isCreate: boolean): { makeStream: boolean; entriesRead: number } {
  let makeStream = false, entriesRead = UNKNOWN_ENTRIES_READ;
  const options = new ArgReader(args, 5);
  while (options.more) {
    if (isCreate && options.take("MKSTREAM")) makeStream = true;
    else if (options.take("ENTRIESREAD", 1)) {
      entriesRead = options.int();
      if (entriesRead < 0 && entriesRead !== UNKNOWN_ENTRIES_READ) throw ENTRIES_READ_NEGATIVE;
    } else throw subcommandSyntax(args);
  }
  return { makeStream, entriesRead };
}

/** The stream at argument 2. */
function streamOf(ctx: CommandContext, args: Args): StreamValue {
  const stream = ctx.write(args.key(2), StreamValue);
  if (stream === undefined) throw KEY_REQUIRED;
  return stream;
}

/** The group given by arguments 2 and 3. */
function groupOf(ctx: CommandContext, args: Args): ConsumerGroup {
  const group = streamOf(ctx, args).group(args.string(3));
  if (group === undefined) throw noGroupOfKey(args.string(2), args.string(3));
  return group;
}

function createGroup(ctx: CommandContext, args: Args): void {
  const { makeStream, entriesRead } = groupOptions(args, true);
  const key = args.key(2), name = args.string(3);
  const found = ctx.write(key, StreamValue);
  if (found === undefined && !makeStream) throw KEY_REQUIRED;
  if (args.count > 8) throw subcommandSyntax(args);
  const lastId = args.is(4, "$") ? found?.lastId ?? minStreamId : idArgument(args, 4);
  const stream = found ?? ctx.writeOrCreate(key, StreamValue);
  const read = Math.min(entriesRead, stream.entriesAdded);
  if (stream.createGroup(name, lastId, read) === undefined) throw BUSY_GROUP;
  if (found === undefined) ctx.changed(key, Notify.Stream, "xgroup-create");
  else bookkeepingChanged(ctx, key, 1, "xgroup-create");
  ctx.reply.ok();
}

function setGroupId(ctx: CommandContext, args: Args): void {
  const { entriesRead } = groupOptions(args, false);
  const stream = streamOf(ctx, args), group = groupOf(ctx, args);
  if (args.count > 7) throw subcommandSyntax(args);
  const lastId = args.is(4, "$") ? stream.lastId : parseRangeId(args.string(4), 0);
  if (lastId === undefined) throw INVALID_ID;
  group.lastId = lastId;
  group.entriesRead = Math.min(entriesRead, stream.entriesAdded);
  bookkeepingChanged(ctx, args.key(2), 1, "xgroup-setid");
  ctx.reply.ok();
}

function destroyGroup(ctx: CommandContext, args: Args): void {
  const key = args.key(2), destroyed = streamOf(ctx, args).destroyGroup(args.string(3));
  if (destroyed) {
    bookkeepingChanged(ctx, key, 1, "xgroup-destroy");
    // Waiting consumers must learn that their group is gone.
    ctx.engine.waiting.signal(ctx.databaseId, key.text);
  }
  ctx.reply.integer(destroyed ? 1 : 0);
}

function createConsumer(ctx: CommandContext, args: Args): void {
  const group = groupOf(ctx, args), name = args.string(4);
  const isNew = group.consumer(name) === undefined;
  if (isNew) addConsumer(ctx, args.key(2), group, name);
  ctx.reply.integer(isNew ? 1 : 0);
}

function addConsumer(ctx: CommandContext, key: Key, group: ConsumerGroup, name: string): Consumer {
  bookkeepingChanged(ctx, key, 1, "xgroup-createconsumer");
  return group.createConsumer(name, ctx.nowMs);
}

function deleteConsumer(ctx: CommandContext, args: Args): void {
  const pending = groupOf(ctx, args).deleteConsumer(args.string(4));
  if (pending !== undefined) bookkeepingChanged(ctx, args.key(2), 1, "xgroup-delconsumer");
  ctx.reply.integer(pending ?? 0);
}

// ---- XACK ---------------------------------------------------------------------------------------

function xack(ctx: CommandContext, args: Args): void {
  const key = args.key(1), group = ctx.write(key, StreamValue)?.group(args.string(2));
  if (group === undefined) return ctx.reply.integer(0);
  const ids: StreamId[] = [];
  for (let i = 3; i < args.count; i++) ids.push(idArgument(args, i));
  let acknowledged = 0;
  for (const id of ids) if (group.acknowledge(id)) acknowledged++;
  bookkeepingChanged(ctx, key, acknowledged);
  ctx.reply.integer(acknowledged);
}

// ---- XPENDING -----------------------------------------------------------------------------------

/** The filter for the pending entries that XPENDING lists. */
interface PendingFilter {
  minIdleMs: number;
  start: StreamId;
  end: StreamId;
  count: number;
  consumer: string | undefined;
}

function parseFilter(args: Args): PendingFilter {
  if (args.count < 6 || args.count > 9) throw SYNTAX;
  let at = 3, minIdleMs = 0;
  if (args.is(3, "IDLE")) {
    minIdleMs = args.int(4);
    if (args.count < 8) throw SYNTAX;
    at = 5;
  }
  const count = Math.max(0, args.int(at + 2));
  const start = startArgument(args, at), end = endArgument(args, at + 1);
  return { minIdleMs, start, end, count, consumer: at + 3 < args.count ? args.string(at + 3) : undefined };
}

function xpending(ctx: CommandContext, args: Args): void {
  const filter = args.count === 3 ? undefined : parseFilter(args);
  const group = ctx.read(args.key(1), StreamValue)?.group(args.string(2));
  if (group === undefined) throw noGroup(args.string(1), args.string(2));
  if (filter === undefined) replySummary(ctx, group);
  else replyPending(ctx, group, filter);
}

function replySummary(ctx: CommandContext, group: ConsumerGroup): void {
  const { reply } = ctx, { first, last, size } = group.pending;
  reply.array(4);
  reply.integer(size);
  if (first === undefined || last === undefined) {
    reply.null();
    reply.null();
    return reply.nullArray();
  }
  replyId(reply, first.id);
  replyId(reply, last.id);
  const busy = group.consumers().filter((consumer) => consumer.pending.size > 0);
  reply.array(busy.length);
  for (const consumer of busy) {
    reply.array(2);
    reply.bulk(consumer.name);
    reply.bulkInteger(consumer.pending.size);
  }
}

function replyPending(ctx: CommandContext, group: ConsumerGroup, filter: PendingFilter): void {
  const { reply } = ctx;
  const pending = filter.consumer === undefined ? group.pending : group.consumer(filter.consumer)?.pending;
  const from = reply.length;
  let left = filter.count;
  for (
    let entry = pending?.ceiling(filter.start);
    left > 0 && entry !== undefined && compareIds(entry.id, filter.end) <= 0;
    entry = pending?.after(entry.id)
  ) {
    const idleMs = ctx.nowMs - entry.deliveryTimeMs;
    if (filter.minIdleMs !== 0 && idleMs < filter.minIdleMs) continue;
    reply.array(4);
    replyId(reply, entry.id);
    reply.bulk(entry.consumer.name);
    reply.integer(Math.max(0, idleMs));
    reply.integer(entry.deliveryCount);
    left--;
  }
  reply.arrayBefore(from, filter.count - left);
}

// ---- XCLAIM and XAUTOCLAIM ----------------------------------------------------------------------

/** The claiming consumer, and the state of claimed entries afterwards. */
interface Claim {
  key: Key;
  stream: StreamValue;
  group: ConsumerGroup;
  consumer: Consumer;
  minIdleMs: number;
  justId: boolean;
  deliveryTimeMs: number;
  /** Undefined: one more than before, or unchanged with JUSTID. */
  deliveryCount: number | undefined;
}

/** The claiming consumer, created if it does not exist, even if it gets nothing. */
function claimant(ctx: CommandContext, key: Key, group: ConsumerGroup, name: string): Consumer {
  const consumer = group.consumer(name) ?? addConsumer(ctx, key, group, name);
  consumer.seenTimeMs = ctx.nowMs;
  return consumer;
}

/**
 * Propagates a consumer that was created but got nothing; in all other cases the propagated claims
 * create it.
 */
function propagateIdle(ctx: CommandContext, { key, group, consumer }: Claim, isNew: boolean): void {
  if (!isNew || consumer.pending.size > 0) return;
  ctx.rewrite("XGROUP", "CREATECONSUMER", key.text, group.name, consumer.name);
}

/** Assigns the entry `id`, which exists, to the claimant and propagates that. */
function give(ctx: CommandContext, claim: Claim, id: StreamId, countBefore: number): void {
  const count = claim.deliveryCount ?? (claim.justId ? countBefore : countBefore + 1);
  const pending = claim.group.assign(id, claim.consumer, claim.deliveryTimeMs, count);
  claim.consumer.activeTimeMs = ctx.nowMs;
  propagateClaim(ctx, claim.key, claim.group, pending);
  bookkeepingChanged(ctx, claim.key, 1);
}

function replyClaimed(ctx: CommandContext, { stream, justId }: Claim, ids: readonly StreamId[]): void {
  ctx.reply.array(ids.length);
  for (const id of ids) {
    const entry = justId ? undefined : stream.find(id);
    if (entry === undefined) replyId(ctx.reply, id);
    else replyEntry(ctx.reply, id, entry);
  }
}

/** Drops a pending entry that is no longer in the stream. */
function forget(ctx: CommandContext, { key, group }: Claim, pending: PendingEntry): void {
  propagateClaim(ctx, key, group, pending);
  group.acknowledge(pending.id);
  bookkeepingChanged(ctx, key, 1);
}

function isTooFresh(ctx: CommandContext, claim: Claim, pending: PendingEntry): boolean {
  return claim.minIdleMs > 0 && ctx.nowMs - pending.deliveryTimeMs < claim.minIdleMs;
}

/** XCLAIM's options behind the ids. */
interface ClaimOptions {
  deliveryTimeMs: number;
  deliveryCount: number | undefined;
  force: boolean;
  justId: boolean;
  lastId: StreamId;
}

function parseClaimOptions(ctx: CommandContext, args: Args, from: number): ClaimOptions {
  const found: ClaimOptions = {
    deliveryTimeMs: ctx.nowMs,
    deliveryCount: undefined,
    force: false,
    justId: false,
    lastId: minStreamId,
  };
  const options = new ArgReader(args, from);
  while (options.more) {
    if (options.take("FORCE")) found.force = true;
    else if (options.take("JUSTID")) found.justId = true;
    else if (options.take("IDLE", 1)) {
      found.deliveryTimeMs = ctx.nowMs - options.int(invalidClaimOption("IDLE"));
    } else if (options.take("TIME", 1)) found.deliveryTimeMs = options.int(invalidClaimOption("TIME"));
    else if (options.take("RETRYCOUNT", 1)) {
      const count = options.int(invalidClaimOption("RETRYCOUNT"));
      found.deliveryCount = count < 0 ? undefined : count;
    } else if (options.take("LASTID", 1)) found.lastId = idArgument(args, options.at++);
    else throw unknownClaimOption(options.string());
  }
  // An impossible time, for instance from a clock that is ahead, becomes now. A time from the
  // primary or a file is kept as it is, whichever clock is ahead.
  const isTold = ctx.client.has(ClientFlag.Silent | ClientFlag.Primary);
  const isLater = found.deliveryTimeMs > ctx.nowMs && !isTold;
  if (found.deliveryTimeMs < 0 || isLater) found.deliveryTimeMs = ctx.nowMs;
  return found;
}

function xclaim(ctx: CommandContext, args: Args): void {
  const key = args.key(1), stream = ctx.write(key, StreamValue), group = stream?.group(args.string(2));
  if (stream === undefined || group === undefined) throw noGroup(args.string(1), args.string(2));
  const minIdleMs = Math.max(0, args.int(4, invalidMinIdle("XCLAIM")));
  const ids: StreamId[] = [];
  let at = 5;
  for (; at < args.count; at++) {
    const id = parseId(args.string(at), 0);
    if (id === undefined) break;
    ids.push(id);
  }
  const options = parseClaimOptions(ctx, args, at);
  ctx.propagateNothing();
  const isAhead = compareIds(options.lastId, group.lastId) > 0;
  if (isAhead) group.lastId = options.lastId;
  const isNew = group.consumer(args.string(3)) === undefined;
  const consumer = claimant(ctx, key, group, args.string(3));
  const claim = { key, stream, group, consumer, minIdleMs, ...options };
  const dirtyBefore = ctx.engine.dirty;
  claimEach(ctx, claim, ids, options.force);
  propagateIdle(ctx, claim, isNew);
  if (isAhead && ctx.engine.dirty === dirtyBefore) {
    // Otherwise the propagated claims carry it.
    propagateGroupId(ctx, key, group);
    bookkeepingChanged(ctx, key, 1);
  }
}

function claimEach(ctx: CommandContext, claim: Claim, ids: readonly StreamId[], force: boolean): void {
  const claimed: StreamId[] = [];
  for (const id of ids) {
    const pending = claim.group.pending.get(id);
    if (!claim.stream.has(id)) {
      if (pending !== undefined) forget(ctx, claim, pending);
      continue;
    }
    if (pending === undefined ? !force : isTooFresh(ctx, claim, pending)) continue;
    give(ctx, claim, id, pending?.deliveryCount ?? 1);
    claimed.push(id);
  }
  replyClaimed(ctx, claim, claimed);
}

/** XAUTOCLAIM examines at most this many pending entries for each one it may claim. */
const ATTEMPTS_PER_ENTRY = 10;

/** COUNT's maximum: Redis reserves 16 bytes for each id. */
const MAX_CLAIM_COUNT = (1n << 59n) - 1n;

function claimCount(options: ArgReader): number {
  const count = options.integer(COUNT_OPTION_NOT_POSITIVE);
  if (count < 1 || count > MAX_CLAIM_COUNT) throw COUNT_OPTION_NOT_POSITIVE;
  return Number(count);
}

function xautoclaim(ctx: CommandContext, args: Args): void {
  const minIdleMs = Math.max(0, args.int(4, invalidMinIdle("XAUTOCLAIM")));
  const start = startArgument(args, 5);
  let count = 100, justId = false;
  const options = new ArgReader(args, 6);
  while (options.more) {
    if (options.take("COUNT", 1)) count = claimCount(options);
    else if (options.take("JUSTID")) justId = true;
    else throw SYNTAX;
  }
  const key = args.key(1), stream = ctx.write(key, StreamValue), group = stream?.group(args.string(2));
  if (stream === undefined || group === undefined) throw noGroup(args.string(1), args.string(2));
  ctx.propagateNothing();
  const isNew = group.consumer(args.string(3)) === undefined;
  const consumer = claimant(ctx, key, group, args.string(3)), deliveryTimeMs = ctx.nowMs;
  const claim = { key, stream, group, consumer, minIdleMs, justId, deliveryTimeMs, deliveryCount: undefined };
  claimFrom(ctx, claim, start, count);
  propagateIdle(ctx, claim, isNew);
}

/**
 * Claims from `start` on and replies with the next start, the claimed entries and the deleted ones.
 */
function claimFrom(ctx: CommandContext, claim: Claim, start: StreamId, count: number): void {
  const { reply } = ctx, { group, stream } = claim;
  const claimed: StreamId[] = [], deleted: StreamId[] = [];
  let attempts = count * ATTEMPTS_PER_ENTRY;
  let pending = group.pending.ceiling(start);
  while (pending !== undefined && attempts-- > 0 && claimed.length + deleted.length < count) {
    const { id } = pending;
    if (!stream.has(id)) {
      forget(ctx, claim, pending);
      deleted.push(id);
    } else if (!isTooFresh(ctx, claim, pending)) {
      give(ctx, claim, id, pending.deliveryCount);
      claimed.push(id);
    }
    pending = group.pending.after(id);
  }
  reply.array(3);
  replyId(reply, pending?.id ?? minStreamId);
  replyClaimed(ctx, claim, claimed);
  reply.array(deleted.length);
  for (const id of deleted) replyId(reply, id);
}

const groupKey = (flag: number) => [keyAt(2, KeyFlag.ReadWrite | flag)];
const idArgs = oneOf("id-selector", [stringArg("id"), { name: "new-id", type: "pure-token", token: "$" }]);
const entriesReadArg = integerArg("entries-read", { token: "ENTRIESREAD", optional: true });

const xgroupHelp = [
  "CREATE <key> <groupname> <id|$> [option]",
  "    Make a group that has read up to an id, or up to the end. Options:",
  "    * MKSTREAM",
  "      Make the stream too if there is none.",
  "    * ENTRIESREAD entries_read",
  "      How many entries it has read; for internal use.",
  "CREATECONSUMER <key> <groupname> <consumer>",
  "    Make a consumer of a group.",
  "DELCONSUMER <key> <groupname> <consumer>",
  "    Remove a consumer with its pending entries.",
  "DESTROY <key> <groupname>",
  "    Remove a group.",
  "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
  "    Set up to where a group has read, and how many entries.",
];

const xgroupCommand = command({
  name: "xgroup",
  group: "stream",
  since: "5.0.0",
  arity: -2,
  flags: 0,
  summary: "Container of the commands that manage consumer groups.",
  complexity: "Depends on the sub-command",
  subcommands: [
    command({
      name: "create",
      group: "stream",
      since: "5.0.0",
      arity: -5,
      flags: Flag.Write | Flag.DenyOom,
      keys: groupKey(KeyFlag.Insert),
      args: [keyArg(), stringArg("group"), idArgs, tokenArg("MKSTREAM", { optional: true }), entriesReadArg],
      summary: "Makes a consumer group.",
      complexity: "O(1)",
      history: [["7.0.0", "The option `ENTRIESREAD`."]],
      handler: createGroup,
    }),
    command({
      name: "setid",
      group: "stream",
      since: "5.0.0",
      arity: -5,
      flags: Flag.Write,
      keys: groupKey(KeyFlag.Update),
      args: [keyArg(), stringArg("group"), idArgs, entriesReadArg],
      summary: "Sets up to where a group has read.",
      complexity: "O(1)",
      history: [["7.0.0", "The option `ENTRIESREAD`."]],
      handler: setGroupId,
    }),
    command({
      name: "destroy",
      group: "stream",
      since: "5.0.0",
      arity: 4,
      flags: Flag.Write,
      keys: groupKey(KeyFlag.Delete),
      args: [keyArg(), stringArg("group")],
      summary: "Removes a consumer group.",
      complexity: "O(N) for N consumers",
      handler: destroyGroup,
    }),
    command({
      name: "createconsumer",
      group: "stream",
      since: "6.2.0",
      arity: 5,
      flags: Flag.Write | Flag.DenyOom,
      keys: groupKey(KeyFlag.Insert),
      args: [keyArg(), stringArg("group"), stringArg("consumer")],
      summary: "Makes a consumer of a group.",
      complexity: "O(1)",
      handler: createConsumer,
    }),
    command({
      name: "delconsumer",
      group: "stream",
      since: "5.0.0",
      arity: 5,
      flags: Flag.Write,
      keys: groupKey(KeyFlag.Delete),
      args: [keyArg(), stringArg("group"), stringArg("consumer")],
      summary: "Removes a consumer with its pending entries, and replies with how many those were.",
      complexity: "O(N log M) for N pending entries of M in the group",
      handler: deleteConsumer,
    }),
    helpCommand("XGROUP", xgroupHelp, {
      group: "stream",
      since: "5.0.0",
      summary: "Replies with what the sub-commands do.",
    }),
  ],
});

/** The commands of this group; `table.ts` joins the groups. */
export const streamGroupCommands: readonly Command[] = [
  xgroupCommand,
  command({
    name: "xack",
    group: "stream",
    since: "5.0.0",
    arity: -4,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [keyArg(), stringArg("group"), stringArg("id", { multiple: true })],
    summary: "Takes entries off a group's pending ones, and replies with how many there were.",
    complexity: "O(log N) for each id, N being the pending entries",
    handler: xack,
  }),
  command({
    name: "xpending",
    group: "stream",
    since: "5.0.0",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [
      keyArg(),
      stringArg("group"),
      blockArg("filters", [
        integerArg("min-idle-time", { token: "IDLE", optional: true, since: "6.2.0" }),
        stringArg("start"),
        stringArg("end"),
        integerArg("count"),
        stringArg("consumer", { optional: true }),
      ], { optional: true }),
    ],
    summary: "Replies with a summary or a list of what was delivered and not acknowledged.",
    complexity: "O(N) for N entries looked at; O(C log C) for the summary, with C consumers",
    history: [["6.2.0", "The option `IDLE` and exclusive ranges."]],
    tips: ["nondeterministic_output"],
    handler: xpending,
  }),
  command({
    name: "xclaim",
    group: "stream",
    since: "5.0.0",
    arity: -6,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [
      keyArg(),
      stringArg("group"),
      stringArg("consumer"),
      stringArg("min-idle-time"),
      stringArg("id", { multiple: true }),
      integerArg("ms", { token: "IDLE", optional: true }),
      unixTimeArg("unix-time-milliseconds", { token: "TIME", optional: true }),
      integerArg("count", { token: "RETRYCOUNT", optional: true }),
      tokenArg("FORCE", { optional: true }),
      tokenArg("JUSTID", { optional: true }),
      stringArg("lastid", { token: "LASTID", optional: true }),
    ],
    summary: "Hands pending entries over to a consumer, as if they had been delivered to it.",
    complexity: "O(log N) for each id, N being the pending entries",
    tips: ["nondeterministic_output"],
    handler: xclaim,
  }),
  command({
    name: "xautoclaim",
    group: "stream",
    since: "6.2.0",
    arity: -6,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    args: [
      keyArg(),
      stringArg("group"),
      stringArg("consumer"),
      stringArg("min-idle-time"),
      stringArg("start"),
      integerArg("count", { token: "COUNT", optional: true }),
      tokenArg("JUSTID", { optional: true }),
    ],
    summary: "Hands over pending entries that have been idle for a time, and forgets deleted ones.",
    complexity: "O(N log M) for N entries looked at of M pending",
    history: [["7.0.0", "The reply's third part: the deleted entries that were forgotten."]],
    tips: ["nondeterministic_output"],
    handler: xautoclaim,
  }),
];
