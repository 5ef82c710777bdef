/**
 * Reads values from the encodings of RDB files of Redis 2.4 to 7.4. Everything is checked as it is
 * read: a value either is exactly what its bytes claim, or reading it fails with the offset and
 * Redis's words for it.
 *
 * A file is read with some tolerance, which the payload of RESTORE is not: old servers have written streams that count
 * entries they no longer had, and a server that holds all of a user's data must not stay down for
 * one of them. An oddity that can be mended without a guess at the data is mended and reported
 * ({@linkcode ValueReader.oddities}).
 */
import type { DataLimits } from "../../data/limits.ts";
import type { CollectionValue } from "../../data/value.ts";
import { Slice } from "../../keyspace/slice.ts";
import { TextTooLongError } from "../../util/bytes.ts";
import type { ValueCodec } from "../values/codec.ts";
import { codecOfRdbType } from "../values/table.ts";
import { Packer } from "./packer.ts";
import { RdbType } from "./rdb_format.ts";
import type { RdbInput } from "./rdb_input.ts";

/** Splits a packed encoding into its texts; undefined if the bytes are not exactly one. */
export type PackedReader = (bytes: Uint8Array) => string[] | undefined;

/** Reads the values of an RDB file; their codecs use it. See the head of this file. */
export class ValueReader {
  /** Elements on their way into a small collection. */
  readonly entries = new Packer();
  readonly #slice = new Slice();
  /** Mended faults of the last value; always empty for a reader that is strict. */
  oddities: string[] = [];

  /** @param isStrict every oddity makes reading fail */
  constructor(readonly input: RdbInput, readonly limits: DataLimits, readonly isStrict = true) {}

  /**
   * Reads a value of any type but a string.
   *
   * @returns null for one without elements, which no key can have. Throws RdbError
   */
  read(type: number): CollectionValue | null {
    if (this.oddities.length > 0) this.oddities = [];
    const codec = codecOfRdbType(type);
    if (codec === undefined) return this.#unknown(type);
    const value = this.#load(codec, type);
    return value.size > 0 || codec.mayBeEmpty ? value : null;
  }

  #load(codec: ValueCodec, type: number): CollectionValue {
    try {
      return codec.load(this, type);
    } catch (error) {
      if (error instanceof TextTooLongError) this.input.fail(error.message);
      throw error;
    }
  }

  #unknown(type: number): never {
    const isModule = type === RdbType.Module || type === RdbType.Module2;
    if (!isModule) return this.input.fail(`Unknown RDB encoding type ${type}`);
    return this.input.fail(
      `The RDB file contains module data I can't load: no matching module type '${this.moduleName()}'`,
    );
  }

  /** The name in a module's id: nine characters of six bits, above a version of ten. */
  moduleName(): string {
    const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let id = BigInt(this.input.count64()) >> 10n, name = "";
    for (let i = 0; i < 9; i++, id >>= 6n) name = characters.charAt(Number(id & 63n)) + name;
    return name;
  }

  /** The next string; valid until the next one is read. */
  string(): Slice {
    return this.input.string(this.#slice);
  }

  /** The next string's bytes; valid until the next one is read. */
  bytes(): Uint8Array {
    return this.string().view();
  }

  /** The next string as a latin1 string. */
  text(): string {
    return this.input.text(this.#slice);
  }

  /** Notes a fault that does no harm; fails if the reader is strict. @param detail added to the note */
  odd(message: string, detail = ""): void {
    if (this.isStrict) this.input.fail(message);
    this.oddities.push(message + detail);
  }

  /** A string that holds a packed encoding, as texts. */
  packed(reader: PackedReader, message: string): string[] {
    return reader(this.bytes()) ?? this.input.fail(message);
  }

  /** Takes a listpack's elements into {@linkcode entries}; true for pairs of so many and as short as the limits say. */
  arePairs(bytes: Uint8Array, most: number, longest: number): boolean {
    const { entries } = this;
    return entries.listpack(bytes) && entries.count % 2 === 0 && entries.count <= 2 * most &&
      entries.longest <= longest;
  }

  /** Fails unless the texts come in groups of `size`. */
  checkGroups(texts: readonly string[], size: number, message: string): void {
    if (texts.length % size !== 0) this.input.fail(message);
  }
}
