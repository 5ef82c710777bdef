/**
 * Keys that clients of a writable replica have made here and that expire. Their primary does not know them and will never
 * say that they are over, so this server must see to it.
 */
import { type Client, ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { EXPIRED } from "../engine/keys.ts";
import { type Moment, NO_EXPIRY } from "../keyspace/database.ts";
import { Key } from "../keyspace/key.ts";

/** See the head of this file. */
export class OwnExpiries {
  /** When they expire, by database. What has another time since has it from the primary, who sees to it then. */
  readonly #keys = new Map<number, Map<string, Moment>>();
  readonly #observe = (key: Key, databaseId: number, client: Client | null) =>
    this.#changed(key, databaseId, client);

  constructor(readonly engine: Engine) {
    engine.keys.flushObservers.push((databaseId) => {
      if (databaseId === -1) this.#keys.clear();
      else this.#keys.delete(databaseId);
    });
  }

  /** How many keys are remembered. */
  get size(): number {
    let size = 0;
    for (const keys of this.#keys.values()) size += keys.size;
    return size;
  }

  /** Begins or ends to watch what clients write. */
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

  /** Deletes the keys whose time is over, and forgets those that do not expire any more. */
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
