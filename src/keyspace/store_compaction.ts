/**
 * Compaction of the store that all databases share. Only the collections know the references to
 * their runs, so a round goes over all keys in slices and has each collection move its runs out of
 * the chunks being emptied; a large one takes several slices. A round is given up when a snapshot
 * begins, whose half-written collections must stay where they are.
 */
import type { Store } from "../store/store.ts";
import type { Database } from "./database.ts";
import { Key } from "./key.ts";

/** Keys looked at between two looks at the budget. */
const KEYS_A_STEP = 16;

/** See the head of this file. */
export class StoreCompaction {
  readonly #store: Store;
  readonly #databases: readonly Database[];
  #database = 0;
  #cursor = 0;
  /** Large collections met in the last step that are not done: key and cursor. */
  #unfinished: { key: string; cursor: number }[] = [];

  constructor(store: Store, databases: readonly Database[]) {
    this.#store = store;
    this.#databases = databases;
  }

  /** Goes on with a round, or begins one if that is worth it, for about `budget` keys and elements; tells whether it is under way. */
  step(budget: number): boolean {
    if (this.#databases.some(({ observer }) => observer !== null)) {
      if (this.#store.isCompacting) this.#end();
      return false;
    }
    if (!this.#store.isCompacting && !this.#store.beginCompaction()) return false;
    for (let left = budget; left > 0;) {
      if (this.#unfinished.length > 0) left -= this.#goOn(left);
      else if (this.#database < this.#databases.length) left -= this.#walk(left);
      else {
        this.#end();
        return false;
      }
    }
    return true;
  }

  #end(): void {
    this.#store.endCompaction();
    this.#database = this.#cursor = 0;
    this.#unfinished = [];
  }

  /** Visits some keys; returns the cost. */
  #walk(budget: number): number {
    const database = this.#databases[this.#database]!, large: number[] = [];
    let cost = KEYS_A_STEP;
    this.#cursor = database.scan(this.#cursor, KEYS_A_STEP, (ref) => large.push(ref));
    for (const ref of large) {
      const cursor = database.compactRuns(ref, 0, budget);
      if (cursor === 0) continue;
      cost += budget;
      this.#unfinished.push({ key: database.keyTextOf(ref), cursor });
    }
    if (this.#cursor === 0 && this.#unfinished.length === 0) this.#endDatabase(database);
    return cost;
  }

  #goOn(budget: number): number {
    const next = this.#unfinished.at(-1)!, database = this.#databases[this.#database]!;
    const ref = database.find(Key.of(next.key));
    next.cursor = ref === 0 ? 0 : database.compactRuns(ref, next.cursor, budget);
    if (next.cursor === 0) this.#unfinished.pop();
    if (this.#cursor === 0 && this.#unfinished.length === 0) this.#endDatabase(database);
    return budget;
  }

  #endDatabase({ partExpiry }: Database): void {
    for (let cursor = 0; (cursor = partExpiry.compact(cursor, KEYS_A_STEP)) !== 0;);
    this.#database++;
  }
}
