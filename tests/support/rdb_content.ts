/** Reads an RDB file into plain data, for tests. */
import { defaultLimits } from "../../src/data/limits.ts";
import type { CollectionValue } from "../../src/data/value.ts";
import type { Slice } from "../../src/keyspace/slice.ts";
import { loadNow } from "../../src/persistence/loading.ts";
import { RdbInput } from "../../src/persistence/rdb/rdb_input.ts";
import { type KeyAttributes, RdbReader, type RdbTarget } from "../../src/persistence/rdb/rdb_reader.ts";
import { plainForm } from "./values.ts";

export class RdbContent implements RdbTarget {
  readonly databaseCount = 16;
  readonly checksChecksum = true;
  /** By `<database> <key>`: the value's plain form, its expiry, idle time and frequency. */
  readonly keys = new Map<string, unknown>();
  readonly auxFields = new Map<string, string>();
  readonly libraries: string[] = [];
  readonly messages: string[] = [];

  static of(bytes: Uint8Array): RdbContent {
    const content = new RdbContent();
    loadNow(new RdbReader(RdbInput.of(bytes), content, defaultLimits()).read());
    return content;
  }

  aux(name: string, value: string): void {
    this.auxFields.set(name, value);
  }

  functionLibrary(code: string): string | null {
    this.libraries.push(code);
    return null;
  }

  #put(databaseId: number, key: Slice, value: Slice | CollectionValue, attributes: KeyAttributes): void {
    const name = `${databaseId} ${key.text()}`;
    if (this.keys.has(name)) throw new Error(`${name} comes twice`);
    const { expiresAtMs, idleSeconds, frequency } = attributes;
    this.keys.set(name, [plainForm(value), expiresAtMs, idleSeconds, frequency]);
  }

  putString(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void {
    this.#put(databaseId, key, value, attributes);
  }

  putCollection(databaseId: number, key: Slice, value: CollectionValue, attributes: KeyAttributes): void {
    this.#put(databaseId, key, value, attributes);
  }

  skippedEmpty(key: string): void {
    this.messages.push(`empty: ${key}`);
  }

  warn(text: string): void {
    this.messages.push(text);
  }
}
