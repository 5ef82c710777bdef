/**
 * Readable snapshots, going out: JSON with one key a line.
 *
 *     {"format":"redeno-snapshot","version":1,"createdAt":"2026-01-31T12:00:00.000Z","libraries":[],"keys":[
 *     {"database":0,"key":"greeting","type":"string","value":"hello"},
 *     {"database":0,"key":"scores","expiresAtMs":1800000000000,"type":"zset","value":[["alice",1.5],["bob","inf"]]}
 *     ]}
 *
 * A text is a string where its bytes are UTF-8, else `{"base64":"…"}`. Hashes are pairs of field and value, with the
 * time the field expires at as a third element if it does; scores JSON has no numbers for are strings.
 */
import type { ConsumerGroup } from "../../data/consumer_group.ts";
import { HashValue } from "../../data/hash.ts";
import { ListValue } from "../../data/list.ts";
import { SetValue } from "../../data/set.ts";
import { StreamValue } from "../../data/stream.ts";
import { formatId, maxStreamId, minStreamId } from "../../data/stream_id.ts";
import { type CollectionValue, typeNames } from "../../data/value.ts";
import { ZsetValue } from "../../data/zset.ts";
import type { Slice } from "../../keyspace/slice.ts";
import { allocateBytes, bytesOf, latin1 } from "../../util/bytes.ts";
import type { KeyAttributes } from "../rdb/rdb_reader.ts";
import type { DatabaseSize, SnapshotFormat, SnapshotOutput } from "./snapshot_format.ts";

/** What a file of this format says it is. */
export const JSON_FORMAT = "redeno-snapshot", JSON_VERSION = 1;

/** A text in JSON: itself, or its bytes. */
export type JsonText = string | { readonly base64: string };

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A latin1 string as a snapshot shows it. */
export function jsonText(text: string): JsonText {
  // deno-lint-ignore no-control-regex -- all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  try {
    return strictDecoder.decode(bytesOf(text));
  } catch {
    return { base64: btoa(text) };
  }
}

function jsonScore(score: number): number | string {
  if (Object.is(score, -0)) return "-0";
  if (Number.isFinite(score)) return score;
  return score > 0 ? "inf" : "-inf";
}

const USUAL_BYTES = 65_536;
const encoder = new TextEncoder();

/** Text on its way to a file, in UTF-8. */
export class JsonOutput implements SnapshotOutput {
  length = 0;
  #bytes = allocateBytes(USUAL_BYTES);

  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.#bytes.length > USUAL_BYTES * 16) this.#bytes = allocateBytes(USUAL_BYTES);
  }

  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  text(text: string): void {
    this.#ensure(text.length * 3);
    this.length += encoder.encodeInto(text, this.#bytes.subarray(this.length)).written;
  }

  #ensure(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const larger = allocateBytes(Math.max(this.length + more, this.#bytes.length * 2));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

/** Elements between two yields. */
const STEP = 128;

/** Writes a snapshot as JSON. See the head of this file. */
export class JsonWriter implements SnapshotFormat<JsonOutput> {
  output = new JsonOutput();
  #keys = 0;

  constructor(readonly libraries: readonly string[], readonly createdMs: number) {}

  newOutput(): JsonOutput {
    return new JsonOutput();
  }

  begin(_databases: readonly DatabaseSize[]): void {
    const createdAt = new Date(this.createdMs).toISOString();
    const head = {
      format: JSON_FORMAT,
      version: JSON_VERSION,
      createdAt,
      libraries: this.libraries.map(jsonText),
    };
    this.output.text(JSON.stringify(head).slice(0, -1) + ',"keys":[');
  }

  /** Everything in front of the value. */
  #head(databaseId: number, key: Slice, type: string, { expiresAtMs }: KeyAttributes): void {
    const name = jsonText(key.text());
    // As text where a reader of JSON would round it.
    const time = typeof expiresAtMs === "bigint" ? String(expiresAtMs) : expiresAtMs;
    const head = { database: databaseId, key: name, ...(time === -1 ? {} : { expiresAtMs: time }), type };
    const comma = this.#keys++ === 0 ? "\n" : ",\n";
    this.output.text(comma + JSON.stringify(head).slice(0, -1) + ',"value":');
  }

  string(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void {
    this.#head(databaseId, key, "string", attributes);
    this.output.text(JSON.stringify(jsonText(value.text())) + "}");
  }

  *collection(
    databaseId: number,
    key: Slice,
    value: CollectionValue,
    attributes: KeyAttributes,
  ): Generator<void, void, void> {
    this.#head(databaseId, key, typeNames[value.type] ?? "", attributes);
    const { output } = this;
    yield* writeValue(output, value);
    output.text("}");
  }

  end(): void {
    this.output.text("\n]}\n");
  }

  checked(_bytes: Uint8Array): void {}

  trailer(): Uint8Array {
    return new Uint8Array(0);
  }
}

function writeValue(out: JsonOutput, value: CollectionValue): Generator<void, void, void> {
  if (value instanceof ListValue) return writeArray(out, textsOf(value));
  if (value instanceof SetValue) return writeArray(out, membersOf(value));
  if (value instanceof ZsetValue) return writeArray(out, scoresOf(value));
  if (value instanceof HashValue) return writeHash(out, value);
  if (value instanceof StreamValue) return writeStream(out, value);
  throw new Error(`no JSON for a ${value.encoding}`);
}

function* writeArray(out: JsonOutput, items: Iterable<unknown>): Generator<void, void, void> {
  let seen = 0;
  out.text("[");
  for (const item of items) {
    out.text((seen === 0 ? "" : ",") + JSON.stringify(item));
    if (++seen % STEP === 0) yield;
  }
  out.text("]");
}

function* textsOf(list: ListValue): Generator<JsonText, void, void> {
  for (const text of list) yield jsonText(text);
}

function* membersOf(set: SetValue): Generator<JsonText, void, void> {
  let cursor = 0;
  do {
    const members: string[] = [];
    cursor = set.scan(cursor, STEP, (member) => members.push(member));
    yield* members.map(jsonText);
  } while (cursor !== 0);
}

function* scoresOf(zset: ZsetValue): Generator<unknown, void, void> {
  for (let rank = 0; rank < zset.size; rank++) {
    const { member, score } = zset.at(rank);
    yield [jsonText(member), jsonScore(score)];
  }
}

function* writeHash(out: JsonOutput, hash: HashValue): Generator<void, void, void> {
  let cursor = 0, comma = "[";
  do {
    cursor = hash.scan(cursor, STEP, (field, value) => {
      const pair: unknown[] = [jsonText(field), jsonText(value)];
      if (hash.expiryOf(field) !== Infinity) pair.push(hash.expiryOf(field));
      out.text(comma + JSON.stringify(pair));
      comma = ",";
    });
    yield;
  } while (cursor !== 0);
  out.text("]");
}

function* writeStream(out: JsonOutput, stream: StreamValue): Generator<void, void, void> {
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
