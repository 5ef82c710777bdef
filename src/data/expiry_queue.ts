/**
 * Names with expiry times, earliest first: the keys of a database whose values have parts that
 * expire. It is a table of fields without values (field_table.ts), so none of it lies in the heap.
 */
import type { Store } from "../store/store.ts";
import { FieldTable } from "./field_table.ts";

/** See the head of this file. Every operation takes O(log n) at most. */
export class ExpiryQueue {
  readonly #table: FieldTable;

  constructor(store: Store) {
    this.#table = new FieldTable(store);
  }

  /** Number of names. */
  get size(): number {
    return this.#table.size;
  }

  /** Bytes of the store. */
  get runBytes(): number {
    return this.#table.runBytes;
  }

  /** When the next name expires, in milliseconds since the epoch; Infinity if none does. */
  get nextMs(): number {
    return this.#table.nextMs;
  }

  /** When `name` expires, in milliseconds since the epoch; Infinity if it does not. */
  get(name: string): number {
    const ref = this.#table.find(name);
    return ref === 0 ? Infinity : this.#table.timeOf(ref);
  }

  /** Makes `name` expire at `atMs`, below 2^53. */
  set(name: string, atMs: number): void {
    const ref = this.#table.find(name);
    if (ref === 0) this.#table.set(name, "");
    this.#table.setTime(ref === 0 ? this.#table.find(name) : ref, atMs);
  }

  /** Removes `name`; true if it was there. */
  delete(name: string): boolean {
    return this.#table.size > 0 && this.#table.delete(name);
  }

  /** Removes and returns the names due by `nowMs`, at most `limit` of them, earliest first. */
  takeDue(nowMs: number, limit: number): string[] {
    return this.#table.takeDue(nowMs, limit);
  }

  /** Removes all names. O(n). */
  clear(): void {
    this.#table.free();
  }

  /** See {@linkcode CollectionValue.compact}. */
  compact(cursor: number, budget: number): number {
    return this.#table.compact(cursor, budget);
  }

  /** Calls `visit` for every run of the store. O(n). */
  forEachRun(visit: (ref: number) => void): void {
    this.#table.forEachRun(visit);
  }
}
