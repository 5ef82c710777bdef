/**
 * Replication of one server: both sides of it, and which of them is at work.
 *
 * A primary is followed by replicas (`primary.ts`); a replica follows a primary (`follower.ts`) and may be followed
 * itself. What happens when one becomes the other is here.
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

/** What an RDB file tells of the history it is a part of. */
interface FilePlace {
  id: string;
  offset: number;
  databaseId: number;
}

/** Both sides of replication, and what they share. */
export class Replication {
  readonly primary: PrimarySide;
  readonly follower: Follower;
  readonly failover: Failover;
  /** Told of a new role. */
  onRole: (isReplica: boolean) => void = () => {};
  #store: DataStore | null = null;
  #nextSecondMs = 0;
  /** Keys that a file held and that are over; null once the server has started. */
  #expired: ExpiredKey[] | null = [];
  /** What the file that is being loaded tells. */
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

  /** Connects it with the disk. */
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

  // ---- Roles --------------------------------------------------------------------------------------------------

  /** The configuration names a primary: this server is a replica from the start. To be called before data are loaded. */
  startAsConfigured(): void {
    if (this.engine.config.values.replicaof === undefined) return;
    this.engine.isReplica = true;
    this.primary.countGood();
    this.onRole(true);
  }

  /** Data have been loaded at the start: takes the place in the history that they say, and follows who is to be followed. */
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

  /** Clients that wait for what only a primary has: they begin again, somewhere else. */
  #unblockClients(): void {
    const { engine } = this;
    for (const client of [...engine.waiting.all]) {
      if (client.blocked === null || !client.blocked.unblockable) continue;
      engine.waiting.endWait(client, ROLE_CHANGED);
      client.set(ClientFlag.CloseAfterReply);
    }
  }

  /** A replica has come further. What follows from that may close its connection, which is at work in this turn. */
  #acknowledged(): void {
    if (!this.failover.isActive) return;
    queueMicrotask(() => {
      this.failover.check();
      this.engine.endBatch();
    });
  }

  /** More of what has changed is on the disk. That is known in the middle of a batch. */
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

  // ---- What RDB files tell ------------------------------------------------------------------------------------

  /** Facts for the head of an RDB file, by which a server can go on from it. */
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

  /** What is to be done now and then; to be called some times a second. Call `endBatch` afterwards. */
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
