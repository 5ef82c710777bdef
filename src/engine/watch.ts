/**
 * WATCH: which clients want to know that a key has changed before their EXEC.
 *
 * Only changes that clients can see count. An expired key is as good as gone, whether or not it has
 * been deleted yet. So the watch on such a key remembers that it was stale, and its deletion is no
 * change; a key that becomes stale while it is watched is one.
 */
import { type Database, NO_EXPIRY } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";
import { type Client, ClientFlag } from "./client.ts";

interface Watched {
  readonly databaseId: number;
  readonly key: Key;
  /** Watching clients; true if the key had already expired at WATCH and is still there. */
  readonly clients: Map<Client, boolean>;
}

/** True if `key` has expired and is still in `database`. */
function isStale(database: Database, key: Key, nowMs: number): boolean {
  const ref = database.find(key);
  if (ref === 0) return false;
  const expiresAtMs = database.expiryOf(ref);
  return expiresAtMs !== NO_EXPIRY && expiresAtMs <= nowMs;
}

/** See the head of this file. */
export class Watchers {
  /** By {@linkcode nameOf}. */
  readonly #watched = new Map<string, Watched>();

  /** Keys that clients watch. */
  get keyCount(): number {
    return this.#watched.size;
  }

  /** True if any client watches a key. */
  get active(): boolean {
    return this.#watched.size > 0;
  }

  #nameOf(databaseId: number, key: string): string {
    return `${databaseId}:${key}`;
  }

  /** Begins to watch `key` for a client. */
  watch(client: Client, database: Database, databaseId: number, key: Key, nowMs: number): void {
    const name = this.#nameOf(databaseId, key.text);
    client.watched ??= new Set();
    if (client.watched.has(name)) return;
    client.watched.add(name);
    let entry = this.#watched.get(name);
    if (entry === undefined) {
      entry = { databaseId, key: Key.of(key.text), clients: new Map() };
      this.#watched.set(name, entry);
    }
    entry.clients.set(client, isStale(database, key, nowMs));
  }

  unwatchAll(client: Client): void {
    for (const name of client.watched ?? []) {
      const entry = this.#watched.get(name);
      entry?.clients.delete(client);
      if (entry?.clients.size === 0) this.#watched.delete(name);
    }
    client.watched = null;
  }

  /** A key of `database` has changed. */
  touch(database: Database, databaseId: number, key: Key): void {
    const entry = this.#watched.get(this.#nameOf(databaseId, key.text));
    if (entry === undefined) return;
    for (const [client, wasStale] of entry.clients) {
      if (!wasStale) client.set(ClientFlag.DirtyCas);
      else if (database.find(key) === 0) entry.clients.set(client, false);
    }
  }

  /**
   * A database is about to be emptied or exchanged for `replacement`: every watched key that exists
   * in one of the two changes, unless it is stale before and stale or gone afterwards.
   */
  touchAll(databaseId: number, database: Database, replacement: Database | null, nowMs: number): void {
    for (const { databaseId: id, key, clients } of this.#watched.values()) {
      if (id !== databaseId) continue;
      const exists = database.find(key) !== 0;
      const willExist = replacement !== null && replacement.find(key) !== 0;
      if (!exists && !willExist) continue;
      const willBeStale = replacement !== null && isStale(replacement, key, nowMs);
      for (const [client, wasStale] of clients) {
        if ((wasStale && !willExist) || ((wasStale || !exists) && willBeStale)) {
          clients.set(client, willBeStale);
        } else client.set(ClientFlag.DirtyCas);
      }
    }
  }

  /** True if a watched key has expired since WATCH and has not been deleted yet. */
  hasExpired(client: Client, databases: readonly Database[], nowMs: number): boolean {
    for (const name of client.watched ?? []) {
      const entry = this.#watched.get(name);
      if (entry === undefined || entry.clients.get(client) === true) continue;
      if (isStale(databases[entry.databaseId]!, entry.key, nowMs)) return true;
    }
    return false;
  }
}
