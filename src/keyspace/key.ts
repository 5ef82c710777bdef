/**
 * A key on its way to the keyspace: bytes somewhere (the query buffer, as a rule) and their hash. A `Key` lives for
 * one turn, as the bytes do; use `text` for anything that lives longer.
 */
import { bytesOf, latin1 } from "../util/bytes.ts";
import { hashBytes } from "../util/hash.ts";

/**
 * Seed of every hash over keys in this process, unpredictable so that keys cannot be aimed at one
 * slot.
 */
const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;

/** The seeded hash of the key `buf[start, end)`, a signed 32-bit integer. */
export function hashOf(buf: Uint8Array, start: number, end: number): number {
  return hashBytes(buf, start, end, seed) | 0;
}

/** A key's bytes and their hash, calculated once for all look-ups. */
export class Key {
  /** Seeded hash of the bytes, a signed 32-bit integer. */
  readonly hash: number;
  #text: string | undefined;

  constructor(readonly buf: Uint8Array, readonly start: number, readonly end: number, text?: string) {
    this.hash = hashOf(buf, start, end);
    this.#text = text;
  }

  static of(text: string): Key {
    return new Key(bytesOf(text), 0, text.length, text);
  }

  /** Length in bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** The key as a latin1 string, made at the first use. */
  get text(): string {
    return this.#text ??= latin1(this.buf, this.start, this.end);
  }
}
