/**
 * Replication of one server: its two sides, and the switch between them.
 *
 * A primary has replicas (`primary.ts`); a replica follows a primary (`follower.ts`) and may have
 * replicas itself. The change from one role to the other is handled here.
 */
import type { PrimaryAddress } from "../config/special.ts";
import { ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import type { DataStore } from "../persistence/data_store.ts";
import { ROLE_CHANGED } from "../protocol/errors.ts";
import { Failover } from "./failover.ts";
import { Follower } from "./follower.ts";
import { type ExpiredKey, PrimarySide } from "./primary.ts";

const SECOND_MS = 1000;

const replications = new WeakMap<Engine, Replication>();

/** The place in a history that an RDB file records. */
interface FilePlace {
  id: string;
  offset: number;
  databaseId: number;
}

/** The two sides of replication, and their common state. */
export class Replication {
  readonly primary: PrimarySide;
  readonly follower: Follower;
  readonly failover: Failover;
  /** Called when the role changes. */
  onRole: (isReplica: boolean) => void = () => {};
  #store: DataStore | null = null;
  #nextSecondMs = 0;
  /** Keys of the loaded file that had expired; null once the server has started. */
  #expired: ExpiredKey[] | null = [];
  /** The place recorded by the file being loaded. */
  #place: FilePlace = { id: "", offset: -1, databaseId: 0 };

  /** Use {@linkcode Replication.of}. */
  constructor(readonly engine: Engine) {
    this.primary = new PrimarySide(engine);
    this.follower = new Follower(engine, this.primary);
    this.failover = new Failover(this);
    this.follower.takeOver = this.failover;
    this.primary.refusesSync = () => this.#refusesSync();
    this.primary.onAcknowledged = () => this.#acknowledged();
    engine.rates.follow("replicationInput", () => this.follower.receivedBytes);
    engine.rates.follow("replicationOutput", () => this.primary.sentBytes);
  }

  /** The replication of the server that `engine` belongs to. */
  static of(engine: Engine): Replication {
    let replication = replications.get(engine);
    if (replication === undefined) replications.set(engine, replication = new Replication(engine));
    return replication;
  }

  /** Connects replication to the disk. */
  connect(store: DataStore): void {
    this.#store = store;
    this.primary.connect(store);
    this.follower.store = store;
    store.aof.onDurable = () => this.#moreIsDurable();
    store.extras.replicationAux = () => this.#aux();
    store.extras.onExpired = (databaseId, key) => this.#expired?.push({ databaseId, key });
    store.extras.onReplaced = () => this.primary.forgetHistory();
    store.extras.onAux = (name, value) => this.#onAux(name, value);
  }

  // ---- Roles ------------------------------------------------------------------------------------

  /**
   * Makes this server a replica from the start if the configuration names a primary. Call it before
   * data are loaded.
   */
  startAsConfigured(): void {
    if (this.engine.config.values.replicaof === undefined) return;
    this.engine.isReplica = true;
    this.primary.countGood();
    this.onRole(true);
  }

  /**
   * Data have been loaded at the start: takes the place in the history that the file recorded, and
   * follows the configured primary.
   */
  dataLoaded(): void {
    const { id, offset, databaseId } = this.#place, { engine, primary } = this;
    const { replicaof, appendonly } = engine.config.values;
    if (id.length === 40 && offset >= 0 && !appendonly) {
      if (engine.isReplica) {
        engine.identity.replicationId = id;
        primary.stream.end = offset;
        this.#usesOwnPlace(databaseId);
      } else primary.goOnFrom(id, offset, this.#expired ?? []);
    }
    this.#expired = null;
    if (replicaof !== undefined) this.follower.follow(replicaof);
  }

  #usesOwnPlace(databaseId: number): void {
    this.engine.log.notice(
      "Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to " +
        "synchronize with the new master with just a partial transfer.",
    );
    this.follower.knowPlace(databaseId);
  }

  /** REPLICAOF host port. */
  follow(address: PrimaryAddress): void {
    const { engine, primary } = this, wasPrimary = !engine.isReplica;
    this.#unblockClients();
    engine.isReplica = true;
    engine.config.values.replicaof = address;
    primary.listen();
    primary.countGood();
    if (wasPrimary) this.#usesOwnPlace(primary.selected);
    this.onRole(true);
    this.follower.follow(address);
  }

  /** REPLICAOF NO ONE. False if this server is a primary already. */
  unfollow(): boolean {
    const { engine, primary } = this;
    if (!engine.isReplica) return false;
    engine.isReplica = false;
    engine.config.values.replicaof = undefined;
    this.follower.unfollow();
    primary.beginHistory();
    primary.listen();
    primary.countGood();
    this.onRole(false);
    this.#store?.resumeWriting();
    return true;
  }

  /** Clients blocked on something only a primary can provide must reconnect and try elsewhere. */
  #unblockClients(): void {
    const { engine } = this;
    for (const client of [...engine.waiting.all]) {
      if (client.blocked === null || !client.blocked.unblockable) continue;
      engine.waiting.endWait(client, ROLE_CHANGED);
      client.set(ClientFlag.CloseAfterReply);
    }
  }

  /**
   * A replica has made progress. The consequences may close its connection, which is active in this
   * turn.
   */
  #acknowledged(): void {
    if (!this.failover.isActive) return;
    queueMicrotask(() => {
      this.failover.check();
      this.engine.endBatch();
    });
  }

  /** More changes are on disk. This is called in the middle of a batch. */
  #moreIsDurable(): void {
    const { primary, follower } = this;
    if (!primary.waiters.areAny && follower.primaryClient === null) return;
    queueMicrotask(() => {
      primary.waiters.check();
      follower.primaryClient?.moreIsSynced();
      this.engine.endBatch();
    });
  }

  #refusesSync(): string | null {
    if (this.failover.isActive) return "NOMASTERLINK Can't SYNC while failing over";
    const isCutOff = this.engine.isReplica && this.follower.state !== "connected";
    return isCutOff ? "NOMASTERLINK Can't SYNC while not connected with my master" : null;
  }

  // ---- Places recorded in RDB files -------------------------------------------------------------

  /** Facts for the head of an RDB file that let a server continue from it. */
  #aux(): [string, string][] {
    const { primary, follower, engine } = this;
    if (!primary.stream.isActive) return [];
    return [
      ["repl-stream-db", String(engine.isReplica ? follower.databaseId : primary.selected)],
      ["repl-id", engine.identity.replicationId],
      ["repl-offset", String(primary.stream.end)],
    ];
  }

  #onAux(name: string, value: string): void {
    if (name === "repl-id") this.#place.id = value;
    else if (name === "repl-offset") this.#place.offset = parseInt(value, 10);
    else if (name === "repl-stream-db") this.#place.databaseId = parseInt(value, 10) || 0;
  }

  /** Periodic work; call it a few times a second, and `endBatch` afterwards. */
  tick(): void {
    const nowMs = this.engine.steadyMs;
    if (this.engine.isReplica) this.follower.ownExpiries.expire();
    this.failover.check();
    if (nowMs < this.#nextSecondMs && !this.failover.isHandingOver) return;
    this.#nextSecondMs = nowMs + SECOND_MS;
    this.follower.everySecond();
    this.primary.everySecond(!this.failover.holdsStream);
  }
}
