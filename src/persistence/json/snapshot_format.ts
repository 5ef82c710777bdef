/**
 * A snapshot's file format, as the walk over the keyspace sees it: RDB, the commands of an append-only file, JSON.
 */
import type { CollectionValue } from "../../data/value.ts";
import type { Slice } from "../../keyspace/slice.ts";
import type { KeyAttributes } from "../rdb/rdb_reader.ts";

/** A growing buffer that the walk empties into its sink. */
export interface SnapshotOutput {
  /** Bytes in the buffer. */
  readonly length: number;
  /** The bytes; valid until the next change. */
  view(): Uint8Array<ArrayBuffer>;
  clear(): void;
  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void;
}

/** A database's number and how many keys it has, and has that expire. */
export interface DatabaseSize {
  readonly id: number;
  readonly keys: number;
  readonly expiring: number;
}

/** Writes keys and values into `output`, which the walk may exchange between two calls. */
export interface SnapshotFormat<Output extends SnapshotOutput = SnapshotOutput> {
  output: Output;
  /** An empty output of the same kind. */
  newOutput(): Output;
  /** The head of the file. */
  begin(databases: readonly DatabaseSize[]): void;
  /** A string. The slices are valid during the call only. */
  string(databaseId: number, key: Slice, value: Slice, attributes: KeyAttributes): void;
  /**
   * A collection, in steps. The key and the data of the first step are written when the first step
   * is taken.
   */
  collection(
    databaseId: number,
    key: Slice,
    value: CollectionValue,
    attributes: KeyAttributes,
  ): Generator<void, void, void>;
  /** The end of the data, behind the last key. */
  end(): void;
  /**
   * The trailer (checksum); call it after every byte has gone through `checked`. Returns the bytes.
   */
  trailer(): Uint8Array;
  /** Bytes leave for the sink, in order. */
  checked(bytes: Uint8Array): void;
}
