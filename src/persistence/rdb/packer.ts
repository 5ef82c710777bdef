/**
 * Elements on their way from a file into a small collection: written behind each other as bytes, each with its length,
 * in the form that the collection keeps them in. Only one string is made, of all of them; a string for each would take
 * most of the time that loading takes.
 */
import {
  elementEnd,
  elementFits,
  elementInteger,
  elementTextEnd,
  elementTextStart,
  hasListpackFrame,
  isIntegerElement,
  LISTPACK_HEADER_BYTES,
} from "../../data/listpack.ts";
import { allocateBytes, copyBytes, latin1, writeInteger, writeLatin1 } from "../../util/bytes.ts";

/** Lengths from here on take five bytes. */
const LONG = 254;
/** The most that stands around an element. */
const AROUND_BYTES = 10;
/** The most an integer takes. */
const INTEGER_BYTES = 20;
const UNKNOWN_COUNT = 0xffff;

/** See the head of this file. */
export class Packer {
  count = 0;
  /** Bytes of the longest element. */
  longest = 0;
  #bytes = allocateBytes(256);
  #end = 0;

  /** @param isList each length stands behind its element, too, as list_node.ts has it; else as in packed.ts */
  constructor(readonly isList: boolean) {}

  clear(): void {
    this.count = this.longest = this.#end = 0;
  }

  /** All elements, packed. */
  text(): string {
    return latin1(this.#bytes, 0, this.#end);
  }

  /** Adds the element `from[start, end)`. */
  add(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const at = this.#begin(length);
    this.#finish(copyBytes(this.#bytes, at, from, start, end), length);
  }

  #addInteger(value: number | bigint): void {
    const at = this.#begin(INTEGER_BYTES) - 1;
    const end = typeof value === "number"
      ? writeInteger(this.#bytes, at + 1, value)
      : writeLatin1(this.#bytes, at + 1, String(value));
    this.#bytes[at] = end - at - 1;
    this.#finish(end, end - at - 1);
  }

  /** Makes room and writes the length in front; where the element goes. */
  #begin(length: number): number {
    const need = this.#end + length + AROUND_BYTES;
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
    return this.#length(at, length);
  }

  #length(at: number, length: number): number {
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[at++] = length >>> shift;
    return at;
  }

  #finish(end: number, length: number): void {
    if (this.isList && length < LONG) this.#bytes[end++] = length;
    else if (this.isList) {
      end = this.#length(end, length);
      this.#bytes[end++] = LONG;
    }
    this.#end = end;
    this.count++;
    if (length > this.longest) this.longest = length;
  }

  /** Takes all elements of a listpack in place of what was there; false if the bytes are not exactly one. */
  listpack(bytes: Uint8Array): boolean {
    this.clear();
    if (!hasListpackFrame(bytes)) return false;
    const limit = bytes.length - 1;
    for (let at = LISTPACK_HEADER_BYTES; at < limit; at = elementEnd(bytes, at)) {
      if (!elementFits(bytes, at, limit)) return false;
      if (isIntegerElement(bytes, at)) this.#addInteger(elementInteger(bytes, at));
      else this.add(bytes, elementTextStart(bytes, at), elementTextEnd(bytes, at));
    }
    const count = bytes[4]! | (bytes[5]! << 8);
    return count === UNKNOWN_COUNT || count === this.count;
  }
}
