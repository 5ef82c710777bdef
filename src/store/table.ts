/**
 * A hash table of bytes in a {@linkcode Store}: a set of keys, each in an *entry* that may hold
 * further data.
 *
 *     entry:  | head: as many bytes as the owner has asked for | key length: one byte, or 255 and four | key | tail … |
 *
 * An entry is a run of its own; {@linkcode Table.find} returns its reference. Head (a score, a
 * time, a reference to a value: `headBytes`, a multiple of 8 where doubles lie in it) and tail (a
 * value's bytes) are the owner's. Entries stay where they are until they are removed, replaced or
 * compacted.
 *
 * Entries are found through a *directory* of *segments*. The upper bits of a key's hash choose the
 * segment (extendible hashing; Fagin, Nievergelt, Pippenger and Strong, 1979). A segment is an
 * open-addressing table of pairs, hash and reference, with linear probing, of any length up to
 * {@linkcode LARGEST_SEGMENT} pairs; full at three quarters it grows by a quarter, and the largest
 * splits in two. One growth step never exceeds one segment, whatever the size of the table, and
 * still barely a fifth of the pairs is unused.
 *
 *     directory:  two words an entry: segment's reference | its pairs (bits 0-23), depth (24-31)
 *     segment:    count | 0, then two words a pair: hash | reference, or 0
 *
 * The place of a pair in its segment grows with its hash, so the whole table is in the order of
 * hashes except among neighbours. A scan goes up by hash: its cursor is the lowest hash not seen
 * yet, whose meaning neither growth nor removal changes. An entry present from the first step to
 * the last is visited exactly once.
 *
 * A table's own state is a few numbers, its *root* ({@linkcode Table.writeRoot},
 * {@linkcode Table.readRoot}): an owner may keep these in place of the object. Call
 * {@linkcode Table.free} before dropping a table.
 *
 * One file: look-up, growth, scanning and compaction all depend on the layout of a directory and its segments.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bytesOf } from "../util/bytes.ts";
 * import { Store } from "./store.ts";
 * import { Table } from "./table.ts";
 *
 * const table = new Table(new Store()), ada = bytesOf("Ada");
 * const hash = table.hash(ada, 0, 3);
 * assertEquals(table.find(ada, 0, 3, hash), 0);
 * const entry = table.insert(ada, 0, 3, hash);
 * assertEquals(table.find(ada, 0, 3, hash), entry);
 * table.free();
 * ```
 */
import { copyBytes, latin1 } from "../util/bytes.ts";
import { hashBytes } from "../util/hash.ts";
import type { Random } from "../util/random.ts";
import {
  closeHole,
  DEPTH_SHIFT,
  LARGEST_SEGMENT,
  PAIR_BYTES,
  PAIRS_MASK,
  pairsIn,
  place,
  placeOf,
  SEGMENT_HEAD_BYTES,
  segmentBytes,
  segmentSize,
  SMALLEST_SEGMENT_BYTES,
  visitPlaces,
} from "./segment.ts";
import { type Store, StoreFullError } from "./store.ts";
import { readCount, readWord, writeCount, writeWord } from "./words.ts";

/** The seed of all tables, unpredictable so that an attacker cannot aim keys at one place. */
const processSeed = crypto.getRandomValues(new Uint32Array(1))[0]!;

/** Maximum bits of the hash that choose a segment; sixteen more choose the place in it. */
const MAX_DEPTH = 16;
/** Two segments with fewer entries than this together are joined. */
const JOINED_BELOW = 1024;
/** Bytes that {@linkcode Table.writeRoot} writes. */
export const ROOT_BYTES = 24;
/** Key lengths from this on take five bytes. */
const LONG_KEY = 255;
/** Tables of more entries are freed in slices. */
const FREED_AT_ONCE = 1000;
/** Random slots tried before the segments are measured. */
const TRIES = 64;

/** Sink for the reads of {@linkcode Table.touch}. */
let touched = new Uint32Array(16);

