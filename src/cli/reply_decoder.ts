/**
 * The client's side of the protocol: bytes in, replies out, RESP2 and RESP3 alike, however the
 * bytes are split. Work is never repeated for a reply that arrives in pieces: aggregates that wait
 * for items are on a stack, an incomplete line or bulk text stays in the buffer, and the progress
 * of the search for its end is remembered.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ReplyDecoder } from "./reply_decoder.ts";
 *
 * const decoder = new ReplyDecoder();
 * decoder.push(new TextEncoder().encode("*2\r\n:1\r\n$1\r"));
 * assertEquals(decoder.next(), undefined);
 * decoder.push(new TextEncoder().encode("\nx\r\n"));
 * assertEquals(decoder.next(), {
 *   type: "array",
 *   items: [{ type: "integer", text: "1" }, { type: "bulk", text: "x" }],
 * });
 * ```
 */
import { Buffer } from "node:buffer";
import type { AggregateReply, Reply } from "./reply.ts";

/** The server's bytes are not valid RESP. */
export class ReplyFormatError extends Error {
  override readonly name = "ReplyFormatError";
}

/** An aggregate under way. Attributes are parsed like maps and then dropped. */
interface OpenAggregate {
  readonly type: AggregateReply["type"] | "attribute";
  readonly items: Reply[];
  missing: number;
}

const NULL: Reply = { type: "null" };
const CR = 13;
const LF = 10;
const FIRST_CAPACITY = 16 * 1024;

/** Incremental decoder of a stream of replies. */
export class ReplyDecoder {
  #buffer = Buffer.alloc(FIRST_CAPACITY);
  #start = 0;
  #end = 0;
  #scanned = 0;
  /** Length and kind of the bulk whose header has been read, else -1. */
  #bulkLength = -1;
  #bulkMarker = "";
  readonly #open: OpenAggregate[] = [];

  /** Adds bytes from the socket; they are copied. */
  push(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /**
   * The next complete reply, or `undefined` if more bytes are needed.
   * @throws {ReplyFormatError} if the bytes are not RESP
   */
  next(): Reply | undefined {
    for (;;) {
      const value = this.#readValue();
      if (value === undefined) return undefined;
      const whole = value === null ? undefined : this.#place(value);
      if (whole !== undefined) return whole;
    }
  }

  /**
   * Makes room behind the pending bytes: moves them to the front, into a larger buffer if need be.
   */
  #reserve(extra: number): void {
    if (this.#buffer.length - this.#end >= extra) return;
    const pending = this.#end - this.#start;
    const size = this.#buffer.length;
    const target = pending + extra > size ? Buffer.alloc(Math.max(pending + extra, size * 2)) : this.#buffer;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#scanned = Math.max(0, this.#scanned - this.#start);
    this.#start = 0;
    this.#end = pending;
  }

  /**
   * A value; `null` if only the head of an aggregate or a bulk was read; `undefined` if bytes are
   * missing.
   */
  #readValue(): Reply | null | undefined {
    if (this.#bulkLength >= 0) return this.#readBulk();
    const line = this.#readLine();
    if (line === undefined) {
      // A server that speaks another protocol may never end its line.
      if (this.#end > this.#start) checkMarker(String.fromCharCode(this.#buffer[this.#start]!));
      return undefined;
    }
    return this.#readHead(line.charAt(0), line.slice(1));
  }

  #readLine(): string | undefined {
    let at = Math.max(this.#scanned, this.#start);
    for (;;) {
      at = this.#buffer.indexOf(LF, at);
      if (at < 0 || at >= this.#end) {
        this.#scanned = this.#end;
        return undefined;
      }
      if (at > this.#start && this.#buffer[at - 1] === CR) break;
      at++;
    }
    const line = this.#buffer.toString("latin1", this.#start, at - 1);
    this.#start = at + 1;
    return line;
  }

  #readHead(marker: string, rest: string): Reply | null {
    switch (marker) {
      case "+":
        return { type: "status", text: rest };
      case "-":
        return { type: "error", text: rest };
      case ":":
        return { type: "integer", text: rest };
      case ",":
        return { type: "double", text: rest };
      case "(":
        return { type: "bignumber", text: rest };
      case "#":
        return { type: "boolean", value: rest === "t" };
      case "_":
        return NULL;
      case "$":
      case "=":
      case "!":
        return this.#openBulk(marker, readLength(rest));
      case "*":
        return this.#openAggregate("array", readLength(rest));
      case "~":
        return this.#openAggregate("set", readLength(rest));
      case ">":
        return this.#openAggregate("push", readLength(rest));
      case "%":
        return this.#openAggregate("map", 2 * readLength(rest));
      case "|":
        return this.#openAggregate("attribute", 2 * readLength(rest));
      default:
        throw unknownMarker(marker);
    }
  }

  #openBulk(marker: string, length: number): Reply | null {
    if (length < 0) return NULL;
    this.#bulkLength = length;
    this.#bulkMarker = marker;
    return null;
  }

  #readBulk(): Reply | undefined {
    const length = this.#bulkLength;
    if (this.#end - this.#start < length + 2) return undefined;
    const text = this.#buffer.toString("latin1", this.#start, this.#start + length);
    this.#start += length + 2;
    this.#bulkLength = -1;
    if (this.#bulkMarker === "!") return { type: "error", text };
    if (this.#bulkMarker === "=") return { type: "verbatim", format: text.slice(0, 3), text: text.slice(4) };
    return { type: "bulk", text };
  }

  #openAggregate(type: OpenAggregate["type"], count: number): Reply | null {
    if (count < 0) return NULL;
    if (count === 0 && type !== "attribute") return { type, items: [] };
    if (count > 0) this.#open.push({ type, items: [], missing: count });
    return null;
  }

  /** Adds a value to the innermost open aggregate; returns the reply it completes, if any. */
  #place(value: Reply): Reply | undefined {
    let done: Reply = value;
    for (;;) {
      const parent = this.#open.at(-1);
      if (parent === undefined) return done;
      parent.items.push(done);
      if (--parent.missing > 0) return undefined;
      this.#open.pop();
      if (parent.type === "attribute") return undefined;
      done = { type: parent.type, items: parent.items };
    }
  }
}

function checkMarker(marker: string): void {
  if (!"+-:,(#_$=!*~>%|".includes(marker)) throw unknownMarker(marker);
}

function unknownMarker(marker: string): ReplyFormatError {
  return new ReplyFormatError(`Protocol error, got ${JSON.stringify(marker)} as reply type byte`);
}

function readLength(text: string): number {
  if (!/^(-1|\d+)$/.test(text)) {
    throw new ReplyFormatError(`Protocol error, bad length ${JSON.stringify(text)}`);
  }
  return Number(text);
}
