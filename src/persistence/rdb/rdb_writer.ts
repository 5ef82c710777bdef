/**
 * Writes RDB files: header, facts about the server, function libraries, then keys as they come, and a checksum.
 *
 * A file is of version 10, which redis-server 7.0 reads, unless hash fields expire in it.
 */
import type { CollectionValue } from "../../data/value.ts";
import type { Slice } from "../../keyspace/slice.ts";
import { Crc64 } from "../../util/crc64.ts";
import {
  CHECKSUM_BYTES,
  RDB_VERSION_FIELD_EXPIRY,
  RDB_VERSION_USUAL,
  RdbOpcode,
  RdbType,
} from "./rdb_format.ts";
import { RdbOutput } from "./rdb_output.ts";
import type { KeyAttributes } from "./rdb_reader.ts";
import type { DatabaseSize, SnapshotFormat } from "../json/snapshot_format.ts";
import { stringCodec } from "../values/string_codec.ts";
import { codecOf } from "../values/table.ts";

/** Facts about a snapshot that are known before its first key. */
export interface RdbFacts {
  /** Names and values for the head of the file, such as `redis-ver`. */
  readonly aux: readonly (readonly [name: string, value: string])[];
  /** The code of all function libraries. */
  readonly libraries: readonly string[];
  /** True if any hash has fields that expire. */
  readonly hasFieldExpiry: boolean;
  /** `rdbcompression`. */
  readonly compress: boolean;
  /** `rdbchecksum`. */
  readonly checksum: boolean;
}

/** Writes a snapshot as an RDB file. See the head of this file. */
export class RdbWriter implements SnapshotFormat<RdbOutput> {
  output: RdbOutput;
  readonly #crc = new Crc64();
  #sizes = new Map<number, DatabaseSize>();
  #databaseId = -1;

  constructor(readonly facts: RdbFacts) {
    this.output = this.newOutput();
  }

  newOutput(): RdbOutput {
    return new RdbOutput(this.facts.compress);
  }

  begin(databases: readonly DatabaseSize[]): void {
    const { output, facts } = this;
    this.#sizes = new Map(databases.map((database) => [database.id, database]));
    const version = facts.hasFieldExpiry ? RDB_VERSION_FIELD_EXPIRY : RDB_VERSION_USUAL;
    for (const char of `REDIS${String(version).padStart(4, "0")}`) output.byte(char.charCodeAt(0));
    for (const [name, value] of facts.aux) {
      output.byte(RdbOpcode.Aux);
      output.string(name);
      output.string(value);
    }
    for (const code of facts.libraries) {
      output.byte(RdbOpcode.Function2);
      output.string(code);
    }
  }

  string(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void {
    this.#attributes(databaseId, attributes);
    const { output } = this;
    output.byte(RdbType.String);
    output.bytes(key.buf, key.start, key.end);
    stringCodec.save(output, value);
  }

  *collection(
    databaseId: number,
    key: Slice,
    value: CollectionValue,
    attributes: KeyAttributes,
  ): Generator<void, void, void> {
    this.#attributes(databaseId, attributes);
    const { output } = this, codec = codecOf(value);
    output.byte(codec.rdbTypeOf(value));
    output.bytes(key.buf, key.start, key.end);
    yield* codec.save(output, value);
  }

  #attributes(databaseId: number, attributes: KeyAttributes): void {
    const { output } = this;
    if (databaseId !== this.#databaseId) this.#selectDatabase(databaseId);
    if (attributes.expiresAtMs >= 0) {
      output.byte(RdbOpcode.ExpireTimeMs);
      output.milliseconds(attributes.expiresAtMs);
    }
    if (attributes.idleSeconds >= 0) {
      output.byte(RdbOpcode.Idle);
      output.count(attributes.idleSeconds);
    }
    if (attributes.frequency >= 0) {
      output.byte(RdbOpcode.Freq);
      output.byte(attributes.frequency);
    }
  }

  /** Sizes are told once: keys of a database may come in several runs. */
  #selectDatabase(id: number): void {
    const { output } = this;
    this.#databaseId = id;
    output.byte(RdbOpcode.SelectDb);
    output.count(id);
    const size = this.#sizes.get(id);
    if (size === undefined || !this.#sizes.delete(id)) return;
    output.byte(RdbOpcode.ResizeDb);
    output.count(size.keys);
    output.count(size.expiring);
  }

  end(): void {
    this.output.byte(RdbOpcode.Eof);
  }

  checked(bytes: Uint8Array): void {
    if (this.facts.checksum) this.#crc.update(bytes);
  }

  trailer(): Uint8Array {
    return Uint8Array.from({ length: CHECKSUM_BYTES }, (_, i) => this.#crc.byteAt(i));
  }
}