/** Called with an entry's reference. */
export type EntryVisitor = (ref: number) => void;
/** Called in a compaction for each entry that has moved. */
export type EntryMoved = (from: number, to: number) => void;

/** Bytes before the key of an entry, apart from its head. */
function keyLengthBytes(length: number): number {
  return length < LONG_KEY ? 1 : 5;
}

/**
 * See the head of this file. All operations but those marked take O(1), or O(segment) where one
 * grows or shrinks.
 */
export class Table {
  readonly store: Store;
  /** Bytes of an entry before its key's length. */
  readonly headBytes: number;
  /** Reference of the directory; 0 before the first entry. */
  #directory = 0;
  /** The directory has 2^depth entries. */
  #depth = 0;
  #size = 0;
  #bytes = 0;
  /**
   * Bound on pairs ÷ share of the directory over all segments, for fair sampling.
   */
  #widest = 0;
  /** Segments as deep as the directory. */
  #deepest = 0;
  readonly #seed: number;

  /** @param seed of the hash; by default one that is unknown outside the process */
  constructor(store: Store, headBytes = 0, seed: number = processSeed) {
    this.store = store;
    this.headBytes = headBytes;
    this.#seed = seed;
  }

  /** Entries. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the store that the table's runs take. */
  get bytes(): number {
    return this.#bytes;
  }

  // ---- Entries ----------------------------------------------------------------------------------

