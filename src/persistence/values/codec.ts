/**
 * The codec of a value type: every form that a value has outside the keyspace. One file a type describes all of them,
 * and table.ts lists the files; RDB files, DUMP, the append-only file, readable snapshots, DEBUG DIGEST and their readers
 * know values through these interfaces only.
 *
 * The other half of a type is its class in src/data, which keyspace and commands work with: number and name
 * (`defineValueType`), the packed form in a record, OBJECT ENCODING, and `memoryBytes`, which the keyspace adds up after each
 * change and MEMORY USAGE shows.
 */
import type { CollectionValue } from "../../data/value.ts";
import type { Slice } from "../../keyspace/slice.ts";
import type { Moment } from "../../keyspace/database.ts";
import type { CommandOutput } from "../aof/command_output.ts";
import type { JsonOutput } from "../json/json_text.ts";
import type { JsonSource } from "../json/json_source.ts";
import type { RdbOutput } from "../rdb/rdb_output.ts";
import type { ValueReader } from "../rdb/value_reader.ts";
import type { Digest } from "./digest.ts";

/**
 * A value on its way out, in steps of some hundred elements, between which a snapshot lets the event loop run. The value
 * must not change until the last step.
 */
export type Steps = Generator<void, void, void>;

/** Numbers under which a type is known. */
export interface TypeNumbers {
  /** The number in a record, that of the value's class. */
  readonly type: number;
  /** redis-server's number, which goes into DEBUG DIGEST. */
  readonly digestNumber: number;
  /** Every RDB type that is read, with its name in the reports of redis-check-rdb. */
  readonly rdbTypes: Readonly<Record<number, string>>;
}

/** The codec of a collection type. See the head of this file. */
export interface ValueCodec<T extends CollectionValue = CollectionValue> extends TypeNumbers {
  /** True if a key may hold a value without elements. */
  readonly mayBeEmpty: boolean;
  /** The RDB type that {@linkcode ValueCodec.save} writes `value` as: the oldest one that holds it. */
  rdbTypeOf(value: T): number;
  /** Writes the value as in an RDB file, without its type. */
  save(out: RdbOutput, value: T): Steps;
  /** Reads a value of one of {@linkcode TypeNumbers.rdbTypes}. Throws RdbError */
  load(source: ValueReader, rdbType: number): T;
  /** Writes the commands that make the value at `key`, which is not there. */
  rewrite(out: CommandOutput, key: string, value: T): Steps;
  /** Writes the value as JSON. */
  show(out: JsonOutput, value: T): Steps;
  /** Reads the output of {@linkcode ValueCodec.show}. Throws JsonSnapshotError */
  parse(source: JsonSource, shown: unknown): T;
  /** Takes the value into a digest. */
  digest(digest: Digest, value: T): void;
}

/** The codec of strings, which the keyspace holds as bytes: each form is written and read at once. */
export interface StringCodec extends TypeNumbers {
  save(out: RdbOutput, value: Slice): void;
  /** Points `value` at the string. Throws RdbError */
  load(source: ValueReader, value: Slice): Slice;
  /** @param expiresAtMs Unix milliseconds, or -1 */
  rewrite(out: CommandOutput, key: Slice, value: Slice, expiresAtMs: Moment): void;
  show(out: JsonOutput, value: Slice): void;
  /** Returns a latin1 string. Throws JsonSnapshotError */
  parse(source: JsonSource, shown: unknown): string;
  digest(digest: Digest, value: Slice): void;
}
