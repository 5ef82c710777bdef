/**
 * Replies: one growing byte buffer with a cursor per client. Handlers state the meaning of a reply
 * (a map, a double, a missing value); its bytes in RESP2 and RESP3 are decided here and nowhere
 * else.
 *
 * A writer holds no buffer while it is empty: buffers of the usual size come from a pool and return
 * to it once the socket has taken them, so an idle client costs none.
 */
import { allocateBytes, copyBytes, writeInteger, writeLatin1 } from "../util/bytes.ts";
import { formatDouble } from "../util/numbers.ts";
import type { ReplyError } from "./errors.ts";

const BUFFER_BYTES = 16_384;
const POOL_LIMIT = 64;
/** Strings up to this length are written directly, character by character. */
const SHORT_PART = 64;
const pool: Uint8Array<ArrayBuffer>[] = [];

function recycle(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.length === BUFFER_BYTES && pool.length < POOL_LIMIT) pool.push(bytes);
}

const NO_BYTES = new Uint8Array(0);
const CR = 0x0d, LF = 0x0a;
const PLUS = 0x2b, MINUS = 0x2d, COLON = 0x3a, DOLLAR = 0x24, ASTERISK = 0x2a, COMMA = 0x2c, PERCENT = 0x25;
const TILDE = 0x7e, GREATER = 0x3e, LEFT_PAREN = 0x28, EQUALS = 0x3d, BAR = 0x7c;

function prebuilt(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  writeLatin1(bytes, 0, text);
  return bytes;
}

const OK = prebuilt("+OK\r\n");
const QUEUED = prebuilt("+QUEUED\r\n");
const PONG = prebuilt("+PONG\r\n");
const NULL_BULK = prebuilt("$-1\r\n");
const NULL_ARRAY = prebuilt("*-1\r\n");
const NULL_3 = prebuilt("_\r\n");
const TRUE_3 = prebuilt("#t\r\n");
const FALSE_3 = prebuilt("#f\r\n");

/** Builds replies. See the head of this file. */
export class ReplyWriter {
  /** The protocol version replies are written in. */
  resp: 2 | 3 = 2;
  /** Bytes written so far; the cursor. */
  length = 0;
  #bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** The buffer handed over last. */
  #lent: Uint8Array<ArrayBuffer> = NO_BYTES;

