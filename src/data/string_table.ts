/**
 * A set of latin1 strings whose members are numbered 0 … size - 1: the base of large sets, hashes and
 * sorted sets. The strings lie in a dense array, so that a random member, a scan and an iteration
 * need no look at the index; owners keep what belongs to a member in arrays of their own under the
 * same number (its *slot*).
 *
 * The index is an open-addressing table with linear probing in one Int32Array: two integers a
 * bucket, the member's hash and its slot + 1 (0: empty bucket). A member's home is given by the
 * *upper* bits of its hash, so that the members lie in the order of their hashes, give or take a run
 * of neighbours; growing is then one pass over the old table that writes the new one from front to
 * back (some 10 ns a member, no hash computed, no random access to memory). Removal shifts the
 * members behind the hole back, so no tombstones pile up. The table doubles at 3/4 full and is
 * halved below 1/8.
 *
 * A table may keep a string of the owner's for each member (a hash's values): it lies behind the member in the same
 * array, where both are one access to memory.
 *
 * Removing a member moves the last one into its slot. A walk *downwards* over the slots therefore
 * meets every member that is there from its begin to its end: what moves into a hole comes from the
 * part already walked.
 */
import { hashText } from "../util/hash.ts";

/** Buckets of the smallest index. */
const minBuckets = 8;

/** The seed of all tables that are not given one. */
const processSeed = crypto.getRandomValues(new Uint32Array(1))[0]!;

/** The bytes of heap that a string of `length` latin1 characters takes, and its place in an array. */
export function textBytes(length: number): number {
  return 24 + ((length + 7) & ~7);
}

/** A set of strings with slots. All operations but those marked take O(1). */
export class StringTable {
  /** The members; with values, each member's behind it. */
  #texts: string[] = [];
  #size = 0;
  /** How many texts a member has: 2 with values. */
  readonly #width: 1 | 2;
  /** Pairs: hash, slot + 1. */
  #index = new Int32Array(minBuckets * 2);
  #mask = minBuckets - 1;
  /** A hash shifted right by this is its home bucket. */
  #shift = 29;
  #contentBytes = 0;
  readonly #seed: number;

  /** @param seed of the hash; by default one that nobody outside can know */
  constructor(seed: number = processSeed, options: { withValues?: boolean } = {}) {
    this.#seed = seed;
    this.#width = options.withValues === true ? 2 : 1;
  }

  /** How many members there are. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of heap and buffers. */
  get memoryBytes(): number {
    return 320 + this.#contentBytes + (this.#mask + 1) * 8;
  }

