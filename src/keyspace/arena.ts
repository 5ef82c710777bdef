/**
 * Memory for key records outside the JavaScript heap: chunks of up to 64 MiB, divided into runs of whole 8-byte
 * units. A run's reference is a number, `chunk << 23 | unit`; 0 is no run.
 *
 * - Allocation takes a free run of exactly the size asked for, or the next bytes of the newest chunk.
 * - Free runs hang in doubly linked lists by size, linked through their own bytes. They are not split and not merged:
 *   a size that went out of use is won back by evacuating its chunk (see {@linkcode Arena.sparsestChunk}).
 * - A run longer than {@linkcode LARGEST_RUN_BYTES} has a chunk of its own. A reference can name 512 chunks: 32 GiB of
 *   shared ones, or 511 of such runs, which are the records of keys longer than this. Beyond, {@linkcode ArenaFullError}.
 *
 * The first word of a run must tell a free run from a live one, since evacuation walks a chunk run by run: its
 * lowest four bits are all set in a free run's (`FREE_MARK`) and never in a live one's. A free run holds its size in units, and its
 * neighbours in the list, in the next three words; so the smallest run has 16 bytes.
 */

/** Bytes a unit has; references count units. */
export const UNIT_BYTES = 8;
/**
 * The lowest bits of the first word of a free run; the writer of a live run keeps one of them
 * clear.
 */
const FREE_MARK = 0x0f;
/** Set beside them in a run freed while its chunk was being emptied: it is in no list. */
const UNLISTED_BIT = 0x10;
/** Runs above this size get a chunk of their own. */
export const LARGEST_RUN_BYTES = 1 << 24;

/** Free lists of runs up to this size are found by an array's index, those of the few larger ones in a map. */
const LARGEST_COMMON_UNITS = 2048;
const CHUNK_SHIFT = 23;
const MAX_CHUNKS = 512;
const UNIT_MASK = (1 << CHUNK_SHIFT) - 1;
const FIRST_CHUNK_BYTES = 1 << 18;
const LARGEST_CHUNK_BYTES = 1 << 26;
const SMALLEST_RUN_UNITS = 2;

/** Thrown where no reference is left for another chunk; nothing has been changed. */
export class ArenaFullError extends Error {
  override name = "ArenaFullError";
}

/** One ArrayBuffer and its views. */
export interface Chunk {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
  /** Units handed out so far, from the front. */
  usedUnits: number;
  /** Units of live runs. */
  liveUnits: number;
  /** Being emptied: runs freed here do not return to the free lists. */
  evacuating: boolean;
}

function createChunk(bytes: number): Chunk {
  const buffer = new ArrayBuffer(bytes);
  return {
    u8: new Uint8Array(buffer),
    u32: new Uint32Array(buffer),
    f64: new Float64Array(buffer),
    usedUnits: 0,
    liveUnits: 0,
    evacuating: false,
  };
}

/** The units a run of `bytes` bytes takes. */
export function unitsFor(bytes: number): number {
  return Math.max(SMALLEST_RUN_UNITS, (bytes + UNIT_BYTES - 1) >>> 3);
}

/** Memory for records. See the head of this file. */
export class Arena {
  readonly #chunks: (Chunk | undefined)[] = [];
  /** Head of the free list of each size in units, common sizes and others. */
  readonly #free = new Uint32Array(LARGEST_COMMON_UNITS + 1);
  readonly #freeLarge = new Map<number, number>();
  readonly #freeChunkIds: number[] = [];
  #bump = -1;
  #reservedBytes = 0;
  #liveUnits = 0;
  readonly #maxChunks: number;

  /** @param maxChunks fewer than a reference can name, for tests */
  constructor(maxChunks: number = MAX_CHUNKS) {
    this.#maxChunks = maxChunks;
  }

