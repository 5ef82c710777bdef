/**
 * The path of a key. A look-up deletes the key if it has expired; a change is reported to all that
 * watch, cache or wait for the key. Removals that no command asked for (expiry, eviction, …) go
 * through {@linkcode Keys.remove}.
 */
import { type Database, NO_EXPIRY } from "../keyspace/database.ts";
import { freshLfuClock, lruClock, touchedLfuClock } from "../keyspace/eviction.ts";
import type { Key } from "../keyspace/key.ts";
import { type Client, ClientFlag } from "./client.ts";
import type { Engine } from "./engine.ts";
import { Notify } from "./events.ts";
import { publishKeyspaceEvent } from "./publishing.ts";
import { EngineGuard } from "./refusals.ts";

/** A reason why a key goes that no command asked to delete, with its traces. */
export interface Removal {
  /** Class and name of the keyspace event. */
  readonly eventClass: number;
  readonly event: string;
  /** Event of the latency monitor. */
  readonly latencyEvent: string;
  /** Counter of `Stats`, if there is one. */
  readonly counter: "expiredKeys" | "evictedKeys" | null;
  /** A DEL is propagated; otherwise the caller propagates the cause of the removal. */
  readonly propagates: boolean;
}

/** The key has expired. */
export const EXPIRED: Removal = {
  eventClass: Notify.Expired,
  event: "expired",
  latencyEvent: "expire-del",
  counter: "expiredKeys",
  propagates: true,
};
/** Memory was needed. */
export const EVICTED: Removal = {
  eventClass: Notify.Evicted,
  event: "evicted",
  latencyEvent: "eviction-del",
  counter: "evictedKeys",
  propagates: true,
};
/** The last field of a hash has expired. */
export const EMPTIED: Removal = {
  eventClass: Notify.Generic,
  event: "del",
  latencyEvent: "expire-del",
  counter: null,
  propagates: false,
};
/** The key lives on another server from now on. */
export const MIGRATED: Removal = { ...EMPTIED, latencyEvent: "migrate-del" };

/** See the head of this file. */
export class Keys {
  /** Classes of keyspace events that are published: bits of `Notify`. */
  notifyFlags = 0;
  /** Expired keys are kept and shown: while a file is being replayed. */
  keepExpired = false;
  /** Called for each changed key with the client whose command changed it; null: no client's. */
  readonly observers: ((key: Key, databaseId: number, client: Client | null) => void)[] = [];
  /** Called after all keys of a database (or of all: -1) have been removed. */
  readonly flushObservers: ((databaseId: number) => void)[] = [];
  readonly #engine: Engine;
  #freshClock = 0;
  #isLfu = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  // ---- Access clocks ----------------------------------------------------------------------------

  /** The access clock of a key written now. */
  get freshClock(): number {
    return this.#freshClock;
  }

  /** Chooses between the access clocks of LRU and LFU; {@linkcode refreshClock} must follow. */
  useLfu(isLfu: boolean): void {
    this.#isLfu = isLfu;
  }

  /** Sets the access clock to the engine's time. */
  refreshClock(): void {
    const { nowMs } = this.#engine;
    this.#freshClock = this.#isLfu ? freshLfuClock(nowMs) : lruClock(nowMs);
  }