  /**
   * The hash of the key `buf[start, end)`, which the other calls take, so that it is computed once.
   */
  hash(buf: Uint8Array, start: number, end: number): number {
    return hashBytes(buf, start, end, this.#seed) | 0;
  }

  /** The hash of an entry's key. */
  hashOf(ref: number): number {
    const start = this.keyAt(ref);
    return this.hash(this.store.u8(ref), start, start + this.keyLength(ref));
  }

  /** The length of an entry's key in bytes. */
  keyLength(ref: number): number {
    const u8 = this.store.u8(ref), at = this.store.at(ref) + this.headBytes, length = u8[at]!;
    return length < LONG_KEY ? length : readWord(u8, at + 1);
  }

  /** Where an entry's key begins in `store.u8(ref)`; its tail begins where the key ends. */
  keyAt(ref: number): number {
    const at = this.store.at(ref) + this.headBytes;
    return this.store.u8(ref)[at]! < LONG_KEY ? at + 1 : at + 5;
  }

  /** An entry's key as a latin1 string. */
  keyText(ref: number): string {
    const start = this.keyAt(ref);
    return latin1(this.store.u8(ref), start, start + this.keyLength(ref));
  }

  /** The entry of the key `buf[start, end)`, or 0. */
  find(buf: Uint8Array, start: number, end: number, hash: number): number {
    if (this.#directory === 0) return 0;
    const directory = this.#wordOfHash(hash), words = this.store.u32(this.#directory);
    const segment = words[directory]!, shape = words[directory + 1]!, pairs = shape & PAIRS_MASK;
    const u32 = this.store.u32(segment), first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
    const last = first + 2 * pairs;
    let at = first + 2 * placeOf(hash, shape >>> DEPTH_SHIFT, pairs);
    for (let ref; (ref = u32[at + 1]!) !== 0;) {
      if ((u32[at]! | 0) === hash && this.#isKey(ref, buf, start, end)) return ref;
      if ((at += 2) === last) at = first;
    }
    return 0;
  }

  /**
   * Adds an entry for the key `buf[start, end)`, which must not be present; the caller fills head
   * and tail. Throws {@linkcode StoreFullError} with nothing changed.
   *
   * @param tailBytes room behind the key
   */
  insert(buf: Uint8Array, start: number, end: number, hash: number, tailBytes = 0): number {
    this.#makeRoom(hash);
    const ref = this.newEntry(buf, start, end, tailBytes);
    this.#enter(hash, ref);
    return ref;
  }

  /** An entry that is not in the table yet, for {@linkcode Table.replace}. */
  newEntry(buf: Uint8Array, start: number, end: number, tailBytes: number): number {
    const length = end - start, { store, headBytes } = this;
    const ref = this.#allocate(headBytes + keyLengthBytes(length) + length + tailBytes);
    const u8 = store.u8(ref);
    let at = store.at(ref) + headBytes;
    if (length < LONG_KEY) u8[at++] = length;
    else {
      u8[at] = LONG_KEY;
      writeWord(u8, at + 1, length);
      at += 5;
    }
    copyBytes(u8, at, buf, start, end);
    return ref;
  }

  /** Puts the entry `to`, which has the same key, in the place of `from`, and frees that. */
  replace(hash: number, from: number, to: number): void {
    const segment = this.store.u32(this.#directory)[this.#wordOfHash(hash)]!;
    this.store.u32(segment)[this.#pairOf(hash, from) + 1] = to;
    this.#release(from);
  }

  /** Removes an entry, given by its reference, and frees it. */
  remove(hash: number, ref: number): void {
    const words = this.store.u32(this.#directory), word = this.#wordOfHash(hash);
    const segment = words[word]!, shape = words[word + 1]!, u32 = this.store.u32(segment);
    const first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
    closeHole(u32, first, shape & PAIRS_MASK, shape >>> DEPTH_SHIFT, this.#pairOf(hash, ref));
    const count = --u32[first - 2]!;
    this.#release(ref);
    if (--this.#size === 0) return this.#freeAll();
    if (count * 4 < (shape & PAIRS_MASK) && this.store.roundUp(segmentBytes(count)) < segmentSize(shape)) {
      this.#shrink(hash, count);
    }
  }

  /**
   * Reads ahead the memory that the look-ups of `count` keys will need; the reads do not depend on
   * each other, so the processor waits for all of them together.
   *
   * @param names start and end of each key in `buf`, in turn
   */
  touch(buf: Uint8Array, names: Int32Array, count: number): void {
    if (this.#directory === 0) return;
    if (touched.length < count) touched = new Uint32Array(count);
    for (let i = 0; i < count; i++) touched[i] = this.hash(buf, names[2 * i]!, names[2 * i + 1]!);
    for (let i = 0; i < count; i++) touched[i] = this.#firstSeen(touched[i]! | 0);
    for (let i = 0; i < count; i++) {
      const ref = touched[i]!;
      if (ref !== 0) touched[i] = this.store.u8(ref)[this.store.at(ref)]!;
    }
  }

  /** The first entry a look-up of `hash` sees, usually its own, or 0. */
  #firstSeen(hash: number): number {
    const word = this.#wordOfHash(hash), words = this.store.u32(this.#directory);
    const segment = words[word]!, shape = words[word + 1]!;
    const first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
    return this.store.u32(segment)[first + 2 * placeOf(hash, shape >>> DEPTH_SHIFT, shape & PAIRS_MASK) + 1]!;
  }

  // ---- Walks ------------------------------------------------------------------------------------

  /**
   * Calls `visit` for every entry, in the order of {@linkcode Table.scan}; it must not change the
   * table. O(n).
   */
  forEach(visit: EntryVisitor): void {
    for (let cursor = 0; (cursor = this.scan(cursor, LARGEST_SEGMENT, visit)) !== 0;);
  }

  /**
   * One step of a scan: calls `visit` for some `count` entries and returns the next cursor, 0 at
   * the end. An entry present from the first step to the last is visited exactly once. `visit` must
   * not change the table.
   */
  scan(cursor: number, count: number, visit: EntryVisitor): number {
    let left = count;
    while (this.#directory !== 0 && left > 0) {
      const word = this.#wordOfHash(cursor | 0), words = this.store.u32(this.#directory);
      const segment = words[word]!,
        shape = words[word + 1]!,
        pairs = shape & PAIRS_MASK,
        depth = shape >>> DEPTH_SHIFT;
      const u32 = this.store.u32(segment), first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
      const from = placeOf(cursor | 0, depth, pairs);
      const wanted = Math.ceil(left * pairs / Math.max(1, u32[first - 2]!)),
        to = Math.min(pairs, from + wanted);
      left -= visitPlaces(u32, first, pairs, depth, from, to, cursor, visit);
      const span = 2 ** (32 - depth), start = cursor - cursor % span;
      cursor = to === pairs ? start + span : start + Math.ceil(to * 0x10000 / pairs) * 2 ** (16 - depth);
      if (cursor >= 2 ** 32) return 0;
    }
    return this.#directory === 0 ? 0 : cursor;
  }

  /** An entry chosen uniformly, or 0 if there is none. O(1) expected. */
  sample(random: Random): number {
    if (this.#size === 0) return 0;
    const words = this.store.u32(this.#directory), base = this.store.at(this.#directory) >>> 2;
    if (this.#widest === 0) this.#widest = this.#measure();
    for (let tries = 0;; tries++) {
      const word = base + 2 * (this.#depth === 0 ? 0 : random.next() >>> (32 - this.#depth));
      const segment = words[word]!, shape = words[word + 1]!;
      const place = random.below(this.#widest * 2 ** (this.#depth - (shape >>> DEPTH_SHIFT)));
      if (tries === TRIES) this.#widest = this.#measure();
      if (place >= (shape & PAIRS_MASK)) continue;
      const ref = this.store.u32(
        segment,
      )[((this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2) + 2 * place + 1]!;
      if (ref !== 0) return ref;
    }
  }

  /**
   * `count` different entries, every choice equally likely, in random order; all of them if there
   * are no more. O(count), or O(n) where that is the same order.
   */
  sampleDistinct(count: number, random: Random): number[] {
    const drawn: number[] = [];
    if (count * 4 < this.#size) {
      const seen = new Set<number>();
      while (seen.size < count) seen.add(this.sample(random));
      return [...seen];
    }
    // Each entry is taken with the probability that it is among the remaining picks; then the order
    // is shuffled.
    let left = this.#size, wanted = Math.min(count, left);
    this.forEach((ref) => {
      if (random.below(left--) >= wanted) return;
      drawn.push(ref);
      wanted--;
    });
    for (let i = drawn.length - 1; i > 0; i--) {
      const k = random.below(i + 1), ref = drawn[i]!;
      drawn[i] = drawn[k]!;
      drawn[k] = ref;
    }
    return drawn;
  }

  // ---- The whole --------------------------------------------------------------------------------

  /**
   * Writes the table's root, {@linkcode ROOT_BYTES} bytes, from which another object can take over
   * the table.
   */
  writeRoot(bytes: Uint8Array, at: number): void {
    writeWord(bytes, at, this.#directory);
    writeWord(bytes, at + 4, this.#depth | (this.#deepest << 8));
    writeCount(bytes, at + 8, this.#size);
    writeCount(bytes, at + 16, this.#bytes);
  }

  /**
   * Takes over the table whose root {@linkcode writeRoot} has written; only one object may own it
   * at a time.
   */
  readRoot(bytes: Uint8Array, at: number): this {
    this.#directory = readWord(bytes, at);
    this.#depth = bytes[at + 4]!;
    this.#deepest = readWord(bytes, at + 4) >>> 8;
    this.#size = readCount(bytes, at + 8);
    this.#bytes = readCount(bytes, at + 16);
    this.#widest = 0;
    return this;
  }

  /** Frees all runs, those of a large table in slices; the table is empty afterwards. O(1). */
  free(): void {
    if (this.#size <= FREED_AT_ONCE) return void this.#freeFrom(0, FREED_AT_ONCE);
    const rest = new Table(this.store, this.headBytes, this.#seed);
    rest.#directory = this.#directory;
    rest.#depth = this.#depth;
    this.#directory =
      this.#depth =
      this.#size =
      this.#bytes =
      this.#widest =
      this.#deepest =
        0;
    let cursor = 0;
    this.store.freeLater((budget) => (cursor = rest.#freeFrom(cursor, budget)) === 0);
  }

  /**
   * Frees some entries from `cursor` on, and everything else after the last ones; returns the next
   * cursor, 0 at the end.
   */
  #freeFrom(cursor: number, budget: number): number {
    const next = this.scan(cursor, budget, (ref) => this.store.free(ref));
    if (next === 0) this.#freeAll();
    return next;
  }

  /**
   * An equal table in new runs. O(n), but no key is hashed.
   *
   * @param copyEntry makes the twin of an entry; by default a run of the same bytes
   */
  copy(copyEntry: (ref: number) => number = (ref) => this.store.duplicate(ref)): Table {
    const twin = new Table(this.store, this.headBytes, this.#seed), { store } = this;
    if (this.#directory === 0) return twin;
    twin.#directory = store.duplicate(this.#directory);
    twin.#depth = this.#depth;
    twin.#size = this.#size;
    twin.#deepest = this.#deepest;
    twin.#bytes = this.#bytes;
    this.#forEachSegment((word, share) => {
      const words = store.u32(twin.#directory), at = (store.at(twin.#directory) >>> 2) + 2 * word;
      const segment = store.duplicate(words[at]!), u32 = store.u32(segment);
      for (let i = 0; i < share; i++) words[at + 2 * i] = segment;
      const first = (store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2,
        end = first + 2 * (words[at + 1]! & PAIRS_MASK);
      for (let pair = first; pair < end; pair += 2) {
        if (u32[pair + 1] !== 0) u32[pair + 1] = copyEntry(u32[pair + 1]!);
      }
    });
    return twin;
  }

  /** Calls `visit` for every run of the table, for {@linkcode storeFaults}. O(n). */
  forEachRun(visit: EntryVisitor): void {
    if (this.#directory === 0) return;
    visit(this.#directory);
    const base = this.store.at(this.#directory) >>> 2;
    this.#forEachSegment((word) => visit(this.store.u32(this.#directory)[base + 2 * word]!));
    this.forEach(visit);
  }

  /**
   * One step of a compaction: moves the runs of some segments, from `cursor` on (0 begins), that
   * lie in chunks being emptied, and returns the next cursor, 0 at the end. O(budget), or
   * O(segment) if that is more.
   *
   * @param budget entries to look at
   * @param moved called for entries with a new reference
   */
  compact(cursor: number, budget: number, moved?: EntryMoved): number {
    if (this.#directory === 0) return 0;
    if (cursor === 0 && this.store.needsMove(this.#directory)) {
      this.#directory = this.store.move(this.#directory);
    }
    for (let left = budget; left > 0;) {
      const word = this.#wordOfHash(cursor | 0),
        words = this.store.u32(this.#directory),
        shape = words[word + 1]!;
      if (this.store.needsMove(words[word]!)) {
        this.#setSegment(cursor | 0, this.store.move(words[word]!), shape);
      }
      left -= 1 + this.#compactSegment(words[word]!, shape & PAIRS_MASK, moved);
      const span = 2 ** (32 - (shape >>> DEPTH_SHIFT));
      cursor += span - cursor % span;
      if (cursor >= 2 ** 32) return 0;
    }
    return cursor;
  }

  #compactSegment(segment: number, pairs: number, moved: EntryMoved | undefined): number {
    const { store } = this, u32 = store.u32(segment), first = (store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
    for (let at = first; at < first + 2 * pairs; at += 2) {
      const from = u32[at + 1]!;
      if (from === 0 || !store.needsMove(from)) continue;
      u32[at + 1] = store.move(from);
      moved?.(from, u32[at + 1]!);
    }
    return u32[first - 2]!;
  }

  // ---- Inside -----------------------------------------------------------------------------------

  #isKey(ref: number, buf: Uint8Array, start: number, end: number): boolean {
    const u8 = this.store.u8(ref), length = end - start;
    let at = this.store.at(ref) + this.headBytes;
    const known = u8[at++]!;
    if (known === LONG_KEY) {
      if (length < LONG_KEY || readWord(u8, at) !== length) return false;
      at += 4;
    } else if (known !== length) return false;
    for (let i = start; i < end; i++) if (u8[at++] !== buf[i]) return false;
    return true;
  }

  #allocate(bytes: number): number {
    const ref = this.store.allocate(bytes);
    this.#bytes += this.store.sizeOf(ref);
    return ref;
  }

  #release(ref: number): void {
    this.#bytes -= this.store.sizeOf(ref);
    this.store.free(ref);
  }

  /** Index of a hash's two words in the directory's chunk. */
  #wordOfHash(hash: number): number {
    return (this.store.at(this.#directory) >>> 2) +
      (this.#depth === 0 ? 0 : 2 * (hash >>> (32 - this.#depth)));
  }

  /** Index of an entry's pair in its segment's chunk. */
  #pairOf(hash: number, ref: number): number {
    const words = this.store.u32(this.#directory), word = this.#wordOfHash(hash), segment = words[word]!;
    const shape = words[word + 1]!, pairs = shape & PAIRS_MASK, u32 = this.store.u32(segment);
    const first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2, last = first + 2 * pairs;
    let at = first + 2 * placeOf(hash, shape >>> DEPTH_SHIFT, pairs);
    while (u32[at + 1] !== ref) if ((at += 2) === last) at = first;
    return at;
  }

  /**
   * Calls `visit` with the first directory entry of each segment and the number of its directory
   * entries.
   */
  #forEachSegment(visit: (word: number, share: number) => void): void {
    const base = this.store.at(this.#directory) >>> 2;
    for (let word = 0, share; word < 2 ** this.#depth; word += share) {
      share = 2 ** (this.#depth - (this.store.u32(this.#directory)[base + 2 * word + 1]! >>> DEPTH_SHIFT));
      visit(word, share);
    }
  }

  /** Measures the segments for {@linkcode Table.sample}. O(segments). */
  #measure(): number {
    const words = this.store.u32(this.#directory), base = this.store.at(this.#directory) >>> 2;
    let widest = 1;
    this.#forEachSegment((word, share) => {
      widest = Math.max(widest, Math.ceil((words[base + 2 * word + 1]! & PAIRS_MASK) / share));
    });
    return widest;
  }

  /** Makes room for one more entry in the segment of a hash. */
  #makeRoom(hash: number): void {
    if (this.#directory === 0) {
      const [directory, segment] = this.#newPair(PAIR_BYTES, SMALLEST_SEGMENT_BYTES);
      this.#directory = directory;
      this.#depth = 0;
      this.#deepest = 1;
      this.#setSegment(0, segment, pairsIn(SMALLEST_SEGMENT_BYTES));
    }
    for (;;) {
      const word = this.#wordOfHash(hash), words = this.store.u32(this.#directory), shape = words[word + 1]!;
      const pairs = shape & PAIRS_MASK,
        count = this.store.u32(words[word]!)[this.store.at(words[word]!) >>> 2]!;
      if ((count + 1) * 4 <= pairs * 3) return;
      if (pairs < LARGEST_SEGMENT || shape >>> DEPTH_SHIFT === MAX_DEPTH) {
        return this.#resize(
          hash,
          Math.min(pairs < LARGEST_SEGMENT ? segmentSize(LARGEST_SEGMENT) : Infinity, pairs * 10 + 64),
        );
      }
      this.#split(hash);
    }
  }

  /** Adds an entry to a segment with room. */
  #enter(hash: number, ref: number): void {
    const words = this.store.u32(this.#directory), word = this.#wordOfHash(hash), segment = words[word]!;
    const shape = words[word + 1]!, u32 = this.store.u32(segment);
    const first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
    place(u32, first, shape & PAIRS_MASK, shape >>> DEPTH_SHIFT, hash, ref);
    u32[first - 2]!++;
    this.#size++;
  }

  /** An empty segment. */
  #newSegment(bytes: number): number {
    const segment = this.#allocate(bytes), start = this.store.at(segment) >>> 2;
    this.store.u32(segment).fill(0, start, start + (this.store.sizeOf(segment) >>> 2));
    return segment;
  }

  /**
   * Two empty segments, the first of which may be a directory; none if there is no memory for both.
   */
  #newPair(bytes: number, otherBytes: number): [number, number] {
    const one = this.#newSegment(bytes);
    try {
      return [one, this.#newSegment(otherBytes)];
    } catch (error) {
      this.#release(one);
      throw error;
    }
  }

  /** Number of pairs of a segment with this bit in their hash. */
  #countIn(segment: number, pairs: number, bit: number): number {
    const u32 = this.store.u32(segment), first = (this.store.at(segment) + SEGMENT_HEAD_BYTES) >>> 2;
    let count = 0;
    for (let at = first; at < first + 2 * pairs; at += 2) {
      if (u32[at + 1] !== 0 && (u32[at]! & bit) !== 0) count++;
    }
    return count;
  }

  /** Points all directory entries of a segment, found by a hash in it, to `segment`. */
  #setSegment(hash: number, segment: number, shape: number): void {
    const share = 2 ** (this.#depth - (shape >>> DEPTH_SHIFT)), words = this.store.u32(this.#directory);
    const index = this.#depth === 0 ? 0 : hash >>> (32 - this.#depth);
    const from = (this.store.at(this.#directory) >>> 2) + 2 * (index - index % share);
    for (let word = from; word < from + 2 * share; word += 2) {
      words[word] = segment;
      words[word + 1] = shape;
    }
    this.#widest = Math.max(this.#widest, Math.ceil((shape & PAIRS_MASK) / share));
  }

  /** Gives the segment of a hash another length. O(segment). */
  #resize(hash: number, bytes: number): void {
    const words = this.store.u32(this.#directory), word = this.#wordOfHash(hash);
    const old = words[word]!, shape = words[word + 1]!, depth = shape >>> DEPTH_SHIFT;
    const grown = this.#newSegment(bytes), pairs = pairsIn(this.store.sizeOf(grown));
    this.#pour(old, shape & PAIRS_MASK, grown, pairs, depth, 0, 0);
    this.#setSegment(hash, grown, pairs | (depth << DEPTH_SHIFT));
    this.#release(old);
  }

  /** Copies the pairs of a segment whose hash has `value` under `mask` to another one. */
  #pour(
    from: number,
    pairs: number,
    to: number,
    toPairs: number,
    depth: number,
    mask: number,
    value: number,
  ): void {
    const source = this.store.u32(from), target = this.store.u32(to);
    const first = (this.store.at(from) + SEGMENT_HEAD_BYTES) >>> 2;
    const toFirst = (this.store.at(to) + SEGMENT_HEAD_BYTES) >>> 2;
    let count = 0;
    for (let at = first; at < first + 2 * pairs; at += 2) {
      const hash = source[at]! | 0, ref = source[at + 1]!;
      if (ref === 0 || (hash & mask) !== value) continue;
      place(target, toFirst, toPairs, depth, hash, ref);
      count++;
    }
    target[toFirst - 2]! += count;
  }

  /**
   * Splits the segment of a hash in two, one bit deeper. O(segment), or O(directory) if that must
   * grow.
   */
  #split(hash: number): void {
    const shape = this.store.u32(this.#directory)[this.#wordOfHash(hash) + 1]!, depth = shape >>> DEPTH_SHIFT;
    if (depth === this.#depth) this.#doubleDirectory();
    const old = this.store.u32(this.#directory)[this.#wordOfHash(hash)]!, bit = (1 << (31 - depth)) | 0;
    const pairs = shape & PAIRS_MASK, upper = this.#countIn(old, pairs, bit);
    const count = this.store.u32(old)[this.store.at(old) >>> 2]!;
    const halves = this.#newPair(segmentBytes(count - upper), segmentBytes(upper));
    for (const [i, half] of halves.entries()) {
      const halfPairs = pairsIn(this.store.sizeOf(half)), value = i === 0 ? 0 : bit;
      this.#pour(old, pairs, half, halfPairs, depth + 1, bit, value);
      this.#setSegment((hash & ~bit) | value, half, halfPairs | ((depth + 1) << DEPTH_SHIFT));
    }
    if (depth + 1 === this.#depth) this.#deepest += 2;
    this.#release(old);
  }

  #doubleDirectory(): void {
    const old = this.#directory, count = 2 ** this.#depth, grown = this.#allocate(count * 2 * PAIR_BYTES);
    const source = this.store.u32(old), target = this.store.u32(grown);
    const from = this.store.at(old) >>> 2, to = this.store.at(grown) >>> 2;
    for (let i = 0; i < count; i++) {
      target[to + 4 * i] = target[to + 4 * i + 2] = source[from + 2 * i]!;
      target[to + 4 * i + 1] = target[to + 4 * i + 3] = source[from + 2 * i + 1]!;
    }
    this.#directory = grown;
    this.#depth++;
    this.#deepest = 0;
    this.#widest = 0;
    this.#release(old);
  }

  /**
   * Shrinks a sparse segment or joins it with its neighbour; leaves it if there is no memory for
   * that.
   */
  #shrink(hash: number, count: number): void {
    const depth = this.store.u32(this.#directory)[this.#wordOfHash(hash) + 1]! >>> DEPTH_SHIFT;
    try {
      if (depth === 0 || !this.#join(hash, depth, count)) this.#resize(hash, segmentBytes(count));
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
    }
  }

  /** Joins the segment of a hash with its twin if they are small enough; true if it did. */
  #join(hash: number, depth: number, count: number): boolean {
    const words = this.store.u32(this.#directory), twinHash = hash ^ (1 << (32 - depth));
    const word = this.#wordOfHash(hash), twin = this.#wordOfHash(twinHash), shape = words[twin + 1]!;
    if (shape >>> DEPTH_SHIFT !== depth) return false;
    const one = words[word]!, other = words[twin]!;
    const total = count + this.store.u32(other)[this.store.at(other) >>> 2]!;
    if (total >= JOINED_BELOW) return false;
    const joined = this.#newSegment(segmentBytes(total)), pairs = pairsIn(this.store.sizeOf(joined));
    this.#pour(one, words[word + 1]! & PAIRS_MASK, joined, pairs, depth - 1, 0, 0);
    this.#pour(other, shape & PAIRS_MASK, joined, pairs, depth - 1, 0, 0);
    this.#setSegment(hash, joined, pairs | ((depth - 1) << DEPTH_SHIFT));
    this.#release(one);
    this.#release(other);
    if (depth === this.#depth && (this.#deepest -= 2) <= 0) this.#halveDirectory();
    return true;
  }

  /** Halves the directory while no segment is as deep as it. */
  #halveDirectory(): void {
    let deepest = 0, segments = 0;
    const words = this.store.u32(this.#directory), base = this.store.at(this.#directory) >>> 2;
    this.#forEachSegment((word) => {
      const depth = words[base + 2 * word + 1]! >>> DEPTH_SHIFT;
      segments = depth > deepest ? 1 : segments + (depth === deepest ? 1 : 0);
      deepest = Math.max(deepest, depth);
    });
    this.#deepest = segments;
    if (deepest === this.#depth) return;
    const old = this.#directory,
      step = 2 ** (this.#depth - deepest),
      halved = this.#allocate(2 ** deepest * PAIR_BYTES);
    const target = this.store.u32(halved), to = this.store.at(halved) >>> 2;
    for (let i = 0; i < 2 ** deepest; i++) {
      target[to + 2 * i] = words[base + 2 * i * step]!;
      target[to + 2 * i + 1] = words[base + 2 * i * step + 1]!;
    }
    this.#directory = halved;
    this.#depth = deepest;
    this.#widest = 0;
    this.#release(old);
  }

  /** Frees directory and segments, the entries being free already. */
  #freeAll(): void {
    if (this.#directory === 0) return;
    const base = this.store.at(this.#directory) >>> 2;
    this.#forEachSegment((word) => this.store.free(this.store.u32(this.#directory)[base + 2 * word]!));
    this.store.free(this.#directory);
    this.#directory =
      this.#depth =
      this.#size =
      this.#bytes =
      this.#widest =
      this.#deepest =
        0;
  }
}
