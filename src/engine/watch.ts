/** WATCH: which clients want to know that a key has changed before their EXEC. */
import type { Database } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";
import { type Client, ClientFlag } from "./client.ts";

interface Watched {
  databaseId: number;
  key: string;
  clients: Set<Client>;
}

export class Watchers {
  /** By {@linkcode nameOf}. */
  readonly #watched = new Map<string, Watched>();
  /** Clients whose watched key had expired already when they began to watch it. */
  readonly #expiredAtWatch = new WeakMap<Client, Set<string>>();

  /** Whether any client watches anything. */
  get active(): boolean {
    return this.#watched.size > 0;
  }

  #nameOf(databaseId: number, key: string): string {
    return `${databaseId}:${key}`;
  }

  watch(client: Client, databaseId: number, key: string, isExpired: boolean): void {
    const name = this.#nameOf(databaseId, key);
    client.watched ??= new Set();
    if (client.watched.has(name)) return;
    client.watched.add(name);
    const entry = this.#watched.get(name);
    if (entry === undefined) this.#watched.set(name, { databaseId, key, clients: new Set([client]) });
    else entry.clients.add(client);
    if (!isExpired) return;
    const names = this.#expiredAtWatch.get(client) ?? new Set();
    this.#expiredAtWatch.set(client, names.add(name));
  }

  unwatchAll(client: Client): void {
    for (const name of client.watched ?? []) {
      const entry = this.#watched.get(name);
      entry?.clients.delete(client);
      if (entry?.clients.size === 0) this.#watched.delete(name);
    }
    client.watched = null;
    this.#expiredAtWatch.delete(client);
  }

  /** A key has changed. */
  touch(databaseId: number, key: string): void {
    const entry = this.#watched.get(this.#nameOf(databaseId, key));
    for (const client of entry?.clients ?? []) client.set(ClientFlag.DirtyCas);
  }

  /**
   * A database is about to be emptied or exchanged for `replacement`: every watched key that exists in one of the two
   * changes.
   */
  touchAll(databaseId: number, database: Database, replacement: Database | null): void {
    for (const entry of this.#watched.values()) {
      if (entry.databaseId !== databaseId) continue;
      const key = Key.of(entry.key);
      if (database.find(key) === 0 && (replacement === null || replacement.find(key) === 0)) continue;
      for (const client of entry.clients) client.set(ClientFlag.DirtyCas);
    }
  }

  /** Whether a watched key has expired since `client` began to watch it, noticed by nobody yet. */
  hasExpired(client: Client, isExpired: (databaseId: number, key: Key) => boolean): boolean {
    const already = this.#expiredAtWatch.get(client);
    for (const name of client.watched ?? []) {
      const entry = this.#watched.get(name);
      if (entry === undefined || already?.has(name)) continue;
      if (isExpired(entry.databaseId, Key.of(entry.key))) return true;
    }
    return false;
  }
}
