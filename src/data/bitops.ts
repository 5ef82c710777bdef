/**
 * Bit operations on regions of byte arrays: the engine of SETBIT, BITCOUNT, BITPOS, BITOP and
 * BITFIELD.
 *
 * Bit 0 is the most significant bit of the first byte. A region is `buf` from `start` to `end`; bit
 * positions count from its start. Long regions go by 32-bit words: counting reads them in place
 * from the first aligned byte on, combining goes through an aligned scratch buffer, since the
 * regions of several values are rarely aligned alike.
 */

/** Part of a byte array; the keyspace's slices are regions. */
export interface Region {
  readonly buf: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The region of a value that does not exist. */
export const EMPTY_REGION: Region = { buf: new Uint8Array(0), start: 0, end: 0 };

/**
 * Bits set in a 32-bit word, counted in parallel in ever wider groups (Warren, Hacker's Delight,
 * 5-1).
 */
function wordBits(word: number): number {
  word -= (word >>> 1) & 0x5555_5555;
  word = (word & 0x3333_3333) + ((word >>> 2) & 0x3333_3333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** The whole aligned 32-bit words of `bytes` between `at`, which must be aligned, and `end`. */
function alignedWords(bytes: Uint8Array, at: number, end: number): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >>> 2);
}

/** First position at or after `at` where an aligned word starts, at most `end`. */
function alignedFrom(bytes: Uint8Array, at: number, end: number): number {
  return Math.min(end, at + (-(bytes.byteOffset + at) & 3));
}

function countBytes(bytes: Uint8Array, start: number, end: number): number {
  let count = 0, at = start;
  const aligned = alignedFrom(bytes, start, end);
  while (at < aligned) count += wordBits(bytes[at++]!);
  if (at < end) {
    const words = alignedWords(bytes, at, end);
    for (let i = 0; i < words.length; i++) count += wordBits(words[i]!);
    at += words.length * 4;
  }
  while (at < end) count += wordBits(bytes[at++]!);
  return count;
}

/**
 * First position at or after `start` of a byte other than `byte` (0x00 or 0xff); `end` if there is
 * none.
 */
function skipBytes(bytes: Uint8Array, start: number, end: number, byte: number): number {
  const aligned = alignedFrom(bytes, start, end);
  let at = start;
  while (at < aligned && bytes[at] === byte) at++;
  if (at === aligned && at < end) {
    const words = alignedWords(bytes, at, end), word = byte === 0 ? 0 : 0xffff_ffff;
    let i = 0;
    while (i < words.length && words[i] === word) i++;
    at += i * 4;
  }
  while (at < end && bytes[at] === byte) at++;
  return at;
}

/** Number of bits set in `region` from `first` to `last`, both included and inside the region. */
export function countBits(region: Region, first: number, last: number): number {
  const { buf: bytes, start } = region;
  const firstByte = Math.floor(first / 8), lastByte = Math.floor(last / 8);
  const outsideLeft = bytes[start + firstByte]! & ~(0xff >>> (first % 8));
  const outsideRight = bytes[start + lastByte]! & (0x7f >>> (last % 8));
  return countBytes(bytes, start + firstByte, start + lastByte + 1) - wordBits(outsideLeft) -
    wordBits(outsideRight);
}

/**
 * The first bit of `region` equal to `bit` from `first` to `last`, both included and inside the
 * region; -1 if none.
 */
export function findBit(region: Region, bit: number, first: number, last: number): number {
  const { buf: bytes, start } = region;
  const skipped = bit === 1 ? 0x00 : 0xff;
  let byte = Math.floor(first / 8);
  const behind = Math.floor(last / 8) + 1;
  let candidates = (bytes[start + byte]! ^ skipped) & (0xff >>> (first % 8));
  if (candidates === 0) {
    byte = skipBytes(bytes, start + byte + 1, start + behind, skipped) - start;
    if (byte === behind) return -1;
    candidates = bytes[start + byte]! ^ skipped;
  }
  const position = byte * 8 + Math.clz32(candidates) - 24;
  return position <= last ? position : -1;
}

/** The bit at `position`; 0 behind the end of the region. */
export function bitAt(region: Region, position: number): number {
  const at = region.start + Math.floor(position / 8);
  return at < region.end ? (region.buf[at]! >>> (7 - position % 8)) & 1 : 0;
}

/** Sets the bit at `position`, which must lie inside the region. */
export function setBit(region: Region, position: number, bit: number): void {
  const at = region.start + Math.floor(position / 8), mask = 0x80 >>> (position % 8);
  const byte = region.buf[at]!;
  region.buf[at] = bit === 1 ? byte | mask : byte & ~mask;
}

/** The operations of BITOP. */
export const BitOperation = { And: 0, Or: 1, Xor: 2, Not: 3 } as const;
/** One of {@linkcode BitOperation}. */
export type BitOperation = typeof BitOperation[keyof typeof BitOperation];

const scratch = new Uint8Array(65_536);

/**
 * The sources combined bit by bit, as long as the longest of them; shorter ones count as if zero
 * bytes followed. `Not` takes one source.
 */
export function combine(operation: BitOperation, sources: readonly Region[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const source of sources) length = Math.max(length, source.end - source.start);
  const result = new Uint8Array(Math.ceil(length / 4) * 4);
  const words = new Uint32Array(result.buffer);
  for (const [i, source] of sources.entries()) {
    if (i === 0) result.set(source.buf.subarray(source.start, source.end));
    else combineInto(words, operation, source);
  }
  if (operation === BitOperation.Not) { for (let i = 0; i < words.length; i++) words[i] = ~words[i]!; }
  return result.subarray(0, length);
}

function combineInto(words: Uint32Array, operation: BitOperation, source: Region): void {
  const length = words.length * 4, scratchWords = new Uint32Array(scratch.buffer);
  for (let at = 0; at < length; at += scratch.length) {
    const piece = source.buf.subarray(
      source.start + at,
      Math.min(source.end, source.start + at + scratch.length),
    );
    scratch.set(piece);
    scratch.fill(0, piece.length);
    const base = at / 4, count = Math.min(scratchWords.length, words.length - base);
    if (operation === BitOperation.And) {
      for (let i = 0; i < count; i++) words[base + i]! &= scratchWords[i]!;
    } else if (operation === BitOperation.Or) {
      for (let i = 0; i < count; i++) words[base + i]! |= scratchWords[i]!;
    } else {
      for (let i = 0; i < count; i++) words[base + i]! ^= scratchWords[i]!;
    }
  }
}

/** The type of a bit field: its width in bits, 1 to 64, and whether it is two's complement. */
export interface FieldType {
  readonly bits: number;
  readonly signed: boolean;
}

/** The integer at bit `position`; bits behind the end of the region are 0. */
export function readField(region: Region, position: number, type: FieldType): bigint {
  const behind = position + type.bits;
  const firstByte = Math.floor(position / 8), lastByte = Math.floor((behind - 1) / 8);
  let value = 0n;
  for (let i = firstByte; i <= lastByte; i++) {
    const at = region.start + i;
    value = (value << 8n) | BigInt(at < region.end ? region.buf[at]! : 0);
  }
  value >>= BigInt((lastByte + 1) * 8 - behind);
  return fold(value, type);
}

/** Stores the lower bits of `value` at bit `position`; the field must lie inside the region. */
export function writeField(region: Region, position: number, type: FieldType, value: bigint): void {
  const { buf: bytes, start } = region;
  let rest = BigInt.asUintN(type.bits, value);
  for (let behind = position + type.bits; behind > position;) {
    const at = start + Math.floor((behind - 1) / 8);
    const shift = (8 - behind % 8) % 8;
    const count = Math.min(8 - shift, behind - position);
    const mask = ((1 << count) - 1) << shift;
    bytes[at] = (bytes[at]! & ~mask) | ((Number(rest & 0xffn) << shift) & mask);
    rest >>= BigInt(count);
    behind -= count;
  }
}

function fold(value: bigint, type: FieldType): bigint {
  return type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
}

/**
 * Handling of a value its field cannot hold: keep the lower bits, take the nearest limit, or fail.
 */
export const Overflow = { Wrap: 0, Saturate: 1, Fail: 2 } as const;
/** One of {@linkcode Overflow}. */
export type Overflow = typeof Overflow[keyof typeof Overflow];

/**
 * `value` as stored in a field of `type`; undefined if it does not fit and `overflow` says to fail.
 */
export function fitField(value: bigint, type: FieldType, overflow: Overflow): bigint | undefined {
  const folded = fold(value, type);
  if (folded === value || overflow === Overflow.Wrap) return folded;
  if (overflow === Overflow.Fail) return undefined;
  const max = (1n << BigInt(type.signed ? type.bits - 1 : type.bits)) - 1n;
  if (value > max) return max;
  return type.signed ? -max - 1n : 0n;
}
