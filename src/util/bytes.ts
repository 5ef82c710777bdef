/** Conversion between bytes and latin1 strings: the two forms of user data inside the server. */
import { Buffer } from "node:buffer";

const latin1Slice = (Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, start: number, end: number): string;
}).latin1Slice;

/** The longest possible text, in characters: JavaScript's limit, 512 MB less 24. Tests lower it. */
export const longestText = { characters: 0x1fff_ffe8 };

/** Thrown if bytes are too many to become a text. */
export class TextTooLongError extends Error {
  override name = "TextTooLongError";

  constructor(bytes: number) {
    super(`${bytes} bytes are more than the ${longestText.characters} of the longest element`);
  }
}

/**
 * The bytes of `buf` in [start, end) as a latin1 string: one character per byte, sharing nothing
 * with `buf`. Throws {@linkcode TextTooLongError}.
 */
export function latin1(buf: Uint8Array, start = 0, end = buf.length): string {
  if (end - start > longestText.characters) throw new TextTooLongError(end - start);
  return start === end ? "" : latin1Slice.call(buf, start, end);
}

/**
 * A new buffer of `size` bytes: the plainest array is by far the cheapest to create, 50 ns against
 * a Buffer's 300.
 */
export function allocateBytes(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(size);
}

/** The latin1 string `text` as a new byte array. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = allocateBytes(text.length);
  writeLatin1(bytes, 0, text);
  return bytes;
}

const encoder = new TextEncoder();

/**
 * True if `encodeInto` reports correctly how many characters it has read. Before Deno 2.9 it
 * reports bytes instead once the call has been compiled, so that text beyond ASCII, cut short at
 * the end of the buffer, appears complete.
 */
const readIsRight = !/^2\.[0-8]\./.test(Deno.version.deno);

/** The buffer such a version of Deno encodes to, with spare room that reveals any byte too many. */
let spare = allocateBytes(readIsRight ? 0 : 65_536);

/** True if `text` is ASCII and has been written to `buf` at `at`. */
function wroteAscii(buf: Uint8Array, at: number, text: string): boolean {
  const length = text.length;
  if (readIsRight) {
    const { read, written } = encoder.encodeInto(text, buf.subarray(at, at + length));
    return read === length && written === length;
  }
  if (length + 2 > spare.length) spare = allocateBytes(2 * length);
  if (encoder.encodeInto(text, spare).written !== length) return false;
  buf.set(spare.subarray(0, length), at);
  return true;
}

/**
 * Writes the latin1 string `text` into `buf` at `at` and returns the position behind it. `buf` must
 * have room for `text.length` bytes. Short strings are written by a loop; longer ones through
 * `encodeInto`, which is far faster as long as every character is below 0x80; otherwise the loop
 * overwrites its output.
 */
export function writeLatin1(buf: Uint8Array, at: number, text: string): number {
  const length = text.length;
  if (length > 48 && wroteAscii(buf, at, text)) return at + length;
  for (let i = 0; i < length; i++) buf[at + i] = text.charCodeAt(i);
  return at + length;
}

/**
 * Copies [start, end) of `from` into `to` at `at`; in a loop if `set` and its view would cost more.
 */
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  if (end - start <= 32) {
    for (let i = start; i < end; i++) to[at++] = from[i]!;
    return at;
  }
  to.set(from.subarray(start, end), at);
  return at + end - start;
}

/**
 * The order of `a[aStart, aEnd)` and `b[bStart, bEnd)`, byte by byte: negative, 0 or positive.
 * O(common beginning).
 */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart, bLength = bEnd - bStart, end = aStart + Math.min(aLength, bLength);
  for (; aStart < end; aStart++, bStart++) {
    const order = a[aStart]! - b[bStart]!;
    if (order !== 0) return order;
  }
  return aLength - bLength;
}

/** Writes a safe integer in decimal and returns the position behind it; at most 17 bytes. */
export function writeInteger(buf: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    buf[at++] = 0x2d;
    value = -value;
  }
  if (value < 10) {
    buf[at] = 0x30 + value;
    return at + 1;
  }
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  const end = at + digits;
  let i = end;
  while (value > 0x7fffffff) {
    const quotient = Math.floor(value / 10);
    buf[--i] = 0x30 + (value - quotient * 10);
    value = quotient;
  }
  while (i > at) {
    const quotient = (value / 10) | 0;
    buf[--i] = 0x30 + (value - quotient * 10);
    value = quotient;
  }
  return end;
}
