/**
 * Full synchronisation: a replica that cannot continue from its place is sent the whole data set as
 * an RDB file.
 *
 * The snapshot is the one BGSAVE writes (persistence/snapshot/snapshot.ts), of the moment at which
 * it begins; from then on the stream is kept for the replica, which follows it once it has the
 * file. One snapshot serves all waiting replicas. It goes to `dbfilename` and from there to the
 * replicas, or, with `repl-diskless-sync yes` and replicas that recognise the end of a file on
 * their own, straight to their sockets; it is then written at the pace of the slowest replica.
 */
import type { Engine } from "../engine/engine.ts";
import type { DataStore } from "../persistence/data_store.ts";
import type { FileHandle } from "../persistence/files.ts";
import type { JobTarget } from "../persistence/snapshot/snapshot_jobs.ts";
import { errorText } from "../util/error_text.ts";
import { ReplyError, SYNC_SAVE_FAILED } from "../protocol/errors.ts";
import { allocateBytes, bytesOf } from "../util/bytes.ts";
import type { RdbPieces, Replica } from "./replica.ts";

/** The largest read from a file. */
const PIECE_BYTES = 262_144;
/** A snapshot pauses while one of its replicas has this many bytes unread. */
const LARGEST_QUEUE = 1 << 20;
const EOF_MARK_DIGITS = 40;
const NOTHING = allocateBytes(0);

/** A file on disk, preceded by its length. */
class FilePieces implements RdbPieces {
  #head: Uint8Array | null;
  readonly #buffer = allocateBytes(PIECE_BYTES);

  constructor(readonly file: FileHandle) {
    this.#head = bytesOf(`$${file.sizeSync()}\r\n`);
  }

  next(): Uint8Array | null {
    const head = this.#head;
    this.#head = null;
    if (head !== null) return head;
    const count = this.file.readSync(this.#buffer);
    return count === 0 ? null : this.#buffer.subarray(0, count);
  }

  close(): void {
    this.file.closeSync();
  }
}

/** One replica's part of a snapshot that goes to sockets. */
class SocketPieces implements RdbPieces {
  bytes = 0;
  isEnded = false;
  isClosed = false;
  #queue: Uint8Array[] = [];

  /** @param onTaken called when a piece has been taken, or when no more will be */
  constructor(readonly replica: Replica, readonly onTaken: (from: SocketPieces) => void) {}

  add(piece: Uint8Array): void {
    if (this.isClosed) return;
    this.#queue.push(piece);
    this.bytes += piece.length;
  }

  next(): Uint8Array | null {
    const piece = this.#queue.shift();
    if (piece === undefined) {
      // The previous piece has left: this replica is not holding up the snapshot.
      this.replica.movedAtMs = 0;
      return this.isEnded ? null : NOTHING;
    }
    this.bytes -= piece.length;
    this.onTaken(this);
    return piece;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#queue = [];
    this.bytes = 0;
    this.onTaken(this);
  }
}

/** The sockets of all replicas that receive a snapshot as it is written. */
class SocketTarget implements JobTarget {
  readonly #pieces: readonly SocketPieces[];
  #wake: (() => void) | null = null;
  #isEnded = false;

  /** @param onAlone called when the last replica leaves before the end */
  constructor(
    readonly engine: Engine,
    replicas: readonly Replica[],
    readonly mark: string,
    readonly onAlone: () => void,
  ) {
    this.#pieces = replicas.map((replica) => new SocketPieces(replica, (from) => this.#taken(from)));
    for (const pieces of this.#pieces) pieces.replica.sendFile(pieces);
    this.write(bytesOf(`$EOF:${mark}\r\n`));
  }

  get #open(): SocketPieces[] {
    return this.#pieces.filter(({ isClosed }) => !isClosed);
  }

  write(bytes: Uint8Array): void {
    const piece = bytes.slice(), nowMs = this.engine.steadyMs;
    for (const pieces of this.#open) {
      if (pieces.replica.movedAtMs === 0) pieces.replica.movedAtMs = nowMs;
      pieces.add(piece);
      this.engine.queueReplies(pieces.replica.client);
    }
    if (!this.engine.isInsideUnit) this.engine.endBatch();
  }

  #taken({ replica }: SocketPieces): void {
    replica.movedAtMs = this.engine.steadyMs;
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
    if (this.#open.length === 0 && !this.#isEnded) this.onAlone();
  }

