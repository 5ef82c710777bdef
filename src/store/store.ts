/**
 * Memory for parts of collections outside the JavaScript heap: one allocator over buffers of 4 MiB
 * (*chunks*).
 *
 * A *run* is a stretch of bytes allocated for an owner. Its reference is a 32-bit number that
 * counts units of 8 bytes, `chunk << 19 | unit`; 0 is no run. References can name 8,191 chunks, 32
 * GiB. Beyond that `allocate` throws {@linkcode StoreFullError} before it changes anything; a
 * command answers it like `maxmemory`.
 *
 *     chunk (4 MiB, 512 pages of 8 KiB)
 *     | table of pages | slab: 8 pages, runs of one size class | span: pages of one run | free pages … |
 *
 * - Runs of up to 16 KiB lie in *slabs* of 64 KiB, each cut into runs of one class (classes.ts).
 *   Free runs of a slab are linked through their own first words; slabs with a free run are in a
 *   list of their class. A slab without a live run gives its pages back, except the last one of its
 *   class, which {@linkcode Store.trim} frees.
 * - Longer runs are *spans* of whole pages, the lowest that are free. A run longer than a chunk has
 *   a buffer of its own, of any length, and uses one chunk number.
 * - A chunk without a used page goes back to the system at once, as buffers of this size do; small
 *   ones stay with the process.
 *
 * The table of pages is the chunk's first page, four words for each:
 *
 *     0  kind (bits 0-7: 0 free, a class, REST or SPAN) | pages from the head (8-15) | first free run + 1 (16-31)
 *     1  live runs (0-15) | runs ever handed out (16-31);  pages of a span
 *     2  next slab of the class with a free run, as chunk << 9 | page;  3  the one before
 *
 * No run carries a header, and `free` needs no size. The initial content of a run is unspecified.
 *
 * Compaction is the owners' work, since they alone know the references to a run:
 * {@linkcode Store.beginCompaction} marks the emptiest chunks, then every owner asks
 * {@linkcode Store.needsMove} of every run it refers to, calls {@linkcode Store.move} where it
 * does, and keeps the new reference; {@linkcode Store.endCompaction} ends the round.
 *
 * One file: pages, slabs, spans and the account of them share private fields that no other file should see.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Store } from "./store.ts";
 *
 * const store = new Store();
 * const ref = store.allocate(24);
 * store.u32(ref)[store.at(ref) >>> 2] = 7;
 * assertEquals(store.sizeOf(ref), 24);
 * store.free(ref);
 * ```
 */
import { CLASS_COUNT, classCapacity, classOf, classUnits, LARGEST_SLAB_RUN, UNIT_BYTES } from "./classes.ts";

/** Lowest of a reference's bits that hold its chunk. */
const CHUNK_SHIFT = 19;
const UNIT_MASK = (1 << CHUNK_SHIFT) - 1;
/** Bytes of a chunk. */
export const CHUNK_BYTES = UNIT_BYTES << CHUNK_SHIFT;
const MAX_CHUNKS = 1 << (32 - CHUNK_SHIFT);
/** Bytes of a page. */
export const PAGE_BYTES = 8192;
const PAGE_SHIFT = 10;
/** Pages of a chunk, of which the first is the table of the others. */
const PAGES = CHUNK_BYTES / PAGE_BYTES;
const PAGE_MASK = PAGES - 1;
const SLAB_PAGES = 8;
/** 32-bit words of a page, as a shift. */
const PAGE_WORD_SHIFT = 11;

const FREE = 0, REST = 254, SPAN = 255;

/** Free part of the held bytes from which emptying chunks pays. */
const WORTH_COMPACTING = 0.25;
/** Live part of a chunk below which it is emptied. */
const EMPTIED_BELOW = 0.6;
/** Maximum chunks emptied in one round. */
const CHUNKS_A_ROUND = 64;

/**
 * Thrown if no reference is left for another chunk or the system gives no more memory; nothing has
 * changed.
 */
export class StoreFullError extends Error {
  override name = "StoreFullError";
}

const NO_BYTES = new Uint8Array(0), NO_WORDS = new Uint32Array(0), NO_DOUBLES = new Float64Array(0);

