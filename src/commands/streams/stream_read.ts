/**
 * XREAD and XREADGROUP.
 *
 * Both examine every stream before they write: the content of the reply is decided before its first
 * byte. A waiting client runs the same handler again when one of its streams has changed; ids that
 * mean "from now on" are replaced by the ids they stood for when it began to wait.
 */
import type { Consumer, ConsumerGroup } from "../../data/consumer_group.ts";
import type { StreamValue as Stream } from "../../data/stream.ts";
import { StreamValue } from "../../data/stream.ts";
import {
  compareIds,
  formatId,
  maxStreamId,
  minStreamId,
  nextId,
  parseId,
  previousId,
  type StreamId,
} from "../../data/stream_id.ts";
import { ValueType } from "../../data/value.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import {
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  KeyFlag,
  type KeyPosition,
  type KeySpec,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { BlockOptions, CommandContext } from "../../engine/context.ts";
import type { Key } from "../../keyspace/key.ts";
import {
  blockInScript,
  GROUP_NEEDS_XREADGROUP,
  INVALID_ID,
  meaninglessId,
  MISSING_GROUP,
  NEW_NEEDS_XREADGROUP,
  NOACK_NEEDS_XREADGROUP,
  noGroup,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_INTEGER,
  UNBALANCED_XREAD,
  UNBALANCED_XREADGROUP,
} from "../../protocol/errors.ts";
import {
  bookkeepingChanged,
  propagateClaim,
  propagateGroupId,
  replyEntries,
  replyEntry,
  replyId,
} from "./stream_common.ts";

/** Entries for a client that has waited and has not given COUNT. */
const COUNT_AFTER_WAIT = 1000;

/** The options of both commands. */
interface ReadOptions {
  /** 0: all. */
  count: number;
  /** Undefined without BLOCK; 0: no limit. */
  timeoutMs: number | undefined;
  noAck: boolean;
  group: string;
  consumer: string;
  /** Argument of the first key; the ids are `streams` arguments further on. */
  firstKeyAt: number;
  streams: number;
}

/** One requested stream. */
interface StreamRequest {
  key: Key;
  stream: Stream | undefined;
  /** Read entries after this id; undefined for `>`. */
  after: StreamId | undefined;
}

/** One stream requested for a group. */
interface GroupRequest extends StreamRequest {
  stream: Stream;
  group: ConsumerGroup;
}

function parseOptions(ctx: CommandContext, args: Args, isGroup: boolean): ReadOptions {
  const found = {
    count: 0,
    timeoutMs: undefined as number | undefined,
    noAck: false,
    group: "",
    consumer: "",
  };
  let named = false;
  const options = new ArgReader(args, 1);
  while (options.more) {
    if (options.take("BLOCK", 1)) found.timeoutMs = timeout(ctx, options);
    else if (options.take("COUNT", 1)) found.count = Math.max(0, options.int());
    else if (options.take("STREAMS", 1)) {
      if (options.left % 2 !== 0) throw isGroup ? UNBALANCED_XREADGROUP : UNBALANCED_XREAD;
      if (isGroup && !named) throw MISSING_GROUP;
      return { ...found, firstKeyAt: options.at, streams: options.left / 2 };
    } else if (options.take("GROUP", 2)) {
      if (!isGroup) throw GROUP_NEEDS_XREADGROUP;
      found.group = options.string();
      found.consumer = options.string();
      named = true;
    } else if (options.take("NOACK")) {
      if (!isGroup) throw NOACK_NEEDS_XREADGROUP;
      found.noAck = true;
    } else throw SYNTAX;
  }
  throw SYNTAX;
}

function timeout(ctx: CommandContext, options: ArgReader): number {
  if (ctx.client.has(ClientFlag.Script)) throw blockInScript(options.args.string(0));
  const timeoutMs = options.int(TIMEOUT_NOT_INTEGER);
  if (timeoutMs < 0) throw TIMEOUT_NEGATIVE;
  return timeoutMs;
}

function strictId(text: string): StreamId {
  const id = parseId(text, 0);
  if (id === undefined) throw INVALID_ID;
  return id;
}

/** Blocks the client on any of the requested streams, or replies as after a time-out. */
function wait(
  ctx: CommandContext,
  options: ReadOptions,
  requests: StreamRequest[],
  how: Pick<BlockOptions, "args" | "wakeWhenGone">,
): void {
  if (options.timeoutMs === undefined || !ctx.canBlock) return ctx.reply.nullArray();
  ctx.block({
    keys: requests.map((request) => request.key.text),
    timeoutMs: options.timeoutMs,
    type: ValueType.Stream,
    onTimeout: (reply) => reply.nullArray(),
    ...how,
  });
}

/** Starts the reply for one stream, which is a pair in RESP2 and part of a map in RESP3. */
function beginStream(ctx: CommandContext, key: Key): void {
  if (ctx.reply.resp === 2) ctx.reply.array(2);
  ctx.reply.bulk(key.text);
}

