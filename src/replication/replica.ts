/**
 * A replica of this server: a client that has sent SYNC or PSYNC, with the facts it announced by
 * REPLCONF.
 *
 *     waiting → saving → receiving → online
 *        (no snapshot   (being     (on its way)   (follows the stream)
 *        begun yet)      written)
 *
 * It is sent, in this order: a line that answers PSYNC, the data as an RDB file, the stream from
 * the position the data belong to. While the data are on their way, the stream is kept for it in
 * the buffer that all replicas read from.
 */
import type { Client, OutputSource } from "../engine/client.ts";
import { bytesOf } from "../util/bytes.ts";
import type { ReplicationStream } from "./stream.ts";

/** The progress of a replica. */
export type ReplicaState = "waiting" | "saving" | "receiving" | "online" | "done";

const stateTexts: Readonly<Record<ReplicaState, string>> = {
  waiting: "wait_bgsave",
  saving: "wait_bgsave",
  receiving: "send_bulk",
  online: "online",
  done: "rdb_transmitted",
};

/** An RDB file on its way to a replica: read in pieces, at the replica's pace. */
export interface RdbPieces {
  /** The next piece; empty if there is none yet, null at the end. */
  next(): Uint8Array | null;
  /** The rest is not wanted. */
  close(): void;
}

/** The largest piece handed to a replica's socket. */
const PIECE_BYTES = 262_144;
const KEEPALIVE = bytesOf("\n");

/** A replica, as its primary sees it. See the head of this file. */
export class Replica implements OutputSource {
  state: ReplicaState = "waiting";
  /** REPLCONF listening-port. */
  port = 0;
  /** REPLCONF ip-address: the address it announces. */
  announcedIp = "";
  /** It recognises the end of a file sent without its length (`capa eof`). */
  takesEof = false;
  /** It understands a changed replication id (`capa psync2`). */
  takesNewIds = false;
  /** It wants the file and nothing more. */
  isRdbOnly = false;
  /** It wants function libraries only, or neither functions nor keys. */
  withoutKeys = false;
  withoutLibraries = false;
  /** It came by SYNC and sends no acknowledgements. */
  isSilent = false;
  /** The offset up to which it reports having run the stream. */
  ackedOffset = 0;
  /** The offset up to which it reports having the stream on disk; -1: it does not report one. */
  syncedOffset = -1;
  /** Time of the last acknowledgement, `engine.steadyMs`. */
  ackedAtMs = 0;
  /** The next byte of the stream to send to it, or -1 if it does not follow the stream. */
  position = -1;
  /** The position of the data it was sent. */
  syncedFrom = 0;
  /** The stream waits until the replica reports that it has loaded the file. */
  waitsForAck = false;
  /** Bytes sent to it, of the stream and of files. */
  sentBytes = 0;
  /** Time of its request for the whole data set, `engine.steadyMs`. */
  askedAtMs = 0;
  /**
   * Time it last read from a snapshot that it reads more slowly than we write, `engine.steadyMs`; 0
   * while it keeps up.
   */
  movedAtMs = 0;
  #lines: Uint8Array[] = [];
  #rdb: RdbPieces | null = null;

  constructor(
    readonly client: Client,
    readonly stream: ReplicationStream,
    /** Called when the whole file has been handed to the socket. */
    readonly onReceived: (replica: Replica) => void,
  ) {}

  /** The address it can be reached at. */
  get ip(): string {
    if (this.announcedIp !== "") return this.announcedIp;
    const { address } = this.client.transport;
    return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  }

  /** Its name in the log. */
  get name(): string {
    return `${this.ip}:${this.port > 0 ? this.port : "<unknown-replica-port>"}`;
  }

  /** Its state as INFO shows it. */
  get stateText(): string {
    return stateTexts[this.state];
  }

  /** Sends a line ahead of anything else. */
  sendLine(text: string): void {
    this.#lines.push(bytesOf(text));
  }

  /** Tells a waiting replica that its primary is alive. */
  keepAlive(): void {
    if (this.#lines.length === 0) this.#lines.push(KEEPALIVE);
  }

  /** Sends a file. */
  sendFile(rdb: RdbPieces): void {
    this.#rdb = rdb;
  }

  /** Abandons the file being sent. */
  dropFile(): void {
    this.#rdb?.close();
    this.#rdb = null;
  }

  /** Bytes of the stream waiting to be sent to it. */
  get pendingBytes(): number {
    return this.position < 0 ? 0 : this.stream.end - this.position;
  }

  refill(): void {
    const { reply } = this.client, before = reply.length;
    for (const line of this.#lines.splice(0)) reply.raw(line);
    if (this.#rdb !== null) this.#refillFromFile(this.#rdb);
    if (this.#rdb === null && this.state === "online" && !this.waitsForAck) {
      this.position += this.stream.copyTo(reply, this.position, PIECE_BYTES);
    }
    this.sentBytes += reply.length - before;
  }

  #refillFromFile(rdb: RdbPieces): void {
    const piece = rdb.next();
    if (piece !== null) return this.client.reply.raw(piece);
    this.#rdb = null;
    rdb.close();
    this.onReceived(this);
  }
}
