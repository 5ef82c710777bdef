/**
 * The primitives for reading RDB files and DUMP payloads. Whatever the bytes claim, memory stays
 * within a small multiple of what is really there: a length beyond the end of the file is refused
 * before anything is allocated, and of a source whose end is unknown no more is held than has
 * arrived.
 */
import type { IdPart, StreamId } from "../../data/stream_id.ts";
import { idOfWords } from "../../data/stream_id.ts";
import type { Slice } from "../../keyspace/slice.ts";
import { allocateBytes, copyBytes, latin1, writeInteger } from "../../util/bytes.ts";
import { Crc64 } from "../../util/crc64.ts";
import { lzfDecompress } from "../../util/lzf.ts";
import { narrowInteger } from "../../util/numbers.ts";
import { CHECKSUM_BYTES, StringEncoding } from "./rdb_format.ts";

/** Bytes that are not RDB, with the offset of the fault. */
export class RdbError extends Error {
  override name = "RdbError";

  constructor(message: string, readonly offset: number) {
    super(message);
  }
}

/** Source of an input's bytes. */
export interface ByteSource {
  /** Reads some bytes; 0 at the end. */
  readSync(into: Uint8Array): number;
}

/** Thrown where an input that is given its bytes as they arrive needs more of them. */
const MORE_NEEDED = new Error("more bytes are needed");

const WINDOW_BYTES = 262_144;
/** The most a byte of LZF can become: two bytes copy up to 264, with one more in between. */
const LARGEST_EXPANSION = 264;

/** Reads the primitive parts of an RDB file. See the head of this file. */
export class RdbInput {
  /** The window [at, end) of the source that has been read and not consumed. */
  #bytes: Uint8Array;
  #at = 0;
  #end: number;
  /** Offset of the window's first byte. */
  #base = 0;
  /** Position from which consumed bytes are not in the checksum yet. */
  #unchecked = 0;
  /** True if the bytes read since the mark can be read again; see {@linkcode goBack}. */
  #holds = false;
  /** Bytes in all, as far as that is known. */
  readonly #size: number;
  readonly #source: ByteSource | null;
  readonly #crc = new Crc64();
  /** Holds texts that are no stretch of the input: decompressed strings, integers as text. */
  #scratch = allocateBytes(256);
  #key = allocateBytes(256);
  readonly #view = new DataView(new ArrayBuffer(8));

  /** True if its bytes are given to it as they arrive, by {@linkcode append}. */
  #isFed = false;
  /** Position from which reading resumes when more bytes have arrived. */
  #marked = 0;

  /** An input whose bytes arrive bit by bit. */
  static fed(): RdbInput {
    const input = new RdbInput(null, Infinity);
    input.#isFed = true;
    return input;
  }

  /** An input over bytes in memory. */
  static of(bytes: Uint8Array): RdbInput {
    return new RdbInput(null, bytes.length, bytes);
  }

