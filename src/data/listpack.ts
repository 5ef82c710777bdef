/**
 * The elements of a listpack, Redis's packed list of strings and integers, byte for byte as in an
 * RDB file:
 *
 *     +----------+----------+-------------+
 *     | encoding | content  | back length |   one element; the back length is the size of the first two,
 *     +----------+----------+-------------+   seven bits a byte, read from right to left
 *
 *     0xxxxxxx                  integer 0 … 127             11110001 + 2 bytes   16-bit integer
 *     10xxxxxx + text           text of up to 63 bytes      11110010 + 3 bytes   24-bit integer
 *     110xxxxx + 1 byte         13-bit integer              11110011 + 4 bytes   32-bit integer
 *     1110xxxx + 1 byte + text  text of up to 4095 bytes    11110100 + 8 bytes   64-bit integer
 *     11110000 + 4 bytes + text any text                    11111111             the end of the list
 *
 * Integers are little-endian two's complement, the 13-bit one big-endian. A text that is the
 * canonical decimal form of a signed 64-bit integer is stored as that integer. A whole listpack is
 * a header (bytes in all: 32 bits, elements: 16 bits, both little-endian, 65535 elements meaning
 * "count them"), its elements, and the end byte.
 *
 * Only {@linkcode elementFits} checks bounds; it is for bytes from outside.
 */
import { copyBytes, latin1, writeLatin1 } from "../util/bytes.ts";

/** Bytes before the first element. */
export const LISTPACK_HEADER_BYTES = 6;

/** The byte behind the last element. */
export const LISTPACK_END = 0xff;

/** Largest overhead of an element beside its text: encoding, length and back length. */
export const ELEMENT_OVERHEAD_BYTES = 10;

/** Largest size of an integer element. */
export const INTEGER_ELEMENT_BYTES = 10;

const MINUS = 0x2d, ZERO = 0x30, NINE = 0x39;
const ENCODING_TEXT_32 = 0xf0, ENCODING_INT_16 = 0xf1, ENCODING_INT_24 = 0xf2;
const ENCODING_INT_32 = 0xf3, ENCODING_INT_64 = 0xf4;

/**
 * The integer that `text` spells canonically (no sign but `-`, no leading zero) if it fits 64 bits,
 * else undefined. A number while safe, a BigInt beyond.
 */
export function integerOfText(text: string): number | bigint | undefined {
  const length = text.length;
  if (length === 0 || length > 20) return undefined;
  const first = text.charCodeAt(0);
  if (first === 0x30) return length === 1 ? 0 : undefined;
  const start = first === 0x2d ? 1 : 0;
  if (start === length || text.charCodeAt(start) === 0x30) return undefined;
  let value = 0;
  for (let i = start; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (value <= Number.MAX_SAFE_INTEGER) return start === 1 ? -value : value;
  const exact = BigInt(text);
  return BigInt.asIntN(64, exact) === exact ? exact : undefined;
}

function integerContentBytes(value: number | bigint): number {
  if (value >= 0 && value <= 127) return 1;
  if (value >= -4096 && value <= 4095) return 2;
  if (value >= -0x8000 && value <= 0x7fff) return 3;
  if (value >= -0x80_0000 && value <= 0x7f_ffff) return 4;
  return value >= -0x8000_0000 && value <= 0x7fff_ffff ? 5 : 9;
}

/** Bytes of the element that holds `value`. */
export function integerElementBytes(value: number | bigint): number {
  return integerContentBytes(value) + 1;
}

function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16_383) return 2;
  if (size < 2_097_151) return 3;
  return size < 268_435_455 ? 4 : 5;
}

function writeBackLength(bytes: Uint8Array, at: number, size: number): number {
  const end = at + backLengthBytes(size);
  for (let i = end - 1; i > at; i--) {
    bytes[i] = (size & 127) | 128;
    size >>>= 7;
  }
  bytes[at] = size;
  return end;
}

/** Writes an integer element at `at` and returns the position behind it. */
export function writeIntegerElement(bytes: Uint8Array, at: number, value: number | bigint): number {
  const size = integerContentBytes(value);
  if (size === 9) return writeInteger64(bytes, at, BigInt(value));
  const small = Number(value);
  if (size === 1) {
    bytes[at] = small;
  } else if (size === 2) {
    bytes[at] = 0xc0 | ((small >> 8) & 0x1f);
    bytes[at + 1] = small;
  } else {
    bytes[at] = ENCODING_INT_16 + size - 3;
    for (let i = 1; i < size; i++) bytes[at + i] = small >> (8 * (i - 1));
  }
  bytes[at + size] = size;
  return at + size + 1;
}

function writeInteger64(bytes: Uint8Array, at: number, value: bigint): number {
  bytes[at] = ENCODING_INT_64;
  for (let i = 1; i <= 8; i++) {
    bytes[at + i] = Number(value & 0xffn);
    value >>= 8n;
  }
  bytes[at + 9] = 9;
  return at + 10;
}

/**
 * Writes `text` as an element at `at`, as an integer if it spells one, and returns the position
 * behind it.
 */
export function writeTextElement(bytes: Uint8Array, at: number, text: string): number {
  const integer = integerOfText(text);
  if (integer !== undefined) return writeIntegerElement(bytes, at, integer);
  const textAt = writeTextHead(bytes, at, text.length);
  return writeBackLength(bytes, writeLatin1(bytes, textAt, text), textAt - at + text.length);
}

