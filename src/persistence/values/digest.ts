/**
 * The two operations that DEBUG DIGEST is made of. *Adding* text exclusive-ors its SHA-1 into a digest: the order does
 * not matter (sets, the fields of a hash, all keys). *Chaining* adds and then replaces the digest by its own SHA-1: the order
 * matters.
 */
import { sha1Bytes, sha1Hex, sha1Text, type Sha1Words, sha1Words } from "../../util/sha1.ts";

/** A digest under way; begins as all zeros. See the head of this file. */
export class Digest {
  readonly #words: Sha1Words = new Int32Array(5);
  readonly #scratch: Sha1Words = new Int32Array(5);
  /** The pair being added; made by the first one. */
  #pair: Digest | null = null;

  /** Sets all back to zeros. */
  clear(): void {
    this.#words.fill(0);
  }

  /** 40 hexadecimal digits. */
  get hex(): string {
    return sha1Hex(this.#words);
  }

  #xor(): void {
    for (let i = 0; i < 5; i++) this.#words[i]! ^= this.#scratch[i]!;
  }

  /** Adds a latin1 string. */
  add(text: string): void {
    sha1Text(text, this.#scratch);
    this.#xor();
  }

  /** Adds another digest. */
  addDigest(other: Digest): void {
    sha1Words(other.#words, this.#scratch);
    this.#xor();
  }

  /** Adds a pair in which the order matters to a whole in which it does not. */
  addPair(first: string, second: string): void {
    const pair = this.#pair ??= new Digest();
    pair.clear();
    pair.chain(first);
    pair.chain(second);
    this.addDigest(pair);
  }

  /** Chains a latin1 string. */
  chain(text: string): void {
    this.add(text);
    sha1Words(this.#words, this.#words);
  }

  /** Chains the bytes [start, end). */
  chainBytes(buf: Uint8Array, start: number, end: number): void {
    sha1Bytes(buf, start, end, this.#scratch);
    this.#xor();
    sha1Words(this.#words, this.#words);
  }

  /** Chains a number of 32 bits. */
  chainNumber(value: number): void {
    this.chain(String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255));
  }
}