  /**
   * Bytes of chunks that have been handed out at least once, live or free: the memory the process
   * really occupies.
   */
  get occupiedBytes(): number {
    let units = 0;
    for (const chunk of this.#chunks) units += chunk?.usedUnits ?? 0;
    return units * UNIT_BYTES;
  }

  /** Bytes of live runs. */
  get liveBytes(): number {
    return this.#liveUnits * UNIT_BYTES;
  }

  /** The chunk a reference points into. */
  chunk(ref: number): Chunk {
    return this.#chunks[ref >>> CHUNK_SHIFT]!;
  }

  /** Index of a reference's first byte in its chunk's `u8`; a quarter of it indexes `u32`, an eighth `f64`. */
  offset(ref: number): number {
    return (ref & UNIT_MASK) << 3;
  }

  /** A run of at least `units` units, its content unspecified. O(1). */
  allocate(units: number): number {
    if (units * UNIT_BYTES > LARGEST_RUN_BYTES) return this.#allocateLarge(units);
    const head = this.#freeHead(units);
    if (head !== 0) {
      this.#unlink(head, units);
      this.#count(this.chunk(head), units);
      return head;
    }
    let chunk = this.#bump < 0 ? undefined : this.#chunks[this.#bump];
    if (chunk === undefined || chunk.evacuating || (chunk.usedUnits + units) * UNIT_BYTES > chunk.u8.length) {
      chunk = this.#openChunk(units);
    }
    const unit = chunk.usedUnits;
    chunk.usedUnits += units;
    this.#count(chunk, units);
    return ((this.#bump << CHUNK_SHIFT) | unit) >>> 0;
  }

  /** Gives back the run at `ref` of `units` units. O(1). */
  release(ref: number, units: number): void {
    const chunk = this.chunk(ref);
    this.#count(chunk, -units);
    if (units * UNIT_BYTES > LARGEST_RUN_BYTES) return this.dropChunk(ref >>> CHUNK_SHIFT);
    const word = this.offset(ref) >>> 2;
    chunk.u32[word] = chunk.evacuating ? FREE_MARK | UNLISTED_BIT : FREE_MARK;
    chunk.u32[word + 1] = units;
    if (chunk.evacuating) return;
    const next = this.#freeHead(units);
    chunk.u32[word + 2] = 0;
    chunk.u32[word + 3] = next;
    if (next !== 0) this.chunk(next).u32[(this.offset(next) >>> 2) + 2] = ref;
    this.#setFreeHead(units, ref);
  }

  /** Forgets every run. */
  clear(): void {
    this.#chunks.length = 0;
    this.#freeChunkIds.length = 0;
    this.#free.fill(0);
    this.#freeLarge.clear();
    this.#bump = -1;
    this.#reservedBytes = 0;
    this.#liveUnits = 0;
  }

  /**
   * The chunk with the most free space relative to its size, if emptying it is worth the work: under half of what it
   * has handed out is live and a quarter of all handed-out space is free. Otherwise -1. O(chunks).
   */
  sparsestChunk(): number {
    const occupied = this.occupiedBytes;
    if (occupied < FIRST_CHUNK_BYTES * 4 || this.liveBytes > occupied * 0.75) return -1;
    let best = -1, lowest = 0.5;
    for (const [id, chunk] of this.#chunks.entries()) {
      if (chunk === undefined || chunk.usedUnits === 0) continue;
      const live = chunk.liveUnits / chunk.usedUnits;
      if (live < lowest) {
        lowest = live;
        best = id;
      }
    }
    return best;
  }

  /** Begins to empty chunk `id`: nothing is allocated from its untouched end any more. */
  beginEvacuation(id: number): void {
    const chunk = this.#chunks[id]!;
    if (this.#bump === id) this.#bump = -1;
    chunk.evacuating = true;
  }

  /**
   * Visits the run at `unit` of chunk `id`, being evacuated: a free one leaves its list. Returns its reference if it
   * is live, else 0; `unitsOf` tells a live run's size. The next run starts at {@linkcode nextUnit}.
   */
  visit(id: number, unit: number, unitsOf: (ref: number) => number): number {
    const chunk = this.#chunks[id]!;
    const ref = ((id << CHUNK_SHIFT) | unit) >>> 0;
    const word = unit * 2;
    if ((chunk.u32[word]! & FREE_MARK) !== FREE_MARK) {
      this.nextUnit = unit + unitsOf(ref);
      return ref;
    }
    const units = chunk.u32[word + 1]!;
    this.nextUnit = unit + units;
    if ((chunk.u32[word]! & UNLISTED_BIT) === 0) this.#unlink(ref, units);
    return 0;
  }

  /** Start of the run after the one last visited. */
  nextUnit = 0;

  /** First unit of chunk `id` behind everything handed out; the first run starts at {@linkcode firstUnit}. */
  endUnit(id: number): number {
    return this.#chunks[id]?.usedUnits ?? 0;
  }

  /** Unit of the first run of chunk `id`: 0 is no reference, so the first chunk starts one later. */
  firstUnit(id: number): number {
    return id === 0 ? 1 : 0;
  }

  /** Gives a chunk's memory back. It must hold no live run and no run in a free list. */
  dropChunk(id: number): void {
    this.#reservedBytes -= this.#chunks[id]!.u8.length;
    this.#chunks[id] = undefined;
    this.#freeChunkIds.push(id);
  }

  #count(chunk: Chunk, units: number): void {
    chunk.liveUnits += units;
    this.#liveUnits += units;
  }

  #freeHead(units: number): number {
    return units <= LARGEST_COMMON_UNITS ? this.#free[units]! : this.#freeLarge.get(units) ?? 0;
  }

  #setFreeHead(units: number, ref: number): void {
    if (units <= LARGEST_COMMON_UNITS) this.#free[units] = ref;
    else if (ref !== 0) this.#freeLarge.set(units, ref);
    else this.#freeLarge.delete(units);
  }

  #unlink(ref: number, units: number): void {
    const u32 = this.chunk(ref).u32;
    const word = this.offset(ref) >>> 2;
    const previous = u32[word + 2]!, next = u32[word + 3]!;
    if (previous === 0) this.#setFreeHead(units, next);
    else this.chunk(previous).u32[(this.offset(previous) >>> 2) + 3] = next;
    if (next !== 0) this.chunk(next).u32[(this.offset(next) >>> 2) + 2] = previous;
  }

  #addChunk(bytes: number): number {
    const chunk = createChunk(bytes);
    const id = this.#freeChunkIds.pop() ?? this.#chunks.length;
    if (id >= this.#maxChunks) throw new ArenaFullError("no more memory can be referred to");
    this.#chunks[id] = chunk;
    this.#reservedBytes += bytes;
    return id;
  }

  /** Opens the next shared chunk, as large as all before it together, up to 64 MiB, with room for `units` units. */
  #openChunk(units: number): Chunk {
    const needed = (units + 1) * UNIT_BYTES;
    const bytes = Math.min(LARGEST_CHUNK_BYTES, Math.max(FIRST_CHUNK_BYTES, this.#reservedBytes, needed));
    this.#bump = this.#addChunk(bytes & ~(UNIT_BYTES - 1));
    const chunk = this.#chunks[this.#bump]!;
    chunk.usedUnits = this.firstUnit(this.#bump);
    return chunk;
  }

  #allocateLarge(units: number): number {
    const id = this.#addChunk((units + 1) * UNIT_BYTES);
    const chunk = this.#chunks[id]!;
    const first = this.firstUnit(id);
    chunk.usedUnits = first + units;
    this.#count(chunk, units);
    return ((id << CHUNK_SHIFT) | first) >>> 0;
  }
}
