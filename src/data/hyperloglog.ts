/**
 * HyperLogLog in Redis's own two string formats, byte for byte, so that dumps, GET and PFDEBUG
 * agree.
 *
 * An element's 64-bit hash names one of 16384 registers (its lowest 14 bits) and a rank: the number
 * of the first set bit among the other 50, counted from 1, or 51 when there is none. Each register
 * keeps the highest rank it has seen, and the distribution of the registers tells how many
 * different elements there were, with a standard error of 0.81 %.
 *
 *     byte  0    4          5       8                          16
 *          +----+----------+-------+--------------------------+-------------------
 *          |HYLL| encoding | 0 0 0 | count, 8 bytes LE; its   | registers
 *          |    | 0 or 1   |       | top bit set = outdated   |
 *          +----+----------+-------+--------------------------+-------------------
 *
 * Dense (0): 6 bits a register, packed from the lowest bit of each byte on, 12288 bytes.
 * Sparse (1): runs of equal registers.
 *
 *     00llllll            zero:   l+1 (1 … 64) registers are 0
 *     01llllll llllllll   xzero:  l+1 (1 … 16384) registers are 0, high bits first
 *     1vvvvvll            value:  l+1 (1 … 4) registers are v+1 (1 … 32)
 *
 * A sparse sketch becomes dense for good when a rank exceeds 32 or when it would outgrow
 * hll-sparse-max-bytes. The bytes show the order of all insertions (runs merge only near the run
 * last written), hence the update below follows Redis's rules and not the tightest coding.
 *
 * The hash is MurmurHash64A (Austin Appleby), computed in halves of 32 bits. The estimate is Otmar
 * Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog sketches",
 * arXiv:1702.01284, algorithm 6).
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultLimits } from "./limits.ts";
 * import { HyperLogLog } from "./hyperloglog.ts";
 *
 * const sketch = HyperLogLog.empty(defaultLimits());
 * for (const fruit of ["fig", "plum", "fig"]) sketch.add(fruit);
 * assertEquals(sketch.count(), 2);
 * ```
 */
import type { DataLimits } from "./limits.ts";

/** Number of registers of a sketch. */
export const registerCount = 16384;

const headerSize = 16;
const denseSize = headerSize + registerCount * 6 / 8;
const encodingAt = 4;
const countAt = 8;
const outdatedAt = 15;
const dense = 0;
const sparse = 1;
const maxZeroRun = 64;
const maxValueRun = 4;
const maxSparseRank = 32;
const maxRank = 51;

/** A sparse sketch whose runs do not cover exactly the registers. */
export class CorruptSketchError extends Error {
  override name = "CorruptSketchError";
}

/** A sketch over bytes in Redis's format. */
export class HyperLogLog {
  #bytes: Uint8Array;
  /** Sparse sketches grow and shrink within `#bytes`. */
  #length: number;
  readonly #limits: DataLimits;

  /**
   * @param bytes a sketch that {@linkcode HyperLogLog.isSketch} accepts. The object owns it: a
   *   dense sketch is changed in place.
   */
  constructor(bytes: Uint8Array, limits: DataLimits) {
    this.#bytes = bytes;
    this.#length = bytes.length;
    this.#limits = limits;
  }

  /** A new, empty, sparse sketch. */
  static empty(limits: DataLimits): HyperLogLog {
    // HYLL, sparse, count 0, one xzero run over all registers.
    const start = [0x48, 0x59, 0x4c, 0x4c, sparse, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff];
    return new HyperLogLog(Uint8Array.from(start), limits);
  }

  /** True if a string's bytes look like a sketch; the runs of a sparse one are not checked. */
  static isSketch(bytes: Uint8Array): boolean {
    if (bytes.length < headerSize) return false;
    if (bytes[0] !== 0x48 || bytes[1] !== 0x59 || bytes[2] !== 0x4c || bytes[3] !== 0x4c) return false;
    return bytes[encodingAt] === sparse || (bytes[encodingAt] === dense && bytes.length === denseSize);
  }

  /** The sketch as stored: a view, valid until the next change. */
  get bytes(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  get encoding(): "dense" | "sparse" {
    return this.#isDense ? "dense" : "sparse";
  }

  get #isDense(): boolean {
    return this.#bytes[encodingAt] === dense;
  }

