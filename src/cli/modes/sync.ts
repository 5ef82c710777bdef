/** The client's side of a synchronization: REPLCONF, SYNC, and the bytes of the RDB file. */
import { bytesOf, latin1 } from "../../util/bytes.ts";
import { Buffer } from "node:buffer";
import { type Connection, ConnectionError } from "../connection.ts";
import { type ModeContext, ModeError } from "./mode.ts";

/** Length of the random mark that ends a file of unknown length. */
const MARK_BYTES = 40;
const LF = 10;

/**
 * Sends REPLCONF and reports it.
 * @returns false if the server refuses
 */
export async function announce(
  { session, output }: ModeContext,
  name: string,
  value: string,
): Promise<boolean> {
  output.complain(`sending REPLCONF ${name} ${value}\n`);
  const reply = await session.ask(["REPLCONF", name, value]);
  if (reply.type === "error") output.complain(`REPLCONF ${name} error: ${reply.text}\n`);
  return reply.type !== "error";
}

/** The file that a primary sends in answer to SYNC. */
export class SyncedFile {
  readonly #connection: Connection;
  /** Length of the file, undefined if a mark ends it. */
  readonly length: number | undefined;
  readonly #mark: Buffer;
  #rest: Uint8Array;

  private constructor(connection: Connection, head: string, rest: Uint8Array) {
    const [, mark] = /^\$EOF:(.{40})/s.exec(head) ?? [];
    this.#connection = connection;
    this.length = mark === undefined ? Number(head.slice(1)) : undefined;
    this.#mark = Buffer.from(mark ?? "", "latin1");
    this.#rest = rest;
  }

  /**
   * Sends SYNC and waits for the header of the file.
   * @throws {ModeError} if the server refuses
   * @throws {ConnectionError}
   */
  static async request(connection: Connection): Promise<SyncedFile> {
    await connection.sendBytes(bytesOf("SYNC\r\n"));
    let seen = Buffer.alloc(0);
    for (;;) {
      seen = Buffer.concat([seen, await connection.read()]);
      // A primary that is preparing the file sends empty lines.
      while (seen[0] === LF) seen = seen.subarray(1);
      const end = seen.indexOf(LF);
      if (end < 0) continue;
      const head = latin1(seen, 0, end).trimEnd();
      if (head.startsWith("-")) throw new ModeError(`SYNC with master failed: ${head}`);
      return new SyncedFile(connection, head, seen.subarray(end + 1));
    }
  }

  /**
   * The bytes of the file, without the mark, valid until the next ones are requested.
   * @throws {ConnectionError}
   */
  chunks(): AsyncGenerator<Uint8Array> {
    return this.length === undefined ? this.#untilMark() : this.#counted(this.length);
  }

  async *#counted(length: number): AsyncGenerator<Uint8Array> {
    let missing = length;
    let chunk = this.#rest;
    for (;;) {
      if (chunk.length > missing) throw new ConnectionError("more bytes than announced");
      if (chunk.length > 0) yield chunk;
      missing -= chunk.length;
      if (missing === 0) return;
      chunk = await this.#connection.read();
    }
  }

  /** Holds back the last bytes until more follow, since the mark is at the very end. */
  async *#untilMark(): AsyncGenerator<Uint8Array> {
    let held = Buffer.from(this.#rest);
    for (;;) {
      const sure = held.length - MARK_BYTES;
      if (sure >= 0 && held.subarray(sure).equals(this.#mark)) {
        if (sure > 0) yield held.subarray(0, sure);
        return;
      }
      if (sure > 0) yield held.subarray(0, sure);
      held = Buffer.concat([held.subarray(Math.max(0, sure)), await this.#connection.read()]);
    }
  }
}