  /** Resolves once the slowest replica has read enough to make room for more. */
  async room(): Promise<void> {
    while (this.#open.some(({ bytes }) => bytes > LARGEST_QUEUE)) await this.#someTaken();
  }

  #someTaken(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** Everything is written: resolves once all of it has been taken. */
  async sync(): Promise<void> {
    const open = this.#open;
    this.engine.log.warning(
      `Diskless rdb transfer, done reading from pipe, ${open.length} replicas still up.`,
    );
    this.#isEnded = true;
    for (const pieces of open) pieces.isEnded = true;
    this.write(bytesOf(this.mark));
    while (this.#open.length > 0) await this.#someTaken();
  }

  syncNow(): void {}

  drop(): void {
    for (const { replica } of this.#open) replica.client.transport.close(false);
  }
}

/** The services full synchronisation needs from the primary's side. */
export interface SyncHost {
  readonly engine: Engine;
  readonly replicas: readonly Replica[];
  /** The replica is about to be sent the present data: it follows the stream from here. */
  begin(replica: Replica): void;
  /** As {@linkcode SyncHost.begin}, for data that are also being sent to `other`. */
  join(replica: Replica, other: Replica): void;
  /** The replica cannot be served. */
  refuse(replica: Replica, error: ReplyError): void;
}

/** Sends whole data sets to replicas. See the head of this file. */
export class FullSync {
  /** The destination of the snapshot that replicas wait for. */
  #target: "disk" | "sockets" | null = null;
  /** True if the file under `dbfilename` was written for replicas only. */
  #leavesFile = false;

  constructor(readonly host: SyncHost, readonly store: DataStore) {
    store.rdb.onEnd.push((succeeded) => this.#diskEnded(succeeded));
  }

  /** True while data are being written to sockets. */
  get isDiskless(): boolean {
    return this.#target === "sockets";
  }

  /**
   * A replica needs the whole data set: from the snapshot being written for another replica, from a
   * new one, or later.
   */
  request(replica: Replica): void {
    const { log, config } = this.host.engine;
    if (this.store.rdb.isRunning && !this.isDiskless) this.#joinDisk(replica);
    else if (this.store.rdb.isRunning) {
      log.notice("Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC");
    } else if (
      config.values.replDisklessSync && replica.takesEof && config.values.replDisklessSyncDelay > 0
    ) {
      log.notice("Delay next BGSAVE for diskless SYNC");
    } else if (this.store.isBusy) {
      log.notice(
        "No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed",
      );
    } else this.#start(replica);
  }

  #joinDisk(replica: Replica): void {
    const { log } = this.host.engine;
    const other = this.host.replicas.find((other) =>
      other !== replica && other.state === "saving" && (!other.isRdbOnly || replica.isRdbOnly)
    );
    if (other === undefined || wantsOther(replica, other) || (other.takesEof && !replica.takesEof)) {
      log.notice("Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC");
      return;
    }
    this.host.join(replica, other);
    log.notice("Waiting for end of BGSAVE for SYNC");
  }

  /** Begins the snapshot that replicas wait for; call it once a second. */
  startIfDue(): void {
    this.#removeFile();
    if (this.store.isBusy || this.store.loading !== null) return;
    const waiting = this.host.replicas.filter(({ state }) => state === "waiting"), first = waiting[0];
    if (first === undefined) return;
    const alike = waiting.filter((replica) => !wantsOther(replica, first));
    const { replDisklessSync, replDisklessSyncDelay, replDisklessSyncMaxReplicas } =
      this.host.engine.config.values;
    const idleMs = this.host.engine.steadyMs - Math.min(...alike.map(({ askedAtMs }) => askedAtMs));
    const areEnough = replDisklessSyncMaxReplicas > 0 && alike.length >= replDisklessSyncMaxReplicas;
    if (!replDisklessSync || areEnough || idleMs >= replDisklessSyncDelay * 1000) this.#start(first);
  }

  /** Begins a snapshot for all waiting replicas with the same needs as `first`. */
  #start(first: Replica): void {
    const { log, config } = this.host.engine;
    const replicas = this.host.replicas.filter((replica) =>
      replica.state === "waiting" && !wantsOther(replica, first)
    );
    const isFiltered = first.withoutKeys || first.withoutLibraries;
    const toSockets = (config.values.replDisklessSync || isFiltered) &&
      replicas.every(({ takesEof }) => takesEof);
    log.notice(`Starting BGSAVE for SYNC with target: ${toSockets ? "replicas sockets" : "disk"}`);
    this.#target = toSockets ? "sockets" : "disk";
    try {
      for (const replica of replicas) this.host.begin(replica);
      if (toSockets) this.#startToSockets(replicas, first);
      else if (!this.store.rdb.start()) throw SYNC_SAVE_FAILED;
      else this.#leavesFile = config.values.rdbDelSyncFiles;
    } catch (error) {
      log.warning(`BGSAVE for replication failed: ${errorText(error)}`);
      this.#target = null;
      for (const replica of replicas) this.host.refuse(replica, SYNC_SAVE_FAILED);
    }
  }

  // ---- To sockets -------------------------------------------------------------------------------

  #startToSockets(replicas: readonly Replica[], { withoutKeys, withoutLibraries }: Replica): void {
    const { engine } = this.host, { context, jobs } = this.store;
    const target = new SocketTarget(engine, replicas, this.#mark(), () => this.#alone());
    const format = context.rdbWriter(false, !withoutLibraries);
    const order = { kind: "replica", format, clocks: context.clocks(), withoutKeys } as const;
    jobs.startTo(target, order, (error) => this.#socketsEnded(error));
    engine.log.notice(`Background RDB transfer started by pid ${context.pid}`);
  }

  #mark(): string {
    const { random } = this.host.engine;
    const digit = () => (random.next() & 15).toString(16);
    return Array.from({ length: EOF_MARK_DIGITS }, digit).join("");
  }

  #alone(): void {
    if (this.store.jobs.current?.kind !== "replica") return;
    this.host.engine.log.warning("Diskless rdb transfer, last replica dropped, killing fork child.");
    this.store.jobs.abort();
  }

  #socketsEnded(error: unknown): void {
    this.#target = null;
    const { log } = this.host.engine;
    if (error === null) log.notice("Background RDB transfer terminated with success");
    else if (error === undefined) log.warning("Background transfer terminated");
    else log.warning(`SYNC failed: ${errorText(error)}`);
  }

