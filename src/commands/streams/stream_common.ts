/**
 * The common parts of the stream commands: ids as arguments, entries as replies, and the
 * announcement of changes.
 */
import { INVALID_END, INVALID_ID, INVALID_START } from "../../protocol/errors.ts";
import type { ConsumerGroup, PendingEntry } from "../../data/consumer_group.ts";
import {
  formatId,
  type IdPart,
  maxSequence,
  nextId,
  parseId,
  parseRangeId,
  previousId,
  type StreamId,
} from "../../data/stream_id.ts";
import type { TextSink } from "../../data/stream_node.ts";
import type { Args } from "../../engine/args.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";

/**
 * Argument `i` as an id; a missing sequence number becomes `missingSeq`. `-` and `+` are not
 * accepted.
 */
export function idArgument(args: Args, i: number, missingSeq: IdPart = 0): StreamId {
  return validId(parseId(args.string(i), missingSeq));
}

function validId(id: StreamId | undefined): StreamId {
  if (id === undefined) throw INVALID_ID;
  return id;
}

/** Argument `i` as the first id of an interval: `-`, `+`, an id, or `(` and an excluded id. */
export function startArgument(args: Args, i: number): StreamId {
  const text = args.string(i);
  if (!isExclusive(text)) return validId(parseRangeId(text, 0));
  const start = nextId(validId(parseId(text.slice(1), 0)));
  if (start === undefined) throw INVALID_START;
  return start;
}

/** As {@linkcode startArgument}, for the last id of an interval. */
export function endArgument(args: Args, i: number): StreamId {
  const text = args.string(i);
  if (!isExclusive(text)) return validId(parseRangeId(text, maxSequence));
  const end = previousId(validId(parseId(text.slice(1), maxSequence)));
  if (end === undefined) throw INVALID_END;
  return end;
}

function isExclusive(text: string): boolean {
  return text.length > 1 && text.charCodeAt(0) === 0x28;
}

/** An entry, independent of its source: a cursor or a reader positioned on it. */
export interface EntryView {
  readonly id: StreamId;
  readonly fieldCount: number;
  writePairs(sink: TextSink): void;
}

/** Replies with an entry's id as a bulk string. */
export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.bulk(formatId(id));
}

/** Replies with an id and its names and values in turn. */
export function replyEntry(reply: ReplyWriter, id: StreamId, entry: EntryView): void {
  reply.array(2);
  replyId(reply, id);
  reply.array(entry.fieldCount * 2);
  entry.writePairs(reply);
}

/** Replies with at most `count` entries as an array; 0: all. */
export function replyEntries(
  reply: ReplyWriter,
  cursor: EntryView & { next(): boolean },
  count: number,
): void {
  const from = reply.length;
  let written = 0;
  while ((count === 0 || written < count) && cursor.next()) {
    replyEntry(reply, cursor.id, cursor);
    written++;
  }
  reply.arrayBefore(from, written);
}

/**
 * Announces that the bookkeeping of a stream has changed (a group, a pending entry, the last id)
 * but not its entries: this counts as a change and is propagated, but does not invalidate
 * transactions that watch the key.
 */
export function bookkeepingChanged(ctx: CommandContext, key: Key, changes: number, event?: string): void {
  ctx.engine.dirty += changes;
  if (event !== undefined) ctx.notify(Notify.Stream, event, key);
}

/**
 * Propagates the state of a pending entry, as a command that establishes it regardless of the
 * previous state.
 */
export function propagateClaim(
  ctx: CommandContext,
  key: Key,
  group: ConsumerGroup,
  entry: PendingEntry,
): void {
  if (!ctx.engine.propagation.active) return;
  ctx.rewrite(
    "XCLAIM",
    key.text,
    group.name,
    entry.consumer.name,
    "0",
    formatId(entry.id),
    "TIME",
    String(entry.deliveryTimeMs),
    "RETRYCOUNT",
    String(entry.deliveryCount),
    "FORCE",
    "JUSTID",
    "LASTID",
    formatId(group.lastId),
  );
}

/** Propagates the last id read by a group. */
export function propagateGroupId(ctx: CommandContext, key: Key, group: ConsumerGroup): void {
  const id = formatId(group.lastId);
  ctx.rewrite("XGROUP", "SETID", key.text, group.name, id, "ENTRIESREAD", String(group.entriesRead));
}
