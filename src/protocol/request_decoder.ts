/**
 * Requests: RESP arrays of bulk strings, or inline commands, as they arrive in a connection's query
 * buffer.
 *
 * The decoder never copies arguments. It keeps offsets into its buffer, valid until the batch has
 * been run and the next bytes are requested. Parsing is resumable at every byte: a command that
 * arrives in a million pieces is scanned once, and announced arguments or bulk strings take no
 * memory until they arrive.
 *
 * Buffer:  | run, free to overwrite | parsed, the batch | not yet complete | room |
 *          0                        start               parsed             filled
 */
import { allocateBytes, bytesOf, latin1 } from "../util/bytes.ts";
import { splitArgs } from "../util/sds_split.ts";
import { type CommandBatch, grown, headsFor, writeHead } from "./command_batch.ts";

/** A malformed request. The text is sent after `-ERR `, then the connection closes. */
export class ProtocolError extends Error {
  override name = "ProtocolError";

  /**
   * @param isTooLarge true for a well-formed request that exceeds the query buffer; it gets no
   * answer
   */
  constructor(text: string, readonly isTooLarge = false) {
    super(text);
  }
}

/**
 * Limits on what a connection may announce; one object per server, changed in place when the
 * configuration changes.
 */
export interface RequestLimits {
  /** `proto-max-bulk-len`, bytes. */
  maxBulkBytes: number;
  /** `client-query-buffer-limit`, bytes. */
  maxQueryBytes: number;
}

/** Longest inline request, or header line of another request. */
const MAX_LINE_BYTES = 65_536;
/** Longest request overall: offsets into the buffer are signed 32-bit integers. */
const MAX_REQUEST_BYTES = 0x7fffffff;
/** Inline commands per batch: splitting lines is slow, and other clients wait meanwhile. */
const MAX_INLINE_COMMANDS = 128;
const MAX_ARGS = 0x7fffffff;
const MAX_ARGS_UNAUTHENTICATED = 10;
const MAX_BULK_UNAUTHENTICATED = 16_384;
const SMALLEST_BUFFER = 2_048;
const LARGEST_IDLE_BUFFER = 65_536;
const SMALLEST_OFFSETS = 64;
const LARGEST_IDLE_OFFSETS = 16_384;

const CR = 0x0d, LF = 0x0a, ASTERISK = 0x2a, DOLLAR = 0x24;

/** Decodes requests. See the head of this file. */
export class RequestDecoder {
  /** The result of the last {@linkcode decode}; always the same object. */
  readonly batch: CommandBatch = {
    buf: allocateBytes(SMALLEST_BUFFER),
    offsets: new Int32Array(SMALLEST_OFFSETS),
    heads: headsFor(4),
    count: 0,
    error: null,
  };
  /** Larger requests are allowed once the client is authenticated. */
  authenticated = true;

  #start = 0;
  #parsed = 0;
  #filled = 0;
  /** Offsets used by complete commands and by the one being parsed. */
  #offsetCount = 0;
  /** Inline commands in the batch. */
  #inlineCount = 0;
  /**
   * The command being parsed: its first offset, announced arguments (-1: none begun), arguments
   * still to come.
   */
  #base = 0;
  #argCount = -1;
  #argsLeft = 0;
  #commandStart = 0;
  /** Length of the bulk string being read, or -1 while its header is. */
  #bulkLength = -1;
  /** Progress of the search for a line end, so that no byte is searched twice. */
  #lineScan = 0;

  constructor(readonly limits: RequestLimits) {}

  /** Bytes received and not yet part of a complete command. */
  get pendingBytes(): number {
    return this.#filled - this.#parsed;
  }

  /** Size of the query buffer in bytes, including its offsets if they are very many. */
  get capacity(): number {
    const { buf, offsets } = this.batch;
    return buf.length + (offsets.length > LARGEST_IDLE_OFFSETS ? offsets.byteLength : 0);
  }