  /** Moves the access clock of a record that has been used. */
  touch(database: Database, ref: number): void {
    const clock = database.clockOf(ref);
    if (this.#isLfu) {
      const { config, nowMs, random } = this.#engine, { lfuDecayTime, lfuLogFactor } = config.values;
      database.setClock(ref, touchedLfuClock(clock, nowMs, lfuDecayTime, lfuLogFactor, random));
    } else if (clock !== this.#freshClock) database.setClock(ref, this.#freshClock);
  }

  // ---- Look-ups ---------------------------------------------------------------------------------

  /**
   * The record of `key`, or 0 if there is none or it has expired; in that case it is deleted now,
   * if that is up to this server.
   * @param by the client that looks it up
   * @param writes its command writes: an expired key must not be in its way
   */
  lookUp(database: Database, databaseId: number, key: Key, by: Client, writes: boolean): number {
    const ref = database.find(key);
    if (ref === 0) return 0;
    const expiresAtMs = database.expiryOf(ref);
    if (expiresAtMs === NO_EXPIRY || expiresAtMs > this.#engine.nowMs || this.keepExpired) return ref;
    if (this.#engine.isReplica && by.has(ClientFlag.Primary)) return ref;
    if (this.deletesExpired(writes)) this.remove(database, databaseId, key, ref, EXPIRED);
    return 0;
  }

  /**
   * True if an expired key or field is deleted by the command that finds it. A replica leaves that
   * to its primary, and a pause keeps the data as they are; but a client's write must not find the
   * old value in its way, here or where the append-only file is replayed.
   */
  deletesExpired(writes: boolean): boolean {
    const { isReplica, guards } = this.#engine;
    return writes || (!isReplica && (guards & EngineGuard.Paused) === 0);
  }

  // ---- Changes ----------------------------------------------------------------------------------

  /**
   * Deletes a key that no command asked to delete, and reports it to all observers.
   *
   * @param by see {@linkcode changed}
   */
  remove(
    database: Database,
    databaseId: number,
    key: Key,
    ref: number,
    cause: Removal,
    by: Client | null = null,
  ): void {
    const { latency, propagation, stats } = this.#engine;
    if (latency.active) latency.timed(cause.latencyEvent, () => database.delete(ref));
    else database.delete(ref);
    if (cause.counter !== null) stats[cause.counter]++;
    if (cause.propagates) propagation.add(databaseId, ["DEL", key.text]);
    this.changed(key, databaseId, by);
    this.notify(cause.eventClass, cause.event, key, databaseId);
  }

  /**
   * Tells watching, caching and waiting clients that a key's value has changed.
   * @param by the client whose command did it, null if none did (expiry, eviction)
   */
  changed(key: Key, databaseId: number, by: Client | null): void {
    const { watchers, waiting, tracking, databases } = this.#engine;
    if (watchers.active) watchers.touch(databases[databaseId]!, databaseId, key);
    if (waiting.active) waiting.signal(databaseId, key.text);
    if (tracking.isActive) tracking.keyChanged(key, by);
    for (const observe of this.observers) observe(key, databaseId, by);
  }

  /** A key that was not there has been made. */
  created(key: Key, databaseId: number): void {
    this.notify(Notify.New, "new", key, databaseId);
  }

  /** Publishes a keyspace event if its class is wanted. */
  notify(eventClass: number, event: string, key: Key, databaseId: number): void {
    if ((this.notifyFlags & eventClass) !== 0) {
      publishKeyspaceEvent(this.#engine, databaseId, event, key.text);
    }
  }

  // ---- Whole databases --------------------------------------------------------------------------

  /** Removes all keys of a database, or of all (-1), and returns how many there were. */
  flush(databaseId: number): number {
    const { databases, watchers, waiting, tracking, nowMs } = this.#engine;
    let removed = 0;
    for (const [id, database] of databases.entries()) {
      if (databaseId !== -1 && id !== databaseId) continue;
      removed += database.size;
      watchers.touchAll(id, database, null, nowMs);
      database.clear();
      waiting.signalAll(id);
    }
    if (tracking.isActive) tracking.flushed();
    for (const observe of this.flushObservers) observe(databaseId);
    return removed;
  }

  /** SWAPDB: exchanges two databases for all clients that have selected them. */
  swap(a: number, b: number): void {
    const { databases, watchers, waiting, nowMs } = this.#engine;
    const first = databases[a]!, second = databases[b]!;
    watchers.touchAll(a, first, second, nowMs);
    watchers.touchAll(b, second, first, nowMs);
    databases[a] = second;
    databases[b] = first;
    this.#selectAgain();
    waiting.signalAll(a);
    waiting.signalAll(b);
  }

  /** Replaces all databases by others. */
  replaceAll(fresh: readonly Database[]): void {
    const { databases, watchers, waiting, tracking, nowMs } = this.#engine;
    for (const [id, database] of fresh.entries()) {
      const old = databases[id]!;
      watchers.touchAll(id, old, database, nowMs);
      databases[id] = database;
      old.clear();
    }
    this.#selectAgain();
    for (const id of fresh.keys()) waiting.signalAll(id);
    if (tracking.clientCount > 0) tracking.flushed();
    for (const observe of this.flushObservers) observe(-1);
    this.#engine.endUnit();
  }

  /** Gives every client the databases that now have the numbers it knows. */
  #selectAgain(): void {
    for (const client of this.#engine.clients.values()) {
      this.#engine.selectDatabase(client, client.databaseId);
    }
  }
}