  /**
   * Adds an element; true if a register rose. The caller must invalidate the cached count.
   * @throws {CorruptSketchError}
   */
  add(element: string): boolean {
    murmur64(element);
    return this.raise(hashLow & (registerCount - 1), hashRank());
  }

  /**
   * Raises a register to at least `rank` (1 … 63); true if it was lower. Dense: O(1). Sparse:
   * O(bytes).
   * @throws {CorruptSketchError}
   */
  raise(register: number, rank: number): boolean {
    if (this.#isDense) return raiseDense(this.#bytes, register, rank);
    if (rank <= maxSparseRank) {
      const outcome = this.#raiseSparse(register, rank);
      if (outcome !== Outcome.NoRoom) return outcome === Outcome.Raised;
    }
    this.makeDense();
    return raiseDense(this.#bytes, register, rank);
  }

  /**
   * Turns a sparse sketch into a dense one; false if it was dense already.
   * @throws {CorruptSketchError}
   */
  makeDense(): boolean {
    if (this.#isDense) return false;
    const bytes = new Uint8Array(denseSize);
    bytes.set(this.#bytes.subarray(0, headerSize));
    bytes[encodingAt] = dense;
    this.#eachRun((register, length, rank) => {
      for (let i = 0; rank > 0 && i < length; i++) raiseDense(bytes, register + i, rank);
    });
    this.#bytes = bytes;
    this.#length = denseSize;
    return true;
  }

  /**
   * Raises each of `ranks` (one byte a register) to at least this sketch's register.
   * @throws {CorruptSketchError}
   */
  mergeInto(ranks: Uint8Array): void {
    if (this.#isDense) {
      for (let i = 0; i < registerCount; i++) ranks[i] = Math.max(ranks[i]!, denseRegister(this.#bytes, i));
      return;
    }
    this.#eachRun((register, length, rank) => {
      for (let i = register; rank > 0 && i < register + length; i++) ranks[i] = Math.max(ranks[i]!, rank);
    });
  }

  /**
   * Every register, one byte each.
   * @throws {CorruptSketchError}
   */
  registers(): Uint8Array {
    const ranks = new Uint8Array(registerCount);
    this.mergeInto(ranks);
    return ranks;
  }

  /** The count stored in the header, or -1 when it is outdated. */
  get cachedCount(): number {
    if (this.#bytes[outdatedAt]! & 0x80) return -1;
    let count = 0;
    for (let i = 7; i >= 0; i--) count = count * 256 + this.#bytes[countAt + i]!;
    return count;
  }

  /** Stores a count in the header. */
  cacheCount(count: number): void {
    for (let i = 0; i < 8; i++) {
      this.#bytes[countAt + i] = count % 256;
      count = Math.floor(count / 256);
    }
  }

  /** Marks the count in the header as outdated. */
  invalidateCount(): void {
    this.#bytes[outdatedAt]! |= 0x80;
  }

  /**
   * The estimated number of different elements, computed from the registers.
   * @throws {CorruptSketchError}
   */
  count(): number {
    const histogram = new Uint32Array(64);
    if (this.#isDense) {
      for (let i = 0; i < registerCount; i++) histogram[denseRegister(this.#bytes, i)]!++;
    } else {
      this.#eachRun((_register, length, rank) => histogram[rank]! += length);
    }
    return estimate(histogram);
  }

  /**
   * The runs of a sparse sketch as PFDEBUG DECODE writes them, for example `Z:16000 v:3,1 z:63`.
   */
  describe(): string {
    const words: string[] = [];
    for (let at = headerSize; at < this.#length; at += runBytes(this.#bytes[at]!)) {
      const length = this.#runLength(at), rank = runRank(this.#bytes[at]!);
      if (rank > 0) words.push(`v:${rank},${length}`);
      else words.push(`${runBytes(this.#bytes[at]!) === 2 ? "Z" : "z"}:${length}`);
    }
    return words.join(" ");
  }

  #runLength(at: number): number {
    const head = this.#bytes[at]!;
    if (head & 0x80) return (head & 3) + 1;
    if (!(head & 0x40)) return head + 1;
    const low = at + 1 < this.#length ? this.#bytes[at + 1]! : 0;
    return ((head & 0x3f) << 8 | low) + 1;
  }

  /** Visits the runs of a sparse sketch; throws, possibly after some visits, unless they add up. */
  #eachRun(visit: (register: number, length: number, rank: number) => void): void {
    let register = 0;
    for (let at = headerSize; at < this.#length; at += runBytes(this.#bytes[at]!)) {
      const length = this.#runLength(at);
      if (register + length > registerCount) throw new CorruptSketchError();
      visit(register, length, runRank(this.#bytes[at]!));
      register += length;
    }
    if (register !== registerCount) throw new CorruptSketchError();
  }

  #raiseSparse(register: number, rank: number): Outcome {
    let before = -1, at = headerSize, first = 0, length = 0;
    for (; at < this.#length; at += runBytes(this.#bytes[at]!)) {
      length = this.#runLength(at);
      if (register < first + length) break;
      first += length;
      before = at;
    }
    if (at >= this.#length) throw new CorruptSketchError();
    if (runRank(this.#bytes[at]!) >= rank) return Outcome.Unchanged;
    if (!this.#splitRun(at, register - first, length, rank)) return Outcome.NoRoom;
    this.#mergeValueRuns(before < 0 ? headerSize : before);
    this.invalidateCount();
    return Outcome.Raised;
  }

  /**
   * Replaces the run at `at` by up to three: what precedes register `offset` of it, that one, the
   * rest.
   */
  #splitRun(at: number, offset: number, length: number, rank: number): boolean {
    const head = this.#bytes[at]!;
    const oldRank = runRank(head);
    const runs: number[] = [];
    appendRun(runs, oldRank, offset);
    appendRun(runs, rank, 1);
    appendRun(runs, oldRank, length - offset - 1);
    const growth = runs.length - runBytes(head);
    if (growth > 0 && this.#length + growth > this.#limits.hllSparseMaxBytes) return false;
    this.#resizeRun(at + runBytes(head), growth);
    this.#bytes.set(runs, at);
    return true;
  }

  /** Moves the bytes from `tail` on by `growth`, leaving room to spare for the next insertions. */
  #resizeRun(tail: number, growth: number): void {
    const length = this.#length + growth;
    if (length > this.#bytes.length) {
      const bytes = new Uint8Array(length + (length >> 2) + 8);
      bytes.set(this.#bytes.subarray(0, tail));
      bytes.set(this.#bytes.subarray(tail, this.#length), tail + growth);
      this.#bytes = bytes;
    } else if (growth !== 0) {
      this.#bytes.copyWithin(tail + growth, tail, this.#length);
    }
    this.#length = length;
  }

  /**
   * Joins neighbouring value runs of one rank, looking at up to five runs from `at` on, as Redis
   * does.
   */
  #mergeValueRuns(at: number): void {
    for (let looks = 0; looks < 5 && at < this.#length; looks++) {
      const head = this.#bytes[at]!;
      const next = at + 1 < this.#length ? this.#bytes[at + 1]! : 0;
      const joined = (head & 3) + (next & 3) + 2;
      if (runRank(head) > 0 && runRank(head) === runRank(next) && joined <= maxValueRun) {
        this.#bytes[at + 1] = valueRun(runRank(head), joined);
        this.#resizeRun(at + 1, -1);
      } else {
        at += runBytes(head);
      }
    }
  }
}

/** The estimated cardinality of a set of registers, one byte each. */
export function countRegisters(ranks: Uint8Array): number {
  const histogram = new Uint32Array(64);
  for (let i = 0; i < ranks.length; i++) histogram[ranks[i]!]!++;
  return estimate(histogram);
}

const Outcome = { Unchanged: 0, Raised: 1, NoRoom: 2 } as const;
type Outcome = typeof Outcome[keyof typeof Outcome];

function runBytes(head: number): number {
  return (head & 0xc0) === 0x40 ? 2 : 1;
}

/** The rank of a run's registers, 0 for both kinds of zero runs. */
function runRank(head: number): number {
  return head & 0x80 ? ((head >> 2) & 0x1f) + 1 : 0;
}

function valueRun(rank: number, length: number): number {
  return 0x80 | (rank - 1) << 2 | (length - 1);
}

function appendRun(runs: number[], rank: number, length: number): void {
  if (length === 0) return;
  if (rank > 0) runs.push(valueRun(rank, length));
  else if (length <= maxZeroRun) runs.push(length - 1);
  else runs.push(0x40 | (length - 1) >> 8, (length - 1) & 0xff);
}

function denseRegister(bytes: Uint8Array, register: number): number {
  const at = headerSize + (register * 6 >> 3);
  const shift = register * 6 & 7;
  const next = shift > 2 ? bytes[at + 1]! : 0;
  return (bytes[at]! >> shift | next << (8 - shift)) & 63;
}

function raiseDense(bytes: Uint8Array, register: number, rank: number): boolean {
  if (denseRegister(bytes, register) >= rank) return false;
  const at = headerSize + (register * 6 >> 3);
  const shift = register * 6 & 7;
  bytes[at] = bytes[at]! & ~(63 << shift) | rank << shift;
  if (shift > 2) bytes[at + 1] = bytes[at + 1]! & ~(63 >> (8 - shift)) | rank >> (8 - shift);
  return true;
}

function estimate(histogram: Uint32Array): number {
  const m = registerCount;
  let z = m * tau((m - histogram[maxRank]!) / m);
  for (let rank = maxRank - 1; rank >= 1; rank--) z = (z + histogram[rank]!) * 0.5;
  z += m * sigma(histogram[0]! / m);
  return Math.round(0.721347520444481703680 * m * m / z); // the constant is 1 / (2 ln 2)
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let y = 1, z = x, previous;
  do {
    x *= x;
    previous = z;
    z += x * y;
    y += y;
  } while (previous !== z);
  return z;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1, z = 1 - x, previous;
  do {
    x = Math.sqrt(x);
    previous = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (previous !== z);
  return z / 3;
}

// The hash under construction, as unsigned halves: one number cannot hold it.
let hashLow = 0;
let hashHigh = 0;
// The same for a 64-bit product.
let productLow = 0;
let productHigh = 0;

const seed = 0xadc83b19;
const multiplierLow = 0x5bd1e995;
const multiplierHigh = 0xc6a4a793;

/** (high, low) × the multiplier modulo 2^64, into `productHigh` and `productLow`. */
function multiply(high: number, low: number): void {
  const a0 = low & 0xffff, a1 = low >>> 16;
  const b0 = multiplierLow & 0xffff, b1 = multiplierLow >>> 16;
  const middle = a1 * b0 + (a0 * b0 >>> 16);
  const carry = (middle & 0xffff) + a0 * b1;
  const lowTimesLowHigh = a1 * b1 + (middle >>> 16) + (carry >>> 16);
  productLow = Math.imul(low, multiplierLow) >>> 0;
  productHigh = (lowTimesLowHigh + Math.imul(low, multiplierHigh) + Math.imul(high, multiplierLow)) >>> 0;
}

function multiplyHash(): void {
  multiply(hashHigh, hashLow);
  hashLow = productLow;
  hashHigh = productHigh;
}

/** Up to four bytes of `text` as a little-endian number. */
function wordAt(text: string, at: number, count: number): number {
  let word = 0;
  for (let i = 0; i < count; i++) word |= text.charCodeAt(at + i) << (8 * i);
  return word;
}

/** Hashes a binary string into `hashHigh` and `hashLow`. */
function murmur64(text: string): void {
  multiply(0, text.length);
  hashLow = (productLow ^ seed) >>> 0;
  hashHigh = productHigh;
  const blocks = text.length & ~7;
  for (let at = 0; at < blocks; at += 8) {
    multiply(wordAt(text, at + 4, 4), wordAt(text, at, 4));
    multiply(productHigh, productLow ^ productHigh >>> 15);
    hashLow = (hashLow ^ productLow) >>> 0;
    hashHigh = (hashHigh ^ productHigh) >>> 0;
    multiplyHash();
  }
  const rest = text.length - blocks;
  if (rest > 0) {
    hashLow = (hashLow ^ wordAt(text, blocks, Math.min(rest, 4))) >>> 0;
    hashHigh = (hashHigh ^ wordAt(text, blocks + 4, rest - 4)) >>> 0;
    multiplyHash();
  }
  hashLow = (hashLow ^ hashHigh >>> 15) >>> 0;
  multiplyHash();
  hashLow = (hashLow ^ hashHigh >>> 15) >>> 0;
}

/**
 * The number of the first set bit above the 14 that name the register, from 1 on; 51 if none is
 * set.
 */
function hashRank(): number {
  const low = hashLow >>> 14;
  if (low !== 0) return 32 - Math.clz32(low & -low);
  if (hashHigh !== 0) return 18 + 32 - Math.clz32(hashHigh & -hashHigh);
  return maxRank;
}
