/**
 * The way from a hash to the number (*slot*) of a member: an open-addressing table with linear probing in one
 * Int32Array, two integers a bucket, the member's hash and its slot + 1 (0: empty bucket).
 *
 * A member's home is given by the *upper* bits of its hash, so that the members lie in the order of their hashes, give
 * or take a run of neighbours; growing is then one pass over the old table that writes the new one from front to back
 * (some 10 ns a member, no hash computed, no random access to memory). Removal shifts the members behind the hole
 * back, so no tombstones pile up. The table doubles at 3/4 full and is halved below 1/8.
 *
 * The owner compares what lies in the slots; a search is
 *
 *     let bucket = index.home(hash);
 *     for (let slot; (slot = index.slotAt(bucket)) >= 0; bucket = index.next(bucket)) {
 *       if (index.hashAt(bucket) === hash && isWanted(slot)) return slot;
 *     }
 *
 * and `bucket` is then where a new member belongs.
 */

/** Buckets of the smallest index. */
const MIN_BUCKETS = 8;

/** See the head of this file. */
export class SlotIndex {
  /** Pairs: hash, slot + 1. */
  #pairs = new Int32Array(MIN_BUCKETS * 2);
  #mask = MIN_BUCKETS - 1;
  /** A hash shifted right by this is its home bucket. */
  #shift = 29;
  #size = 0;

  /** Bytes of the table. */
  get bytes(): number {
    return (this.#mask + 1) * 8;
  }

  /** The bucket at which a search for `hash` begins. */
  home(hash: number): number {
    return hash >>> this.#shift;
  }

  /** The bucket after `bucket`. */
  next(bucket: number): number {
    return (bucket + 1) & this.#mask;
  }

  /** The slot entered in a bucket, -1 in an empty one. */
  slotAt(bucket: number): number {
    return this.#pairs[2 * bucket + 1]! - 1;
  }

  /** The hash entered in a bucket. */
  hashAt(bucket: number): number {
    return this.#pairs[2 * bucket]!;
  }

  /** Enters a member in the empty bucket at which the search for it has ended. */
  insert(bucket: number, hash: number, slot: number): void {
    this.#pairs[2 * bucket] = hash;
    this.#pairs[2 * bucket + 1] = slot + 1;
    if (++this.#size * 4 > this.#mask * 3) this.#resize((this.#mask + 1) * 2);
  }

  /** The member with this hash has moved from one slot to another. */
  move(hash: number, from: number, to: number): void {
    this.#pairs[2 * this.#bucketOf(hash, from) + 1] = to + 1;
  }

  /** Removes the member with this hash in `slot`. */
  remove(hash: number, slot: number): void {
    this.#empty(this.#bucketOf(hash, slot));
    const buckets = this.#mask + 1;
    if (--this.#size * 8 < buckets && buckets > MIN_BUCKETS) this.#resize(buckets / 2);
  }

  clear(): void {
    this.#pairs = new Int32Array(MIN_BUCKETS * 2);
    this.#mask = MIN_BUCKETS - 1;
    this.#shift = 29;
    this.#size = 0;
  }

  copy(): SlotIndex {
    const twin = new SlotIndex();
    twin.#pairs = this.#pairs.slice();
    twin.#mask = this.#mask;
    twin.#shift = this.#shift;
    twin.#size = this.#size;
    return twin;
  }

  #bucketOf(hash: number, slot: number): number {
    const pairs = this.#pairs, mask = this.#mask;
    let bucket = hash >>> this.#shift;
    while (pairs[2 * bucket + 1] !== slot + 1) bucket = (bucket + 1) & mask;
    return bucket;
  }

  /** Empties a bucket and moves back what had been displaced by it. */
  #empty(hole: number): void {
    const pairs = this.#pairs, mask = this.#mask, shift = this.#shift;
    for (let bucket = (hole + 1) & mask; pairs[2 * bucket + 1] !== 0; bucket = (bucket + 1) & mask) {
      const home = pairs[2 * bucket]! >>> shift;
      if (((bucket - home) & mask) < ((bucket - hole) & mask)) continue; // its home lies behind the hole
      pairs[2 * hole] = pairs[2 * bucket]!;
      pairs[2 * hole + 1] = pairs[2 * bucket + 1]!;
      hole = bucket;
    }
    pairs[2 * hole] = 0;
    pairs[2 * hole + 1] = 0;
  }

  /** Enters all members into a table of another size. O(n). */
  #resize(buckets: number): void {
    const old = this.#pairs, pairs = new Int32Array(buckets * 2), mask = buckets - 1;
    const shift = Math.clz32(mask);
    for (let i = 0; i < old.length; i += 2) {
      const slotPlusOne = old[i + 1]!;
      if (slotPlusOne === 0) continue;
      const hash = old[i]!;
      let bucket = hash >>> shift;
      while (pairs[2 * bucket + 1] !== 0) bucket = (bucket + 1) & mask;
      pairs[2 * bucket] = hash;
      pairs[2 * bucket + 1] = slotPlusOne;
    }
    this.#pairs = pairs;
    this.#mask = mask;
    this.#shift = shift;
  }
}
