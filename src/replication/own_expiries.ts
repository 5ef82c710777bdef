/**
 * Expiring keys that clients of a writable replica have created here. Their primary does not know
 * them and will never delete them, so this server must.
 */
import { type Client, ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { EXPIRED } from "../engine/keys.ts";
import { type Moment, NO_EXPIRY } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";

/** See the head of this file. */
export class OwnExpiries {
  /**
   * Their expiry times, by database. A key whose time has changed since got the new time from the
   * primary, which then takes care of it.
   */
  readonly #keys = new Map<number, Map<string, Moment>>();
  readonly #observe = (key: Key, databaseId: number, client: Client | null) =>
    this.#changed(key, databaseId, client);

  constructor(readonly engine: Engine) {
    engine.keys.flushObservers.push((databaseId) => {
      if (databaseId === -1) this.#keys.clear();
      else this.#keys.delete(databaseId);
    });
  }

  /** Number of keys remembered. */
  get size(): number {
    let size = 0;
    for (const keys of this.#keys.values()) size += keys.size;
    return size;
  }

  /** Starts or stops watching clients' writes. */
  watch(on: boolean): void {
    const { observers } = this.engine.keys, at = observers.indexOf(this.#observe);
    if (on && at < 0) observers.push(this.#observe);
    if (on || at < 0) return;
    observers.splice(at, 1);
    this.#keys.clear();
  }

  #changed(key: Key, databaseId: number, client: Client | null): void {
    const expiresAtMs = this.#expiryOf(key, databaseId);
    if (client?.has(ClientFlag.Primary) || expiresAtMs === NO_EXPIRY) return;
    let keys = this.#keys.get(databaseId);
    if (keys === undefined) this.#keys.set(databaseId, keys = new Map());
    keys.set(key.text, expiresAtMs);
  }

  #expiryOf(key: Key, databaseId: number): Moment {
    const database = this.engine.databases[databaseId]!, ref = database.find(key);
    return ref === 0 ? NO_EXPIRY : database.expiryOf(ref);
  }

  /** Deletes the keys that have expired, and forgets those that no longer expire. */
  expire(): void {
    for (const [databaseId, keys] of this.#keys) {
      for (const [text, expiresAtMs] of keys) this.#expireIfDue(databaseId, keys, text, expiresAtMs);
      if (keys.size === 0) this.#keys.delete(databaseId);
    }
  }

  #expireIfDue(databaseId: number, keys: Map<string, Moment>, text: string, dueMs: Moment): void {
    const { engine } = this, key = Key.of(text), expiresAtMs = this.#expiryOf(key, databaseId);
    if (expiresAtMs === dueMs && dueMs > engine.nowMs) return;
    keys.delete(text);
    if (expiresAtMs !== dueMs) return;
    const database = engine.databases[databaseId]!;
    engine.asUnit(() => engine.keys.remove(database, databaseId, key, database.find(key), EXPIRED));
  }
}
