/** Streams outside the keyspace. */
import {
  type Consumer,
  type ConsumerGroup,
  type PendingIndex,
  UNKNOWN_ENTRIES_READ,
} from "../../data/consumer_group.ts";
import { StreamValue } from "../../data/stream.ts";
import {
  compareIds,
  formatId,
  type IdPart,
  maxSequence,
  maxStreamId,
  minStreamId,
  parseId,
  type StreamId,
} from "../../data/stream_id.ts";
import { ValueType } from "../../data/value.ts";
import { latin1 } from "../../util/bytes.ts";
import { type CommandOutput, ELEMENTS_PER_COMMAND } from "../aof/command_output.ts";
import { type JsonOutput, type JsonText, jsonText, writeArray } from "../json/json_text.ts";
import type { JsonFields, JsonSource } from "../json/json_source.ts";
import { RdbType } from "../rdb/rdb_format.ts";
import type { RdbOutput } from "../rdb/rdb_output.ts";
import type { ValueReader } from "../rdb/value_reader.ts";
import type { Steps, ValueCodec } from "./codec.ts";
import type { Digest } from "./digest.ts";

/** Entries between two yields. */
const STEP = 128;
/** -1 in the 64 bits of a count. */
const UNKNOWN_COUNT = 0xffff_ffff_ffff_ffffn;

/** See {@linkcode ValueCodec}. */
export const streamCodec: ValueCodec<StreamValue> = {
  type: ValueType.Stream,
  digestNumber: 6,
  rdbTypes: {
    [RdbType.StreamListpacks]: "stream",
    [RdbType.StreamListpacks2]: "stream-v2",
    [RdbType.StreamListpacks3]: "stream-v3",
  },
  mayBeEmpty: true,
  rdbTypeOf: () => RdbType.StreamListpacks2,
  save,
  load,
  rewrite,
  show,
  parse: (source, shown) => parseStream(source, source.object(shown)),
  digest,
};

// ---- RDB --------------------------------------------------------------------------------------------------------

function* save(out: RdbOutput, stream: StreamValue): Steps {
  out.count(stream.nodeCount);
  for (const node of stream.nodes()) {
    out.count(16);
    out.rawId(node.id);
    const listpack = node.toListpack();
    out.bytes(listpack, 0, listpack.length);
    yield;
  }
  out.count(stream.size);
  for (const id of [stream.lastId, stream.firstId, stream.maxDeletedId]) {
    out.count(id.ms);
    out.count(id.seq);
  }
  out.count(stream.entriesAdded);
  out.count(stream.groupCount);
  for (const group of stream.groups()) yield* saveGroup(out, group);
}

function* saveGroup(out: RdbOutput, group: ConsumerGroup): Steps {
  out.string(group.name);
  out.count(group.lastId.ms);
  out.count(group.lastId.seq);
  const entriesRead: IdPart = group.entriesRead;
  out.count(entriesRead < 0 ? UNKNOWN_COUNT : entriesRead);
  yield* savePending(out, group.pending, true);
  const consumers: readonly Consumer[] = group.consumers();
  out.count(consumers.length);
  for (const consumer of consumers) {
    out.string(consumer.name);
    out.milliseconds(consumer.seenTimeMs);
    yield* savePending(out, consumer.pending, false);
  }
}

/** Delivery times and counts stand in the group's list only. */
function* savePending(out: RdbOutput, pending: PendingIndex, isGroup: boolean): Steps {
  out.count(pending.size);
  let seen = 0;
  for (const entry of pending) {
    out.rawId(entry.id);
    if (isGroup) {
      out.milliseconds(entry.deliveryTimeMs);
      out.count(entry.deliveryCount);
    }
    if (++seen % STEP === 0) yield;
  }
}

interface Delivery {
  readonly timeMs: number;
  readonly count: number;
}

function load(source: ValueReader, rdbType: number): StreamValue {
  const { input } = source;
  const stream = new StreamValue(source.limits);
  for (let left = input.count(); left > 0; left--) loadNode(source, stream);
  const length = input.count();
  stream.lastId = loadId(source);
  if (rdbType === RdbType.StreamListpacks) {
    stream.entriesAdded = stream.size;
  } else {
    loadId(source); // the first entry's, which the nodes tell too
    stream.maxDeletedId = loadId(source);
    stream.entriesAdded = loadCounter(source);
  }
  if (length !== stream.size) {
    source.odd(
      "Stream length inconsistent with rax entries",
      ` (${length} announced, ${stream.size} found)`,
    );
  }
  for (let left = input.count(); left > 0; left--) loadGroup(source, stream, rdbType);
  return stream;
}

