/**
 * The connection to the primary: the handshake before data arrive, and the bytes that follow.
 *
 * One link is one attempt. Every failure on it is a {@linkcode LinkError} and ends it; its owner
 * makes another.
 */
import type { EngineLog } from "../engine/ports.ts";
import { ReplyWriter } from "../protocol/reply_writer.ts";
import { allocateBytes, latin1 } from "../util/bytes.ts";
import { errorText } from "../util/error_text.ts";

/** The link cannot continue. The text is for the log. */
export class LinkError extends Error {
  override name = "LinkError";
}

/** A connection as the link needs it; `Deno.Conn` is one. */
export interface LinkConnection {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** The facts this server tells the primary about itself. */
export interface Introduction {
  user: string;
  password: string;
  /** The port it announces. */
  port: number;
  /** The address it announces; "" leaves it to the primary. */
  ip: string;
}

/** The primary's answer to PSYNC. */
export type SyncAnswer =
  | { readonly kind: "continue"; /** "" if it has not changed. */ readonly id: string }
  | { readonly kind: "full"; readonly id: string; readonly offset: number }
  | { readonly kind: "later" | "unknown" };

const BUFFER_BYTES = 262_144;
const LONGEST_LINE = 1024;
const LINE_FEED = 0x0a;

const NO_BYTES = allocateBytes(0);

/** A connection to a primary. See the head of this file. */
export class PrimaryLink {
  /** Time of the last byte received or sent, on the given clock. */
  movedAtMs: number;
  isClosed = false;
  /** Bytes received. */
  receivedBytes = 0;
  #connection: LinkConnection | null = null;
  /** Bytes received and not yet consumed. */
  #rest: Uint8Array = NO_BYTES;
  readonly #buffer = allocateBytes(BUFFER_BYTES);
  #sending: Promise<void> = Promise.resolve();
  readonly #encoder = new ReplyWriter();

  /**
   * @param connect opens the connection
   * @param steadyMs milliseconds on a clock that is never set
   */
  constructor(
    readonly connect: () => Promise<LinkConnection>,
    readonly log: EngineLog,
    readonly steadyMs: () => number,
  ) {
    this.movedAtMs = steadyMs();
  }

  /**
   * Opens the connection and introduces this server to the primary. Throws {@linkcode LinkError}.
   */
  async open(introduction: Introduction): Promise<void> {
    await this.#connect();
    this.log.notice("Non blocking connect for SYNC fired the event.");
    await this.#greet();
    const { user, password, port, ip } = introduction;
    if (password !== "") await this.#authenticate(user, password);
    await this.#tell("listening-port", String(port));
    if (ip !== "") await this.#tell("ip-address", ip);
    await this.#tell("capa", "eof", "capa", "psync2");
  }

  async #connect(): Promise<void> {
    let connection: LinkConnection;
    try {
      connection = await this.connect();
    } catch (error) {
      throw new LinkError(`Error condition on socket for SYNC: ${textOf(error)}`);
    }
    if (this.isClosed) connection.close();
    this.#connection = connection;
    this.#throwIfClosed();
    this.movedAtMs = this.steadyMs();
  }

