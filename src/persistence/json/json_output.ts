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
import { type CollectionValue, typeName, ValueType } from "../../data/value.ts";
import type { Slice } from "../../keyspace/slice.ts";
import type { KeyAttributes } from "../rdb/rdb_reader.ts";
import { stringCodec } from "../values/string_codec.ts";
import { codecOf } from "../values/table.ts";
import { JsonOutput, jsonText } from "./json_text.ts";
import type { DatabaseSize, SnapshotFormat } from "./snapshot_format.ts";

/** Name and version in the head of a file of this format. */
export const JSON_FORMAT = "redeno-snapshot", JSON_VERSION = 1;

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
  #head(databaseId: number, key: Slice, type: number, { expiresAtMs }: KeyAttributes): void {
    const name = jsonText(key.text());
    // As text where a reader of JSON would round it.
    const time = typeof expiresAtMs === "bigint" ? String(expiresAtMs) : expiresAtMs;
    const head = { database: databaseId, key: name, ...(time === -1 ? {} : { expiresAtMs: time }) };
    const typed = { ...head, type: typeName(type) };
    const comma = this.#keys++ === 0 ? "\n" : ",\n";
    this.output.text(comma + JSON.stringify(typed).slice(0, -1) + ',"value":');
  }

  string(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void {
    this.#head(databaseId, key, ValueType.String, attributes);
    stringCodec.show(this.output, value);
    this.output.text("}");
  }

  *collection(
    databaseId: number,
    key: Slice,
    value: CollectionValue,
    attributes: KeyAttributes,
  ): Generator<void, void, void> {
    this.#head(databaseId, key, value.type, attributes);
    const { output } = this;
    yield* codecOf(value).show(output, value);
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
