/**
 * Small hashes packed straight from the bytes of a request. Most small hashes begin as a new key
 * with a few fields, and many stay that way; packing without intermediate strings takes half the
 * time.
 */
import { copyBytes } from "../util/bytes.ts";
import type { DataLimits } from "./limits.ts";
import { COUNT_BYTES, LONGEST_SHORT_ENTRY } from "./packed.ts";

/** Numbered parts of a byte array: the arguments of a command. */
export interface ByteParts {
  readonly buf: Uint8Array;
  start(i: number): number;
  end(i: number): number;
}

/** Beyond this many fields the search for duplicates would cost more than it saves. */
const MOST_FIELDS = 16;

/**
 * Packs the parts `from` … `to - 1`, fields and values in turn, as `HashValue.packInto` packs a
 * hash of them. Returns the length; -1, with the content of `into` undefined, if they make no small
 * hash, a field occurs twice, or there is no room.
 */
export function packFields(
  limits: DataLimits,
  parts: ByteParts,
  from: number,
  to: number,
  into: Uint8Array,
): number {
  const fields = (to - from) / 2, { hashMaxListpackEntries, hashMaxListpackValue } = limits;
  if (fields > MOST_FIELDS || fields > hashMaxListpackEntries) return -1;
  const longest = Math.min(hashMaxListpackValue, LONGEST_SHORT_ENTRY);
  into[0] = fields;
  into[1] = 0;
  let at = COUNT_BYTES;
  for (let i = from; i < to; i++) {
    const start = parts.start(i), end = parts.end(i), length = end - start;
    if (length > longest || at + 1 + length > into.length) return -1;
    if ((i - from) % 2 === 0 && isAmong(parts, i, from)) return -1;
    into[at] = length;
    at = copyBytes(into, at + 1, parts.buf, start, end);
  }
  return at;
}

/** True if part `i` is the same as one of the parts `from`, `from + 2` … before it. */
function isAmong(parts: ByteParts, i: number, from: number): boolean {
  for (let j = from; j < i; j += 2) if (areEqual(parts, i, j)) return true;
  return false;
}

function areEqual(parts: ByteParts, i: number, j: number): boolean {
  const { buf } = parts, start = parts.start(i), other = parts.start(j), length = parts.end(i) - start;
  if (parts.end(j) - other !== length) return false;
  // Backwards: names in one hash tend to begin alike.
  for (let k = length - 1; k >= 0; k--) if (buf[start + k] !== buf[other + k]) return false;
  return true;
}
