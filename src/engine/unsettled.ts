/** Collections that the running command has changed, whose bytes are to be counted again when it ends. */
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

  /** Counts them and forgets them. */
  settle(): void {
    if (this.#value === null || this.#database === null) return;
    settle(this.#database, this.#value);
    this.#value = null;
    if (this.#others.length === 0) return;
    for (const { database, value } of this.#others) settle(database, value);
    this.#others = [];
  }
}

function settle(database: Database, value: CollectionValue): void {
  // A value removed meanwhile has been uncounted already.
  if (value.accountedBytes > 0) database.settle(value);
}