function loadNode(source: ValueReader, stream: StreamValue): void {
  const { input } = source;
  if (input.count() !== 16) input.fail("Stream node key entry is not the size of a stream ID");
  const id = input.rawId();
  if (!stream.loadNode(id, source.bytes())) input.fail("Stream listpack integrity check failed.");
}

/** A number that only counts up and may have been set to anything: beyond 2^53 it stands still. */
function loadCounter({ input }: ValueReader): number {
  const count = input.count64();
  return typeof count === "number" ? count : Number.MAX_SAFE_INTEGER;
}

function loadId({ input }: ValueReader): StreamId {
  return { ms: input.count64(), seq: input.count64() };
}

function loadGroup(source: ValueReader, stream: StreamValue, rdbType: number): void {
  const { input } = source;
  const name = source.text(), lastId = loadId(source);
  const entriesRead = rdbType === RdbType.StreamListpacks
    ? stream.entriesUpTo(lastId)
    : loadEntriesRead(source);
  const group = stream.createGroup(name, lastId, entriesRead);
  if (group === undefined) return input.fail(`Duplicated consumer group name ${name}`);
  const pending = loadPending(source);
  for (let left = input.count(); left > 0; left--) loadConsumer(source, group, pending, rdbType);
  if (pending.size > 0) source.odd("Stream CG PEL entry without consumer");
}

function loadEntriesRead({ input }: ValueReader): number {
  const count = input.count64();
  return typeof count === "number" ? count : UNKNOWN_ENTRIES_READ;
}

/** Time and number of deliveries of each pending entry; its consumer claims it later. */
function loadPending(source: ValueReader): Map<string, Delivery> {
  const pending = new Map<string, Delivery>(), { input } = source;
  for (let left = input.count(); left > 0; left--) {
    const key = formatId(input.rawId());
    if (pending.has(key)) input.fail("Duplicated global PEL entry loading stream consumer group");
    pending.set(key, { timeMs: input.milliseconds(), count: loadCounter(source) });
  }
  return pending;
}

function loadConsumer(
  source: ValueReader,
  group: ConsumerGroup,
  pending: Map<string, Delivery>,
  rdbType: number,
): void {
  const { input } = source;
  const name = source.text(), seenMs = input.milliseconds();
  if (group.consumer(name) !== undefined) input.fail("Duplicate stream consumer detected.");
  const activeMs = rdbType === RdbType.StreamListpacks3 ? input.milliseconds() : seenMs;
  const consumer: Consumer = group.createConsumer(name, seenMs, activeMs);
  for (let left = input.count(); left > 0; left--) {
    const id = input.rawId(), key = formatId(id);
    const delivery = pending.get(key);
    if (delivery === undefined) {
      source.odd("Consumer entry not found in group global PEL");
      continue;
    }
    pending.delete(key);
    group.assign(id, consumer, delivery.timeMs, delivery.count);
  }
}

// ---- Commands ---------------------------------------------------------------------------------------------------

function* rewrite(out: CommandOutput, key: string, stream: StreamValue): Steps {
  const cursor = stream.range(minStreamId, maxStreamId);
  for (let i = 0; cursor.next(); i++) {
    const words = ["XADD", key, formatId(cursor.id)];
    cursor.writePairs({
      bulk: (text) => words.push(text),
      bulkBytes: (bytes, start, end) => words.push(latin1(bytes, start, end)),
    });
    // An entry may have more words than a call takes arguments.
    out.bulkArray(words);
    if (i % ELEMENTS_PER_COMMAND === 0) yield;
  }
  // An empty stream is made by an entry that goes at once.
  if (stream.size === 0) out.command("XADD", key, "MAXLEN", "0", "0-1", "x", "y");
  const added = String(stream.entriesAdded), deleted = formatId(stream.maxDeletedId);
  out.command("XSETID", key, formatId(stream.lastId), "ENTRIESADDED", added, "MAXDELETEDID", deleted);
  for (const group of stream.groups()) yield* rewriteGroup(out, key, group);
}

function* rewriteGroup(out: CommandOutput, key: string, group: ConsumerGroup): Steps {
  const { name, lastId, entriesRead } = group;
  const read = entriesRead === UNKNOWN_ENTRIES_READ ? "-1" : String(entriesRead);
  out.command("XGROUP", "CREATE", key, name, formatId(lastId), "ENTRIESREAD", read);
  for (const consumer of group.consumers()) {
    out.command("XGROUP", "CREATECONSUMER", key, name, consumer.name);
    for (const { id, deliveryTimeMs, deliveryCount } of consumer.pending) {
      out.command(
        ...["XCLAIM", key, name, consumer.name, "0", formatId(id), "TIME", String(deliveryTimeMs)],
        ...["RETRYCOUNT", String(deliveryCount), "JUSTID", "FORCE"],
      );
    }
    yield;
  }
}

