/**
 * The layout of a key's record in the arena, in 32-bit words:
 *
 *     0  type (bits 0-3; all of them set mark a free run of the arena) | flags (4-7)
 *        | access clock (8-31: LRU seconds, or LFU minutes and counter)
 *     1  key length
 *     2  value length, or the value's handle if it is an object of its own
 *     3  hash
 *     4  two words of a double: when the key expires, in Unix milliseconds; with the sign bit set, the other 63 bits
 *        are an integer instead, which no double would hold exactly (only with HAS_EXPIRY)
 *     …  key bytes, then the value's bytes unless it is an object
 */
import { ValueType } from "../data/value.ts";
import { unitsFor } from "./arena.ts";

export const TYPE_MASK = 0x0f;
export const HAS_EXPIRY = 0x10;
export const IS_OBJECT = 0x20;
/** History of a string that OBJECT ENCODING needs, as bits of the first word of its record. */
export const StringMark = {
  /** It has been changed in place: `raw`, however short. */
  Raw: 0x40,
  /** It was made as text: never `int`, whatever it looks like. */
  Text: 0x80,
} as const;
export const STRING_MARKS = 0xc0;
/** Of a packed collection: it is being changed, and the bytes in the record are out of date. */
export const IS_OPEN = 0x40;
/** Of a packed collection: it has runs in the store. */
export const OWNS_RUNS = 0x80;
export const HEADER_BYTES = 16;
export const EXPIRY_BYTES = 8;

/** True if a record with these flags holds a packed collection that is being changed. */
export function isOpen(flags: number): boolean {
  return (flags & IS_OPEN) !== 0 && (flags & TYPE_MASK) !== ValueType.String;
}

/** True if a record with these flags holds a packed collection with runs in the store. */
export function ownsRuns(flags: number): boolean {
  return (flags & (OWNS_RUNS | IS_OBJECT)) === OWNS_RUNS && (flags & TYPE_MASK) !== ValueType.String;
}

/** Bytes before the key. */
export function headBytes(expires: boolean): number {
  return expires ? HEADER_BYTES + EXPIRY_BYTES : HEADER_BYTES;
}

/** Units of the arena that a record with `contentBytes` bytes of key and value takes. */
export function recordUnits(expires: boolean, contentBytes: number): number {
  return unitsFor(headBytes(expires) + contentBytes);
}