/** Like {@linkcode writeTextElement}, for the text with the bytes `from[start, end)`. */
export function writeBytesElement(
  bytes: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  end: number,
): number {
  const length = end - start, first = from[start]!;
  if (length > 0 && length <= 20 && (first === MINUS || (first >= ZERO && first <= NINE))) {
    return writeTextElement(bytes, at, latin1(from, start, end));
  }
  const textAt = writeTextHead(bytes, at, length);
  return writeBackLength(bytes, copyBytes(bytes, textAt, from, start, end), textAt - at + length);
}

/** Writes the header of a text element; returns the position of its text. */
function writeTextHead(bytes: Uint8Array, at: number, length: number): number {
  if (length < 64) {
    bytes[at++] = 0x80 | length;
  } else if (length < 4096) {
    bytes[at++] = 0xe0 | (length >> 8);
    bytes[at++] = length;
  } else {
    bytes[at++] = ENCODING_TEXT_32;
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = length >> shift;
  }
  return at;
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** True if the element at `at` is an integer. */
export function isIntegerElement(bytes: Uint8Array, at: number): boolean {
  const encoding = bytes[at]!;
  return encoding < 0x80 || (encoding & 0xe0) === 0xc0 || (encoding > ENCODING_TEXT_32 && encoding < 0xf5);
}

/** Start of the text of the text element at `at`. */
export function elementTextStart(bytes: Uint8Array, at: number): number {
  const encoding = bytes[at]!;
  if (encoding < 0xc0) return at + 1;
  return encoding < ENCODING_TEXT_32 ? at + 2 : at + 5;
}

/** Bytes of encoding and content together; 0 for a byte that begins no element. */
function contentBytes(bytes: Uint8Array, at: number): number {
  const encoding = bytes[at]!;
  if (encoding < 0x80) return 1;
  if (encoding < 0xc0) return 1 + (encoding & 0x3f);
  if (encoding < 0xe0) return 2;
  if (encoding < 0xf0) return 2 + (((encoding & 0x0f) << 8) | bytes[at + 1]!);
  if (encoding === ENCODING_TEXT_32) return 5 + uint32(bytes, at + 1);
  if (encoding === ENCODING_INT_64) return 9;
  return encoding < ENCODING_INT_64 ? encoding - ENCODING_INT_16 + 3 : 0;
}

/** End of the text of the text element at `at`. */
export function elementTextEnd(bytes: Uint8Array, at: number): number {
  return at + contentBytes(bytes, at);
}

/** Start of the element that follows the one at `at`. */
export function elementEnd(bytes: Uint8Array, at: number): number {
  const size = contentBytes(bytes, at);
  return at + size + backLengthBytes(size);
}

/** Start of the element that ends at `end`. */
export function elementStart(bytes: Uint8Array, end: number): number {
  let at = end - 1, size = 0, shift = 1;
  for (;;) {
    const byte = bytes[at]!;
    size += (byte & 127) * shift;
    if (byte < 128) break;
    shift *= 128;
    at--;
  }
  return at - size;
}

/** The value of the integer element at `at`; a number while safe, a BigInt beyond. */
export function elementInteger(bytes: Uint8Array, at: number): number | bigint {
  const encoding = bytes[at]!;
  if (encoding < 0x80) return encoding;
  if (encoding < 0xe0) return ((encoding << 27) >> 19) | bytes[at + 1]!;
  if (encoding === ENCODING_INT_16) return (bytes[at + 1]! | (bytes[at + 2]! << 8)) << 16 >> 16;
  if (encoding === ENCODING_INT_24) {
    return (bytes[at + 1]! << 8 | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >> 8;
  }
  const low = uint32(bytes, at + 1);
  if (encoding === ENCODING_INT_32) return low | 0;
  const high = uint32(bytes, at + 5) | 0;
  const value = high * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

/** The element at `at` as text. */
export function elementText(bytes: Uint8Array, at: number): string {
  if (isIntegerElement(bytes, at)) return String(elementInteger(bytes, at));
  return latin1(bytes, elementTextStart(bytes, at), elementTextEnd(bytes, at));
}

/**
 * True if a whole element with the right back length lies at `at` and ends at `limit` or before.
 */
export function elementFits(bytes: Uint8Array, at: number, limit: number): boolean {
  if (at >= limit) return false;
  const header = bytes[at] === ENCODING_TEXT_32 ? 5 : 2;
  if (bytes[at]! >= 0xe0 && at + header > limit) return false;
  const size = contentBytes(bytes, at);
  const end = at + size + backLengthBytes(size);
  if (size === 0 || end > limit) return false;
  let rest = size;
  for (let i = end - 1; i >= at + size; i--) {
    if (bytes[i] !== ((rest & 127) | (i > at + size ? 128 : 0))) return false;
    rest >>>= 7;
  }
  return true;
}

/**
 * Writes a listpack's header at the start of `bytes`, which hold `elements` elements and the end
 * byte.
 */
export function writeListpackHeader(bytes: Uint8Array, elements: number): void {
  const count = Math.min(elements, 0xffff);
  for (let i = 0; i < 4; i++) bytes[i] = bytes.length >>> (8 * i);
  bytes[4] = count;
  bytes[5] = count >> 8;
}

/** True if `bytes` begin with a header that states their length and end with the end byte. */
export function hasListpackFrame(bytes: Uint8Array): boolean {
  return bytes.length > LISTPACK_HEADER_BYTES && uint32(bytes, 0) === bytes.length &&
    bytes[bytes.length - 1] === LISTPACK_END;
}
