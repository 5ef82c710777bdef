/**
 * Small collections as one latin1 string: the counterpart of Redis's listpack. A JavaScript string
 * costs 16 bytes and its characters, so five fields and values are one object instead of eleven.
 *
 * Each entry is its length, then its characters. The length takes one character up to 253; for
 * longer entries it is the character 254 and four more, the length in little-endian bytes. A
 * position is the index of an entry's first character; the position behind the last entry is the
 * string's length.
 *
 * A change rebuilds the packed string with `substring` and `+`. V8 makes a rope of that, which
 * keeps its parts alive; {@linkcode flat} turns it into one plain string at once (60 ns for 100
 * characters).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { countEntries, entryText, findEntry, packEntries } from "./packed.ts";
 *
 * const packed = packEntries(["name", "Ada", "born", "1815"]);
 * const field = findEntry(packed, "born", 2);
 * assertEquals(entryText(packed, field), "born");
 * assertEquals(countEntries(packed), 4);
 * ```
 */
import { writeLatin1 } from "../util/bytes.ts";

/** The bytes {@linkcode packText} puts before the text. */
export const COUNT_BYTES = 2;

/** Writes a count below 65,536 and a text as bytes, the form small collections are kept in. */
export function packText(bytes: Uint8Array, at: number, count: number, text: string): void {
  bytes[at] = count & 255;
  bytes[at + 1] = count >>> 8;
  writeLatin1(bytes, at + COUNT_BYTES, text);
}

