/**
 * A watch on the JavaScript heap. It holds all memory of clients outside arenas and store, and V8
 * ends the process when its heap is full. Shortly before, commands that need memory are refused as
 * they are at `maxmemory`, until enough is free again.
 *
 * The figures are looked at ten times a second: a client cannot fill the margin in between.
 */
import { getHeapStatistics } from "node:v8";
import { collectGarbage } from "../util/garbage.ts";

/** Use and limit of the heap, in bytes. */
export interface HeapFigures {
  used: number;
  limit: number;
}

/** The heap is full when this part of it is in use, and no longer when it is below the other. */
const FULL_ABOVE = 0.85, EASED_BELOW = 0.75;
/** Milliseconds between two forced collections of a full heap; one may take a second. */
const COLLECTION_GAP_MS = 10_000;

/**
 * Share of the heap limit that V8 adds to `--max-old-space-size` for young objects; survivors have
 * to fit in the rest.
 */
const YOUNG_BYTES = 192 << 20;

/** V8's figures of its heap. Takes some microseconds. */
export function heapFigures(): HeapFigures {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return { used, limit: Math.max(limit - YOUNG_BYTES, limit / 4) };
}

/** See the head of this file. */
export class HeapWatch {
  #isFull = false;
  #collectedAtMs = -Infinity;
  readonly #measure: () => HeapFigures;
  readonly #collect: () => void;

  /** Both parameters are for tests. */
  constructor(measure: () => HeapFigures = heapFigures, collect: () => void = collectGarbage) {
    this.#measure = measure;
    this.#collect = collect;
  }

  /** True if commands that need memory are to be refused. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /**
   * Measures the heap; returns true if {@linkcode isFull} has changed. Garbage is collected before
   * the heap counts as full.
   */
  check(nowMs: number): boolean {
    const wasFull = this.#isFull, bound = wasFull ? EASED_BELOW : FULL_ABOVE;
    if (this.#isOver(bound) && nowMs - this.#collectedAtMs >= COLLECTION_GAP_MS) {
      this.#collectedAtMs = nowMs;
      this.#collect();
    }
    this.#isFull = this.#isOver(bound);
    return this.#isFull !== wasFull;
  }

  #isOver(part: number): boolean {
    const { used, limit } = this.#measure();
    return used > limit * part;
  }
}