// ---- XREAD --------------------------------------------------------------------------------------

function xread(ctx: CommandContext, args: Args): void {
  const options = parseOptions(ctx, args, false);
  const requests: StreamRequest[] = [];
  for (let i = 0; i < options.streams; i++) {
    const key = args.key(options.firstKeyAt + i), stream = ctx.read(key, StreamValue);
    const after = readAfter(stream, args.string(options.firstKeyAt + options.streams + i));
    requests.push({ key, stream, after });
  }
  const served = requests.filter(hasNewEntries);
  if (served.length === 0) return wait(ctx, options, requests, { args: withIds(args, options, requests) });
  const count = options.count > 0 || ctx.client.blocked === null ? options.count : COUNT_AFTER_WAIT;
  if (ctx.reply.resp === 2) ctx.reply.array(served.length);
  else ctx.reply.map(served.length);
  for (const { key, stream, after } of served) {
    beginStream(ctx, key);
    replyEntries(ctx.reply, stream.range(nextId(after) ?? maxStreamId, maxStreamId), count);
  }
}

/**
 * The id after which XREAD reads: `$` is the last one so far, `+` is just before the last entry.
 */
function readAfter(stream: Stream | undefined, text: string): StreamId {
  if (text === "$") return stream?.lastId ?? minStreamId;
  if (text === "+") return previousId(stream?.lastEntryId() ?? minStreamId) ?? minStreamId;
  if (text === ">") throw NEW_NEEDS_XREADGROUP;
  return strictId(text);
}

function hasNewEntries(
  request: StreamRequest,
): request is StreamRequest & { stream: Stream; after: StreamId } {
  const { stream, after } = request;
  if (stream === undefined || after === undefined || stream.size === 0) return false;
  return compareIds(stream.lastEntryId(), after) > 0;
}

/** The arguments for the next run: every id spelled out. */
function withIds(args: Args, options: ReadOptions, requests: StreamRequest[]): Args {
  const words = args.strings(0, options.firstKeyAt + options.streams);
  for (const { after } of requests) words.push(formatId(after ?? minStreamId));
  return Args.of(words);
}

// ---- XREADGROUP ---------------------------------------------------------------------------------

function xreadgroup(ctx: CommandContext, args: Args): void {
  const options = parseOptions(ctx, args, true);
  const requests: GroupRequest[] = [];
  for (let i = 0; i < options.streams; i++) {
    const key = args.key(options.firstKeyAt + i);
    const { stream, group } = findGroup(ctx, key, options.group);
    const after = groupReadAfter(args.string(options.firstKeyAt + options.streams + i));
    requests.push({ key, stream, group, after });
  }
  ctx.propagateNothing();
  const count = options.count > 0 || ctx.client.blocked === null ? options.count : COUNT_AFTER_WAIT;
  const from = ctx.reply.length;
  let served = 0;
  for (const request of requests) {
    const isServed = canServe(request), consumer = findConsumer(ctx, request, options, isServed);
    if (!isServed) continue;
    serve(ctx, request, consumer, options, count);
    served++;
  }
  if (served === 0) return wait(ctx, options, requests, { wakeWhenGone: true });
  if (ctx.reply.resp === 2) ctx.reply.arrayBefore(from, served);
  else ctx.reply.mapBefore(from, served);
}

function serve(
  ctx: CommandContext,
  request: GroupRequest,
  consumer: Consumer,
  options: ReadOptions,
  count: number,
): void {
  const { key, stream, after } = request;
  beginStream(ctx, key);
  if (after === undefined) deliver(ctx, request, consumer, count, options.noAck);
  else replyHistory(ctx, stream, consumer, after, count);
  bookkeepingChanged(ctx, key, 1);
}

/** The group, which must exist, even while a client waits. */
function findGroup(ctx: CommandContext, key: Key, name: string): { stream: Stream; group: ConsumerGroup } {
  const stream = ctx.write(key, StreamValue);
  const group = stream?.group(name);
  if (stream !== undefined && group !== undefined) return { stream, group };
  throw noGroup(key.text, name, " in XREADGROUP with GROUP option");
}

/** The largest id means the same as `>`. */
function groupReadAfter(text: string): StreamId | undefined {
  if (text === ">") return undefined;
  if (text === "$" || text === "+") throw meaninglessId(text);
  const id = strictId(text);
  return compareIds(id, maxStreamId) === 0 ? undefined : id;
}

/** True if there is something to reply: always for a consumer's history, which may be empty. */
function canServe({ stream, group, after }: GroupRequest): boolean {
  return after !== undefined || (stream.size > 0 && compareIds(stream.lastEntryId(), group.lastId) > 0);
}

