/**
 * A snapshot as the commands that rebuild it: the base of an append-only file with `aof-use-rdb-preamble no`.
 */
import { type ConsumerGroup, UNKNOWN_ENTRIES_READ } from "../../data/consumer_group.ts";
import { HashValue } from "../../data/hash.ts";
import { ListValue } from "../../data/list.ts";
import { SetValue } from "../../data/set.ts";
import { StreamValue } from "../../data/stream.ts";
import { formatId, maxStreamId, minStreamId } from "../../data/stream_id.ts";
import type { CollectionValue } from "../../data/value.ts";
import { ZsetValue } from "../../data/zset.ts";
import type { Slice } from "../../keyspace/slice.ts";
import { ReplyWriter } from "../../protocol/reply_writer.ts";
import { bytesOf, latin1 } from "../../util/bytes.ts";
import { formatDouble } from "../../util/numbers.ts";
import type { KeyAttributes } from "../rdb/rdb_reader.ts";
import type { DatabaseSize, SnapshotFormat, SnapshotOutput } from "../json/snapshot_format.ts";

/** Elements in one command, as many as Redis puts into one. */
const ELEMENTS_PER_COMMAND = 64;

/** Commands in RESP; a ReplyWriter with the names of a snapshot's output. */
export class CommandOutput extends ReplyWriter implements SnapshotOutput {
  clear(): void {
    this.rewind(0);
  }

  command(...words: string[]): void {
    this.bulkArray(words);
  }
}

/** Writes a snapshot as commands. See the head of this file. */
export class CommandWriter implements SnapshotFormat<CommandOutput> {
  output = new CommandOutput();
  #databaseId = -1;

  /**
   * @param libraries the code of all function libraries
   * @param second the time to put in front, in seconds since the epoch, or null
   */
  constructor(readonly libraries: readonly string[], readonly second: number | null) {}

  newOutput(): CommandOutput {
    return new CommandOutput();
  }

  begin(_databases: readonly DatabaseSize[]): void {
    if (this.second !== null) this.output.raw(bytesOf(`#TS:${this.second}\r\n`));
    for (const code of this.libraries) this.output.command("FUNCTION", "LOAD", code);
  }

  #select(databaseId: number): void {
    if (databaseId === this.#databaseId) return;
    this.#databaseId = databaseId;
    this.output.command("SELECT", String(databaseId));
  }

  string(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void {
    this.#select(databaseId);
    const { output } = this, expires = attributes.expiresAtMs >= 0;
    output.array(expires ? 5 : 3);
    output.bulk("SET");
    output.bulkBytes(key.buf, key.start, key.end);
    output.bulkBytes(value.buf, value.start, value.end);
    if (!expires) return;
    output.bulk("PXAT");
    output.bulkInteger(attributes.expiresAtMs);
  }

  *collection(
    databaseId: number,
    key: Slice,
    value: CollectionValue,
    attributes: KeyAttributes,
  ): Generator<void, void, void> {
    this.#select(databaseId);
    const { output } = this, name = key.text();
    yield* writeCollection(output, name, value);
    if (attributes.expiresAtMs >= 0) output.command("PEXPIREAT", name, String(attributes.expiresAtMs));
  }

  end(): void {}

  checked(_bytes: Uint8Array): void {}

  trailer(): Uint8Array {
    return new Uint8Array(0);
  }
}

function writeCollection(
  out: CommandOutput,
  key: string,
  value: CollectionValue,
): Generator<void, void, void> {
  if (value instanceof ListValue) return writeElements(out, "RPUSH", key, value);
  if (value instanceof SetValue) return writeElements(out, "SADD", key, membersOf(value));
  if (value instanceof ZsetValue) return writeElements(out, "ZADD", key, scoresOf(value), 2);
  if (value instanceof HashValue) return writeHash(out, key, value);
  if (value instanceof StreamValue) return writeStream(out, key, value);
  throw new Error(`no commands for a ${value.encoding}`);
}

/** @param group words that must stay together */
function* writeElements(
  out: CommandOutput,
  command: string,
  key: string,
  words: Iterable<string>,
  group = 1,
): Generator<void, void, void> {
  let batch: string[] = [];
  for (const word of words) {
    batch.push(word);
    if (batch.length < ELEMENTS_PER_COMMAND * group) continue;
    out.command(command, key, ...batch);
    batch = [];
    yield;
  }
  if (batch.length > 0) out.command(command, key, ...batch);
}

function* membersOf(set: SetValue): Generator<string, void, void> {
  let cursor = 0;
  do {
    const members: string[] = [];
    cursor = set.scan(cursor, ELEMENTS_PER_COMMAND, (member) => members.push(member));
    yield* members;
  } while (cursor !== 0);
}

function* scoresOf(zset: ZsetValue): Generator<string, void, void> {
  for (let rank = 0; rank < zset.size; rank++) {
    const { member, score } = zset.at(rank);
    yield formatDouble(score);
    yield member;
  }
}

function* writeHash(out: CommandOutput, key: string, hash: HashValue): Generator<void, void, void> {
  let cursor = 0;
  do {
    const words: string[] = [], expiring: string[] = [];
    cursor = hash.scan(cursor, ELEMENTS_PER_COMMAND, (field, value) => {
      words.push(field, value);
      if (hash.expiryOf(field) !== Infinity) expiring.push(field);
    });
    for (let i = 0; i < words.length; i += ELEMENTS_PER_COMMAND * 2) {
      out.command("HMSET", key, ...words.slice(i, i + ELEMENTS_PER_COMMAND * 2));
    }
    for (const field of expiring) {
      out.command("HPEXPIREAT", key, String(hash.expiryOf(field)), "FIELDS", "1", field);
    }
    yield;
  } while (cursor !== 0);
}

function* writeStream(out: CommandOutput, key: string, stream: StreamValue): Generator<void, void, void> {
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
  for (const group of stream.groups()) yield* writeGroup(out, key, group);
}

function* writeGroup(out: CommandOutput, key: string, group: ConsumerGroup): Generator<void, void, void> {
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
