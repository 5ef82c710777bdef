/** A stretch of bytes in memory of another owner: valid until the owner changes anything. */
import { latin1 } from "../util/bytes.ts";

const NO_BYTES = new Uint8Array(0);

/** Bytes in memory of another owner: `buf[start, end)`. */
export class Slice {
  buf: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;

  /** Length in bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** The bytes as a latin1 string of their own. */
  text(): string {
    return latin1(this.buf, this.start, this.end);
  }

  /** The bytes, shared with the owner. */
  view(): Uint8Array {
    return this.buf.subarray(this.start, this.end);
  }

  point(buf: Uint8Array, start: number, end: number): this {
    this.buf = buf;
    this.start = start;
    this.end = end;
    return this;
  }
}