  /** The slot of `text`, or -1. */
  find(text: string): number {
    const index = this.#index, mask = this.#mask, hash = hashText(text, this.#seed);
    for (let bucket = hash >>> this.#shift;; bucket = (bucket + 1) & mask) {
      const slot = index[2 * bucket + 1]! - 1;
      if (slot < 0) return -1;
      if (index[2 * bucket] === hash && this.#texts[slot * this.#width] === text) return slot;
    }
  }

  /**
   * The slot of `text`, which is added if it was not there: a new member's slot is the `size` from
   * before. The string is kept; it must not be a part cut from a big one.
   *
   * @param value of a new member, in a table with values
   */
  add(text: string, value = ""): number {
    const index = this.#index, mask = this.#mask, hash = hashText(text, this.#seed);
    let bucket = hash >>> this.#shift;
    for (;; bucket = (bucket + 1) & mask) {
      const slot = index[2 * bucket + 1]! - 1;
      if (slot < 0) break;
      if (index[2 * bucket] === hash && this.#texts[slot * this.#width] === text) return slot;
    }
    index[2 * bucket] = hash;
    index[2 * bucket + 1] = ++this.#size;
    this.#texts.push(text);
    this.#contentBytes += textBytes(text.length);
    if (this.#width === 2) {
      this.#texts.push(value);
      this.#contentBytes += textBytes(value.length);
    }
    if (this.#size * 4 > mask * 3) this.#resize((mask + 1) * 2);
    return this.#size - 1;
  }

  /** The member in `slot`, which must be below `size`. */
  at(slot: number): string {
    return this.#texts[slot * this.#width]!;
  }

  /** The value of the member in `slot`, in a table with values. */
  valueAt(slot: number): string {
    return this.#texts[2 * slot + 1]!;
  }

  /** Gives the member in `slot` another value. */
  setValueAt(slot: number, value: string): void {
    const texts = this.#texts, at = 2 * slot + 1;
    this.#contentBytes += textBytes(value.length) - textBytes(texts[at]!.length);
    texts[at] = value;
  }

  /**
   * Removes the member in `slot`. The last member moves there: the result is the slot it had, or -1
   * if the removed one was the last.
   */
  removeAt(slot: number): number {
    const last = this.#size - 1;
    this.#emptyBucket(this.#bucketOf(this.at(slot), slot));
    if (slot < last) this.#index[2 * this.#bucketOf(this.at(last), last) + 1] = slot + 1;
    this.#size = last;
    for (let at = (slot + 1) * this.#width - 1; at >= slot * this.#width; at--) {
      this.#contentBytes -= textBytes(this.#texts[at]!.length);
      const moved = this.#texts.pop()!;
      if (slot < last) this.#texts[at] = moved;
    }
    const buckets = this.#mask + 1;
    if (buckets > minBuckets && last * 8 < buckets) this.#resize(buckets / 2);
    return slot < last ? last : -1;
  }

  /** Removes all members. */
  clear(): void {
    this.#texts = [];
    this.#size = 0;
    this.#index = new Int32Array(minBuckets * 2);
    this.#mask = minBuckets - 1;
    this.#shift = 29;
    this.#contentBytes = 0;
  }

  /** A table with the same members in the same slots. O(n), but no string is copied or hashed. */
  copy(): StringTable {
    const twin = new StringTable(this.#seed, { withValues: this.#width === 2 });
    twin.#texts = this.#texts.slice();
    twin.#size = this.#size;
    twin.#index = this.#index.slice();
    twin.#mask = this.#mask;
    twin.#shift = this.#shift;
    twin.#contentBytes = this.#contentBytes;
    return twin;
  }

  /** The bucket in which `text`, the member in `slot`, is entered. */
  #bucketOf(text: string, slot: number): number {
    const index = this.#index, mask = this.#mask;
    let bucket = hashText(text, this.#seed) >>> this.#shift;
    while (index[2 * bucket + 1] !== slot + 1) bucket = (bucket + 1) & mask;
    return bucket;
  }

  /** Empties a bucket and moves back what had been displaced by it. */
  #emptyBucket(hole: number): void {
    const index = this.#index, mask = this.#mask, shift = this.#shift;
    for (let bucket = (hole + 1) & mask; index[2 * bucket + 1] !== 0; bucket = (bucket + 1) & mask) {
      const home = index[2 * bucket]! >>> shift;
      if (((bucket - home) & mask) < ((bucket - hole) & mask)) continue; // its home lies behind the hole
      index[2 * hole] = index[2 * bucket]!;
      index[2 * hole + 1] = index[2 * bucket + 1]!;
      hole = bucket;
    }
    index[2 * hole] = 0;
    index[2 * hole + 1] = 0;
  }

  /** Enters all members into an index of another size. O(n). */
  #resize(buckets: number): void {
    const old = this.#index, index = new Int32Array(buckets * 2), mask = buckets - 1;
    const shift = Math.clz32(mask);
    for (let i = 0; i < old.length; i += 2) {
      const slotPlusOne = old[i + 1]!;
      if (slotPlusOne === 0) continue;
      const hash = old[i]!;
      let bucket = hash >>> shift;
      while (index[2 * bucket + 1] !== 0) bucket = (bucket + 1) & mask;
      index[2 * bucket] = hash;
      index[2 * bucket + 1] = slotPlusOne;
    }
    this.#index = index;
    this.#mask = mask;
    this.#shift = shift;
  }
}