  // ---- Through the disk -------------------------------------------------------------------------

  #diskEnded(succeeded: boolean): void {
    if (this.isDiskless) return;
    this.#target = null;
    for (const replica of this.host.replicas) {
      if (replica.state === "saving") this.#sendFile(replica, succeeded);
    }
  }

  #sendFile(replica: Replica, succeeded: boolean): void {
    const { engine } = this.host, { context, files } = this.store;
    try {
      if (!succeeded) throw new Error("BGSAVE child returned an error");
      const file = files.openRead(context.pathOf(engine.config.values.dbfilename));
      replica.sendFile(new FilePieces(file));
    } catch (error) {
      engine.log.warning(`SYNC failed. ${errorText(error)}`);
      replica.client.transport.close(false);
      return;
    }
    replica.state = "receiving";
    engine.queueReplies(replica.client);
  }

  /** A replica has left: a file meant for it alone is abandoned. */
  left({ state }: Replica): void {
    const isUseful = this.#target !== "disk" || this.host.engine.config.values.save.length > 0 ||
      this.host.replicas.some((other) => other.state === "saving");
    if (state !== "saving" || isUseful || this.store.jobs.current?.kind !== "rdb") return;
    this.store.jobs.abort();
  }

  /**
   * `rdb-del-sync-files`: a server that saves nothing keeps no file that it made for its replicas.
   */
  #removeFile(): void {
    const { config, log } = this.host.engine,
      { rdbDelSyncFiles, appendonly, save, dbfilename } = config.values;
    if (!rdbDelSyncFiles || !this.#leavesFile || appendonly || save.length > 0) return;
    const isInUse = this.host.replicas.some(({ state }) => state !== "online" && state !== "done");
    if (isInUse || this.store.rdb.isRunning) return;
    this.#leavesFile = false;
    log.notice("Removing the RDB file used to feed replicas in a persistence-less instance");
    try {
      this.store.files.unlinkSync(this.store.context.pathOf(dbfilename));
    } catch {
      // It is already gone.
    }
  }
}

/** True if two replicas want different parts of the data. */
function wantsOther(a: Replica, b: Replica): boolean {
  return a.withoutKeys !== b.withoutKeys || a.withoutLibraries !== b.withoutLibraries;
}
