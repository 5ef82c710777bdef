/** Collections that the running command has got for changing them, which the keyspace takes over when it ends. */
import type { CollectionValue } from "../data/value.ts";
import type { Database } from "../keyspace/database.ts";

/** Nearly every command changes one collection, which is why the first has fields of its own: they cost no allocation. */
export class Unsettled {
  #database: Database | null = null;
  #value: CollectionValue | null = null;
  #others: { database: Database; value: CollectionValue }[] = [];

  add(database: Database, value: CollectionValue): void {
    if (this.#value === null) {
      this.#database = database;
      this.#value = value;
    } else if (this.#value !== value) this.#others.push({ database, value });
  }

  /** Hands them over. */
  settle(): void {
    if (this.#value === null || this.#database === null) return;
    this.#database.settle(this.#value);
    this.#value = null;
    if (this.#others.length === 0) return;
    for (const { database, value } of this.#others) database.settle(value);
    this.#others = [];
  }
}
