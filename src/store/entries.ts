/**
 * Elements as consecutive bytes, each between two copies of its length, so a walk can go either
 * way:
 *
 *     short, up to 252 bytes:      | length | content | length |
 *     longer, up to 1,024 bytes:   | 253 | length, 2 bytes | content | length, 2 bytes | 253 |
 *     apart, in a run of its own:  | 255 | reference, 4 bytes | length, 8 bytes | 255 |
 *
 * An entry's position is the index of its first byte.
 */
import type { Store } from "./store.ts";
import { readCount, readWord, writeCount, writeWord } from "./words.ts";
import { copyBytes, latin1 } from "../util/bytes.ts";

const LONG = 253;
const APART = 255;
const APART_BYTES = 14;
/** Longest element whose entry takes `length + 2` bytes. */
export const LONGEST_SHORT = 252;
/** Longest element stored among others; a longer one has a run of its own. */
export const LONGEST_INLINE = 1024;

/** Bytes of the entry of an element of `length` bytes. */
export function entryBytes(length: number): number {
  return length <= LONGEST_SHORT ? length + 2 : length <= LONGEST_INLINE ? length + 6 : APART_BYTES;
}

/** End of the entry at `at`. */
export function entryEnd(u8: Uint8Array, at: number): number {
  const mark = u8[at]!;
  if (mark < LONG) return at + mark + 2;
  return mark === LONG ? at + 6 + (u8[at + 1]! | (u8[at + 2]! << 8)) : at + APART_BYTES;
}

/** Start of the entry that ends at `end`. */
export function entryStart(u8: Uint8Array, end: number): number {
  const mark = u8[end - 1]!;
  if (mark < LONG) return end - mark - 2;
  return mark === LONG ? end - 6 - (u8[end - 3]! | (u8[end - 2]! << 8)) : end - APART_BYTES;
}

/** True if the content of the entry at `at` lies in a run of its own. */
export function isApart(u8: Uint8Array, at: number): boolean {
  return u8[at] === APART;
}

/** The run of an entry that {@linkcode isApart}. */
export function apartRun(u8: Uint8Array, at: number): number {
  return readWord(u8, at + 1);
}

/** Replaces the run of such an entry. */
export function setApartRun(u8: Uint8Array, at: number, run: number): void {
  writeWord(u8, at + 1, run);
}

/**
 * The position of entry `index` of the `count` entries in [from, to); `to` if `index` is `count`.
 * O(count).
 */
export function seekEntry(u8: Uint8Array, from: number, to: number, count: number, index: number): number {
  if (index * 2 <= count) {
    for (; index > 0; index--) from = entryEnd(u8, from);
    return from;
  }
  for (; index < count; index++) to = entryStart(u8, to);
  return to;
}

/**
 * Writes the entry of the element `buf[start, end)`; returns the position behind it.
 *
 * @param run already holds the content of an element longer than {@linkcode LONGEST_INLINE}
 */
export function writeEntry(
  u8: Uint8Array,
  at: number,
  buf: Uint8Array,
  start: number,
  end: number,
  run: number,
): number {
  const length = end - start;
  if (length <= LONGEST_SHORT) {
    u8[at] = length;
    at = copyBytes(u8, at + 1, buf, start, end);
    u8[at] = length;
    return at + 1;
  }
  if (length <= LONGEST_INLINE) {
    u8[at] = LONG;
    u8[at + 1] = length;
    u8[at + 2] = length >>> 8;
    at = copyBytes(u8, at + 3, buf, start, end);
    u8[at] = length;
    u8[at + 1] = length >>> 8;
    u8[at + 2] = LONG;
    return at + 3;
  }
  u8[at] = u8[at + APART_BYTES - 1] = APART;
  writeWord(u8, at + 1, run);
  writeCount(u8, at + 5, length);
  return at + APART_BYTES;
}

const NO_BYTES = new Uint8Array(0);

/** An element in place: `buf[start, end)`, valid until its container changes or points it elsewhere. */
export class ElementView {
  buf: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;

  /** Points at the content of the entry at `at`. */
  point(store: Store, u8: Uint8Array, at: number): void {
    const mark = u8[at]!;
    this.buf = u8;
    if (mark < LONG) {
      this.start = at + 1;
      this.end = at + 1 + mark;
    } else if (mark === LONG) {
      this.start = at + 3;
      this.end = at + 3 + (u8[at + 1]! | (u8[at + 2]! << 8));
    } else {
      const run = readWord(u8, at + 1);
      this.buf = store.u8(run);
      this.start = store.at(run);
      this.end = this.start + readCount(u8, at + 5);
    }
  }

  /** The element as a latin1 string. */
  text(): string {
    return latin1(this.buf, this.start, this.end);
  }
}

/** True if the entry at `at` holds the element `buf[start, end)`. */
export function isEntryOf(
  store: Store,
  u8: Uint8Array,
  at: number,
  buf: Uint8Array,
  start: number,
  end: number,
): boolean {
  const mark = u8[at]!, length = end - start;
  if (mark < LONG) {
    if (mark !== length) return false;
    at++;
  } else if (mark === LONG) {
    if ((u8[at + 1]! | (u8[at + 2]! << 8)) !== length) return false;
    at += 3;
  } else {
    if (readCount(u8, at + 5) !== length) return false;
    const run = readWord(u8, at + 1);
    u8 = store.u8(run);
    at = store.at(run);
  }
  // Backwards: elements of one collection tend to begin alike.
  for (let i = end - 1, k = at + length - 1; i >= start; i--, k--) if (u8[k] !== buf[i]) return false;
  return true;
}
