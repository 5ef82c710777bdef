/**
 * Elements on their way from a file into a small collection: written behind each other as bytes, each with its length,
 * in the form of packed.ts. Only one string is made, of all of them; a string for each would take most of the time that
 * loading takes.
 */
import { allocateBytes, copyBytes, latin1 } from "../../util/bytes.ts";
import { eachElement } from "./packed_formats.ts";

/** Lengths from here on take five bytes. */
const LONG = 254;
/** The most that stands before an element. */
const LENGTH_BYTES = 5;

/** See the head of this file. */
export class Packer {
  count = 0;
  /** Bytes of the longest element. */
  longest = 0;
  #bytes = allocateBytes(256);
  #end = 0;

  clear(): void {
    this.count = this.longest = this.#end = 0;
  }

  /** All elements, packed. */
  text(): string {
    return latin1(this.#bytes, 0, this.#end);
  }

  /** Adds the element `from[start, end)`. */
  add(from: Uint8Array, start: number, end: number): void {
    const length = end - start, at = this.#begin(length);
    this.#end = copyBytes(this.#bytes, at, from, start, end);
    this.count++;
    if (length > this.longest) this.longest = length;
  }

  /** Makes room and writes the length; where the element goes. */
  #begin(length: number): number {
    const need = this.#end + length + LENGTH_BYTES;
    if (need > this.#bytes.length) {
      const larger = allocateBytes(2 * need);
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
    }
    const bytes = this.#bytes;
    let at = this.#end;
    if (length < LONG) {
      bytes[at++] = length;
      return at;
    }
    bytes[at++] = LONG;
    for (let shift = 0; shift < 32; shift += 8) bytes[at++] = length >>> shift;
    return at;
  }

  /**
   * Replaces the contents by all elements of a listpack; false if the bytes are not exactly one.
   */
  listpack(bytes: Uint8Array): boolean {
    this.clear();
    return eachElement(bytes, (buf, start, end) => this.add(buf, start, end));
  }
}
