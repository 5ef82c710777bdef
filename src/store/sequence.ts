/**
 * A sequence of elements in a {@linkcode Store}: both ends are pushed to and popped from, every place can be read by its
 * index and changed.
 *
 *     directory (one run)             blocks (a run each, up to 8 KiB)
 *     | room | A | B | C | room |     A: | from, to | room | entries |   C: | from, to | entries | room |
 *
 * - Elements lie in *blocks* as entries (entries.ts): at an end, pushing writes an entry and moves a bound. Elements of more
 *   than 1 KiB have runs of their own, of any length. Blocks grow by and by as long as there are few, then are made whole.
 * - The *directory* is an array of two words a block, its reference and (count of elements | size in units << 16), with
 *   room at both ends. A search by index adds up counts from the nearer end: 8 bytes for some 400 elements, so that the
 *   middle of ten million is 10 µs away. It grows by half.
 * - No block is empty. An insertion into a full block cuts it in two where it goes; removals join neighbours that fit
 *   into one.
 *
 * The state beside the runs is a few numbers, its *root* ({@linkcode Sequence.writeRoot}). A call that cannot get memory
 * throws {@linkcode StoreFullError} with nothing changed. Whoever drops a sequence must {@linkcode Sequence.free} it first.
 *
 * One file: blocks, their directory and the iterators change together, and none is of use without the others.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bytesOf } from "../util/bytes.ts";
 * import { Sequence, SequenceEnd } from "./sequence.ts";
 * import { Store } from "./store.ts";
 *
 * const sequence = new Sequence(new Store());
 * sequence.push(SequenceEnd.Tail, bytesOf("Ada"), 0, 3);
 * assertEquals(sequence.size, 1);
 * sequence.drop(SequenceEnd.Head, 1);
 * assertEquals(sequence.size, 0);
 * sequence.free();
 * ```
 */
import { copyBytes } from "../util/bytes.ts";
import {
  apartRun,
  ElementView,
  entryBytes,
  entryEnd,
  entryStart,
  isApart,
  isEntryOf,
  LONGEST_INLINE,
  seekEntry,
  setApartRun,
  writeEntry,
} from "./entries.ts";
import { type Store, StoreFullError } from "./store.ts";
import { readWord, writeWord } from "./words.ts";

/** Which end of a sequence is meant. */
export const SequenceEnd = { Head: 0, Tail: 1 } as const;
/** One of {@linkcode SequenceEnd}. */
export type SequenceEnd = typeof SequenceEnd[keyof typeof SequenceEnd];

/** Bytes of a block before its entries: where they begin and end, 16 bits each. */
const BLOCK_HEAD = 4;
/** Bytes of a block at most. */
const LARGEST_BLOCK = 8192;
/** Up to so many blocks are of the size that their entries need, and a little room. */
const FITTED_BLOCKS = 8;
/** In a directory entry's second word: elements; the block's units of 8 bytes stand above. */
const COUNT_MASK = 0xffff;
const UNITS_SHIFT = 16;
/** Blocks a fresh directory has room for. */
const FIRST_DIRECTORY = 2;
/** Bytes that {@linkcode Sequence.writeRoot} writes. */
export const SEQUENCE_ROOT_BYTES = 14;
/** A sequence with more bytes of runs than this has no root. */
export const LARGEST_ROOTED_BYTES = 65_536;