  /**
   * @param source more bytes, behind `bytes`
   * @param size how many bytes there are in all; Infinity if unknown
   */
  constructor(source: ByteSource | null, size: number, bytes?: Uint8Array) {
    this.#source = source;
    this.#size = size;
    this.#bytes = bytes ?? allocateBytes(WINDOW_BYTES);
    this.#end = bytes?.length ?? 0;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Bytes that have been taken from the source, consumed or not. */
  get fetched(): number {
    return this.#base + this.#end;
  }

  /** The bytes fetched and not consumed. */
  rest(): Uint8Array {
    return this.#bytes.slice(this.#at, this.#end);
  }

  /** Reports a fault in the part just read. */
  fail(message: string): never {
    throw new RdbError(message, this.offset);
  }

  /** Bytes that can be read without asking for more. */
  get available(): number {
    return this.#end - this.#at;
  }

  /** More bytes have arrived, or (`null`) there are no more. For an input that is fed, between two parts. */
  append(bytes: Uint8Array | null): void {
    if (bytes === null) {
      this.#isFed = false;
      return;
    }
    this.#moveToFront();
    const need = this.#end + bytes.length;
    if (need > this.#bytes.length) {
      const larger = allocateBytes(Math.max(need, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#end);
    this.#end = need;
  }

  /** A part begins that can only be read as a whole. */
  mark(): void {
    this.#marked = this.#at;
  }

  /**
   * True if `error` says that the part's end has not arrived; the part is then read again from its
   * beginning.
   */
  retries(error: unknown): boolean {
    if (error !== MORE_NEEDED) return false;
    this.#at = this.#marked;
    return true;
  }

  /** From now on each part stays in memory until the next is marked, and can be read again. */
  hold(): void {
    this.#holds = true;
  }

  /** Returns to the mark, once: nothing is held afterwards. */
  goBack(): void {
    this.#at = this.#marked;
    this.#holds = false;
  }

  /** Sees to it that `count` bytes are in the window. */
  #need(count: number): void {
    if (this.#at + count <= this.#end) return;
    if (this.#isFed) throw MORE_NEEDED;
    if (this.#source === null || this.offset + count > this.#size) {
      this.fail("Unexpected EOF reading RDB file");
    }
    this.#moveToFront();
    while (this.#end < this.#at + count) this.#fetch(this.#source, this.#at + count);
  }

  /** Drops consumed bytes that are not held. */
  #moveToFront(): void {
    const from = this.#holds ? this.#marked : this.#at;
    if (from === 0) return;
    this.#check(from);
    this.#base += from;
    this.#bytes.copyWithin(0, from, this.#end);
    this.#at -= from;
    this.#end -= from;
    this.#marked = this.#unchecked = 0;
  }

  /** Reads once. A long string makes the window grow as its bytes arrive, not as it announces them. */
  #fetch(source: ByteSource, count: number): void {
    if (this.#end === this.#bytes.length) {
      const least = Math.max(count, WINDOW_BYTES);
      const larger = allocateBytes(this.#holds ? this.#end * 2 : Math.min(this.#end * 2, least));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const got = source.readSync(this.#bytes.subarray(this.#end));
    if (got === 0) this.fail("Unexpected EOF reading RDB file");
    this.#end += got;
  }

  /** Adds the bytes consumed up to `end` to the checksum. */
  #check(end: number): void {
    this.#crc.update(this.#bytes, this.#unchecked, end);
    this.#unchecked = end;
  }

  /** Reads the checksum that ends a file: whether it is right, or was not written (all zeros). */
  checksum(): "right" | "wrong" | "none" {
    this.#need(CHECKSUM_BYTES);
    this.#check(this.#at);
    const bytes = this.#bytes, at = this.#at;
    this.#at += CHECKSUM_BYTES;
    this.#unchecked = this.#at;
    if (bytes.subarray(at, at + CHECKSUM_BYTES).every((byte) => byte === 0)) return "none";
    return this.#crc.matches(bytes, at) ? "right" : "wrong";
  }

  byte(): number {
    this.#need(1);
    return this.#bytes[this.#at++]!;
  }

  /** `count` bytes as text. */
  fixed(count: number): string {
    this.#need(count);
    this.#at += count;
    return latin1(this.#bytes, this.#at - count, this.#at);
  }

  /** A length or count. One beyond 2^53 is refused. */
  count(): number {
    const first = this.byte();
    if (first < 0x40) return first;
    const value = this.#longCount(first);
    if (typeof value !== "number") this.fail("Length out of range");
    return value;
  }

  /** A count of up to 64 bits. */
  count64(): IdPart {
    const first = this.byte();
    return first < 0x40 ? first : this.#longCount(first);
  }

  #longCount(first: number): IdPart {
    if (first < 0x80) return ((first & 0x3f) << 8) | this.byte();
    if (first === 0x80) return this.#word();
    if (first !== 0x81) this.fail(`Unknown length encoding ${first >> 6} in rdbLoadLen()`);
    const high = this.#word(), low = this.#word();
    return high < 0x20_0000 ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
  }

  /** A big-endian word. */
  #word(): number {
    this.#need(4);
    const bytes = this.#bytes, at = this.#at;
    this.#at += 4;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  #eight(): DataView {
    this.#need(8);
    for (let i = 0; i < 8; i++) this.#view.setUint8(i, this.#bytes[this.#at++]!);
    return this.#view;
  }

  /** A signed 64-bit little-endian integer, such as milliseconds since the epoch. */
  milliseconds(): number {
    return Number(this.moment());
  }

  /** The same, exact also from 2^53 on. */
  moment(): number | bigint {
    return narrowInteger(this.#eight().getBigInt64(0, true));
  }

  /** Seconds since the epoch, in 32 bits. */
  seconds(): number {
    this.#need(4);
    for (let i = 0; i < 4; i++) this.#view.setUint8(i, this.#bytes[this.#at++]!);
    return this.#view.getInt32(0, true);
  }

  /** A binary double. */
  double(): number {
    return this.#eight().getFloat64(0, true);
  }

  /** A stream id in 16 bytes, most significant first. */
  rawId(): StreamId {
    return idOfWords(this.#word(), this.#word(), this.#word(), this.#word());
  }

  /** Points `slice` at the next string; valid until more is read. */
  string(slice: Slice): Slice {
    const first = this.byte();
    if (first >= 0xc0) return this.#encodedString(first & 0x3f, slice);
    const length = first < 0x40 ? first : this.#longCount(first);
    if (typeof length !== "number") this.fail("String length out of range");
    this.#need(length);
    this.#at += length;
    return slice.point(this.#bytes, this.#at - length, this.#at);
  }

  /** Passes over `count` bytes. */
  skip(count: number): void {
    this.#need(count);
    this.#at += count;
  }

  /** Passes over a string, whether or not it can be read. */
  skipString(): void {
    const first = this.byte();
    if (first < 0x80) return this.skip(first < 0x40 ? first : Number(this.#longCount(first)));
    if (first < 0xc0) return this.skip(Number(this.#longCount(first)));
    const encoding = first & 0x3f;
    if (encoding < StringEncoding.Lzf) return this.skip(1 << encoding);
    if (encoding > StringEncoding.Lzf) this.fail(`Unknown RDB string encoding type ${encoding}`);
    const packed = this.count();
    this.count();
    this.skip(packed);
  }

  #encodedString(encoding: number, slice: Slice): Slice {
    if (encoding === StringEncoding.Lzf) return this.#compressedString(slice);
    if (encoding > StringEncoding.Int32) this.fail(`Unknown RDB string encoding type ${encoding}`);
    const width = 1 << encoding;
    this.#need(width);
    let value = 0;
    for (let i = 0; i < width; i++) value |= this.#bytes[this.#at++]! << (8 * i);
    const unused = 32 - 8 * width;
    const end = writeInteger(this.#scratch, 0, value << unused >> unused);
    return slice.point(this.#scratch, 0, end);
  }

  #compressedString(slice: Slice): Slice {
    const packed = this.count(), length = this.count();
    if (length > packed * LARGEST_EXPANSION) this.fail("Invalid LZF compressed string");
    this.#need(packed);
    if (length > this.#scratch.length) {
      this.#scratch = allocateBytes(Math.max(length, this.#scratch.length * 2));
    }
    this.#at += packed;
    const target = this.#scratch.subarray(0, length);
    if (!lzfDecompress(this.#bytes, this.#at - packed, this.#at, target)) {
      this.fail("Invalid LZF compressed string");
    }
    return slice.point(this.#scratch, 0, length);
  }

  /** As {@linkcode string}, in a place of its own: valid until the next key is read. */
  key(slice: Slice): Slice {
    const { buf, start, end } = this.string(slice);
    if (end - start > this.#key.length) this.#key = allocateBytes(2 * (end - start));
    return slice.point(this.#key, 0, copyBytes(this.#key, 0, buf, start, end));
  }

  /** The next string as latin1 text. */
  text(slice: Slice): string {
    return this.string(slice).text();
  }
}
