/**
 * A heap of (time, entry) in the store that yields the entries of a table in order of expiry. A
 * node has four children. The heap reports each node's place to the owner, which writes it into the
 * entry, so an entry's time is found, changed and removed directly and the heap holds no outdated
 * nodes.
 *
 * Nodes are three words, time in milliseconds (lower 32 bits, upper ones) and the entry's
 * reference; they lie in blocks of {@linkcode BLOCK_NODES}, of which only the last may be shorter,
 * and the blocks' references in a run of their own. No growth copies more than one block.
 */
import type { Store } from "../store/store.ts";

/** Receives the new place of an entry's node. */
export type NodePlaced = (entry: number, place: number) => void;

const BLOCK_SHIFT = 12;
/** Nodes of a full block, which take 48 KiB. */
const BLOCK_NODES = 1 << BLOCK_SHIFT;
const NODE_WORDS = 3;
const SMALLEST_BLOCK_BYTES = 48;

/** See the head of this file. All operations take O(log n) at most. */
export class TimeHeap {
  readonly #store: Store;
  readonly #placed: NodePlaced;
  /** The run of the blocks' references, or 0, and the number of blocks. */
  #blocks = 0;
  #blockCount = 0;
  #size = 0;
  #bytes = 0;

  constructor(store: Store, placed: NodePlaced) {
    this.#store = store;
    this.#placed = placed;
  }

  /** Entries with a time. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the store. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The earliest time, in milliseconds since the epoch; Infinity if there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Infinity : this.timeAt(0);
  }

  /** The time of the node at `place`. */
  timeAt(place: number): number {
    const block = this.#block(place), u32 = this.#store.u32(block), word = this.#word(block, place);
    return u32[word]! + u32[word + 1]! * 2 ** 32;
  }

  /** The entry of the node at `place`. */
  entryAt(place: number): number {
    const block = this.#block(place);
    return this.#store.u32(block)[this.#word(block, place) + 2]!;
  }

  /** Replaces the reference of the entry at `place`. */
  setEntry(place: number, entry: number): void {
    const block = this.#block(place);
    this.#store.u32(block)[this.#word(block, place) + 2] = entry;
  }

  /**
   * Adds an entry and reports its place. Throws {@linkcode StoreFullError} with nothing changed.
   */
  add(entry: number, atMs: number): void {
    this.#makeRoom();
    this.#rise(this.#size++, entry, atMs);
  }

  /** Gives the node at `place` another time. */
  change(place: number, atMs: number): void {
    this.#settle(place, this.entryAt(place), atMs);
  }

  /** Removes the node at `place`. */
  remove(place: number): void {
    const last = --this.#size;
    if (place !== last) this.#settle(place, this.entryAt(last), this.timeAt(last));
    this.#shrink();
  }

