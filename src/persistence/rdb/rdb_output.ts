/**
 * The primitives RDB files and DUMP payloads are written with: lengths, strings (as integers where they spell one,
 * compressed where that helps), numbers, listpacks. All of it goes into one growing buffer that the owner empties.
 */
import {
  ELEMENT_OVERHEAD_BYTES,
  LISTPACK_END,
  LISTPACK_HEADER_BYTES,
  writeBytesElement,
  writeListpackHeader,
  writeTextElement,
} from "../../data/listpack.ts";
import { type IdPart, idWords, type StreamId } from "../../data/stream_id.ts";
import { allocateBytes, copyBytes, writeLatin1 } from "../../util/bytes.ts";
import { lzfCompress } from "../../util/lzf.ts";
import { StringEncoding } from "./rdb_format.ts";

const USUAL_BYTES = 65_536;
/** No shorter string is tried to compress. */
const SHORTEST_COMPRESSED = 21;
/** Least saving for which compression is used, in bytes. */
const LEAST_SAVED = 4;
/** Longest encoding of a length, in bytes. */
const LENGTH_BYTES = 9;

/** Grows by doubling; the contents are kept up to `used`. */
function grown(bytes: Uint8Array<ArrayBuffer>, used: number, need: number): Uint8Array<ArrayBuffer> {
  const larger = allocateBytes(Math.max(need, bytes.length * 2));
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** Writes the primitive parts of an RDB file. See the head of this file. */
export class RdbOutput {
  /** Bytes written since the buffer was last emptied. */
  length = 0;
  #bytes = allocateBytes(USUAL_BYTES);
  /** Buffer for texts and listpacks before they are compressed. */
  #scratch = allocateBytes(1024);
  #scratchUsed = 0;
  #elements = 0;
  readonly #floats = new DataView(new ArrayBuffer(8));
  readonly #idWords = new Uint32Array(4);

  /** @param compress whether strings are compressed, `rdbcompression` */
  constructor(public compress = true) {}

  /** The bytes written; valid until the next call of another method. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Empties the buffer. */
  clear(): void {
    this.length = 0;
    if (this.#bytes.length > USUAL_BYTES * 16) this.#bytes = allocateBytes(USUAL_BYTES);
    if (this.#scratch.length > USUAL_BYTES * 16) this.#scratch = allocateBytes(USUAL_BYTES);
  }

  #ensure(more: number): void {
    const need = this.length + more;
    if (need > this.#bytes.length) this.#bytes = grown(this.#bytes, this.length, need);
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#bytes[this.length++] = value;
  }

  raw(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#ensure(end - start);
    this.length = copyBytes(this.#bytes, this.length, bytes, start, end);
  }

  /** A length or count, in 1, 2, 5 or 9 bytes. */
  count(value: IdPart): void {
    this.#ensure(LENGTH_BYTES);
    this.length = putCount(this.#bytes, this.length, value);
  }

  /** Milliseconds since the epoch, or any signed 64-bit integer. */
  milliseconds(value: number | bigint): void {
    this.#floats.setBigInt64(0, BigInt(value), true);
    this.#eight();
  }

  /** A binary double. */
  double(value: number): void {
    this.#floats.setFloat64(0, value, true);
    this.#eight();
  }

  #eight(): void {
    this.#ensure(8);
    for (let i = 0; i < 8; i++) this.#bytes[this.length++] = this.#floats.getUint8(i);
  }

  /** A stream id as 16 bytes, most significant first. */
  rawId(id: StreamId): void {
    this.#ensure(16);
    idWords(id, this.#idWords);
    for (const word of this.#idWords) {
      for (let shift = 24; shift >= 0; shift -= 8) this.#bytes[this.length++] = word >>> shift;
    }
  }

  /** A string, of latin1 text. */
  string(text: string): void {
    const length = text.length;
    this.#ensure(length + LENGTH_BYTES);
    if (length <= 11) {
      const integer = smallInteger(text);
      if (integer !== undefined) return this.#integer(integer);
    } else if (length >= SHORTEST_COMPRESSED && this.compress) {
      this.#ensureScratch(length);
      writeLatin1(this.#scratch, 0, text);
      if (this.#compressed(this.#scratch, 0, length)) return;
    }
    const at = putCount(this.#bytes, this.length, length);
    this.length = writeLatin1(this.#bytes, at, text);
  }

  /** A string, of bytes. */
  bytes(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#ensure(length + LENGTH_BYTES);
    if (length <= 11) {
      const integer = smallIntegerBytes(bytes, start, end);
      if (integer !== undefined) return this.#integer(integer);
    } else if (length >= SHORTEST_COMPRESSED && this.compress && this.#compressed(bytes, start, end)) {
      return;
    }
    const at = putCount(this.#bytes, this.length, length);
    this.length = copyBytes(this.#bytes, at, bytes, start, end);
  }

  /** An integer of up to 32 bits as a string's special encoding. */
  #integer(value: number): void {
    const bytes = this.#bytes;
    let width = 1, encoding: number = StringEncoding.Int8;
    if (value < -0x80 || value > 0x7f) width = 2, encoding = StringEncoding.Int16;
    if (value < -0x8000 || value > 0x7fff) width = 4, encoding = StringEncoding.Int32;
    bytes[this.length++] = 0xc0 | encoding;
    for (let i = 0; i < width; i++) bytes[this.length++] = value >> (8 * i);
  }

  /** Writes a string compressed; false, with nothing written, if that does not pay. */
  #compressed(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    this.#ensure(length + 3 * LENGTH_BYTES);
    const target = this.#bytes, headAt = this.length;
    // The compressed length stands in front, in as many bytes as it takes.
    const contentAt = headAt + 2 * LENGTH_BYTES;
    const contentEnd = lzfCompress(bytes, start, end, target, contentAt, contentAt + length - LEAST_SAVED);
    if (contentEnd < 0) return false;
    target[headAt] = 0xc0 | StringEncoding.Lzf;
    const at = putCount(target, putCount(target, headAt + 1, contentEnd - contentAt), length);
    target.copyWithin(at, contentAt, contentEnd);
    this.length = at + contentEnd - contentAt;
    return true;
  }

  #ensureScratch(need: number): void {
    if (need > this.#scratch.length) this.#scratch = grown(this.#scratch, this.#scratchUsed, need);
  }

  /** Begins a listpack, which {@linkcode endListpack} will write as a string. */
  beginListpack(): void {
    this.#scratchUsed = LISTPACK_HEADER_BYTES;
    this.#elements = 0;
  }

  /** Adds an element to the listpack. */
  element(text: string): void {
    this.#ensureScratch(this.#scratchUsed + text.length + ELEMENT_OVERHEAD_BYTES + 1);
    this.#scratchUsed = writeTextElement(this.#scratch, this.#scratchUsed, text);
    this.#elements++;
  }

  /** {@linkcode RdbOutput.element} of bytes. */
  elementBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#ensureScratch(this.#scratchUsed + end - start + ELEMENT_OVERHEAD_BYTES + 1);
    this.#scratchUsed = writeBytesElement(this.#scratch, this.#scratchUsed, bytes, start, end);
    this.#elements++;
  }

  endListpack(): void {
    const end = this.#scratchUsed + 1;
    this.#scratch[end - 1] = LISTPACK_END;
    writeListpackHeader(this.#scratch.subarray(0, end), this.#elements);
    this.#scratchUsed = 0;
    this.bytes(this.#scratch, 0, end);
  }
}

/** Writes a length at `at`, where there must be room for nine bytes, and returns the position behind it. */
function putCount(bytes: Uint8Array, at: number, value: IdPart): number {
  if (value < 64) {
    bytes[at] = Number(value);
    return at + 1;
  }
  if (value < 16_384) {
    const small = Number(value);
    bytes[at] = 0x40 | (small >> 8);
    bytes[at + 1] = small;
    return at + 2;
  }
  const isWide = value > 0xffff_ffff;
  bytes[at++] = isWide ? 0x81 : 0x80;
  const bits = BigInt(value);
  for (let shift = isWide ? 56 : 24; shift >= 0; shift -= 8) {
    bytes[at++] = Number((bits >> BigInt(shift)) & 0xffn);
  }
  return at;
}

const MINUS = 0x2d, ZERO = 0x30;

/** The integer of up to 32 bits that `text` spells canonically, or undefined. */
function smallInteger(text: string): number | undefined {
  const length = text.length;
  const start = text.charCodeAt(0) === MINUS ? 1 : 0;
  if (start === length) return undefined;
  let value = 0;
  for (let i = start; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return canonical(value, text.charCodeAt(start) === ZERO, length - start, start === 1);
}

function smallIntegerBytes(bytes: Uint8Array, from: number, end: number): number | undefined {
  const start = bytes[from] === MINUS ? from + 1 : from;
  if (start >= end) return undefined;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return canonical(value, bytes[start] === ZERO, end - start, start > from);
}

function canonical(value: number, startsWithZero: boolean, digits: number, isNegative: boolean) {
  if (startsWithZero && (digits > 1 || isNegative)) return undefined;
  if (value > (isNegative ? 0x8000_0000 : 0x7fff_ffff)) return undefined;
  return isNegative ? -value : value;
}