/** Called with a run and the bytes it takes. */
export type RunVisitor = (ref: number, bytes: number) => void;

/** Frees up to about `budget` runs; true if all are freed. */
export type FreeSome = (budget: number) => boolean;

/** See the head of this file. */
export class Store {
  /** Views of the chunks by number; empty for unused numbers and for 0, which names no chunk. */
  readonly #u8: Uint8Array<ArrayBuffer>[] = [NO_BYTES];
  readonly #u32: Uint32Array<ArrayBuffer>[] = [NO_WORDS];
  readonly #f64: Float64Array<ArrayBuffer>[] = [NO_DOUBLES];
  readonly #freeChunkIds: number[] = [];
  /**
   * Per chunk: free pages, a bound for the longest row of them, and the end of the pages ever used.
   */
  #freePages = new Uint16Array(16);
  #longestRow = new Uint16Array(16);
  #touchedPages = new Uint16Array(16);
  /** Per chunk: bytes of live runs, and a mark while it is being emptied. */
  #live = new Float64Array(16);
  #emptied = new Uint8Array(16);
  #isCompacting = false;
  /**
   * Bytes held beyond the live ones when the last round ended, or fewer; another round would regain
   * none of them.
   */
  #slackBytes = 0;
  /** First slab with a free run, by class, as chunk << 9 | page. */
  readonly #room = new Uint32Array(CLASS_COUNT);
  #liveBytes = 0;
  #heldBytes = 0;
  /** Queue of work to be freed in slices. */
  readonly #leaving: FreeSome[] = [];
  readonly #maxChunks: number;

  /** @param maxChunks limit of chunks, lower than references allow, for tests */
  constructor(maxChunks: number = MAX_CHUNKS) {
    this.#maxChunks = maxChunks;
  }

  /** Bytes of live runs, each rounded up to the size it takes. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /**
   * Bytes the process occupies for the store: all pages up to the last one ever used of each chunk.
   */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * The bytes of the chunk of `ref`, in which the run begins at {@linkcode Store.at}; valid until
   * the run is freed.
   */
  u8(ref: number): Uint8Array<ArrayBuffer> {
    return this.#u8[ref >>> CHUNK_SHIFT]!;
  }

  /** The same as 32-bit words: the run begins at a quarter of {@linkcode Store.at}. */
  u32(ref: number): Uint32Array<ArrayBuffer> {
    return this.#u32[ref >>> CHUNK_SHIFT]!;
  }

  /** The same as doubles: the run begins at an eighth of {@linkcode Store.at}. */
  f64(ref: number): Float64Array<ArrayBuffer> {
    return this.#f64[ref >>> CHUNK_SHIFT]!;
  }

  /** Index of a run's first byte in its chunk, a multiple of 8. */
  at(ref: number): number {
    return (ref & UNIT_MASK) << 3;
  }

  /**
   * A run of at least `bytes` bytes. O(1); for more than 16 KiB, and once for each 64 KiB, a search
   * for free pages.
   */
  allocate(bytes: number): number {
    if (bytes > LARGEST_SLAB_RUN) return this.#allocateSpan(bytes);
    const id = classOf(bytes), units = classUnits[id]!;
    const slab = this.#room[id] === 0 ? this.#addSlab(id) : this.#room[id]!;
    const u32 = this.#u32[slab >>> 9]!, page = slab & PAGE_MASK, word = page << 2;
    const head = u32[word]!, counts = u32[word + 1]! + 1;
    let index = (head >>> 16) - 1;
    if (index >= 0) {
      const next = u32[(page << PAGE_WORD_SHIFT) + index * units * 2]!;
      u32[word] = (head & 0xffff) | (next << 16);
      u32[word + 1] = counts;
    } else {
      index = counts >>> 16;
      u32[word + 1] = counts + 0x10000;
    }
    if ((counts & 0xffff) === classCapacity[id]) this.#unlink(slab, id);
    this.#count(slab >>> 9, units * UNIT_BYTES);
    return ((slab << PAGE_SHIFT) + index * units) >>> 0;
  }