  /** Frees all runs. */
  free(): void {
    if (this.#blocks === 0) return;
    for (let i = 0; i < this.#blockCount; i++) this.#store.free(this.#blockAt(i));
    this.#store.free(this.#blocks);
    this.#blocks =
      this.#blockCount =
      this.#size =
      this.#bytes =
        0;
  }

  /** A heap with the same nodes, whose entries are still those of this one. O(n). */
  copy(placed: NodePlaced): TimeHeap {
    const twin = new TimeHeap(this.#store, placed);
    if (this.#blocks === 0) return twin;
    twin.#blocks = this.#store.duplicate(this.#blocks);
    twin.#blockCount = this.#blockCount;
    twin.#size = this.#size;
    twin.#bytes = this.#bytes;
    for (let i = 0; i < this.#blockCount; i++) twin.#setBlock(i, this.#store.duplicate(this.#blockAt(i)));
    return twin;
  }

  /** Calls `visit` for every run. */
  forEachRun(visit: (ref: number) => void): void {
    if (this.#blocks === 0) return;
    visit(this.#blocks);
    for (let i = 0; i < this.#blockCount; i++) visit(this.#blockAt(i));
  }

  /** Moves the runs in chunks of the store that are being emptied. O(blocks + bytes moved). */
  compact(): void {
    if (this.#blocks === 0) return;
    if (this.#store.needsMove(this.#blocks)) this.#blocks = this.#store.move(this.#blocks);
    for (let i = 0; i < this.#blockCount; i++) {
      if (this.#store.needsMove(this.#blockAt(i))) this.#setBlock(i, this.#store.move(this.#blockAt(i)));
    }
  }

  /** The state of the heap as three numbers below 2^32. */
  root(): [number, number, number] {
    return [this.#blocks, this.#blockCount, this.#size];
  }

  /** Takes over the state returned by {@linkcode root}. */
  takeRoot(blocks: number, blockCount: number, size: number): this {
    this.#blocks = blocks;
    this.#blockCount = blockCount;
    this.#size = size;
    this.#bytes = 0;
    this.forEachRun((ref) => this.#bytes += this.#store.sizeOf(ref));
    return this;
  }

  // ---- Order ------------------------------------------------------------------------------------

  /** Puts an entry at its place, given that the node at `place` is free. */
  #settle(place: number, entry: number, atMs: number): void {
    if (place > 0 && this.timeAt((place - 1) >> 2) > atMs) this.#rise(place, entry, atMs);
    else this.#sink(place, entry, atMs);
  }

  #rise(place: number, entry: number, atMs: number): void {
    while (place > 0) {
      const parent = (place - 1) >> 2, time = this.timeAt(parent);
      if (time <= atMs) break;
      this.#put(place, this.entryAt(parent), time);
      place = parent;
    }
    this.#put(place, entry, atMs);
  }

  #sink(place: number, entry: number, atMs: number): void {
    for (let child; (child = this.#leastChild(place)) > 0;) {
      const time = this.timeAt(child);
      if (time >= atMs) break;
      this.#put(place, this.entryAt(child), time);
      place = child;
    }
    this.#put(place, entry, atMs);
  }

  #leastChild(place: number): number {
    const first = 4 * place + 1, end = Math.min(first + 4, this.#size);
    let least = -1, earliest = Infinity;
    for (let child = first; child < end; child++) {
      const time = this.timeAt(child);
      if (time >= earliest) continue;
      earliest = time;
      least = child;
    }
    return least;
  }

  #put(place: number, entry: number, atMs: number): void {
    const block = this.#block(place), u32 = this.#store.u32(block), word = this.#word(block, place);
    u32[word] = atMs % 2 ** 32;
    u32[word + 1] = Math.floor(atMs / 2 ** 32);
    u32[word + 2] = entry;
    this.#placed(entry, place);
  }

  // ---- Blocks -----------------------------------------------------------------------------------

  #blockAt(index: number): number {
    return this.#store.u32(this.#blocks)[(this.#store.at(this.#blocks) >>> 2) + index]!;
  }

  #setBlock(index: number, block: number): void {
    this.#store.u32(this.#blocks)[(this.#store.at(this.#blocks) >>> 2) + index] = block;
  }

  #block(place: number): number {
    return this.#blockAt(place >>> BLOCK_SHIFT);
  }

  #word(block: number, place: number): number {
    return (this.#store.at(block) >>> 2) + (place & (BLOCK_NODES - 1)) * NODE_WORDS;
  }

  #capacityOf(block: number): number {
    return Math.min(BLOCK_NODES, Math.floor(this.#store.sizeOf(block) / (NODE_WORDS * 4)));
  }

  /** Makes room for one more node. */
  #makeRoom(): void {
    const index = this.#size >>> BLOCK_SHIFT, within = this.#size & (BLOCK_NODES - 1);
    if (index === this.#blockCount) return this.#addBlock(index);
    const block = this.#blockAt(index), capacity = this.#capacityOf(block);
    if (within < capacity) return;
    const grown = this.#allocate(Math.min(BLOCK_NODES, Math.ceil(capacity * 1.5)) * NODE_WORDS * 4);
    this.#store.copy(block, grown, within * NODE_WORDS * 4);
    this.#setBlock(index, grown);
    this.#release(block);
  }

  #addBlock(index: number): void {
    if (this.#blocks === 0) this.#blocks = this.#allocate(8);
    else if (index * 4 === this.#store.sizeOf(this.#blocks)) {
      const grown = this.#allocate(index * 8);
      this.#store.copy(this.#blocks, grown, index * 4);
      this.#release(this.#blocks);
      this.#blocks = grown;
    }
    const block = this.#allocate(index === 0 ? SMALLEST_BLOCK_BYTES : BLOCK_NODES * NODE_WORDS * 4);
    this.#setBlock(index, block);
    this.#blockCount++;
  }

  /** Frees unneeded blocks but one, kept in reserve. */
  #shrink(): void {
    if (this.#size === 0) return this.free();
    while (this.#blockCount > (this.#size >>> BLOCK_SHIFT) + 2) {
      this.#release(this.#blockAt(--this.#blockCount));
    }
  }

  #allocate(bytes: number): number {
    const ref = this.#store.allocate(bytes);
    this.#bytes += this.#store.sizeOf(ref);
    return ref;
  }

  #release(ref: number): void {
    this.#bytes -= this.#store.sizeOf(ref);
    this.#store.free(ref);
  }
}
