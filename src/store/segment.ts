/**
 * Segments of a {@linkcode Table}: open addressing with linear probing over pairs of words, hash
 * and reference, of any number. A reference of 0 is an empty pair. Deletion shifts back the pairs
 * behind the hole (Knuth, TAOCP 6.4, algorithm R), so there are no tombstones.
 */

/** Maximum pairs of a segment (64 KiB) until the directory has reached its full depth. */
export const LARGEST_SEGMENT = 8191;
/** Bytes before the pairs of a segment: their count. */
export const SEGMENT_HEAD_BYTES = 8;
/** Bytes of a pair. */
export const PAIR_BYTES = 8;
/** Bytes of the smallest segment. */
export const SMALLEST_SEGMENT_BYTES = 64;
/** The *shape* of a segment is a word: its pairs in the bits of this mask, its depth above. */
export const PAIRS_MASK = 0xffffff;
/** Lowest bit of the depth in a shape. */
export const DEPTH_SHIFT = 24;

/**
 * The place of a hash among `pairs` in a segment of this depth. It never decreases when the hash
 * grows.
 */
export function placeOf(hash: number, depth: number, pairs: number): number {
  return Math.imul((hash << depth) >>> 16, pairs) >>> 16;
}

/** Bytes of a segment that holds `count` entries with room for more. */
export function segmentBytes(count: number): number {
  return Math.max(SMALLEST_SEGMENT_BYTES, SEGMENT_HEAD_BYTES + PAIR_BYTES * Math.ceil(count * 1.6 + 1));
}

/** Bytes of a segment, given the second word of its directory entry. */
export function segmentSize(shape: number): number {
  return SEGMENT_HEAD_BYTES + PAIR_BYTES * (shape & PAIRS_MASK);
}

/**
 * Pairs of a segment of `bytes` bytes; a place takes sixteen bits of the hash, so more would never
 * be used.
 */
export function pairsIn(bytes: number): number {
  return Math.min(0x10000, (bytes - SEGMENT_HEAD_BYTES) / PAIR_BYTES);
}

/** Enters a pair in a segment with room, whose pairs begin at the word `first`. */
export function place(
  u32: Uint32Array,
  first: number,
  pairs: number,
  depth: number,
  hash: number,
  ref: number,
): void {
  const last = first + 2 * pairs;
  let at = first + 2 * placeOf(hash, depth, pairs);
  while (u32[at + 1] !== 0) if ((at += 2) === last) at = first;
  u32[at] = hash;
  u32[at + 1] = ref;
}

/** Empties the pair at the word `hole` and moves back the pairs it had displaced. */
export function closeHole(u32: Uint32Array, first: number, pairs: number, depth: number, hole: number): void {
  const last = first + 2 * pairs, around = 2 * pairs;
  for (let at = hole + 2;; at += 2) {
    if (at >= last) at = first;
    if (u32[at + 1] === 0) break;
    const home = first + 2 * placeOf(u32[at]! | 0, depth, pairs);
    // May move back into the hole unless its home lies cyclically behind the hole.
    const fromHome = at >= home ? at - home : at - home + around,
      fromHole = at >= hole ? at - hole : at - hole + around;
    if (fromHome < fromHole) continue;
    u32[hole] = u32[at]!;
    u32[hole + 1] = u32[at + 1]!;
    hole = at;
  }
  u32[hole] = u32[hole + 1] = 0;
}

/**
 * Visits the entries whose place is in [from, to) and whose hash is at least `lowest`; returns
 * their number.
 */
export function visitPlaces(
  u32: Uint32Array,
  first: number,
  pairs: number,
  depth: number,
  from: number,
  to: number,
  lowest: number,
  visit: (ref: number) => void,
): number {
  let visited = 0;
  for (let i = from, index = from; i < from + pairs; i++, index = index + 1 === pairs ? 0 : index + 1) {
    const at = first + 2 * index, ref = u32[at + 1]!;
    if (ref === 0) {
      if (i >= to) break;
      continue;
    }
    const hash = u32[at]!, home = placeOf(hash | 0, depth, pairs);
    if (home < from || home >= to || hash < lowest) continue;
    visit(ref);
    visited++;
  }
  return visited;
}