  /** Frees a run. O(1), or O(pages) for a span. */
  free(ref: number): void {
    const chunk = ref >>> CHUNK_SHIFT, u32 = this.#u32[chunk]!;
    if (u32.length * 4 > CHUNK_BYTES) return this.#freeLarge(chunk);
    const own = (ref >>> PAGE_SHIFT) & PAGE_MASK, kind = u32[own << 2]! & 0xff;
    if (kind === SPAN) return this.#freeSpan(chunk, own);
    const page = own - ((u32[own << 2]! >>> 8) & 0xff), word = page << 2, units = classUnits[kind]!;
    const index = ((ref & UNIT_MASK) - (page << PAGE_SHIFT)) / units;
    const counts = u32[word + 1]!, head = u32[word]!, slab = (chunk << 9) | page;
    u32[(page << PAGE_WORD_SHIFT) + index * units * 2] = head >>> 16;
    u32[word] = (head & 0xffff) | ((index + 1) << 16);
    u32[word + 1] = counts - 1;
    this.#count(chunk, -units * UNIT_BYTES);
    if (this.#emptied[chunk] !== 0) {
      if ((counts & 0xffff) === 1) this.#releasePages(chunk, page, SLAB_PAGES);
      return;
    }
    if ((counts & 0xffff) === classCapacity[kind]) this.#link(slab, kind);
    if ((counts & 0xffff) === 1 && (this.#room[kind] !== slab || u32[word + 2] !== 0)) {
      this.#releaseSlab(slab, kind);
    }
  }

  /**
   * Queues many runs to be freed in slices: {@linkcode Store.freeSome} calls `freeSome` until it
   * returns true.
   */
  freeLater(freeSome: FreeSome): void {
    this.#leaving.push(freeSome);
  }

  /** True while something remains to be freed in slices. */
  get owesFrees(): boolean {
    return this.#leaving.length > 0;
  }

  /** Frees up to about `budget` runs of the queue; true if more remain. */
  freeSome(budget: number): boolean {
    if (this.#leaving[0]?.(budget)) this.#leaving.shift();
    return this.owesFrees;
  }

  /** Bytes that the run at `ref` takes, at least as many as requested. */
  sizeOf(ref: number): number {
    const u32 = this.#u32[ref >>> CHUNK_SHIFT]!;
    if (u32.length * 4 > CHUNK_BYTES) return u32.length * 4;
    const word = ((ref >>> PAGE_SHIFT) & PAGE_MASK) << 2, kind = u32[word]! & 0xff;
    return kind === SPAN ? u32[word + 1]! * PAGE_BYTES : classUnits[kind]! * UNIT_BYTES;
  }

  /** Bytes that a run of `bytes` bytes would take. */
  roundUp(bytes: number): number {
    if (bytes <= LARGEST_SLAB_RUN) return classUnits[classOf(bytes)]! * UNIT_BYTES;
    return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
  }

  /** Moves a run elsewhere and returns its new reference; the old one is free. O(bytes). */
  move(ref: number): number {
    const bytes = this.sizeOf(ref), to = this.allocate(bytes);
    this.copy(ref, to, bytes);
    this.free(ref);
    return to;
  }

  /** A new run of the same size and content. O(bytes). */
  duplicate(ref: number): number {
    const bytes = this.sizeOf(ref), to = this.allocate(bytes);
    this.copy(ref, to, bytes);
    return to;
  }

  /** Copies the first `bytes` bytes of one run into another. */
  copy(from: number, to: number, bytes: number): void {
    if (bytes <= 64) {
      const source = this.u32(from), target = this.u32(to), end = (bytes + 3) >>> 2;
      const start = this.at(from) >>> 2, at = this.at(to) >>> 2;
      for (let i = 0; i < end; i++) target[at + i] = source[start + i]!;
      return;
    }
    const start = this.at(from);
    this.u8(to).set(this.u8(from).subarray(start, start + bytes), this.at(to));
  }

  // ---- Compaction -------------------------------------------------------------------------------

  /** True if a round of compaction is under way. */
  get isCompacting(): boolean {
    return this.#isCompacting;
  }

  /**
   * Begins a round if a quarter of the held bytes is free, and more than the last round left: marks
   * the chunks with the fewest live bytes, from which nothing more is allocated. Returns true if a
   * round is under way. O(chunks) and O(pages) of the marked ones.
   */
  beginCompaction(): boolean {
    if (this.#isCompacting) return true;
    const slack = this.#heldBytes - this.#liveBytes;
    if (slack < this.#slackBytes) this.#slackBytes = slack;
    if (slack < this.#heldBytes * WORTH_COMPACTING || slack < this.#slackBytes * 1.25) return false;
    this.trim();
    const sparse: number[] = [];
    for (let chunk = 1; chunk < this.#u8.length; chunk++) {
      const touched = this.#touchedPages[chunk]! * PAGE_BYTES;
      if (this.#u8[chunk]!.length === CHUNK_BYTES && this.#live[chunk]! < touched * EMPTIED_BELOW) {
        sparse.push(chunk);
      }
    }
    sparse.sort((one, other) => this.#live[one]! - this.#live[other]!);
    // The content of the last chunk could only move to a new one.
    if (sparse.length < 2 && this.#chunkCount() < 2) return false;
    for (const chunk of sparse.slice(0, CHUNKS_A_ROUND)) this.#mark(chunk);
    return this.#isCompacting = sparse.length > 0;
  }

  /** True if the run at `ref` lies in a chunk that is being emptied. */
  needsMove(ref: number): boolean {
    return this.#emptied[ref >>> CHUNK_SHIFT] !== 0;
  }

  /** Ends the round; runs still in the marked chunks stay there. */
  endCompaction(): void {
    this.#isCompacting = false;
    this.#slackBytes = this.#heldBytes - this.#liveBytes;
    for (let chunk = 1; chunk < this.#u8.length; chunk++) {
      if (this.#emptied[chunk] === 0) continue;
      this.#emptied[chunk] = 0;
      this.#forEachSlab(chunk, (slab, id) => {
        if ((this.#u32[chunk]![((slab & PAGE_MASK) << 2) + 1]! & 0xffff) < classCapacity[id]!) {
          this.#link(slab, id);
        }
      });
    }
  }

  /** Frees the slabs kept without a live run. O(slabs with a free run). */
  trim(): void {
    for (let id = 1; id < CLASS_COUNT; id++) {
      for (let slab = this.#room[id]!, next; slab !== 0; slab = next) {
        const u32 = this.#u32[slab >>> 9]!, word = (slab & PAGE_MASK) << 2;
        next = u32[word + 2]!;
        if ((u32[word + 1]! & 0xffff) === 0) this.#releaseSlab(slab, id);
      }
    }
  }

  /** Drops every run and frees all memory. O(chunks). */
  clear(): void {
    for (let chunk = 1; chunk < this.#u8.length; chunk++) {
      if (this.#u8[chunk]!.length > 0) this.#dropChunk(chunk);
    }
    this.#room.fill(0);
    this.#leaving.length = 0;
    this.#liveBytes = 0;
    this.#isCompacting = false;
  }

  // ---- Walks, for the checker (check.ts) --------------------------------------------------------

  /** Calls `visit` for every live run. O(everything). */
  forEachRun(visit: RunVisitor): void {
    for (let chunk = 1; chunk < this.#u8.length; chunk++) {
      const u32 = this.#u32[chunk]!;
      if (u32.length * 4 > CHUNK_BYTES) visit((chunk << CHUNK_SHIFT) >>> 0, u32.length * 4);
      else if (u32.length > 0) this.#forEachRunIn(chunk, visit);
    }
  }

  /**
   * Faults of the tables of pages, the lists and the counts; empty if there are none. O(pages +
   * free runs).
   */
  faults(): string[] {
    const faults: string[] = [], listed = new Set<number>();
    for (let id = 1; id < CLASS_COUNT; id++) this.#checkRoom(id, listed, faults);
    let live = 0, held = 0;
    for (let chunk = 1; chunk < this.#u8.length; chunk++) {
      const { length } = this.#u8[chunk]!;
      if (length > CHUNK_BYTES) live += length, held += length;
      else if (length > 0) {
        live += this.#checkChunk(chunk, listed, faults);
        held += this.#touchedPages[chunk]! * PAGE_BYTES;
      }
    }
    if (live !== this.#liveBytes) faults.push(`live bytes are ${live}, counted as ${this.#liveBytes}`);
    if (held !== this.#heldBytes) faults.push(`held bytes are ${held}, counted as ${this.#heldBytes}`);
    if (listed.size > 0) faults.push(`${listed.size} listed slabs lie in no chunk`);
    return faults;
  }

  #forEachRunIn(chunk: number, visit: RunVisitor): void {
    const u32 = this.#u32[chunk]!;
    for (let page = 1; page < PAGES; page++) {
      const word = page << 2,
        kind = u32[word]! & 0xff,
        first = ((chunk << CHUNK_SHIFT) | (page << PAGE_SHIFT)) >>> 0;
      if (kind === SPAN) visit(first, u32[word + 1]! * PAGE_BYTES);
      if (kind === FREE || kind >= REST || (u32[word]! & 0xff00) !== 0) continue;
      const units = classUnits[kind]!, free = this.#freeRuns(chunk, page);
      for (let index = 0, end = u32[word + 1]! >>> 16; index < end; index++) {
        if (!free.has(index)) visit(first + index * units, units * UNIT_BYTES);
      }
    }
  }

  /** The free runs of a slab below those never handed out. */
  #freeRuns(chunk: number, page: number): Set<number> {
    const u32 = this.#u32[chunk]!, units = classUnits[u32[page << 2]! & 0xff]!, free = new Set<number>();
    for (let next = u32[page << 2]! >>> 16; next !== 0 && !free.has(next - 1);) {
      free.add(next - 1);
      next = u32[(page << PAGE_WORD_SHIFT) + (next - 1) * units * 2]!;
    }
    return free;
  }

  #checkRoom(id: number, listed: Set<number>, faults: string[]): void {
    for (let slab = this.#room[id]!, before = 0; slab !== 0;) {
      const u32 = this.#u32[slab >>> 9]!, word = (slab & PAGE_MASK) << 2;
      if (listed.has(slab)) return void faults.push(`slab ${slab} is listed twice`);
      listed.add(slab);
      if ((u32[word]! & 0xffff) !== id) faults.push(`slab ${slab} is listed under another class`);
      if (u32[word + 3] !== before) faults.push(`slab ${slab} does not know the one before it`);
      before = slab;
      slab = u32[word + 2]!;
    }
  }

  /**
   * Checks one chunk's pages and takes its slabs out of `listed`. Returns the bytes of live runs.
   */
  #checkChunk(chunk: number, listed: Set<number>, faults: string[]): number {
    const u32 = this.#u32[chunk]!;
    let live = 0, freePages = 0;
    for (let page = 1, pages; page < PAGES; page += pages) {
      const word = page << 2, kind = u32[word]! & 0xff;
      pages = 1;
      if (kind === FREE) freePages++;
      else if (kind === SPAN) live += (pages = u32[word + 1]!) * PAGE_BYTES;
      else if (kind >= CLASS_COUNT || (u32[word]! & 0xff00) !== 0) {
        faults.push(`page ${page} of ${chunk} has no head`);
      } else {
        pages = SLAB_PAGES;
        live += this.#checkSlab(chunk, page, kind, listed, faults);
      }
      for (let i = 1; i < pages; i++) {
        const expected = kind === SPAN ? REST : kind | (i << 8);
        if ((u32[(page + i) << 2]! & 0xffff) !== expected) {
          faults.push(`page ${page + i} of ${chunk} is not a part`);
        }
      }
    }
    if (live !== this.#live[chunk]) {
      faults.push(`chunk ${chunk} has ${live} live bytes, not ${this.#live[chunk]}`);
    }
    if (freePages !== this.#freePages[chunk]) faults.push(`chunk ${chunk} has ${freePages} free pages`);
    return live;
  }

  #checkSlab(chunk: number, page: number, id: number, listed: Set<number>, faults: string[]): number {
    const counts = this.#u32[chunk]![(page << 2) + 1]!, used = counts >>> 16, live = counts & 0xffff;
    const free = this.#freeRuns(chunk, page), slab = (chunk << 9) | page;
    if (used > classCapacity[id]! || used - free.size !== live) {
      faults.push(`slab ${slab} counts ${live} live runs`);
    }
    for (const index of free) if (index >= used) faults.push(`slab ${slab} lists run ${index}`);
    const isListed = live < classCapacity[id]! && this.#emptied[chunk] === 0;
    if (listed.delete(slab) !== isListed) faults.push(`slab ${slab} is${isListed ? " not" : ""} listed`);
    return live * classUnits[id]! * UNIT_BYTES;
  }

  // ---- Slabs ------------------------------------------------------------------------------------

  #count(chunk: number, bytes: number): void {
    this.#live[chunk]! += bytes;
    this.#liveBytes += bytes;
  }

  /** Makes a slab of class `id` and puts it first in the list of its class. */
  #addSlab(id: number): number {
    const slab = this.#takePages(SLAB_PAGES), u32 = this.#u32[slab >>> 9]!, page = slab & PAGE_MASK;
    for (let i = 0; i < SLAB_PAGES; i++) u32[(page + i) << 2] = id | (i << 8);
    u32[(page << 2) + 1] = 0;
    this.#link(slab, id);
    return slab;
  }

  #releaseSlab(slab: number, id: number): void {
    this.#unlink(slab, id);
    this.#releasePages(slab >>> 9, slab & PAGE_MASK, SLAB_PAGES);
  }

  #link(slab: number, id: number): void {
    const u32 = this.#u32[slab >>> 9]!, word = (slab & PAGE_MASK) << 2, next = this.#room[id]!;
    u32[word + 2] = next;
    u32[word + 3] = 0;
    if (next !== 0) this.#u32[next >>> 9]![((next & PAGE_MASK) << 2) + 3] = slab;
    this.#room[id] = slab;
  }

  #unlink(slab: number, id: number): void {
    const u32 = this.#u32[slab >>> 9]!, word = (slab & PAGE_MASK) << 2;
    const next = u32[word + 2]!, before = u32[word + 3]!;
    if (before === 0) this.#room[id] = next;
    else this.#u32[before >>> 9]![((before & PAGE_MASK) << 2) + 2] = next;
    if (next !== 0) this.#u32[next >>> 9]![((next & PAGE_MASK) << 2) + 3] = before;
  }

  #forEachSlab(chunk: number, visit: (slab: number, id: number) => void): void {
    const u32 = this.#u32[chunk]!;
    for (let page = 1; page < PAGES; page++) {
      const kind = u32[page << 2]! & 0xff;
      if (kind !== FREE && kind < REST && (u32[page << 2]! & 0xff00) === 0) visit((chunk << 9) | page, kind);
    }
  }

