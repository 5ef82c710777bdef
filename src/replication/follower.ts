/**
 * The replica's side of replication: it connects, again and again, receives the whole data set or
 * only the part it lacks, and then runs the primary's stream.
 *
 *     connect → connecting → handshake → sync (all data are on their way) → connected
 *        ↑____________________________________________________________________|  link breaks
 *
 * Its own stream records its place in the primary's history: the stream's end is the last command
 * run, and the replication id is the primary's. It can therefore continue with any server of the
 * same history, even after having been a primary itself.
 */
import type { PrimaryAddress } from "../config/special.ts";
import type { Engine } from "../engine/engine.ts";
import { NO_ID } from "../engine/identity.ts";
import { EngineGuard } from "../engine/refusals.ts";
import type { DataStore } from "../persistence/data_store.ts";
import { connectToPrimary } from "./connect.ts";
import { DataTransfer, type TransferHost } from "./data_transfer.ts";
import { type LinkConnection, LinkError, PrimaryLink, type SyncAnswer } from "./link.ts";
import { PrimaryClient } from "./primary_client.ts";
import { OwnExpiries } from "./own_expiries.ts";
import type { PrimarySide } from "./primary.ts";
import { SyncedOffset } from "./synced_offset.ts";

/** The progress of the link to the primary. */
export type FollowerState = "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";

/** Opens a connection. */
export type Connect = (hostname: string, port: number) => Promise<LinkConnection>;

/** A failover under way, which hands this server's role to its replica; see `failover.ts`. */
export interface TakeOver {
  /** PSYNC tells the other server to become the primary. */
  readonly isHandingOver: boolean;
  handedOver(): void;
  refused(): void;
}

/** The side of a replica. See the head of this file. */
export class Follower {
  state: FollowerState = "none";
  address: PrimaryAddress | null = null;
  link: PrimaryLink | null = null;
  transfer: DataTransfer | null = null;
  primaryClient: PrimaryClient | null = null;
  /** Time the link was lost, `engine.steadyMs`; 0: it was not. */
  lostAtMs = 0;
  /** Bytes received over links that have ended. */
  #receivedBytes = 0;
  /** True if the stream's end is a place in the history that `engine.identity` names. */
  #knowsPlace = false;
  /** The database in which the stream continues. */
  #databaseId = 0;
  store: DataStore | null = null;
  #syncedOffset: SyncedOffset | null = null;
  takeOver: TakeOver | null = null;
  readonly ownExpiries: OwnExpiries;

  /** Called once all the primary's data are here and its stream follows. */
  onConnected: () => void = () => {};

  /** @param connect opens connections to primaries */
  constructor(
    readonly engine: Engine,
    readonly primary: PrimarySide,
    public connect: Connect = (hostname, port) => connectToPrimary(engine.config.values, hostname, port),
  ) {
    const { config } = engine;
    this.ownExpiries = new OwnExpiries(engine);
    config.onApply("replicaReadOnly", () => this.#setGuards());
    config.onApply("replicaServeStaleData", () => this.#setGuards());
  }

  /** Bytes received from primaries. */
  get receivedBytes(): number {
    return this.#receivedBytes + (this.link?.receivedBytes ?? 0);
  }

  /** Records that this server can continue from its stream's end, in `databaseId`. */
  knowPlace(databaseId: number): void {
    this.#knowsPlace = true;
    this.#databaseId = databaseId;
  }

  /** The database that the primary's stream has selected. */
  get databaseId(): number {
    return this.primaryClient?.client.databaseId ?? this.#databaseId;
  }

  /** Follows a primary, in place of the previous one if there was one. */
  follow(address: PrimaryAddress): void {
    this.#drop();
    this.address = address;
    this.state = "connect";
    this.#setGuards();
    this.engine.log.notice(`Connecting to MASTER ${address.host}:${address.port}`);
    this.#begin();
  }

  /** Stops following. */
  unfollow(): void {
    this.#drop();
    this.address = null;
    this.state = "none";
    this.lostAtMs = 0;
    this.#knowsPlace = false;
    this.#setGuards();
  }

  #setState(state: FollowerState): void {
    this.state = state;
    this.#setGuards();
  }

  #setGuards(): void {
    const { engine } = this, { replicaReadOnly, replicaServeStaleData } = engine.config.values;
    const isFollowing = this.address !== null;
    engine.setGuard(EngineGuard.ReadOnly, isFollowing && replicaReadOnly);
    this.ownExpiries.watch(isFollowing && !replicaReadOnly);
    engine.setGuard(
      EngineGuard.Stale,
      isFollowing && !replicaServeStaleData && this.state !== "connected",
    );
  }