/** The requesting consumer, created if it does not exist, even if it gets nothing yet. */
function findConsumer(
  ctx: CommandContext,
  { key, group, after }: GroupRequest,
  options: ReadOptions,
  isServed: boolean,
): Consumer {
  const known = group.consumer(options.consumer);
  if (known !== undefined) {
    known.seenTimeMs = ctx.nowMs;
    return known;
  }
  // If the consumer gets a pending entry, its propagation creates the consumer elsewhere.
  const getsPending = isServed && after === undefined && !options.noAck;
  if (!getsPending) ctx.rewrite("XGROUP", "CREATECONSUMER", key.text, group.name, options.consumer);
  bookkeepingChanged(ctx, key, 1, "xgroup-createconsumer");
  return group.createConsumer(options.consumer, ctx.nowMs);
}

/** Replies with the entries the group has not seen yet, and assigns them to `consumer`. */
function deliver(
  ctx: CommandContext,
  { key, stream, group }: GroupRequest,
  consumer: Consumer,
  count: number,
  noAck: boolean,
): void {
  const from = ctx.reply.length;
  const cursor = stream.range(nextId(group.lastId) ?? maxStreamId, maxStreamId);
  let delivered = 0;
  while ((count === 0 || delivered < count) && cursor.next()) {
    const { id } = cursor;
    stream.advance(group, id);
    replyEntry(ctx.reply, id, cursor);
    if (!noAck) propagateClaim(ctx, key, group, group.assign(id, consumer, ctx.nowMs, 1));
    delivered++;
  }
  ctx.reply.arrayBefore(from, delivered);
  if (delivered > 0) consumer.activeTimeMs = ctx.nowMs;
  // The claims carry the last id the group has read, but not the number of entries.
  if (delivered > 0) propagateGroupId(ctx, key, group);
}

/**
 * Replies with the entries `consumer` has not acknowledged; entries deleted meanwhile have no
 * fields.
 */
function replyHistory(
  ctx: CommandContext,
  stream: Stream,
  consumer: Consumer,
  after: StreamId,
  count: number,
): void {
  const from = ctx.reply.length;
  let written = 0;
  for (
    let pending = consumer.pending.after(after);
    pending !== undefined && (count === 0 || written < count);
    pending = consumer.pending.after(pending.id)
  ) {
    const entry = stream.find(pending.id);
    if (entry === undefined) {
      ctx.reply.array(2);
      replyId(ctx.reply, pending.id);
      ctx.reply.nullArray();
    } else {
      replyEntry(ctx.reply, pending.id, entry);
      pending.deliveryTimeMs = ctx.nowMs;
      pending.deliveryCount++;
    }
    written++;
  }
  ctx.reply.arrayBefore(from, written);
}

const READ_FLAGS = KeyFlag.ReadOnly | KeyFlag.Access;

function keysBehindStreams(from: number): KeySpec {
  return {
    flags: READ_FLAGS,
    begin: { keyword: "STREAMS", from },
    find: { last: -1, step: 1, limit: 2 },
  };
}

/**
 * Number of words after an option, none of which is a key. A group or a consumer may be called
 * STREAMS.
 */
const valuesBehind = [["COUNT", 1], ["BLOCK", 1], ["GROUP", 2]] as const;

/** The keys of one call: the first half of the words after STREAMS. */
function keysOfRead(args: Args): KeyPosition[] | undefined {
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, "STREAMS")) {
      const count = Math.floor((args.count - i - 1) / 2);
      return Array.from({ length: count }, (_, k) => ({ index: i + 1 + k, flags: READ_FLAGS }));
    }
    i += valuesBehind.find(([word]) => args.is(i, word))?.[1] ?? 0;
  }
  return undefined;
}

const optionArgs = [
  integerArg("count", { token: "COUNT", optional: true }),
  integerArg("milliseconds", { token: "BLOCK", optional: true }),
];
const streamsArg = blockArg("streams", [
  keyArg("key", { multiple: true }),
  stringArg("id", { multiple: true }),
], { token: "STREAMS" });

/** The commands of this group; `table.ts` joins the groups. */
export const streamReadCommands: readonly Command[] = [
  command({
    name: "xread",
    group: "stream",
    since: "5.0.0",
    arity: -4,
    flags: Flag.ReadOnly | Flag.Blocking | Flag.MovableKeys,
    keys: [keysBehindStreams(1)],
    keysOf: keysOfRead,
    args: [...optionArgs, streamsArg],
    summary: "Replies with the entries of streams behind given ids, waiting for some if asked to.",
    complexity: "O(log M + N) for each stream with N entries replied of M",
    handler: xread,
  }),
  command({
    name: "xreadgroup",
    group: "stream",
    since: "5.0.0",
    arity: -7,
    flags: Flag.Write | Flag.Blocking | Flag.MovableKeys,
    keys: [keysBehindStreams(4)],
    keysOf: keysOfRead,
    args: [
      blockArg("group-block", [stringArg("group"), stringArg("consumer")], { token: "GROUP" }),
      ...optionArgs,
      tokenArg("NOACK", { optional: true }),
      streamsArg,
    ],
    summary:
      "Delivers entries of streams that a group has not seen yet to one of its consumers, or its history.",
    complexity: "O(log M + N) for each stream with N entries replied of M",
    handler: xreadgroup,
  }),
];
