/**
 * A snapshot as the commands that rebuild it: the base of an append-only file with `aof-use-rdb-preamble no`.
 */
import type { CollectionValue } from "../../data/value.ts";
import type { Slice } from "../../keyspace/slice.ts";
import { bytesOf } from "../../util/bytes.ts";
import type { DatabaseSize, SnapshotFormat } from "../json/snapshot_format.ts";
import type { KeyAttributes } from "../rdb/rdb_reader.ts";
import { stringCodec } from "../values/string_codec.ts";
import { codecOf } from "../values/table.ts";
import { CommandOutput } from "./command_output.ts";

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
    stringCodec.rewrite(this.output, key, value, attributes.expiresAtMs);
  }

  *collection(
    databaseId: number,
    key: Slice,
    value: CollectionValue,
    attributes: KeyAttributes,
  ): Generator<void, void, void> {
    this.#select(databaseId);
    const { output } = this, name = key.text();
    yield* codecOf(value).rewrite(output, name, value);
    if (attributes.expiresAtMs >= 0) output.command("PEXPIREAT", name, String(attributes.expiresAtMs));
  }

  end(): void {}

  checked(_bytes: Uint8Array): void {}

  trailer(): Uint8Array {
    return new Uint8Array(0);
  }
}
