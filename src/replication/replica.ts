/**
 * A replica of this server: a client that has sent SYNC or PSYNC, and what it said of itself by REPLCONF before.
 *
 *     waiting → saving → receiving → online
 *        (no snapshot   (being     (on its way)   (follows the stream)
 *        begun yet)      written)
 *
 * It is sent, one after the other: a line that answers PSYNC, the data as an RDB file, the stream from the position the
 * data belong to. While the data are on their way, the stream waits for it where all replicas read it.
 */
import type { Client, OutputSource } from "../engine/client.ts";
import { bytesOf } from "../util/bytes.ts";
import type { ReplicationStream } from "./stream.ts";

/** How far a replica has come. */
export type ReplicaState = "waiting" | "saving" | "receiving" | "online" | "done";

const stateTexts: Readonly<Record<ReplicaState, string>> = {
  waiting: "wait_bgsave",
  saving: "wait_bgsave",
  receiving: "send_bulk",
  online: "online",
  done: "rdb_transmitted",
};

/** An RDB file on its way to a replica: read piece by piece, as the replica takes them. */
export interface RdbPieces {
  /** The next piece; empty when there is none yet, null at the end. */
  next(): Uint8Array | null;
  /** Nobody wants more of it. */
  close(): void;
}

/** The most that is handed to a replica's socket at once. */
const PIECE_BYTES = 262_144;
const KEEPALIVE = bytesOf("\n");

/** A replica as its primary sees it. See the head of this file. */
export class Replica implements OutputSource {
  state: ReplicaState = "waiting";
  /** REPLCONF listening-port. */
  port = 0;
  /** REPLCONF ip-address: where it says that it is reached. */
  announcedIp = "";
  /** It finds the end of a file whose length is not told (`capa eof`). */
  takesEof = false;
  /** It understands a changed replication id (`capa psync2`). */
  takesNewIds = false;
  /** It wants the file and nothing else. */
  isRdbOnly = false;
  /** It wants function libraries only, or neither these nor keys. */
  withoutKeys = false;
  withoutLibraries = false;
  /** It came by SYNC and acknowledges nothing. */
  isSilent = false;
  /** Up to where it says that it has run the stream. */
  ackedOffset = 0;
  /** Up to where it says that it has the stream on its disk; -1: it does not say. */
  syncedOffset = -1;
  /** When it said so, `engine.steadyMs`. */
  ackedAtMs = 0;
  /** The next byte of the stream it is to be sent, or -1 if it does not follow it. */
  position = -1;
  /** The position of the data it has been sent. */
  syncedFrom = 0;
  /** The stream waits until the replica says that it has loaded the file. */
  waitsForAck = false;
  /** Bytes of the stream and of files it has been sent. */
  sentBytes = 0;
  /** When it asked for all data, `engine.steadyMs`. */
  askedAtMs = 0;
  /** When it last took something of a file that it takes more slowly than it is written, `engine.steadyMs`; 0: it does not. */
  movedAtMs = 0;
  #lines: Uint8Array[] = [];
  #rdb: RdbPieces | null = null;

  constructor(
    readonly client: Client,
    readonly stream: ReplicationStream,
    /** Told when the whole file has been handed to the socket. */
    readonly onReceived: (replica: Replica) => void,
  ) {}

  /** Where it is reached. */
  get ip(): string {
    if (this.announcedIp !== "") return this.announcedIp;
    const { address } = this.client.transport;
    return address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  }

  /** As the log calls it. */
  get name(): string {
    return `${this.ip}:${this.port > 0 ? this.port : "<unknown-replica-port>"}`;
  }

  /** Its state as INFO shows it. */
  get stateText(): string {
    return stateTexts[this.state];
  }

  /** Sends a line before anything else. */
  sendLine(text: string): void {
    this.#lines.push(bytesOf(text));
  }

  /** Tells a replica that waits that its primary is alive. */
  keepAlive(): void {
    if (this.#lines.length === 0) this.#lines.push(KEEPALIVE);
  }

  /** Sends a file. */
  sendFile(rdb: RdbPieces): void {
    this.#rdb = rdb;
  }

  /** Gives up what it is being sent. */
  dropFile(): void {
    this.#rdb?.close();
    this.#rdb = null;
  }

  /** Bytes of the stream that wait for it. */
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
