/**
 * Sets of 64-bit integers as one latin1 string: sorted, every integer in the same 2, 4 or 8
 * characters, the width that the widest member needs (as in Redis's intset). The bytes are
 * big-endian with the sign bit inverted, so that comparing characters compares the integers, and no
 * BigInt is needed for those beyond 2^53.
 *
 * A member is found by binary search; a change rebuilds the string. The owner keeps the string and
 * the width. Integers are numbers as long as these are exact, BigInts beyond.
 */
import { flat } from "./packed.ts";

/** Characters an integer takes. */
export type IntWidth = 2 | 4 | 8;

const wordSize = 0x1_0000_0000;

/** The smallest width that holds `value`. */
export function intWidth(value: number | bigint): IntWidth {
  if (value >= -0x8000 && value < 0x8000) return 2;
  return value >= -0x8000_0000 && value < 0x8000_0000 ? 4 : 8;
}

/** `value` in `width` characters, which must suffice. */
export function encodeInt(value: number | bigint, width: IntWidth): string {
  if (typeof value === "bigint") {
    const bits = BigInt.asUintN(64, value);
    return wordText(Number(bits >> 32n) ^ 0x8000_0000) + wordText(Number(bits & 0xffff_ffffn));
  }
  if (width === 2) {
    const bits = value + 0x8000;
    return String.fromCharCode(bits >> 8, bits & 255);
  }
  if (width === 4) return wordText(value ^ 0x8000_0000);
  return wordText(Math.floor(value / wordSize) ^ 0x8000_0000) + wordText(value % wordSize);
}

function wordText(word: number): string {
  return String.fromCharCode((word >>> 24) & 255, (word >>> 16) & 255, (word >>> 8) & 255, word & 255);
}

/**
 * Index of `encoded` in the sorted `ints`, or -1 minus the index at which it would be inserted.
 * O(log n).
 */
export function findInt(ints: string, width: IntWidth, encoded: string): number {
  let low = 0, high = ints.length / width;
  while (low < high) {
    const middle = (low + high) >>> 1, start = middle * width;
    let order = 0;
    for (let i = 0; i < width && order === 0; i++) order = ints.charCodeAt(start + i) - encoded.charCodeAt(i);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

/** The integer at `index`, in decimal. */
export function intTextAt(ints: string, width: IntWidth, index: number): string {
  return String(intAt(ints, width, index));
}

function intAt(ints: string, width: IntWidth, index: number): number | bigint {
  const at = index * width;
  if (width === 2) return ((ints.charCodeAt(at) << 8) | ints.charCodeAt(at + 1)) - 0x8000;
  const high = wordAt(ints, at) ^ 0x8000_0000;
  if (width === 4) return high;
  const low = wordAt(ints, at + 4) >>> 0, value = high * wordSize + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

function wordAt(ints: string, at: number): number {
  return (ints.charCodeAt(at) << 24) | (ints.charCodeAt(at + 1) << 16) | (ints.charCodeAt(at + 2) << 8) |
    ints.charCodeAt(at + 3);
}

/** The same integers in another width, which must suffice. O(n). */
export function widenInts(ints: string, from: IntWidth, to: IntWidth): string {
  let wide = "";
  for (let index = 0; index * from < ints.length; index++) wide += encodeInt(intAt(ints, from, index), to);
  return ints === "" ? "" : flat(wide);
}
