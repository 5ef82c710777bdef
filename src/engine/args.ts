/**
 * The arguments of one command: offsets into the bytes it arrived in. Number 0 is the command's
 * name. They become strings or numbers only when a handler asks, and live for one turn;
 * {@linkcode Args.copy} keeps arguments for longer.
 */
import { Key } from "../keyspace/key.ts";
import { NOT_FLOAT, NOT_INTEGER, ReplyError } from "../protocol/errors.ts";
import {
  argCountOf,
  type CommandBatch,
  firstOffsetOf,
  rawEndOf,
  rawStartOf,
} from "../protocol/command_batch.ts";
import { allocateBytes, latin1, writeLatin1 } from "../util/bytes.ts";
import { parseDoubleBytes, parseIntegerBytes } from "../util/numbers.ts";

/** The words of one command. See the head of this file. */
export class Args {
  buf: Uint8Array = new Uint8Array(0);
  /** Number of arguments, the command's name included. */
  count = 0;
  /** Start of the command's own RESP bytes in `buf`, or -1 if it did not arrive as RESP. */
  rawStart = -1;
  rawEnd = -1;
  #offsets: Int32Array = new Int32Array(0);
  #base = 0;

  /** Arguments made of latin1 strings. */
  static of(texts: readonly string[]): Args {
    const args = new Args();
    let size = 0;
    for (const text of texts) size += text.length;
    args.buf = allocateBytes(size);
    args.#offsets = new Int32Array(texts.length * 2);
    args.count = texts.length;
    let at = 0;
    for (const [i, text] of texts.entries()) {
      args.#offsets[2 * i] = at;
      at = writeLatin1(args.buf, at, text);
      args.#offsets[2 * i + 1] = at;
    }
    return args;
  }

  /** Points at command number `index` of `batch`. */
  point(batch: CommandBatch, index: number): void {
    this.buf = batch.buf;
    this.#offsets = batch.offsets;
    this.#base = firstOffsetOf(batch, index);
    this.count = argCountOf(batch, index);
    this.rawStart = rawStartOf(batch, index);
    this.rawEnd = rawEndOf(batch, index);
  }

  /** The same arguments in memory of their own. */
  copy(): Args {
    const args = new Args();
    const raw = this.rawStart >= 0;
    const from = raw ? this.rawStart : this.start(0);
    const to = raw ? this.rawEnd : this.end(this.count - 1);
    args.buf = allocateBytes(to - from);
    args.buf.set(this.buf.subarray(from, to));
    args.count = this.count;
    if (raw) {
      args.rawStart = 0;
      args.rawEnd = to - from;
    }
    args.#offsets = new Int32Array(this.count * 2);
    for (let i = 0; i < this.count * 2; i++) args.#offsets[i] = this.#offsets[this.#base + i]! - from;
    return args;
  }

  start(i: number): number {
    return this.#offsets[this.#base + 2 * i]!;
  }

  end(i: number): number {
    return this.#offsets[this.#base + 2 * i + 1]!;
  }

  /** Length of argument `i` in bytes. */
  length(i: number): number {
    return this.end(i) - this.start(i);
  }

  /** Argument `i` as a latin1 string. */
  string(i: number): string {
    return latin1(this.buf, this.start(i), this.end(i));
  }

  /** Arguments `from` … `to - 1` as latin1 strings. */
  strings(from = 0, to = this.count): string[] {
    const texts: string[] = [];
    for (let i = from; i < to; i++) texts.push(this.string(i));
    return texts;
  }

  /** Argument `i` as the key of a look-up. */
  key(i: number): Key {
    return new Key(this.buf, this.start(i), this.end(i));
  }

  /**
   * True if argument `i` is the word `upper`, in any case.
   *
   * @param upper in capital letters, digits and `-` only
   */
  is(i: number, upper: string): boolean {
    const start = this.start(i);
    if (this.end(i) - start !== upper.length) return false;
    for (let k = 0; k < upper.length; k++) {
      const byte = this.buf[start + k]!;
      if ((byte >= 0x61 && byte <= 0x7a ? byte - 32 : byte) !== upper.charCodeAt(k)) return false;
    }
    return true;
  }

  /**
   * Argument `i` as a signed 64-bit integer, a BigInt where a number would not be exact. Throws
   * NOT_INTEGER.
   */
  integer(i: number, error: ReplyError = NOT_INTEGER): number | bigint {
    const value = parseIntegerBytes(this.buf, this.start(i), this.end(i));
    if (value === undefined) throw error;
    return value;
  }

  /** Argument `i` as an integer between `min` and `max`; anything else throws `error`. */
  int(
    i: number,
    error: ReplyError = NOT_INTEGER,
    min = -Number.MAX_SAFE_INTEGER,
    max = Number.MAX_SAFE_INTEGER,
  ): number {
    const value = this.integer(i, error);
    if (typeof value === "bigint") {
      // Counts and indexes beyond 2^53 mean no more than "very many".
      if (min === -Number.MAX_SAFE_INTEGER && value < 0n) return min;
      if (max === Number.MAX_SAFE_INTEGER && value > 0n) return max;
      throw error;
    }
    if (value < min || value > max) throw error;
    return value;
  }

  /** Argument `i` as a double, never NaN. Throws NOT_FLOAT. */
  double(i: number, error: ReplyError = NOT_FLOAT): number {
    const value = parseDoubleBytes(this.buf, this.start(i), this.end(i));
    if (value === undefined) throw error;
    return value;
  }
}