  /** The bytes written so far, valid until the next write. */
  view(from = 0): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(from, this.length);
  }

  /**
   * The buffer being written, valid in [0, length) until the next write; avoids creating a view.
   */
  get buffer(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** Drops all output and keeps the buffer, unless it has become large. */
  empty(): void {
    if (this.#bytes.length > BUFFER_BYTES) this.rewind(0);
    else this.length = 0;
  }

  /**
   * Hands over the output and starts afresh; call {@linkcode giveBack} when it is no longer needed.
   */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.length);
    this.#lent = this.#bytes;
    this.#bytes = NO_BYTES;
    this.length = 0;
    return bytes;
  }

  /** Hands over what has been written, for as long as it is needed, and starts afresh. */
  detach(): Uint8Array<ArrayBuffer> {
    if (this.length < BUFFER_BYTES / 4) {
      const copy = this.#bytes.slice(0, this.length);
      this.rewind(0);
      return copy;
    }
    const bytes = this.#bytes.subarray(0, this.length);
    this.#bytes = NO_BYTES;
    this.length = 0;
    return bytes;
  }

  /** The bytes handed over last are no longer needed: their memory may be reused. */
  giveBack(): void {
    recycle(this.#lent);
    this.#lent = NO_BYTES;
  }

  /** Size of the buffer held, in bytes; 0 while there is no output. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Drops everything behind `length`, an earlier value of the cursor. */
  rewind(length: number): void {
    this.length = length;
    if (length === 0) {
      recycle(this.#bytes);
      this.#bytes = NO_BYTES;
    }
  }

  #ensure(more: number): void {
    const need = this.length + more;
    if (need <= this.#bytes.length) return;
    const old = this.#bytes;
    if (need <= BUFFER_BYTES) {
      this.#bytes = pool.pop() ?? allocateBytes(BUFFER_BYTES);
    } else {
      this.#bytes = allocateBytes(Math.max(need, old.length * 2));
    }
    if (old.length === 0) return;
    this.#bytes.set(old.subarray(0, this.length));
    recycle(old);
  }

  /** Appends bytes that are already a reply. */
  raw(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.#ensure(end - start);
    this.length = copyBytes(this.#bytes, this.length, bytes, start, end);
  }

  ok(): void {
    this.raw(OK);
  }

  queued(): void {
    this.raw(QUEUED);
  }

  pong(): void {
    this.raw(PONG);
  }

  /** A simple string; `text` must hold no line break. */
  simple(text: string): void {
    this.#line(PLUS, text);
  }

  /** An error; line breaks in its text become spaces. */
  error(error: ReplyError): void {
    this.#line(MINUS, /[\r\n]/.test(error.text) ? error.text.replace(/[\r\n]/g, " ") : error.text);
  }

  /** A whole number: a safe integer or, beyond, a BigInt in the signed 64-bit range. */
  integer(value: number | bigint): void {
    if (typeof value === "bigint") this.#line(COLON, value.toString());
    else this.#header(COLON, value);
  }

  /** A latin1 string as a bulk string. */
  bulk(text: string): void {
    if (text.length <= SHORT_PART) return this.bulkPart(text, 0, text.length);
    this.#header(DOLLAR, text.length);
    this.#ensure(text.length + 2);
    this.length = writeLatin1(this.#bytes, this.length, text);
    this.#newLine();
  }

  /**
   * The characters [start, end) of a latin1 string as a bulk string; avoids creating a string for a
   * short part.
   */
  bulkPart(text: string, start: number, end: number): void {
    const size = end - start;
    if (size > SHORT_PART) return this.bulk(text.substring(start, end));
    this.#ensure(size + 24);
    const bytes = this.#bytes;
    let at = this.length;
    bytes[at++] = DOLLAR;
    at = writeInteger(bytes, at, size);
    bytes[at++] = CR;
    bytes[at++] = LF;
    for (let i = start; i < end; i++) bytes[at++] = text.charCodeAt(i);
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  /** The bytes [start, end) of `buf` as a bulk string. */
  bulkBytes(buf: Uint8Array, start = 0, end = buf.length): void {
    const size = end - start;
    this.#ensure(size + 24);
    const bytes = this.#bytes;
    let at = this.length;
    bytes[at++] = DOLLAR;
    at = writeInteger(bytes, at, size);
    bytes[at++] = CR;
    bytes[at++] = LF;
    at = copyBytes(bytes, at, buf, start, end);
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  /** A bulk string, or a missing value. */
  bulkOrNull(text: string | undefined): void {
    if (text === undefined) this.null();
    else this.bulk(text);
  }

  /** An integer in decimal as a bulk string. */
  bulkInteger(value: number | bigint): void {
    this.bulk(value.toString());
  }

  /** A missing value: a null bulk string in RESP2. */
  null(): void {
    this.raw(this.resp === 3 ? NULL_3 : NULL_BULK);
  }

  /** A missing aggregate: a null array in RESP2. */
  nullArray(): void {
    this.raw(this.resp === 3 ? NULL_3 : NULL_ARRAY);
  }

  bool(value: boolean): void {
    if (this.resp === 3) this.raw(value ? TRUE_3 : FALSE_3);
    else this.integer(value ? 1 : 0);
  }

  /** A double, as `formatDouble` prints it; no string is made of a whole number. */
  score(value: number): void {
    if (!Number.isSafeInteger(value) || (value === 0 && 1 / value < 0)) {
      return this.double(formatDouble(value));
    }
    this.#ensure(48);
    const bytes = this.#bytes;
    if (this.resp === 3) bytes[this.length++] = COMMA;
    else {
      let size = value < 0 ? 2 : 1;
      for (let limit = 10, digits = Math.abs(value); digits >= limit; limit *= 10) size++;
      bytes[this.length++] = DOLLAR;
      this.length = writeInteger(bytes, this.length, size);
      this.#newLine();
    }
    this.length = writeInteger(bytes, this.length, value);
    this.#newLine();
  }

  /** A double, given as text (formatted by `util/numbers.ts`); a bulk string in RESP2. */
  double(text: string): void {
    if (this.resp === 3) this.#line(COMMA, text);
    else this.bulk(text);
  }

  bigNumber(value: bigint): void {
    if (this.resp === 3) this.#line(LEFT_PAREN, value.toString());
    else this.bulk(value.toString());
  }

  /** A big number, given as digits; a bulk string in RESP2. */
  bigNumberText(digits: string): void {
    if (this.resp === 3) this.#line(LEFT_PAREN, digits);
    else this.bulk(digits);
  }

  /** @param format three characters, `txt` or `mkd` */
  verbatim(format: string, text: string): void {
    if (this.resp === 2) return this.bulk(text);
    this.#header(EQUALS, text.length + 4);
    this.#ensure(text.length + 6);
    this.length = writeLatin1(this.#bytes, this.length, `${format}:`);
    this.length = writeLatin1(this.#bytes, this.length, text);
    this.#newLine();
  }

  /** `count` replies follow. */
  array(count: number): void {
    this.#header(ASTERISK, count);
  }

  /** `pairs` pairs of replies follow, each a key and a value; a flat array in RESP2. */
  map(pairs: number): void {
    if (this.resp === 3) this.#header(PERCENT, pairs);
    else this.#header(ASTERISK, pairs * 2);
  }

  /** `count` distinct replies follow; an array in RESP2. */
  set(count: number): void {
    this.#header(this.resp === 3 ? TILDE : ASTERISK, count);
  }

  /** `count` replies follow, out of band; an array in RESP2. */
  push(count: number): void {
    this.#header(this.resp === 3 ? GREATER : ASTERISK, count);
  }

  /** `pairs` pairs that annotate the reply behind them; RESP3 only. */
  attribute(pairs: number): void {
    this.#header(BAR, pairs);
  }

  /** An array of bulk strings. */
  bulkArray(texts: readonly string[]): void {
    this.array(texts.length);
    for (const text of texts) this.bulk(text);
  }

  /**
   * Inserts an array header before the output written since the cursor stood at `from`, for replies
   * whose length is known only at their end. O(bytes written since).
   */
  arrayBefore(from: number, count: number): void {
    this.#headerBefore(from, ASTERISK, count);
  }

  /** As {@linkcode arrayBefore}, for a map of `pairs` pairs. */
  mapBefore(from: number, pairs: number): void {
    if (this.resp === 3) this.#headerBefore(from, PERCENT, pairs);
    else this.#headerBefore(from, ASTERISK, pairs * 2);
  }

  /** As {@linkcode arrayBefore}, for a set. */
  setBefore(from: number, count: number): void {
    this.#headerBefore(from, this.resp === 3 ? TILDE : ASTERISK, count);
  }

  #headerBefore(from: number, marker: number, count: number): void {
    const end = this.length;
    this.#header(marker, count);
    const header = this.#bytes.slice(end, this.length);
    this.#bytes.copyWithin(from + header.length, from, end);
    this.#bytes.set(header, from);
  }

  #header(marker: number, value: number): void {
    this.#ensure(24);
    const bytes = this.#bytes;
    let at = this.length;
    bytes[at++] = marker;
    at = writeInteger(bytes, at, value);
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  #line(marker: number, text: string): void {
    this.#ensure(text.length + 3);
    this.#bytes[this.length++] = marker;
    this.length = writeLatin1(this.#bytes, this.length, text);
    this.#newLine();
  }

  #newLine(): void {
    this.#bytes[this.length++] = CR;
    this.#bytes[this.length++] = LF;
  }
}