  /**
   * The part of the buffer to read into; follow with {@linkcode received}. Must not be called while
   * a read into an earlier result is under way, nor while a batch still has commands to run: it may
   * move the bytes.
   */
  room(): Uint8Array {
    if (this.#start > 0) this.#moveToFront();
    const { buf, offsets } = this.batch;
    if (this.#filled === 0 && offsets.length > LARGEST_IDLE_OFFSETS) {
      this.batch.offsets = new Int32Array(SMALLEST_OFFSETS);
    }
    if (this.#filled === 0 && buf.length > LARGEST_IDLE_BUFFER) this.#resize(LARGEST_IDLE_BUFFER);
    else if (this.#filled === buf.length) this.#resize(this.#grownSize());
    // Between requests the buffer is empty: the usual read fills it directly, without a view.
    return this.#filled === 0 ? this.batch.buf : this.batch.buf.subarray(this.#filled);
  }

  /** The free bytes behind the received ones, without moving anything; may be empty. */
  tail(): Uint8Array {
    return this.batch.buf.subarray(this.#filled);
  }

  /** Records that `bytes` bytes have been read into {@linkcode room}. */
  received(bytes: number): void {
    this.#filled += bytes;
    // After a read that filled the buffer, more input is likely.
    if (this.#filled === this.batch.buf.length && this.#filled < LARGEST_IDLE_BUFFER && this.#start === 0) {
      this.#resize(this.#grownSize());
    }
  }

  /** Appends `bytes`, for callers that already hold them (the AOF loader, scripts, tests). */
  append(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      const room = this.room();
      const part = bytes.subarray(from, from + room.length);
      room.set(part);
      this.received(part.length);
      from += part.length;
    }
  }

  /**
   * Decodes every complete command in the buffer into {@linkcode batch} and returns their number.
   * The previous content of the batch is gone. At a protocol error the batch holds the commands
   * before it, and its `error` is set. Before authentication, commands come one at a time, since
   * each may lift the limits on the next; inline commands come a limited number at a time. Complete
   * commands may therefore remain: decode again before reading more.
   */
  decode(): number {
    const batch = this.batch;
    if (this.#argCount < 0) this.#offsetCount = 0;
    else if (this.#base > 0) this.#moveOffsets();
    this.#start = this.#argCount < 0 ? this.#parsed : this.#commandStart;
    batch.count = 0;
    batch.error = null;
    this.#inlineCount = 0;
    try {
      while (
        this.#parsed < this.#filled && (this.authenticated || batch.count === 0) && this.#parseCommand() &&
        this.#inlineCount < MAX_INLINE_COMMANDS
      );
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      batch.error = error;
    }
    if (
      this.#filled - this.#parsed > this.limits.maxQueryBytes ||
      this.#filled - this.unfinishedFrom > MAX_REQUEST_BYTES
    ) batch.error = new ProtocolError("client query buffer limit", true);
    return batch.count;
  }

  /**
   * Offset of the first byte that belongs to no complete command, for error reports of a file being
   * read.
   */
  get unfinishedFrom(): number {
    return this.#argCount < 0 ? this.#parsed : this.#commandStart;
  }

  /** Offset behind the last byte received. */
  get filled(): number {
    return this.#filled;
  }

  /**
   * Twice the size or, for a long announced bulk string, eight times; never more than the bulk
   * string needs.
   */
  #grownSize(): number {
    const size = this.batch.buf.length, needed = this.#parsed + this.#bulkLength + 2;
    const isKnown = this.#argCount >= 0 && this.#bulkLength >= 0 && needed > size;
    return isKnown ? Math.min(needed, size * 8) : size * 2;
  }

  #moveToFront(): void {
    const from = this.#argCount < 0 ? this.#parsed : this.#commandStart;
    this.#start = 0;
    if (from === 0) return;
    if (from < this.#filled) this.batch.buf.copyWithin(0, from, this.#filled);
    this.#parsed -= from;
    this.#filled -= from;
    this.#commandStart -= from;
    this.#lineScan -= from;
    for (let i = this.#base; i < this.#offsetCount; i++) this.batch.offsets[i]! -= from;
  }

  #moveOffsets(): void {
    this.batch.offsets.copyWithin(0, this.#base, this.#offsetCount);
    this.#offsetCount -= this.#base;
    this.#base = 0;
  }

  #resize(size: number): void {
    const buf = allocateBytes(size);
    buf.set(this.batch.buf.subarray(0, this.#filled));
    this.batch.buf = buf;
  }

  /** Parses one command; false when its end has not arrived. */
  #parseCommand(): boolean {
    if (this.#argCount < 0) {
      const first = this.batch.buf[this.#parsed]!;
      if (first !== ASTERISK) return this.#parseInline();
      if (!this.#parseArrayHeader()) return false;
      if (this.#argCount < 0) return true;
    }
    while (this.#argsLeft > 0) {
      if (!this.#parseBulk()) return false;
      this.#argsLeft--;
    }
    this.#finishCommand(this.#commandStart, this.#parsed);
    return true;
  }

  #finishCommand(rawStart: number, rawEnd: number): void {
    const batch = this.batch;
    writeHead(batch, batch.count++, this.#base, (this.#offsetCount - this.#base) >> 1, rawStart, rawEnd);
    this.#base = this.#offsetCount;
    this.#argCount = -1;
  }

  #pushOffsets(start: number, end: number): void {
    const batch = this.batch;
    if (this.#offsetCount + 2 > batch.offsets.length) batch.offsets = grown(batch.offsets);
    batch.offsets[this.#offsetCount++] = start;
    batch.offsets[this.#offsetCount++] = end;
  }

  /** Reads `*N\r\n`. An array of no arguments is skipped. */
  #parseArrayHeader(): boolean {
    const commandStart = this.#parsed;
    const end = this.#shortLineEnd() || this.#lineEnd("too big mbulk count string");
    if (end < 0) return false;
    const count = this.#lineInteger(commandStart + 1, end);
    if (count === undefined || count > MAX_ARGS) throw new ProtocolError("invalid multibulk length");
    if (count > MAX_ARGS_UNAUTHENTICATED && !this.authenticated) {
      throw new ProtocolError("unauthenticated multibulk length");
    }
    this.#parsed = end + 2;
    if (count <= 0) return true;
    this.#commandStart = commandStart;
    this.#base = this.#offsetCount;
    this.#argCount = count;
    this.#argsLeft = count;
    this.#bulkLength = -1;
    return true;
  }

  /** Reads `$N\r\n<N bytes>\r\n`, or the part of it that has arrived. */
  #parseBulk(): boolean {
    const buf = this.batch.buf;
    if (this.#bulkLength < 0) {
      if (this.#parsed >= this.#filled) return false;
      const end = this.#shortLineEnd() || this.#lineEnd("too big bulk count string");
      if (end < 0) return false;
      const marker = buf[this.#parsed]!;
      if (marker !== DOLLAR) {
        throw new ProtocolError(`expected '$', got '${String.fromCharCode(marker)}'`);
      }
      const length = this.#lineInteger(this.#parsed + 1, end);
      if (length === undefined || length < 0 || length > this.limits.maxBulkBytes) {
        throw new ProtocolError("invalid bulk length");
      }
      if (length > MAX_BULK_UNAUTHENTICATED && !this.authenticated) {
        throw new ProtocolError("unauthenticated bulk length");
      }
      this.#bulkLength = length;
      this.#parsed = end + 2;
    }
    const end = this.#parsed + this.#bulkLength;
    if (end + 2 > this.#filled) return false;
    this.#pushOffsets(this.#parsed, end);
    this.#parsed = end + 2;
    this.#bulkLength = -1;
    return true;
  }

  /**
   * Like {@linkcode RequestDecoder.#lineEnd} for the usual header, of one or two digits, without a
   * loop; else 0.
   */
  #shortLineEnd(): number {
    const buf = this.batch.buf, at = this.#parsed + 2;
    if (at + 2 >= this.#filled) return 0;
    return buf[at] === CR ? at : buf[at + 1] === CR ? at + 1 : 0;
  }

  /**
   * Position of the CR that ends the line at `#parsed`, or -1; the LF behind it has arrived too.
   */
  #lineEnd(tooBig: string): number {
    const buf = this.batch.buf, filled = this.#filled;
    let at = Math.max(this.#lineScan, this.#parsed);
    while (at < filled && buf[at] !== CR) at++;
    this.#lineScan = at;
    if (at - this.#parsed > MAX_LINE_BYTES) throw new ProtocolError(tooBig);
    return at + 1 < filled ? at : -1;
  }

  /**
   * The integer of a header line, as strict as Redis: digits with an optional minus, nothing else.
   */
  #lineInteger(start: number, end: number): number | undefined {
    const buf = this.batch.buf;
    const negative = buf[start] === 0x2d;
    let at = negative ? start + 1 : start;
    if (at === end || end - at > 19 || (buf[at] === 0x30 && end - start > 1)) return undefined;
    let value = 0;
    for (; at < end; at++) {
      const digit = buf[at]! - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      value = value * 10 + digit;
    }
    return negative ? -value : value;
  }

  /**
   * Parses a line of words. Their unquoted bytes overwrite the line: they are never longer than it.
   */
  #parseInline(): boolean {
    const buf = this.batch.buf;
    let end = Math.max(this.#lineScan, this.#parsed);
    while (end < this.#filled && buf[end] !== LF) end++;
    this.#lineScan = end;
    if (end - this.#parsed > MAX_LINE_BYTES) throw new ProtocolError("too big inline request");
    if (end === this.#filled) return false;
    const start = this.#parsed;
    const lineEnd = end > start && buf[end - 1] === CR ? end - 1 : end;
    const words = splitArgs(latin1(buf, start, lineEnd));
    if (words === undefined) throw new ProtocolError("unbalanced quotes in request");
    this.#parsed = end + 1;
    if (words.length === 0) return true;
    this.#inlineCount++;
    this.#base = this.#offsetCount;
    let at = start;
    for (const word of words) {
      buf.set(bytesOf(word), at);
      this.#pushOffsets(at, at + word.length);
      at += word.length;
    }
    this.#finishCommand(-1, -1);
    return true;
  }
}
