/**
 * The bytes that wait for the next write to the append-only file: whole commands in RESP, as they arrived,
 * with a SELECT wherever the database changes and a `#TS:` line in each new second if asked for.
 */
import { allocateBytes, copyBytes, writeLatin1 } from "../../util/bytes.ts";

const USUAL_BYTES = 65_536;

/** See the head of this file. */
export class AofBuffer {
  #bytes = allocateBytes(USUAL_BYTES);
  #start = 0;
  #end = 0;
  #db = -1;
  #second = 0;

  /** Bytes waiting. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The bytes waiting; valid until the next call of another method. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Appends the command `bytes[start, end)`, which is for database `db`. */
  append(db: number, bytes: Uint8Array, start: number, end: number): void {
    if (db !== this.#db) this.#select(db);
    this.#ensure(end - start);
    this.#end = copyBytes(this.#bytes, this.#end, bytes, start, end);
  }

  /** Notes the time, in seconds, of the commands that follow. */
  stamp(second: number): void {
    if (second <= this.#second) return;
    this.#second = second;
    this.#text(`#TS:${second}\r\n`);
  }

  /** Forgets the selected database, because the next commands stand in another file. */
  unselect(): void {
    this.#db = -1;
    this.#second = 0;
  }

  /** Drops the first `count` bytes, which have been written. */
  consume(count: number): void {
    this.#start += count;
    if (this.#start === this.#end) this.clear();
  }

  clear(): void {
    this.#start = this.#end = 0;
    if (this.#bytes.length > USUAL_BYTES * 16) this.#bytes = allocateBytes(USUAL_BYTES);
  }

  #select(db: number): void {
    this.#db = db;
    const digits = String(db);
    this.#text(`*2\r\n$6\r\nSELECT\r\n$${digits.length}\r\n${digits}\r\n`);
  }

  #text(text: string): void {
    this.#ensure(text.length);
    this.#end = writeLatin1(this.#bytes, this.#end, text);
  }

  #ensure(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const waiting = this.view(), need = waiting.length + more;
    if (need <= this.#bytes.length / 2) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
    } else {
      this.#bytes = allocateBytes(Math.max(need, this.#bytes.length * 2));
      this.#bytes.set(waiting);
    }
    this.#start = 0;
    this.#end = waiting.length;
  }
}
