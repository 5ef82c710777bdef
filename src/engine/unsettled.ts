/**
 * Collections that the running command has opened for changes. The keyspace takes them over when
 * the command ends, all but the empty ones, even after an error in the middle of a handler. No key
 * has an empty collection; only a stream may be empty, unless the command that made it has failed.
 */
import { type CollectionValue, ValueType } from "../data/value.ts";
import type { Database } from "../keyspace/database.ts";
import type { Key } from "../keyspace/key.ts";

/** Takes over one collection, or removes its key. */
function settle(database: Database, key: Key, value: CollectionValue, isRefused: boolean): void {
  const mayBeEmpty = value.type === ValueType.Stream && !isRefused;
  if (value.size > 0 || mayBeEmpty || !database.dropCollection(key, value)) database.settle(key, value);
}

/**
 * Nearly every command changes one collection, which is why the first has fields of its own: they
 * cost no allocation.
 */
export class Unsettled {
  #database: Database | null = null;
  #key: Key | null = null;
  #value: CollectionValue | null = null;
  #isNew = false;
  #others: { database: Database; key: Key; value: CollectionValue; isNew: boolean }[] = [];

  /** @param isNew the running command has made it */
  add(database: Database, key: Key, value: CollectionValue, isNew: boolean): void {
    if (this.#value === null) {
      this.#database = database;
      this.#key = key;
      this.#value = value;
      this.#isNew = isNew;
    } else if (this.#value !== value) this.#others.push({ database, key, value, isNew });
  }

  /** Hands them over. @param hasFailed the command has answered with an error */
  settle(hasFailed: boolean): void {
    const database = this.#database, key = this.#key, value = this.#value;
    if (value === null || database === null || key === null) return;
    this.#value = null;
    settle(database, key, value, this.#isNew && hasFailed);
    if (this.#others.length === 0) return;
    for (const { database, key, value, isNew } of this.#others) {
      settle(database, key, value, isNew && hasFailed);
    }
    this.#others = [];
  }
}