// ---- JSON -------------------------------------------------------------------------------------------------------

function* show(out: JsonOutput, stream: StreamValue): Steps {
  out.text('{"entries":');
  yield* writeArray(out, entriesOf(stream));
  const { lastId, maxDeletedId, entriesAdded } = stream;
  const rest = {
    lastId: formatId(lastId),
    maxDeletedId: formatId(maxDeletedId),
    entriesAdded,
    groups: stream.groups().map(groupForm),
  };
  out.text("," + JSON.stringify(rest).slice(1));
}

function* entriesOf(stream: StreamValue): Generator<unknown, void, void> {
  for (const cursor = stream.range(minStreamId, maxStreamId); cursor.next();) {
    const pairs: JsonText[] = [];
    cursor.writePairs({
      bulk: (text) => pairs.push(jsonText(text)),
      bulkBytes: (bytes, start, end) => pairs.push(jsonText(latin1(bytes, start, end))),
    });
    yield [formatId(cursor.id), pairs];
  }
}

function groupForm(group: ConsumerGroup): unknown {
  return {
    name: jsonText(group.name),
    lastId: formatId(group.lastId),
    entriesRead: group.entriesRead,
    consumers: group.consumers().map((consumer) => ({
      name: jsonText(consumer.name),
      seenAtMs: consumer.seenTimeMs,
      activeAtMs: consumer.activeTimeMs,
      pending: [...consumer.pending].map(({ id, deliveryTimeMs, deliveryCount }) => [
        formatId(id),
        deliveryTimeMs,
        deliveryCount,
      ]),
    })),
  };
}

function parseStream(source: JsonSource, fields: JsonFields): StreamValue {
  const stream = new StreamValue(source.limits);
  for (const entry of source.array(fields["entries"])) {
    const [id, pairs] = source.array(entry);
    const texts = source.array(pairs).map((text) => source.text(text));
    const at = parseStreamId(source, id);
    if (compareIds(at, stream.lastId) <= 0) source.fail("entries out of order");
    if (texts.length === 0 || texts.length % 2 === 1) {
      source.fail("an entry without pairs of field and value");
    }
    stream.append(at, texts);
  }
  const lastId = parseStreamId(source, fields["lastId"]);
  if (compareIds(lastId, stream.lastId) < 0) source.fail("a last id before the last entry");
  stream.lastId = lastId;
  stream.maxDeletedId = parseStreamId(source, fields["maxDeletedId"]);
  stream.entriesAdded = source.count(fields["entriesAdded"]);
  for (const group of source.array(fields["groups"])) parseGroup(source, stream, source.object(group));
  return stream;
}

function parseStreamId(source: JsonSource, shown: unknown): StreamId {
  const id = typeof shown === "string" ? parseId(shown, maxSequence) : undefined;
  return id ?? source.fail("something that is no stream id");
}

function parseGroup(source: JsonSource, stream: StreamValue, fields: JsonFields): void {
  const read = fields["entriesRead"] === -1 ? -1 : source.count(fields["entriesRead"]);
  const group = stream.createGroup(
    source.text(fields["name"]),
    parseStreamId(source, fields["lastId"]),
    read,
  );
  if (group === undefined) return source.fail("a group twice");
  for (const item of source.array(fields["consumers"])) {
    const consumer = source.object(item), name = source.text(consumer["name"]);
    if (group.consumer(name) !== undefined) source.fail("a consumer twice");
    const activeMs = consumer["activeAtMs"] === -1 ? -1 : source.count(consumer["activeAtMs"]);
    const made = group.createConsumer(name, source.count(consumer["seenAtMs"]), activeMs);
    for (const pending of source.array(consumer["pending"])) {
      const [id, timeMs, count] = source.array(pending);
      group.assign(parseStreamId(source, id), made, source.count(timeMs), source.count(count));
    }
  }
}

// ---- Digest -----------------------------------------------------------------------------------------------------

function digest(digest: Digest, stream: StreamValue): void {
  const entries = stream.range(minStreamId, maxStreamId);
  const sink = {
    bulk: (text: string) => digest.chain(text),
    bulkBytes: (bytes: Uint8Array, start: number, end: number) => digest.chain(latin1(bytes, start, end)),
  };
  while (entries.next()) {
    digest.chain(formatId(entries.id).replace("-", "."));
    entries.writePairs(sink);
  }
}