/** See the head of this file. All operations but those marked take O(1), amortised. */
export class Sequence {
  readonly store: Store;
  #size = 0;
  #bytes = 0;
  /** Reference of the directory; 0 before the first element. */
  #directory = 0;
  /** The directory's entry of the first block. */
  #first = 0;
  #blocks = 0;
  /** Elements with runs of their own. */
  #apart = 0;
  /** The block that the last search by index or content ended in. */
  #found = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** Elements. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the store that the sequence's runs take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of all entries if they lie in one block and nothing apart, else Infinity. */
  get entryBytes(): number {
    if (this.#size === 0) return 0;
    if (this.#blocks > 1 || this.#apart > 0) return Infinity;
    const head = this.#headOf(this.#refOf(0));
    return (head >>> 16) - (head & 0xffff);
  }

  // ---- Root ---------------------------------------------------------------------------------------------------------

  /** Writes the numbers that {@linkcode Sequence.readRoot} takes; for at most {@linkcode LARGEST_ROOTED_BYTES}. */
  writeRoot(bytes: Uint8Array, at: number): void {
    writeWord(bytes, at, this.#directory);
    writeWord(bytes, at + 4, this.#size | ((this.#bytes >>> 3) << 16));
    writeWord(bytes, at + 8, this.#first | (this.#blocks << 16));
    bytes[at + 12] = this.#apart;
    bytes[at + 13] = this.#apart >>> 8;
  }

  /** Becomes the sequence whose root is at `at`; to be called on a fresh one. */
  readRoot(bytes: Uint8Array, at: number): this {
    this.#directory = readWord(bytes, at);
    const sizes = readWord(bytes, at + 4), shape = readWord(bytes, at + 8);
    this.#size = sizes & 0xffff;
    this.#bytes = (sizes >>> 16) * 8;
    this.#first = shape & 0xffff;
    this.#blocks = shape >>> 16;
    this.#apart = bytes[at + 12]! | (bytes[at + 13]! << 8);
    return this;
  }

  // ---- Ends ---------------------------------------------------------------------------------------------------------

  /** Adds the element `buf[start, end)`, which must not lie in this sequence, at one end. */
  push(where: SequenceEnd, buf: Uint8Array, start: number, end: number): void {
    const isHead = where === SequenceEnd.Head, size = entryBytes(end - start);
    if (end - start > LONGEST_INLINE || this.#blocks === 0) {
      return this.#pushSlowly(isHead, buf, start, end, size);
    }
    const { store } = this,
      words = store.u32(this.#directory),
      word = this.#wordOf(isHead ? 0 : this.#blocks - 1);
    const ref = words[word]!, shape = words[word + 1]!, u32 = store.u32(ref), base = store.at(ref);
    const head = u32[base >>> 2]!, from = head & 0xffff, to = head >>> 16;
    if (isHead ? from < BLOCK_HEAD + size : to + size > (shape >>> UNITS_SHIFT) * 8) {
      return this.#pushSlowly(isHead, buf, start, end, size);
    }
    u32[base >>> 2] = isHead ? head - size : head + (size << 16);
    writeEntry(store.u8(ref), base + (isHead ? from - size : to), buf, start, end, 0);
    words[word + 1] = shape + 1;
    this.#size++;
  }

  /** Drops `n` elements, at most all, at one end. O(blocks dropped), O(n) if some have runs of their own. */
  drop(where: SequenceEnd, n: number): void {
    const isHead = where === SequenceEnd.Head;
    if (n === 1 && this.#apart === 0 && this.#dropOne(isHead)) return;
    for (let left = n; left > 0;) {
      const block = isHead ? 0 : this.#blocks - 1, word = this.#wordOf(block);
      const words = this.store.u32(this.#directory), count = words[word + 1]! & COUNT_MASK;
      if (left >= count) {
        this.#freeBlock(block);
        if (isHead) this.#first++;
        this.#blocks--;
        this.#size -= count;
        left -= count;
      } else {
        this.#dropInside(block, isHead, count, left);
        left = 0;
      }
    }
    if (this.#blocks <= FITTED_BLOCKS && this.#blocks > 0) this.#fit(isHead ? 0 : this.#blocks - 1, isHead);
  }

  /** Drops an element that has company in its block, where no element is apart; false if it is alone. */
  #dropOne(isHead: boolean): boolean {
    const { store } = this,
      words = store.u32(this.#directory),
      word = this.#wordOf(isHead ? 0 : this.#blocks - 1);
    const ref = words[word]!, shape = words[word + 1]!;
    if ((shape & COUNT_MASK) === 1) return false;
    const u32 = store.u32(ref), u8 = store.u8(ref), base = store.at(ref), head = u32[base >>> 2]!;
    let from = head & 0xffff, to = head >>> 16;
    if (isHead) from = entryEnd(u8, base + from) - base;
    else to = entryStart(u8, base + to) - base;
    u32[base >>> 2] = from | (to << 16);
    words[word + 1] = shape - 1;
    this.#size--;
    if (this.#blocks <= FITTED_BLOCKS && (to - from) * 3 < (shape >>> UNITS_SHIFT) * 8) {
      this.#fit(isHead ? 0 : this.#blocks - 1, isHead);
    }
    return true;
  }

  /** Adds the `count` entries in `u8[from, to)`, none of them apart and all no more than a block, behind the last element. */
  append(u8: Uint8Array, from: number, to: number, count: number): void {
    this.#reserve(false);
    const ref = this.#allocate(this.#roomyBytes(to - from));
    copyBytes(this.store.u8(ref), this.store.at(ref) + BLOCK_HEAD, u8, from, to);
    this.#setHead(ref, BLOCK_HEAD, BLOCK_HEAD + to - from);
    this.#enter(this.#blocks, ref, count);
    this.#size += count;
  }

  /** Points `view` at the first or last element; there must be one. */
  peek(where: SequenceEnd, view: ElementView): void {
    const isHead = where === SequenceEnd.Head, ref = this.#refOf(isHead ? 0 : this.#blocks - 1);
    const u8 = this.store.u8(ref), at = this.store.at(ref), head = this.#headOf(ref);
    view.point(this.store, u8, isHead ? at + (head & 0xffff) : entryStart(u8, at + (head >>> 16)));
  }

  // ---- Places -------------------------------------------------------------------------------------------------------

  /** Points `view` at element `index` (0 … size - 1). O(blocks to the nearer end). */
  pointAt(index: number, view: ElementView): void {
    const at = this.#locate(index);
    view.point(this.store, this.store.u8(this.#refOf(this.#found)), at);
  }

  /** Makes `cursor` go on from element `index` (0 … size) towards the tail, or from the one before it towards the head. */
  place(cursor: EntryCursor, index: number): EntryCursor {
    if (this.#size === 0) return cursor;
    let at = this.#locate(Math.min(index, this.#size - 1));
    if (index === this.#size) at = entryEnd(this.store.u8(this.#refOf(this.#found)), at);
    cursor.enter(this.#found, at);
    return cursor;
  }

  /** Puts the element `buf[start, end)` in the place of element `index`. */
  set(index: number, buf: Uint8Array, start: number, end: number): void {
    const at = this.#locate(index), block = this.#found, u8 = this.store.u8(this.#refOf(block));
    const old = isApart(u8, at) ? apartRun(u8, at) : 0;
    this.#splice(block, at, entryEnd(u8, at) - at, buf, start, end);
    if (old !== 0) this.#releaseApart(old);
  }

  /** Puts the element `buf[start, end)` before element `index`, or behind the last for `size`. */
  insert(index: number, buf: Uint8Array, start: number, end: number): void {
    if (index === this.#size) return this.push(SequenceEnd.Tail, buf, start, end);
    if (index === 0) return this.push(SequenceEnd.Head, buf, start, end);
    const at = this.#locate(index);
    this.#splice(this.#found, at, 0, buf, start, end);
    this.#size++;
  }

  /**
   * Takes out elements equal to `buf[start, end)`, at most `wanted`, the first ones or the last ones; returns how many. O(n).
   */
  remove(buf: Uint8Array, start: number, end: number, wanted: number, backwards: boolean): number {
    let removed = 0, low = this.#blocks, high = -1;
    for (let i = 0; i < this.#blocks && removed < wanted; i++) {
      const block = backwards ? this.#blocks - 1 - i : i, matches = this.#countIn(block, buf, start, end);
      if (matches === 0) continue;
      const taken = Math.min(matches, wanted - removed);
      this.#removeIn(block, buf, start, end, backwards ? matches - taken : 0, taken);
      removed += taken;
      low = Math.min(low, block);
      high = Math.max(high, block);
    }
    this.#size -= removed;
    if (removed > 0) this.#tidy(low, high);
    return removed;
  }

  // ---- All of it ----------------------------------------------------------------------------------------------------

  /** Gives all runs back. O(blocks), O(n) if some elements have runs of their own. */
  free(): void {
    for (let block = 0; block < this.#blocks; block++) this.#freeBlock(block);
    if (this.#directory !== 0) this.store.free(this.#directory);
    this.#directory =
      this.#size =
      this.#bytes =
      this.#first =
      this.#blocks =
      this.#apart =
        0;
  }

  /** A sequence with the same elements. O(bytes). */
  copy(): Sequence {
    const twin = new Sequence(this.store);
    try {
      for (let block = 0; block < this.#blocks; block++) twin.#takeCopy(this, block);
    } catch (error) {
      twin.free();
      throw error;
    }
    return twin;
  }

  /** Calls `visit` for every run. O(n). */
  forEachRun(visit: (ref: number) => void): void {
    if (this.#directory !== 0) visit(this.#directory);
    for (let block = 0; block < this.#blocks; block++) {
      visit(this.#refOf(block));
      this.#forEachApart(block, (u8, at) => visit(apartRun(u8, at)));
    }
  }

  /**
   * One step of a compaction: moves what lies in chunks being emptied among the runs of some blocks from `cursor` on (0
   * begins); returns the next cursor, 0 at the end.
   *
   * @param budget elements to look at, about
   */
  compact(cursor: number, budget: number): number {
    const { store } = this;
    if (cursor === 0 && this.#directory !== 0 && store.needsMove(this.#directory)) {
      this.#directory = store.move(this.#directory);
    }
    let block = cursor;
    for (let left = budget; left > 0 && block < this.#blocks; block++) {
      const words = store.u32(this.#directory), word = this.#wordOf(block);
      if (store.needsMove(words[word]!)) words[word] = store.move(words[word]!);
      this.#forEachApart(block, (u8, at) => {
        const run = apartRun(u8, at);
        if (store.needsMove(run)) setApartRun(u8, at, store.move(run));
      });
      left -= words[word + 1]! & COUNT_MASK;
    }
    return block < this.#blocks ? block : 0;
  }

  /** For {@linkcode EntryCursor}: the reference of a block, 0 beyond the last. */
  blockAt(block: number): number {
    return block < 0 || block >= this.#blocks ? 0 : this.#refOf(block);
  }

  // ---- Inside -------------------------------------------------------------------------------------------------------

  /** Where in the directory's chunk the two words of a block are. */
  #wordOf(block: number): number {
    return (this.store.at(this.#directory) >>> 2) + 2 * (this.#first + block);
  }

  #refOf(block: number): number {
    return this.store.u32(this.#directory)[this.#wordOf(block)]!;
  }

  /** The bounds of a block's entries, from the block's first byte: begin (bits 0-15) and end (16-31). */
  #headOf(ref: number): number {
    return this.store.u32(ref)[this.store.at(ref) >>> 2]!;
  }

  #setHead(ref: number, from: number, to: number): void {
    this.store.u32(ref)[this.store.at(ref) >>> 2] = from | (to << 16);
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

  #releaseApart(run: number): void {
    this.#apart--;
    this.#release(run);
  }

  /** Writes an entry at one end of a block that has the room. */
  #write(
    isHead: boolean,
    ref: number,
    size: number,
    buf: Uint8Array,
    start: number,
    end: number,
    run: number,
  ): void {
    const head = this.#headOf(ref), from = head & 0xffff, to = head >>> 16;
    const at = isHead ? from - size : to;
    writeEntry(this.store.u8(ref), this.store.at(ref) + at, buf, start, end, run);
    if (isHead) this.#setHead(ref, at, to);
    else this.#setHead(ref, from, to + size);
  }

  /** Whether the block at an end takes an entry of `size` bytes as it lies. */
  #hasRoom(isHead: boolean, size: number): boolean {
    if (this.#blocks === 0) return false;
    const words = this.store.u32(this.#directory), word = this.#wordOf(isHead ? 0 : this.#blocks - 1);
    const head = this.#headOf(words[word]!);
    return isHead
      ? (head & 0xffff) >= BLOCK_HEAD + size
      : (head >>> 16) + size <= (words[word + 1]! >>> UNITS_SHIFT) * 8;
  }

  #pushSlowly(isHead: boolean, buf: Uint8Array, start: number, end: number, size: number): void {
    const run = this.#newApart(buf, start, end);
    try {
      if (!this.#hasRoom(isHead, size) && !this.#makeRoom(isHead, size)) this.#addBlock(isHead, size);
    } catch (error) {
      if (run !== 0) this.#releaseApart(run);
      throw error;
    }
    const words = this.store.u32(this.#directory), word = this.#wordOf(isHead ? 0 : this.#blocks - 1);
    this.#write(isHead, words[word]!, size, buf, start, end, run);
    words[word + 1]!++;
    this.#size++;
  }

  /** A run with the content of an element that does not lie among others; 0 for one that does. */
  #newApart(buf: Uint8Array, start: number, end: number): number {
    if (end - start <= LONGEST_INLINE) return 0;
    const run = this.#allocate(end - start);
    copyBytes(this.store.u8(run), this.store.at(run), buf, start, end);
    this.#apart++;
    return run;
  }

  /** Makes room at one end of the block there by moving its entries; false if it takes another block. */
  #makeRoom(isHead: boolean, size: number): boolean {
    if (this.#blocks === 0) return false;
    const block = isHead ? 0 : this.#blocks - 1, ref = this.#refOf(block), head = this.#headOf(ref);
    const used = (head >>> 16) - (head & 0xffff), capacity = this.#capacityOf(block);
    // A quarter stays free, so that as many pushes pass before the next move.
    if (used + size <= (capacity - BLOCK_HEAD) * 0.75) this.#slide(ref, capacity, isHead);
    else if (capacity < LARGEST_BLOCK && used + size + BLOCK_HEAD <= LARGEST_BLOCK) {
      this.#resize(block, this.#roomyBytes(used + size), isHead);
    } else return false;
    return true;
  }

  /** Bytes of a block for so many bytes of entries. */
  #roomyBytes(used: number): number {
    if (this.#blocks > FITTED_BLOCKS) return LARGEST_BLOCK;
    const room = this.#blocks < 2 ? used >>> 3 : used >>> 2;
    return Math.min(LARGEST_BLOCK, this.store.roundUp(BLOCK_HEAD + used + room));
  }

  #capacityOf(block: number): number {
    return (this.store.u32(this.#directory)[this.#wordOf(block) + 1]! >>> UNITS_SHIFT) * 8;
  }

  /** Moves the entries of a block to its end, or to its beginning. */
  #slide(ref: number, capacity: number, toEnd: boolean): void {
    const head = this.#headOf(ref), from = head & 0xffff, to = head >>> 16, at = this.store.at(ref);
    const target = toEnd ? capacity - (to - from) : BLOCK_HEAD;
    this.store.u8(ref).copyWithin(at + target, at + from, at + to);
    this.#setHead(ref, target, target + to - from);
  }

  /** Gives a block another size, with its entries at the end or at the beginning. */
  #resize(block: number, bytes: number, toEnd: boolean): void {
    const old = this.#refOf(block), head = this.#headOf(old), from = head & 0xffff, to = head >>> 16;
    const ref = this.#allocate(bytes), capacity = this.store.sizeOf(ref), at = this.store.at(old);
    const target = toEnd ? capacity - (to - from) : BLOCK_HEAD;
    copyBytes(this.store.u8(ref), this.store.at(ref) + target, this.store.u8(old), at + from, at + to);
    this.#setHead(ref, target, target + to - from);
    this.#release(old);
    const words = this.store.u32(this.#directory), word = this.#wordOf(block);
    words[word] = ref;
    words[word + 1] = (words[word + 1]! & COUNT_MASK) | ((capacity >>> 3) << UNITS_SHIFT);
  }

  /** Gives back most of a block's room if it has become little used. */
  #fit(block: number, toEnd: boolean): void {
    const head = this.#headOf(this.#refOf(block)), used = (head >>> 16) - (head & 0xffff);
    const capacity = this.#capacityOf(block);
    if (used * 3 >= capacity || capacity <= 64) return;
    try {
      this.#resize(block, used + (used >>> 1) + BLOCK_HEAD, toEnd);
    } catch (error) {
      // The block is as good where it is.
      if (!(error instanceof StoreFullError)) throw error;
    }
  }

  /** An empty block at one end, for an entry of `size` bytes. */
  #addBlock(isHead: boolean, size: number): void {
    this.#reserve(isHead);
    const bytes = this.#blocks === 0
      ? BLOCK_HEAD + size
      : this.#roomyBytes(Math.max(size, LARGEST_BLOCK >>> 3));
    const ref = this.#allocate(bytes),
      capacity = this.store.sizeOf(ref),
      bound = isHead ? capacity : BLOCK_HEAD;
    this.#setHead(ref, bound, bound);
    if (isHead) this.#first--;
    this.#blocks++;
    const word = this.#wordOf(isHead ? 0 : this.#blocks - 1), words = this.store.u32(this.#directory);
    words[word] = ref;
    words[word + 1] = (capacity >>> 3) << UNITS_SHIFT;
  }

  /** Makes sure that the directory has room for one more block at an end. */
  #reserve(isHead: boolean): void {
    const { store } = this, blocks = this.#blocks;
    const room = this.#directory === 0 ? 0 : store.sizeOf(this.#directory) >>> 3;
    if (isHead ? this.#first > 0 : this.#first + blocks < room) return;
    const from = this.#directory === 0 ? 0 : this.#wordOf(0);
    if (blocks > 0 && blocks < room * 0.75 && room - blocks > 1) {
      this.#first = this.#centred(room, isHead);
      store.u32(this.#directory).copyWithin(this.#wordOf(0), from, from + 2 * blocks);
      return;
    }
    const grown = this.#allocate(8 * Math.max(FIRST_DIRECTORY, blocks + (blocks >>> 1) + 1)),
      old = this.#directory;
    this.#directory = grown;
    this.#first = this.#centred(store.sizeOf(grown) >>> 3, isHead);
    if (old === 0) return;
    store.u32(grown).set(store.u32(old).subarray(from, from + 2 * blocks), this.#wordOf(0));
    this.#release(old);
  }

  /** The entry of the first block in a directory of `room` entries, with most of the free ones at the end that grows. */
  #centred(room: number, isHead: boolean): number {
    const free = room - this.#blocks, few = free >>> 2;
    return isHead ? free - few : few;
  }

  /** Puts a block into the directory as number `block`, for which {@linkcode Sequence.#reserve} has made room at the tail. */
  #enter(block: number, ref: number, count: number): void {
    const words = this.store.u32(this.#directory),
      word = this.#wordOf(block),
      end = this.#wordOf(this.#blocks);
    words.copyWithin(word + 2, word, end);
    words[word] = ref;
    words[word + 1] = count | ((this.store.sizeOf(ref) >>> 3) << UNITS_SHIFT);
    this.#blocks++;
  }

  /** Drops some of the elements of a block, not all. */
  #dropInside(block: number, isHead: boolean, count: number, n: number): void {
    const words = this.store.u32(this.#directory), word = this.#wordOf(block), ref = words[word]!;
    const u8 = this.store.u8(ref), at = this.store.at(ref), head = this.#headOf(ref);
    const from = at + (head & 0xffff), to = at + (head >>> 16);
    const cut = seekEntry(u8, from, to, count, isHead ? n : count - n);
    if (this.#apart > 0) this.#freeApart(u8, isHead ? from : cut, isHead ? cut : to);
    if (isHead) this.#setHead(ref, cut - at, to - at);
    else this.#setHead(ref, from - at, cut - at);
    words[word + 1]! -= n;
    this.#size -= n;
  }

  /** Frees the runs of the elements in [from, to). */
  #freeApart(u8: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at = entryEnd(u8, at)) {
      if (isApart(u8, at)) this.#releaseApart(apartRun(u8, at));
    }
  }

  /** Calls `visit` for every entry of a block whose element has a run of its own. */
  #forEachApart(block: number, visit: (u8: Uint8Array, at: number) => void): void {
    if (this.#apart === 0) return;
    const ref = this.#refOf(block),
      u8 = this.store.u8(ref),
      start = this.store.at(ref),
      head = this.#headOf(ref);
    for (let at = start + (head & 0xffff); at < start + (head >>> 16); at = entryEnd(u8, at)) {
      if (isApart(u8, at)) visit(u8, at);
    }
  }

  /** Frees a block and what its elements have apart; the directory is the caller's to mend. */
  #freeBlock(block: number): void {
    this.#forEachApart(block, (u8, at) => this.#releaseApart(apartRun(u8, at)));
    this.#release(this.#refOf(block));
  }

  /** Adds a copy of a block of another sequence behind the last. */
  #takeCopy(other: Sequence, block: number): void {
    this.#reserve(false);
    const ref = this.store.duplicate(other.#refOf(block)),
      count = other.store.u32(other.#directory)[other.#wordOf(block) + 1]! & COUNT_MASK;
    this.#bytes += this.store.sizeOf(ref);
    if (other.#apart > 0) this.#copyApart(ref);
    this.#enter(this.#blocks, ref, count);
    this.#size += count;
  }

  /** Gives the elements of a block just copied runs of their own in place of those of the original. */
  #copyApart(ref: number): void {
    const u8 = this.store.u8(ref), start = this.store.at(ref), head = this.#headOf(ref);
    for (let at = start + (head & 0xffff); at < start + (head >>> 16); at = entryEnd(u8, at)) {
      if (!isApart(u8, at)) continue;
      let run;
      try {
        run = this.store.duplicate(apartRun(u8, at));
      } catch (error) {
        this.#freeApart(u8, start + (head & 0xffff), at);
        this.#release(ref);
        throw error;
      }
      this.#bytes += this.store.sizeOf(run);
      this.#apart++;
      setApartRun(u8, at, run);
    }
  }

  /** The position of element `index`, whose block `#found` is then. */
  #locate(index: number): number {
    const words = this.store.u32(this.#directory);
    let word = this.#wordOf(0), left = index, count = words[word + 1]! & COUNT_MASK;
    const first = word;
    if (index * 2 < this.#size) {
      for (; left >= count; count = words[word + 1]! & COUNT_MASK) {
        left -= count;
        word += 2;
      }
    } else {
      word = this.#wordOf(this.#blocks - 1);
      count = words[word + 1]! & COUNT_MASK;
      let behind = this.#size - 1 - index;
      for (; behind >= count; count = words[word + 1]! & COUNT_MASK) {
        behind -= count;
        word -= 2;
      }
      left = count - 1 - behind;
    }
    this.#found = (word - first) >>> 1;
    const ref = words[word]!, at = this.store.at(ref), head = this.#headOf(ref);
    return seekEntry(this.store.u8(ref), at + (head & 0xffff), at + (head >>> 16), count, left);
  }

  /**
   * Puts an element in the place of the entry of `gone` bytes at `at` in a block, or before it if `gone` is 0. The size of the
   * sequence is the caller's to mend.
   */
  #splice(block: number, at: number, gone: number, buf: Uint8Array, start: number, end: number): void {
    const size = entryBytes(end - start), run = this.#newApart(buf, start, end);
    try {
      const ref = this.#refOf(block), base = this.store.at(ref), head = this.#headOf(ref);
      const before = at - base - (head & 0xffff), behind = (head >>> 16) - (at - base) - gone;
      const total = before + size + behind;
      if (BLOCK_HEAD + total > LARGEST_BLOCK) {
        this.#reserve(false);
        this.#cut(block, before, behind, gone, size);
      } else this.#open(block, before, behind, gone, size);
    } catch (error) {
      if (run !== 0) this.#releaseApart(run);
      throw error;
    }
    const ref = this.#refOf(this.#found);
    writeEntry(this.store.u8(ref), this.store.at(ref) + this.#gap, buf, start, end, run);
  }

  /** Where in block `#found` the bytes for an entry are free. */
  #gap = 0;

  /** Makes the gap for an entry of `size` bytes inside a block, behind `before` bytes of entries, in place of `gone` bytes. */
  #open(block: number, before: number, behind: number, gone: number, size: number): void {
    const ref = this.#refOf(block), head = this.#headOf(ref), from = head & 0xffff, to = head >>> 16;
    const total = before + size + behind, capacity = this.#capacityOf(block);
    const u8 = this.store.u8(ref), base = this.store.at(ref), words = this.store.u32(this.#directory);
    this.#found = block;
    if (from + total <= capacity) {
      u8.copyWithin(base + from + before + size, base + to - behind, base + to);
      this.#setHead(ref, from, from + total);
      this.#gap = from + before;
    } else if (BLOCK_HEAD + total <= capacity) {
      const target = to - total;
      u8.copyWithin(base + Math.max(target, BLOCK_HEAD), base + from, base + from + before);
      const start = Math.max(target, BLOCK_HEAD);
      if (start !== target) {
        u8.copyWithin(base + start + before + size, base + to - behind, base + to);
      }
      this.#setHead(ref, start, start + total);
      this.#gap = start + before;
    } else {
      const bytes = this.#roomyBytes(total), fresh = this.#allocate(bytes), at = this.store.at(fresh);
      const target = this.store.u8(fresh);
      copyBytes(target, at + BLOCK_HEAD, u8, base + from, base + from + before);
      copyBytes(target, at + BLOCK_HEAD + before + size, u8, base + to - behind, base + to);
      this.#setHead(fresh, BLOCK_HEAD, BLOCK_HEAD + total);
      this.#release(ref);
      const word = this.#wordOf(block);
      words[word] = fresh;
      words[word + 1] = (words[word + 1]! & COUNT_MASK) | ((this.store.sizeOf(fresh) >>> 3) << UNITS_SHIFT);
      this.#gap = BLOCK_HEAD + before;
    }
    if (gone === 0) words[this.#wordOf(block) + 1]!++;
  }

  /** Cuts a full block in two and makes the gap in the shorter part, which is a new block. */
  #cut(block: number, before: number, behind: number, gone: number, size: number): void {
    const ref = this.#refOf(block), head = this.#headOf(ref), from = head & 0xffff, to = head >>> 16;
    const u8 = this.store.u8(ref), base = this.store.at(ref), keepsHead = before >= behind;
    const moved = keepsHead ? behind : before, start = keepsHead ? to - behind : from;
    const fresh = this.#allocate(this.#roomyBytes(size + moved)), at = this.store.at(fresh) + BLOCK_HEAD;
    copyBytes(
      this.store.u8(fresh),
      keepsHead ? at + size : at,
      u8,
      base + start,
      base + start + moved,
    );
    this.#setHead(fresh, BLOCK_HEAD, BLOCK_HEAD + size + moved);
    this.#setHead(ref, keepsHead ? from : to - behind, keepsHead ? from + before : to);
    let movedCount = 0;
    for (let i = base + start; i < base + start + moved; i = entryEnd(u8, i)) movedCount++;
    this.store.u32(this.#directory)[this.#wordOf(block) + 1]! -= movedCount + (gone > 0 ? 1 : 0);
    this.#enter(keepsHead ? block + 1 : block, fresh, movedCount + 1);
    this.#found = keepsHead ? block + 1 : block;
    this.#gap = keepsHead ? BLOCK_HEAD : BLOCK_HEAD + before;
  }

  /** How many elements of a block are equal to `buf[start, end)`. */
  #countIn(block: number, buf: Uint8Array, start: number, end: number): number {
    const { store } = this, ref = this.#refOf(block), u8 = store.u8(ref), head = this.#headOf(ref);
    const to = store.at(ref) + (head >>> 16);
    let count = 0;
    for (let at = store.at(ref) + (head & 0xffff); at < to; at = entryEnd(u8, at)) {
      if (isEntryOf(store, u8, at, buf, start, end)) count++;
    }
    return count;
  }

  /** Takes `taken` of the elements equal to `buf[start, end)` out of a block, behind `skipped` others that stay. */
  #removeIn(
    block: number,
    buf: Uint8Array,
    start: number,
    end: number,
    skipped: number,
    taken: number,
  ): void {
    const { store } = this,
      words = store.u32(this.#directory),
      word = this.#wordOf(block),
      ref = words[word]!;
    const u8 = store.u8(ref), base = store.at(ref), head = this.#headOf(ref), to = base + (head >>> 16);
    let kept = base + (head & 0xffff), from = kept, left = taken;
    for (let at = from; left > 0;) {
      const next = entryEnd(u8, at);
      if (isEntryOf(store, u8, at, buf, start, end) && skipped-- <= 0) {
        u8.copyWithin(kept, from, at);
        kept += at - from;
        from = next;
        left--;
        if (isApart(u8, at)) this.#releaseApart(apartRun(u8, at));
      }
      at = next;
    }
    u8.copyWithin(kept, from, to);
    this.#setHead(ref, head & 0xffff, kept + to - from - base);
    words[word + 1]! -= taken;
    if ((words[word + 1]! & COUNT_MASK) > 0) return;
    this.#release(ref);
    words[word] = 0;
  }

  /** Takes freed blocks among `low` … `high` out of the directory and joins those that fit into one with a neighbour. */
  #tidy(low: number, high: number): void {
    const words = this.store.u32(this.#directory), base = this.#wordOf(0);
    const first = Math.max(low - 1, 0), limit = Math.min(high + 2, this.#blocks);
    let kept = first;
    for (let block = first; block < limit; block++) {
      if (words[base + 2 * block] === 0) continue;
      if (kept > first && this.#join(kept - 1, block)) continue;
      words[base + 2 * kept] = words[base + 2 * block]!;
      words[base + 2 * kept + 1] = words[base + 2 * block + 1]!;
      kept++;
    }
    words.copyWithin(base + 2 * kept, base + 2 * limit, base + 2 * this.#blocks);
    this.#blocks -= limit - kept;
    if (this.#blocks > 0 && this.#blocks <= FITTED_BLOCKS) {
      this.#fit(Math.min(first, this.#blocks - 1), false);
    }
  }

  /** Moves the entries of a block to the end of another's, if that has the room; tells whether it has. */
  #join(block: number, other: number): boolean {
    const { store } = this,
      ref = this.#refOf(block),
      gone = this.#refOf(other),
      capacity = this.#capacityOf(block);
    const head = this.#headOf(gone), from = head & 0xffff, to = head >>> 16, own = this.#headOf(ref);
    if (BLOCK_HEAD + (own >>> 16) - (own & 0xffff) + to - from > capacity) return false;
    this.#slide(ref, capacity, false);
    const end = this.#headOf(ref) >>> 16, at = store.at(gone);
    copyBytes(store.u8(ref), store.at(ref) + end, store.u8(gone), at + from, at + to);
    this.#setHead(ref, BLOCK_HEAD, end + to - from);
    const words = store.u32(this.#directory);
    words[this.#wordOf(block) + 1]! += words[this.#wordOf(other) + 1]! & COUNT_MASK;
    this.#release(gone);
    return true;
  }
}

/** A walk over entries, valid until they change: {@linkcode EntryCursor.advance} points it at each element. */
export class EntryCursor extends ElementView {
  readonly #store: Store;
  readonly #sequence: Sequence | null;
  readonly #backwards: boolean;
  #u8: Uint8Array = this.buf;
  #at = 0;
  #limit = 0;
  #block = 0;

  /** @param sequence null where the entries lie in no sequence: {@linkcode EntryCursor.walk} says where */
  constructor(store: Store, sequence: Sequence | null, backwards: boolean) {
    super();
    this.#store = store;
    this.#sequence = sequence;
    this.#backwards = backwards;
  }

  /** Goes over entries from position `at` to `limit`, which is in front of `at` in a walk backwards. */
  walk(u8: Uint8Array, at: number, limit: number): this {
    this.#u8 = u8;
    this.#at = at;
    this.#limit = limit;
    return this;
  }

  /** Goes on in a block, from position `at` or from its begin. */
  enter(block: number, at = -1): boolean {
    const ref = this.#sequence === null ? 0 : this.#sequence.blockAt(block);
    if (ref === 0) return false;
    const start = this.#store.at(ref), head = this.#store.u32(ref)[start >>> 2]!;
    const from = start + (head & 0xffff), to = start + (head >>> 16);
    this.#block = block;
    if (this.#backwards) this.walk(this.#store.u8(ref), at < 0 ? to : at, from);
    else this.walk(this.#store.u8(ref), at < 0 ? from : at, to);
    return true;
  }

  /** Goes to the next element; false behind the last. */
  advance(): boolean {
    if (this.#at === this.#limit && !this.#goOn()) return false;
    const u8 = this.#u8;
    if (this.#backwards) {
      this.#at = entryStart(u8, this.#at);
      this.point(this.#store, u8, this.#at);
    } else {
      this.point(this.#store, u8, this.#at);
      this.#at = entryEnd(u8, this.#at);
    }
    return true;
  }

  /** The next element as a string, `undefined` behind the last. */
  next(): string | undefined {
    return this.advance() ? this.text() : undefined;
  }

  #goOn(): boolean {
    return this.#sequence !== null && this.#limit !== 0 &&
      this.enter(this.#block + (this.#backwards ? -1 : 1));
  }
}