/** The count written by {@linkcode packText}. */
export function packedCount(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** The longest entry whose length fits in one character. */
export const LONGEST_SHORT_ENTRY = 253;
const longMark = 254;

/** The character read by {@linkcode flat}, kept so that the read is not optimised away. */
let lastRead = 0;

/** The same text, stored as one plain string if it was a rope (the result of `+`). */
export function flat(text: string): string {
  lastRead ^= text.charCodeAt(0);
  return text;
}

/**
 * The same text in memory of its own, so that it does not keep alive the string it was cut from.
 */
export function ownText(text: string): string {
  return text.length < 13 ? text : flat(text.charAt(0) + text.substring(1));
}

/** `text` as an entry. */
export function encodeEntry(text: string): string {
  const length = text.length;
  if (length <= LONGEST_SHORT_ENTRY) return String.fromCharCode(length) + text;
  return String.fromCharCode(
    longMark,
    length & 255,
    (length >> 8) & 255,
    (length >> 16) & 255,
    length >>> 24,
  ) +
    text;
}

/** Start of the content of the entry at `pos`. */
export function contentStart(packed: string, pos: number): number {
  return packed.charCodeAt(pos) === longMark ? pos + 5 : pos + 1;
}

/** The position of the entry after the one at `pos`. */
export function entryEnd(packed: string, pos: number): number {
  const length = packed.charCodeAt(pos);
  return length === longMark ? pos + 5 + longLength(packed, pos) : pos + 1 + length;
}

function longLength(packed: string, pos: number): number {
  return packed.charCodeAt(pos + 1) + packed.charCodeAt(pos + 2) * 0x100 +
    packed.charCodeAt(pos + 3) * 0x10000 +
    packed.charCodeAt(pos + 4) * 0x1000000;
}

/** Length of the entry at `pos`, characters. */
function entryLength(packed: string, pos: number): number {
  const length = packed.charCodeAt(pos);
  return length === longMark ? longLength(packed, pos) : length;
}

/**
 * The content of the entry at `pos`. From 13 characters on it shares the memory of `packed`: fine
 * for a reply; text that is kept needs {@linkcode ownText}.
 */
export function entryText(packed: string, pos: number): string {
  return packed.substring(contentStart(packed, pos), entryEnd(packed, pos));
}

function matchesAt(packed: string, start: number, text: string): boolean {
  // Backwards: names in one collection tend to begin alike.
  for (let i = text.length - 1; i >= 0; i--) {
    if (packed.charCodeAt(start + i) !== text.charCodeAt(i)) return false;
  }
  return true;
}

/**
 * The position of the first entry equal to `text`, or -1. O(n).
 *
 * @param stride 1 looks at every entry, 2 at the first, third, fifth … (the fields of a hash)
 */
export function findEntry(packed: string, text: string, stride: 1 | 2): number {
  const end = packed.length, wanted = text.length;
  let pos = 0;
  while (pos < end) {
    const mark = packed.charCodeAt(pos);
    const start = mark === longMark ? pos + 5 : pos + 1;
    const length = mark === longMark ? longLength(packed, pos) : mark;
    if (length === wanted && matchesAt(packed, start, text)) return pos;
    pos = start + length;
    if (stride === 2) pos = entryEnd(packed, pos);
  }
  return -1;
}

/** Like {@linkcode findEntry}, for the text with the bytes `buf[from, to)`. */
export function findEntryBytes(
  packed: string,
  buf: Uint8Array,
  from: number,
  to: number,
  stride: 1 | 2,
): number {
  const end = packed.length, wanted = to - from;
  for (let pos = 0; pos < end;) {
    const mark = packed.charCodeAt(pos);
    const start = mark === longMark ? pos + 5 : pos + 1;
    const length = mark === longMark ? longLength(packed, pos) : mark;
    if (length === wanted && matchesBytes(packed, start, buf, from, to)) return pos;
    pos = start + length;
    if (stride === 2) pos = entryEnd(packed, pos);
  }
  return -1;
}

function matchesBytes(packed: string, start: number, buf: Uint8Array, from: number, to: number): boolean {
  for (let i = to - from - 1; i >= 0; i--) if (packed.charCodeAt(start + i) !== buf[from + i]) return false;
  return true;
}

/** Up to this many entries, comparing each with each is faster than a set. */
const FEW_ENTRIES = 32;

/**
 * True if an entry occurs twice.
 *
 * @param stride as of {@linkcode findEntry}
 */
export function hasTwins(packed: string, stride: 1 | 2): boolean {
  const positions: number[] = [];
  for (let pos = 0; pos < packed.length; pos = entryEnd(packed, pos)) {
    positions.push(pos);
    if (stride === 2) pos = entryEnd(packed, pos);
  }
  const count = positions.length;
  if (count > FEW_ENTRIES) return new Set(positions.map((pos) => entryText(packed, pos))).size < count;
  for (let i = 1; i < count; i++) {
    for (let k = 0; k < i; k++) if (areTwins(packed, positions[i]!, positions[k]!)) return true;
  }
  return false;
}

/**
 * True if two entries are equal; compared from the end, since names in one collection tend to begin
 * alike.
 */
function areTwins(packed: string, one: number, other: number): boolean {
  const length = entryLength(packed, one);
  if (length !== entryLength(packed, other)) return false;
  const last = entryEnd(packed, one) - 1, apart = one - other;
  for (let at = last; at > last - length; at--) {
    if (packed.charCodeAt(at) !== packed.charCodeAt(at - apart)) return false;
  }
  return true;
}

/** The position of entry number `index` (from 0), which must exist. O(index). */
export function nthEntry(packed: string, index: number): number {
  let pos = 0;
  for (let i = 0; i < index; i++) pos = entryEnd(packed, pos);
  return pos;
}

/** Number of entries. O(n). */
export function countEntries(packed: string): number {
  let count = 0;
  for (let pos = 0; pos < packed.length; pos = entryEnd(packed, pos)) count++;
  return count;
}

/** All of `texts` as one packed string. */
export function packEntries(texts: Iterable<string>): string {
  let packed = "";
  for (const text of texts) packed += encodeEntry(text);
  return flat(packed);
}

/** All entries, in order. */
export function unpackEntries(packed: string): string[] {
  const texts: string[] = [];
  for (let pos = 0; pos < packed.length; pos = entryEnd(packed, pos)) texts.push(entryText(packed, pos));
  return texts;
}

/**
 * `packed` with the characters from `start` up to `end` replaced by `replacement`, as a plain
 * string.
 */
export function spliceText(packed: string, start: number, end: number, replacement: string): string {
  return flat(packed.substring(0, start) + replacement + packed.substring(end));
}