  async #greet(): Promise<void> {
    const reply = await this.#ask("PING");
    const isAlive = /^(\+|-NOAUTH|-NOPERM|-ERR operation not permitted)/.test(reply);
    if (!isAlive) throw new LinkError(`Error reply to PING from master: '${reply}'`);
    this.log.notice("Master replied to PING, replication can continue...");
  }

  async #authenticate(user: string, password: string): Promise<void> {
    const words = user === "" ? [password] : [user, password];
    const reply = await this.#ask("AUTH", ...words);
    if (reply.startsWith("-")) throw new LinkError(`Unable to AUTH to MASTER: ${reply}`);
  }

  /** Sends a command that the primary need not understand. */
  async #tell(...words: string[]): Promise<void> {
    const reply = await this.#ask("REPLCONF", ...words);
    if (!reply.startsWith("-")) return;
    this.log.notice(`(Non critical) Master does not understand REPLCONF ${words[0]}: ${reply}`);
  }

  /** Asks for the stream from `offset` on, counted from 1; "?" and -1: for the whole data set. */
  async synchronize(id: string, offset: number, takesOver: boolean): Promise<SyncAnswer> {
    const words = ["PSYNC", id, String(offset)];
    if (takesOver) words.push("FAILOVER");
    let reply = await this.#ask(...words);
    // Empty lines mean that the primary is alive and has not begun yet.
    while (reply === "") reply = await this.line();
    return this.#understood(reply);
  }

  #understood(reply: string): SyncAnswer {
    const [word = "", id = "", offset = ""] = reply.split(" ");
    if (word === "+CONTINUE") {
      this.log.notice("Successful partial resynchronization with master.");
      return { kind: "continue", id: id.length === 40 ? id : "" };
    }
    if (word === "+FULLRESYNC") {
      if (id.length !== 40 || !/^\d+$/.test(offset)) {
        throw new LinkError("Master replied with wrong +FULLRESYNC syntax.");
      }
      this.log.notice(`Full resync from master: ${id}:${offset}`);
      return { kind: "full", id, offset: Number(offset) };
    }
    if (word === "-NOMASTERLINK" || word === "-LOADING") {
      this.log.notice(`Master is currently unable to PSYNC but should be in the future: ${reply}`);
      return { kind: "later" };
    }
    if (word === "-ERR") {
      this.log.notice(`Master does not support PSYNC or is in error state (reply: ${reply})`);
    } else this.log.warning(`Unexpected reply to PSYNC from master: ${reply}`);
    return { kind: "unknown" };
  }

  async #ask(...words: string[]): Promise<string> {
    this.send(...words);
    return await this.line();
  }

  /** Sends a command; a failure shows at the next read. */
  send(...words: string[]): void {
    this.#encoder.bulkArray(words);
    const bytes = this.#encoder.view().slice();
    this.#encoder.empty();
    this.sendBytes(bytes);
  }

  /** Sends bytes, queued behind those being sent. */
  sendBytes(bytes: Uint8Array): void {
    this.#sending = this.#sending.then(() => this.#write(bytes)).catch(() => this.close());
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length && this.#connection !== null && !this.isClosed;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** The next bytes; valid until the next call. Throws {@linkcode LinkError} at the end. */
  async read(): Promise<Uint8Array> {
    this.#throwIfClosed();
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = NO_BYTES;
      return rest;
    }
    return this.#buffer.subarray(0, await this.readInto(this.#buffer));
  }

  /**
   * Reads the next bytes into `into`, if none have been put back. Throws {@linkcode LinkError} at
   * the end.
   */
  async readInto(into: Uint8Array): Promise<number> {
    let count: number | null = null;
    try {
      count = await this.#connection?.read(into) ?? null;
    } catch (error) {
      if (!this.isClosed) throw new LinkError(`I/O error trying to sync with MASTER: ${textOf(error)}`);
    }
    this.#throwIfClosed();
    if (count === null) throw new LinkError("I/O error trying to sync with MASTER: connection lost");
    this.movedAtMs = this.steadyMs();
    this.receivedBytes += count;
    return count;
  }

  /** Puts back bytes that {@linkcode read} returned. */
  putBack(bytes: Uint8Array): void {
    this.#rest = bytes;
  }

  /** The next line, without its line end. */
  async line(): Promise<string> {
    let line = "";
    for (;;) {
      const bytes = await this.read(), end = bytes.indexOf(LINE_FEED);
      line += latin1(bytes, 0, end < 0 ? bytes.length : end);
      if (end >= 0) {
        this.putBack(bytes.subarray(end + 1));
        return line.replace(/\r$/, "");
      }
      if (line.length > LONGEST_LINE) throw new LinkError("Master sends a line without end");
    }
  }

  /** Ends the link; pending reads fail. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      this.#connection?.close();
    } catch {
      // The other side has already closed it.
    }
  }

  #throwIfClosed(): void {
    if (this.isClosed) throw new LinkError("The link to the master has been closed");
  }
}

function textOf(error: unknown): string {
  const text = errorText(error);
  return text.replace(/ \(os error \d+\)$/, "");
}
