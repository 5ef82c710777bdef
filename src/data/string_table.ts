/**
 * A set of latin1 strings whose members are numbered 0 … size - 1: the base of large sets, hashes and
 * sorted sets. The strings lie in a dense array, so that a random member, a scan and an iteration
 * need no look at the index; owners keep what belongs to a member in arrays of their own under the
 * same number (its *slot*).
 *
 * The way from a member to its slot is a {@linkcode SlotIndex}.
 *
 * Removing a member moves the last one into its slot. A walk *downwards* over the slots therefore
 * meets every member that is there from its begin to its end: what moves into a hole comes from the
 * part already walked.
 */
import { hashText } from "../util/hash.ts";
import { SlotIndex } from "./slot_index.ts";

/** The seed of all tables that are not given one. */
export const processSeed = crypto.getRandomValues(new Uint32Array(1))[0]!;

/** The bytes of heap that a string of `length` latin1 characters takes, and its place in an array. */
function textBytes(length: number): number {
  return 24 + ((length + 7) & ~7);
}

/** A set of strings with slots. All operations but those marked take O(1). */
export class StringTable {
  #texts: string[] = [];
  #index = new SlotIndex();
  #contentBytes = 0;
  readonly #seed: number;

  /** @param seed of the hash; by default one that nobody outside can know */
  constructor(seed: number = processSeed) {
    this.#seed = seed;
  }

  /** How many members there are. */
  get size(): number {
    return this.#texts.length;
  }

  /** Bytes of heap and buffers. */
  get memoryBytes(): number {
    return 320 + this.#contentBytes + this.#index.bytes;
  }

  /** The slot of `text`, or -1. */
  find(text: string): number {
    const index = this.#index, hash = hashText(text, this.#seed);
    let bucket = index.home(hash);
    for (let slot; (slot = index.slotAt(bucket)) >= 0; bucket = index.next(bucket)) {
      if (index.hashAt(bucket) === hash && this.#texts[slot] === text) return slot;
    }
    return -1;
  }

  /**
   * The slot of `text`, which is added if it was not there: a new member's slot is the `size` from
   * before. The string is kept; it must not be a part cut from a big one.
   */
  add(text: string): number {
    const index = this.#index, hash = hashText(text, this.#seed);
    let bucket = index.home(hash);
    for (let slot; (slot = index.slotAt(bucket)) >= 0; bucket = index.next(bucket)) {
      if (index.hashAt(bucket) === hash && this.#texts[slot] === text) return slot;
    }
    const added = this.#texts.push(text) - 1;
    index.insert(bucket, hash, added);
    this.#contentBytes += textBytes(text.length);
    return added;
  }

  /** The member in `slot`, which must be below `size`. */
  at(slot: number): string {
    return this.#texts[slot]!;
  }

  /**
   * Removes the member in `slot`. The last member moves there: the result is the slot it had, or -1
   * if the removed one was the last.
   */
  removeAt(slot: number): number {
    const text = this.#texts[slot]!, last = this.#texts.length - 1;
    this.#index.remove(hashText(text, this.#seed), slot);
    this.#contentBytes -= textBytes(text.length);
    const moved = this.#texts.pop()!;
    if (slot === last) return -1;
    this.#index.move(hashText(moved, this.#seed), last, slot);
    this.#texts[slot] = moved;
    return last;
  }

  /** A table with the same members in the same slots. O(n), but no string is copied or hashed. */
  copy(): StringTable {
    const twin = new StringTable(this.#seed);
    twin.#texts = this.#texts.slice();
    twin.#index = this.#index.copy();
    twin.#contentBytes = this.#contentBytes;
    return twin;
  }
}