  // ---- Pages and chunks -------------------------------------------------------------------------

  #allocateSpan(bytes: number): number {
    const pages = Math.ceil(bytes / PAGE_BYTES);
    if (pages >= PAGES) return this.#allocateLarge(pages * PAGE_BYTES);
    const span = this.#takePages(pages), chunk = span >>> 9, u32 = this.#u32[chunk]!, page = span & PAGE_MASK;
    u32[page << 2] = SPAN;
    u32[(page << 2) + 1] = pages;
    for (let i = 1; i < pages; i++) u32[(page + i) << 2] = REST;
    this.#count(chunk, pages * PAGE_BYTES);
    return (span << PAGE_SHIFT) >>> 0;
  }

  #freeSpan(chunk: number, page: number): void {
    const pages = this.#u32[chunk]![(page << 2) + 1]!;
    this.#count(chunk, -pages * PAGE_BYTES);
    this.#releasePages(chunk, page, pages);
  }

  #allocateLarge(bytes: number): number {
    const chunk = this.#addChunk(bytes);
    this.#heldBytes += bytes;
    this.#count(chunk, bytes);
    return (chunk << CHUNK_SHIFT) >>> 0;
  }

  #freeLarge(chunk: number): void {
    this.#count(chunk, -this.#u8[chunk]!.length);
    this.#dropChunk(chunk);
  }

  /** The first of `count` free pages in a row, as chunk << 9 | page. */
  #takePages(count: number): number {
    for (let chunk = 1; chunk < this.#u8.length; chunk++) {
      if (this.#longestRow[chunk]! < count || this.#freePages[chunk]! < count || this.#emptied[chunk] !== 0) {
        continue;
      }
      const page = this.#findRow(chunk, count);
      if (page !== 0) return this.#take(chunk, page, count);
      this.#longestRow[chunk] = count - 1;
    }
    const chunk = this.#addChunk(CHUNK_BYTES);
    this.#freePages[chunk] = this.#longestRow[chunk] = PAGES - 1;
    this.#touchedPages[chunk] = 1;
    this.#heldBytes += PAGE_BYTES;
    return this.#take(chunk, 1, count);
  }

  #take(chunk: number, page: number, count: number): number {
    this.#freePages[chunk]! -= count;
    const end = page + count, touched = this.#touchedPages[chunk]!;
    if (end > touched) {
      this.#touchedPages[chunk] = end;
      this.#heldBytes += (end - touched) * PAGE_BYTES;
    }
    return (chunk << 9) | page;
  }

  /** The first page of a row of free ones, or 0. O(pages). */
  #findRow(chunk: number, count: number): number {
    const u32 = this.#u32[chunk]!;
    for (let page = 1, row = 0; page < PAGES; page++) {
      row = (u32[page << 2]! & 0xff) === FREE ? row + 1 : 0;
      if (row === count) return page - count + 1;
    }
    return 0;
  }

  #releasePages(chunk: number, page: number, count: number): void {
    const u32 = this.#u32[chunk]!;
    for (let i = 0; i < count; i++) u32[(page + i) << 2] = FREE;
    this.#longestRow[chunk] = PAGES - 1;
    if ((this.#freePages[chunk]! += count) === PAGES - 1) this.#dropChunk(chunk);
  }

  #addChunk(bytes: number): number {
    const chunk = this.#freeChunkIds.at(-1) ?? this.#u8.length;
    if (chunk >= this.#maxChunks) throw new StoreFullError("no more memory can be referred to");
    const buffer = allocateBuffer(bytes);
    this.#freeChunkIds.pop();
    if (chunk >= this.#live.length) this.#growColumns(chunk * 2);
    this.#u8[chunk] = new Uint8Array(buffer);
    this.#u32[chunk] = new Uint32Array(buffer);
    this.#f64[chunk] = new Float64Array(buffer);
    return chunk;
  }

  /**
   * Frees a chunk's memory: a transferred buffer of this size is freed at once, not by the
   * collector.
   */
  #dropChunk(chunk: number): void {
    const { buffer, length } = this.#u8[chunk]!;
    this.#heldBytes -= length > CHUNK_BYTES ? length : this.#touchedPages[chunk]! * PAGE_BYTES;
    buffer.transfer(0);
    this.#u8[chunk] = NO_BYTES;
    this.#u32[chunk] = NO_WORDS;
    this.#f64[chunk] = NO_DOUBLES;
    this.#freePages[chunk] = this.#longestRow[chunk] = this.#touchedPages[chunk] = 0;
    this.#live[chunk] = this.#emptied[chunk] = 0;
    this.#freeChunkIds.push(chunk);
  }

  #chunkCount(): number {
    return this.#u8.length - 1 - this.#freeChunkIds.length;
  }

  #growColumns(length: number): void {
    const grown = <T extends Uint8Array | Uint16Array | Float64Array>(longer: T, old: T): T => {
      longer.set(old);
      return longer;
    };
    this.#freePages = grown(new Uint16Array(length), this.#freePages);
    this.#longestRow = grown(new Uint16Array(length), this.#longestRow);
    this.#touchedPages = grown(new Uint16Array(length), this.#touchedPages);
    this.#live = grown(new Float64Array(length), this.#live);
    this.#emptied = grown(new Uint8Array(length), this.#emptied);
  }

  /** Marks a chunk as one that is being emptied. */
  #mark(chunk: number): void {
    this.#forEachSlab(chunk, (slab, id) => {
      if ((this.#u32[chunk]![((slab & PAGE_MASK) << 2) + 1]! & 0xffff) < classCapacity[id]!) {
        this.#unlink(slab, id);
      }
    });
    this.#emptied[chunk] = 1;
  }
}

function allocateBuffer(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    throw new StoreFullError("the system gives no more memory", { cause: error });
  }
}