  // ---- A link -----------------------------------------------------------------------------------

  #begin(): void {
    const { address, engine } = this;
    if (address === null) return;
    const { host, port } = address;
    const link = new PrimaryLink(() => this.connect(host, port), engine.log, () => engine.steadyMs);
    this.link = link;
    this.#setState("connecting");
    engine.log.notice("MASTER <-> REPLICA sync started");
    void this.#serve(link);
  }

  /** Handles a link from start to end. Never rejects. */
  async #serve(link: PrimaryLink): Promise<void> {
    try {
      await this.#synchronize(link);
    } catch (error) {
      if (this.link === link) {
        const text = error instanceof LinkError
          ? error.message
          : error instanceof Error
          ? error.stack
          : error;
        this.engine.log.warning(this.state === "connected" ? "Connection with master lost." : String(text));
      }
    }
    this.#ended(link);
  }

  async #synchronize(link: PrimaryLink): Promise<void> {
    const { masteruser, masterauth, replicaAnnounceIp, replicaAnnouncePort, port } =
      this.engine.config.values;
    await link.open({
      user: masteruser,
      password: masterauth,
      ip: replicaAnnounceIp,
      port: replicaAnnouncePort > 0 ? replicaAnnouncePort : port,
    });
    this.#setState("handshake");
    const answer = await this.#askAndTakeOver(link);
    if (answer.kind === "later") throw new LinkError("The master cannot be followed yet");
    if (answer.kind === "continue") this.#continue(answer.id);
    else await this.#receiveAll(link, answer);
    await this.#stream(link);
  }

  async #ask(link: PrimaryLink): Promise<SyncAnswer> {
    const { log, identity } = this.engine, takesOver = this.takeOver?.isHandingOver === true;
    if (!this.#knowsPlace) {
      log.notice("Partial resynchronization not possible (no cached master)");
      return await link.synchronize("?", -1, takesOver);
    }
    const next = this.primary.stream.end + 1;
    log.notice(`Trying a partial resynchronization (request ${identity.replicationId}:${next}).`);
    return await link.synchronize(identity.replicationId, next, takesOver);
  }

  /** Asks for the stream, and reports the outcome to a failover. */
  async #askAndTakeOver(link: PrimaryLink): Promise<SyncAnswer> {
    const { takeOver } = this;
    if (takeOver?.isHandingOver !== true) return await this.#ask(link);
    const answer = await this.#ask(link).catch((): SyncAnswer => ({ kind: "later" }));
    if (this.link !== link) throw new LinkError("The link is no longer wanted");
    if (answer.kind === "continue" || answer.kind === "full") takeOver.handedOver();
    else {
      takeOver.refused();
      throw new LinkError("The replica that was to take over has refused");
    }
    return answer;
  }

  /**
   * The primary continues from this server's place. @param id of its history, if that was renamed
   */
  #continue(id: string): void {
    const { identity, log } = this.engine, { stream } = this.primary;
    if (id !== "" && id !== identity.replicationId) {
      log.warning(`Master replication ID changed to ${id}`);
      identity.previousReplicationId = identity.replicationId;
      identity.replicationId = id;
      this.primary.secondOffset = stream.end + 1;
      this.primary.dropReplicas();
    }
    if (!stream.isActive) this.primary.openStream(stream.end);
    log.notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
  }

  async #receiveAll(link: PrimaryLink, answer: SyncAnswer): Promise<void> {
    const { engine, store } = this, { identity, log } = engine;
    if (store === null) throw new LinkError("There is no disk for the master's data");
    const full = answer.kind === "full" ? answer : { id: NO_ID, offset: 0 };
    if (answer.kind !== "full") {
      log.notice("Retrying with SYNC...");
      link.send("SYNC");
    }
    this.#setState("sync");
    const host: TransferHost = { engine, store, dataReplaced: () => this.#dataReplaced() };
    const transfer = this.transfer = new DataTransfer(host, link, full.id === identity.replicationId);
    try {
      await transfer.run();
    } finally {
      if (this.transfer === transfer) this.transfer = null;
    }
    if (this.link !== link) throw new LinkError("The link is no longer wanted");
    identity.replicationId = full.id;
    identity.previousReplicationId = NO_ID;
    this.primary.secondOffset = -1;
    this.primary.openStream(full.offset);
    this.knowPlace(transfer.databaseId);
    log.notice("MASTER <-> REPLICA sync: Finished with success");
    store.resumeWriting();
    if (transfer.endsWithMark) link.send("REPLCONF", "ACK", String(full.offset));
  }

  /** The position up to which the stream is on disk; null without an append only file. */
  get #synced(): SyncedOffset | null {
    const { store } = this;
    if (store === null || store.aof.state === "off") {
      this.#syncedOffset = null;
      return null;
    }
    return this.#syncedOffset ??= new SyncedOffset(store.aof);
  }

  /** Other data have replaced the data this server's replicas copied: they must start over. */
  #dataReplaced(): void {
    if (this.#knowsPlace) this.engine.log.notice("Discarding previously cached master state.");
    this.#knowsPlace = false;
    this.#syncedOffset = null;
    this.primary.dropReplicas();
    this.primary.stream.close();
    this.primary.listen();
  }

  async #stream(link: PrimaryLink): Promise<void> {
    const { address, engine } = this;
    if (address === null || this.link !== link) return;
    const name = `${address.host}:${address.port}`;
    const synced = () => this.#synced;
    this.primaryClient = new PrimaryClient(engine, link, this.primary, this.#databaseId, name, synced);
    this.lostAtMs = 0;
    this.#setState("connected");
    this.onConnected();
    await this.primaryClient.run();
  }

  /** A link has ended on its own. */
  #ended(link: PrimaryLink): void {
    link.close();
    if (this.link !== link) return;
    const wasConnected = this.state === "connected";
    this.#drop();
    this.#setState("connect");
    if (!wasConnected || this.address === null) return;
    this.lostAtMs = this.engine.steadyMs;
    this.engine.log.notice("Caching the disconnected master state.");
    this.engine.log.notice(`Reconnecting to MASTER ${this.address.host}:${this.address.port}`);
    this.#begin();
  }

  /** Drops the link. */
  #drop(): void {
    const { link, primaryClient } = this;
    this.link = null;
    this.transfer = null;
    this.primaryClient = null;
    if (link !== null) {
      this.#receivedBytes += link.receivedBytes;
      link.close();
    }
    if (primaryClient === null) return;
    primaryClient.close();
    this.#databaseId = primaryClient.client.databaseId;
    this.engine.removeClient(primaryClient.client);
  }

  // ---- Periodic work ----------------------------------------------------------------------------

  everySecond(): void {
    const { link, engine } = this;
    if (this.address === null) return;
    if (this.state === "connect") {
      engine.log.notice(`Connecting to MASTER ${this.address.host}:${this.address.port}`);
      return this.#begin();
    }
    const isPaused = this.primaryClient?.client.blocked != null;
    if (
      link !== null && !isPaused && engine.steadyMs - link.movedAtMs > engine.config.values.replTimeout * 1000
    ) {
      engine.log.warning(timeoutTexts[this.state]);
      link.close();
      if (this.state === "connecting") this.#ended(link);
    } else this.primaryClient?.acknowledge();
  }
}

const timeoutTexts: Readonly<Record<FollowerState, string>> = {
  none: "",
  connect: "",
  connecting: "Timeout connecting to the MASTER...",
  handshake: "Timeout connecting to the MASTER...",
  sync:
    "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in " +
    "redis.conf to a larger value.",
  connected: "MASTER timeout: no data nor PING received...",
};
