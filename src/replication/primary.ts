/**
 * The primary's side of replication: it keeps the stream of commands, answers SYNC and PSYNC, and
 * knows each replica's progress.
 *
 * On a primary the stream is fed by propagated commands, as the append only file is. A replica with
 * replicas of its own passes on the very bytes it received instead, so that positions mean the same
 * everywhere.
 */
import { type Client, ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import { NO_ID } from "../engine/identity.ts";
import { type PropagationSink, SinkKind } from "../engine/propagation.ts";
import { ClientGuard, EngineGuard } from "../engine/refusals.ts";
import type { AppendOnlyFile } from "../persistence/aof/aof.ts";
import type { DataStore } from "../persistence/data_store.ts";
import {
  FILTER_NEEDS_EOF,
  NOT_INTEGER,
  PENDING_OUTPUT,
  ReplyError,
  SYNC_SAVE_FAILED,
} from "../protocol/errors.ts";
import { ReplyWriter } from "../protocol/reply_writer.ts";
import { FullSync, type SyncHost } from "./full_sync.ts";
import { Replica } from "./replica.ts";
import { ReplicationStream } from "./stream.ts";
import { AckWaiters } from "./wait.ts";

/** A key left out of a load because it had expired. */
export interface ExpiredKey {
  databaseId: number;
  key: string;
}

/** The primary's side. See the head of this file. */
export class PrimarySide implements PropagationSink, SyncHost {
  readonly kind = SinkKind.Replicas;
  readonly stream: ReplicationStream = new ReplicationStream();
  readonly waiters: AckWaiters;
  replicas: readonly Replica[] = [];
  /**
   * The position up to which the history of `previousReplicationId` is this one, as PSYNC counts;
   * -1: there is none.
   */
  secondOffset = -1;
  fullSyncs = 0;
  partialSyncs = 0;
  refusedPartialSyncs = 0;
  /** Number of replicas that count for `min-replicas-to-write`. */
  goodReplicas = 0;
  /** Bytes sent to replicas that have left. */
  #sentBytes = 0;
  /** The reason why no replica can be served now, as an error text, or null. */
  refusesSync: () => string | null = () => null;
  /** Called when a replica has acknowledged something. */
  onAcknowledged: () => void = () => {};
  readonly #known = new WeakMap<Client, Replica>();
  readonly #encoder = new ReplyWriter();
  #fullSync: FullSync | null = null;
  /** The append only file; null without a disk. */
  aof: AppendOnlyFile | null = null;
  /** The database the stream has selected; -1: none, the next command must select one. */
  #selected = -1;
  #fedUpTo = 0;
  #lastPingMs: number;
  #aloneSinceMs = 0;

  constructor(readonly engine: Engine) {
    this.#lastPingMs = engine.steadyMs;
    this.waiters = new AckWaiters(engine);
    engine.memory.others.push(() => this.stream.memoryBytes);
    // Evicting keys lengthens the stream; bytes that replicas have not read must not cause more
    // eviction.
    engine.memory.uncounted.push(() =>
      Math.max(0, this.stream.memoryBytes - engine.config.values.replBacklogSize)
    );
    for (const name of ["minReplicasToWrite", "minReplicasMaxLag"] as const) {
      engine.config.onApply(name, () => this.countGood());
    }
    this.countGood();
  }

  /** Connects the disk: from now on files can be saved. */
  connect(store: DataStore): void {
    this.aof = store.aof;
    this.#fullSync = new FullSync(this, store);
  }

  /** A client's replica record, created if it has none. */
  replicaOf(client: Client): Replica {
    let replica = this.#known.get(client);
    if (replica === undefined) {
      replica = new Replica(client, this.stream, (received) => this.#received(received));
      this.#known.set(client, replica);
    }
    return replica;
  }

  /** Bytes sent to replicas. */
  get sentBytes(): number {
    return this.replicas.reduce((sum, { sentBytes }) => sum + sentBytes, this.#sentBytes);
  }

  /** CONFIG RESETSTAT. */
  resetCounts(): void {
    this.fullSyncs = this.partialSyncs = this.refusedPartialSyncs = 0;
  }

  // ---- The stream -------------------------------------------------------------------------------

  /**
   * Starts recording the stream. Propagated commands go into it unless this server is a replica.
   */
  openStream(position: number): void {
    this.stream.begin(position);
    this.#fedUpTo = position;
    this.#selected = -1;
    this.listen();
  }

  /**
   * Subscribes to propagated commands or unsubscribes; call it when this server's role has changed.
   */
  listen(): void {
    const { sinks } = this.engine.propagation, at = sinks.indexOf(this);
    const on = this.stream.isActive && !this.engine.isReplica;
    if (on && at < 0) sinks.push(this);
    if (!on && at >= 0) sinks.splice(at, 1);
  }

  /** The database in which the stream continues; 0 if none has been selected. */
  get selected(): number {
    return Math.max(0, this.#selected);
  }

  set selected(databaseId: number) {
    this.#selected = databaseId;
  }

  feed(databaseId: number, buf: Uint8Array, start: number, end: number): void {
    if (databaseId !== this.#selected) {
      this.#selected = databaseId;
      this.say("SELECT", String(databaseId));
    }
    this.pass(buf, start, end);
    const { context } = this.engine;
    if (context.client !== undefined) context.client.writeOffset = this.stream.end;
  }

  /** Appends bytes to the stream as they are. */
  pass(buf: Uint8Array, start: number, end: number): void {
    this.stream.append(buf, start, end, this.engine.config.values.replBacklogSize);
  }

  /** Appends a command to the stream that belongs to no database. */
  say(...words: string[]): void {
    this.#encoder.bulkArray(words);
    this.pass(this.#encoder.buffer, 0, this.#encoder.length);
    this.#encoder.empty();
  }

  endOfBatch(): boolean {
    // The stream must not grow while writers wait for replicas to catch up; replicas acknowledge
    // once a second in any case.
    if (this.waiters.isAsking && !this.engine.pause.active) {
      this.waiters.isAsking = false;
      this.askReplicas();
    }
    this.wakeReplicas();
    return true;
  }

  /** Asks all replicas for their offsets. */
  askReplicas(): void {
    this.say("REPLCONF", "GETACK", "*");
  }

  /** Sends the new bytes of the stream, and drops those that are no longer needed. */
  wakeReplicas(): void {
    for (const replica of this.replicas) this.#dropTalkative(replica);
    const { stream } = this;
    if (stream.end === this.#fedUpTo) return;
    this.#fedUpTo = stream.end;
    for (const { client } of this.replicas) this.engine.queueReplies(client);
    this.#trim();
  }

  #trim(): void {
    const positions = this.replicas.map(({ position }) => position).filter((position) => position >= 0);
    this.stream.trim(this.engine.config.values.replBacklogSize, Math.min(...positions, this.stream.end));
  }

  /** A replica that receives replies to commands has lost its place in the stream. */
  #dropTalkative({ client, name }: Replica): void {
    if (client.reply.length === 0 || client.closed) return;
    const { log } = this.engine, command = client.lastCommand?.fullName ?? "NULL";
    log.warning(`Replica generated a reply to command '${command}', disconnecting it: ${name}`);
    client.transport.close(false);
  }

  /**
   * Starts a history of its own behind that of the former primary, so that its replicas can
   * continue.
   */
  beginHistory(): void {
    const { identity, steadyMs } = this.engine, { replicationId } = identity;
    identity.changeReplicationId();
    identity.previousReplicationId = replicationId;
    this.secondOffset = this.stream.end + 1;
    this.dropReplicas();
    this.#selected = -1;
    this.#aloneSinceMs = steadyMs;
    this.engine.log.warning(
      `Setting secondary replication ID to ${replicationId}, valid up to offset: ${this.secondOffset}. ` +
        `New replication ID is ${identity.replicationId}`,
    );
  }

  /**
   * Continues from a place in a history that a file recorded, as a history of its own.
   *
   * @param expired keys of the file that have expired since; replicas may still have them
   */
  goOnFrom(id: string, offset: number, expired: readonly ExpiredKey[]): void {
    this.engine.identity.previousReplicationId = id;
    this.secondOffset = offset + 1;
    this.openStream(offset);
    this.#aloneSinceMs = this.engine.steadyMs;
    for (const { databaseId, key } of expired) {
      if (databaseId !== this.#selected) this.say("SELECT", String(databaseId));
      this.#selected = databaseId;
      this.say("DEL", key);
    }
  }

  /**
   * The data no longer result from the stream, or soon will not: no replica may continue from here.
   */
  forgetHistory(): void {
    this.engine.identity.changeReplicationId();
    this.secondOffset = -1;
    this.stream.close();
    this.listen();
    this.dropReplicas();
  }

  /** Disconnects all replicas: they reconnect and ask for their place. */
  dropReplicas(): void {
    for (const { client } of this.replicas) client.transport.close(false);
  }

  // ---- Synchronisation --------------------------------------------------------------------------

  /** SYNC. */
  sync(client: Client): void {
    const replica = this.#admit(client);
    replica.isSilent = true;
    this.#syncFully(replica);
  }

  /** PSYNC: `offset` is the first byte the replica lacks, counted from 1. */
  psync(client: Client, replicationId: string, offset: number | undefined): void {
    const replica = this.#admit(client), { log } = this.engine;
    if (offset === undefined) {
      log.warning(`Replica ${replica.name} asks for synchronization but with a wrong offset`);
      throw NOT_INTEGER;
    }
    if (this.#canContinue(replica, replicationId, offset)) return this.#continue(replica, offset);
    if (!replicationId.startsWith("?")) this.refusedPartialSyncs++;
    this.#syncFully(replica);
  }

  #admit(client: Client): Replica {
    const replica = this.replicaOf(client), refused = this.refusesSync();
    if (refused !== null) throw new ReplyError(refused);
    if (client.transport.outputBytes > 0) throw PENDING_OUTPUT;
    if ((replica.withoutKeys || replica.withoutLibraries) && !replica.takesEof) throw FILTER_NEEDS_EOF;
    this.engine.log.notice(`Replica ${replica.name} asks for synchronization`);
    return replica;
  }

  #canContinue(replica: Replica, replicationId: string, offset: number): boolean {
    const { log, identity } = this.engine, id = replicationId.toLowerCase();
    const isPrevious = id === identity.previousReplicationId && id !== NO_ID;
    if (id !== identity.replicationId && !(isPrevious && offset <= this.secondOffset)) {
      if (id.startsWith("?")) log.notice(`Full resync requested by replica ${replica.name}`);
      else {
        const why = isPrevious
          ? `Requested offset for second ID was ${offset}, but I can reply up to ${this.secondOffset}`
          : `Replication ID mismatch (Replica asked for '${replicationId}', my replication IDs are ` +
            `'${identity.replicationId}' and '${identity.previousReplicationId}')`;
        log.notice(`Partial resynchronization not accepted: ${why}`);
      }
      return false;
    }
    if (this.stream.holds(offset - 1)) return true;
    log.notice(
      `Unable to partial resync with replica ${replica.name} for lack of backlog (Replica request was: ${offset}).`,
    );
    return false;
  }

  #continue(replica: Replica, offset: number): void {
    const { identity, log } = this.engine;
    this.partialSyncs++;
    this.#attach(replica);
    replica.state = "online";
    replica.ackedAtMs = this.engine.steadyMs;
    replica.position = offset - 1;
    replica.sendLine(replica.takesNewIds ? `+CONTINUE ${identity.replicationId}\r\n` : "+CONTINUE\r\n");
    this.engine.queueReplies(replica.client);
    log.notice(
      `Partial resynchronization request from ${replica.name} accepted. Sending ${replica.pendingBytes} bytes of ` +
        `backlog starting from offset ${offset}.`,
    );
    this.countGood();
  }

  #syncFully(replica: Replica): void {
    const { identity, log } = this.engine;
    if (this.#fullSync === null) throw SYNC_SAVE_FAILED;
    this.fullSyncs++;
    replica.askedAtMs = this.engine.steadyMs;
    this.#attach(replica);
    if (!this.stream.isActive) {
      identity.changeReplicationId();
      this.secondOffset = -1;
      this.openStream(this.stream.end);
      log.notice(
        `Replication backlog created, my new replication IDs are '${identity.replicationId}' and ` +
          `'${identity.previousReplicationId}'`,
      );
    }
    this.#fullSync.request(replica);
  }

  #attach(replica: Replica): void {
    const { client } = replica;
    client.set(ClientFlag.Replica);
    client.guards |= ClientGuard.Replica;
    client.source = replica;
    client.onClose.push(() => this.#remove(replica));
    this.replicas = [...this.replicas, replica];
  }

  #remove(replica: Replica): void {
    const { log, steadyMs } = this.engine;
    this.replicas = this.replicas.filter((other) => other !== replica);
    this.#sentBytes += replica.sentBytes;
    replica.dropFile();
    this.#fullSync?.left(replica);
    if (replica.state !== "done") log.warning(`Connection with replica ${replica.name} lost.`);
    if (this.replicas.length === 0) this.#aloneSinceMs = steadyMs;
    this.#trim();
    this.countGood();
  }

  begin(replica: Replica): void {
    // The stream must select its database again: the file does not record it.
    if (!this.engine.isReplica) this.#selected = -1;
    this.#prepare(replica, this.stream.end);
  }

  join(replica: Replica, other: Replica): void {
    this.#prepare(replica, other.syncedFrom);
  }

  #prepare(replica: Replica, position: number): void {
    replica.state = "saving";
    replica.syncedFrom = position;
    if (!replica.isRdbOnly) replica.position = position;
    if (replica.isSilent) return;
    replica.sendLine(`+FULLRESYNC ${this.engine.identity.replicationId} ${position}\r\n`);
    this.engine.queueReplies(replica.client);
  }

  refuse(replica: Replica, error: ReplyError): void {
    const { client } = replica;
    this.replicas = this.replicas.filter((other) => other !== replica);
    client.unset(ClientFlag.Replica);
    client.guards &= ~ClientGuard.Replica;
    client.source = null;
    this.engine.replyError(client, error);
    client.set(ClientFlag.CloseAfterReply);
    this.engine.queueReplies(client);
  }

  /** A replica has been sent its file. */
  #received(replica: Replica): void {
    const { log, steadyMs } = this.engine, { name, client } = replica;
    if (replica.isRdbOnly) {
      replica.state = "done";
      log.notice(`RDB transfer completed, rdb only replica (${name}) should be disconnected asap`);
      client.transport.close(true);
      return;
    }
    // On a socket, the end of a file without a length is easier to recognise if nothing follows it.
    replica.waitsForAck = replica.state === "saving";
    if (replica.waitsForAck) {
      log.notice(
        `Streamed RDB transfer with replica ${name} succeeded (socket). Waiting for REPLCONF ACK from replica to enable ` +
          "streaming",
      );
    }
    replica.state = "online";
    replica.ackedAtMs = steadyMs;
    log.notice(`Synchronization with replica ${name} succeeded`);
    this.countGood();
  }

  // ---- Acknowledgements -------------------------------------------------------------------------

  /**
   * REPLCONF ACK. @param syncedOffset position up to which the replica has the stream on disk, if
   * reported
   */
  acknowledge(replica: Replica, offset: number, syncedOffset: number): void {
    replica.ackedOffset = Math.max(replica.ackedOffset, offset);
    replica.syncedOffset = Math.max(replica.syncedOffset, syncedOffset);
    replica.ackedAtMs = this.engine.steadyMs;
    if (replica.waitsForAck && replica.state === "online") {
      replica.waitsForAck = false;
      this.engine.queueReplies(replica.client);
    }
    this.waiters.check();
    this.onAcknowledged();
  }

  /** True if a replica has run the whole stream. */
  hasEverything({ state, ackedOffset }: Replica): boolean {
    return state === "online" && ackedOffset === this.stream.end;
  }

  /** Number of replicas that have run the stream up to `offset`. */
  acknowledged(offset: number): number {
    return this.replicas.filter(({ state, ackedOffset }) => state === "online" && ackedOffset >= offset)
      .length;
  }

  /** Number of replicas that have the stream on disk up to `offset`. */
  synced(offset: number): number {
    return this.replicas.filter(({ state, syncedOffset }) => state === "online" && syncedOffset >= offset)
      .length;
  }

  /** Counts the replicas whose lag is small enough for `min-replicas-to-write`. */
  countGood(): void {
    const { minReplicasToWrite, minReplicasMaxLag } = this.engine.config.values;
    const isAsked = minReplicasToWrite > 0 && minReplicasMaxLag > 0;
    const isGood = ({ state, ackedAtMs }: Replica) =>
      state === "online" && Math.floor((this.engine.steadyMs - ackedAtMs) / 1000) <= minReplicasMaxLag;
    this.goodReplicas = isAsked ? this.replicas.filter(isGood).length : 0;
    const tooFew = isAsked && !this.engine.isReplica && this.goodReplicas < minReplicasToWrite;
    this.engine.setGuard(EngineGuard.TooFewReplicas, tooFew);
  }

  // ---- Once a second ----------------------------------------------------------------------------

  /** @param mayPing true if the stream may grow by a sign of life */
  everySecond(mayPing: boolean): void {
    const { engine } = this, { replPingReplicaPeriod } = engine.config.values;
    if (engine.steadyMs - this.#lastPingMs >= replPingReplicaPeriod * 1000) {
      this.#lastPingMs = engine.steadyMs;
      if (mayPing && !engine.isReplica && this.replicas.length > 0) this.say("PING");
    }
    const isDiskless = this.#fullSync?.isDiskless === true;
    for (const replica of this.replicas) {
      if (replica.state !== "waiting" && (replica.state !== "saving" || isDiskless)) continue;
      replica.keepAlive();
      engine.queueReplies(replica.client);
    }
    this.#dropSlow();
    this.#closeIdleStream();
    this.countGood();
    this.#fullSync?.startIfDue();
    this.wakeReplicas();
    this.#trim();
  }

  #dropSlow(): void {
    const { engine } = this, timeoutMs = engine.config.values.replTimeout * 1000;
    for (const replica of this.replicas) {
      const isStreaming = replica.state === "online" && !replica.isSilent;
      const isStuck = replica.state === "saving" && replica.movedAtMs > 0;
      const sinceMs = isStreaming ? replica.ackedAtMs : isStuck ? replica.movedAtMs : Infinity;
      if (engine.steadyMs - sinceMs <= timeoutMs) continue;
      const what = isStreaming ? "streaming sync" : "full sync";
      engine.log.warning(`Disconnecting timedout replica (${what}): ${replica.name}`);
      replica.client.transport.close(false);
    }
  }

  /** `repl-backlog-ttl`: no replica has returned for the stream. */
  #closeIdleStream(): void {
    const { engine, stream } = this, ttlMs = engine.config.values.replBacklogTtl * 1000;
    if (!stream.isActive || engine.isReplica || this.replicas.length > 0 || ttlMs === 0) return;
    if (engine.steadyMs - this.#aloneSinceMs <= ttlMs) return;
    this.forgetHistory();
    engine.log.notice(`Replication backlog freed after ${ttlMs / 1000} seconds without connected replicas.`);
  }
}
