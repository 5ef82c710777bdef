/**
 * CRC-64 as RDB files and DUMP payloads carry it: the polynomial of Lars Jones
 * (0xad93d23594c935a9), reflected, starting from 0, without a final inversion; "123456789" gives
 * e9c6d914c4b8d9ca.
 *
 * JavaScript has no fast 64-bit integers, so the register is kept in two 32-bit halves. Eight bytes
 * are processed at a time ("slicing by 8", Kounavis and Berry 2005): a table for each of the eight
 * positions gives the effect of a byte there on the register, and the sixteen look-ups do not
 * depend on each other as those of the byte-wise form do (tests/unit/util/crc64_test.ts checks the
 * two against each other).
 */

const POLYNOMIAL_LOW = reflect(0x94c935a9);
const POLYNOMIAL_HIGH = reflect(0xad93d235);

/** Mirrors the 32 bits of `word`. */
function reflect(word: number): number {
  let mirrored = 0;
  for (let i = 0; i < 32; i++) mirrored = (mirrored << 1) | ((word >>> i) & 1);
  return mirrored;
}

/** Entry `position * 256 + byte`, as the lower and the upper half; 16 KiB together. */
const { low: tableLow, high: tableHigh } = buildTables();

function buildTables(): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(2048), high = new Int32Array(2048);
  for (let byte = 0; byte < 256; byte++) {
    let lo = byte, hi = 0;
    for (let bit = 0; bit < 8; bit++) {
      const carry = lo & 1;
      lo = (lo >>> 1) | (hi << 31);
      hi >>>= 1;
      // The polynomial is reflected, so its halves are swapped.
      if (carry) lo ^= POLYNOMIAL_HIGH, hi ^= POLYNOMIAL_LOW;
    }
    low[byte] = lo, high[byte] = hi;
  }
  for (let i = 256; i < 2048; i++) {
    const lo = low[i - 256]!, hi = high[i - 256]!, byte = lo & 255;
    low[i] = ((lo >>> 8) | (hi << 24)) ^ low[byte]!;
    high[i] = (hi >>> 8) ^ high[byte]!;
  }
  return { low, high };
}

/**
 * A running CRC-64.
 *
 * @example
 * ```ts
 * import { Crc64 } from "./crc64.ts";
 * const crc = new Crc64();
 * crc.update(Uint8Array.of(0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39));
 * if (crc.toBigInt() !== 0xe9c6d914c4b8d9can) throw new Error("wrong polynomial");
 * ```
 */
export class Crc64 {
  #low = 0;
  #high = 0;

  /** Adds `bytes[start, end)`. About 1.1 ns per byte. */
  update(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let lo = this.#low, hi = this.#high, i = start;
    for (; i + 8 <= end; i += 8) {
      lo ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      hi ^= bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24);
      const a = 1792 + (lo & 255), b = 1536 + ((lo >>> 8) & 255);
      const c = 1280 + ((lo >>> 16) & 255), d = 1024 + (lo >>> 24);
      const e = 768 + (hi & 255), f = 512 + ((hi >>> 8) & 255);
      const g = 256 + ((hi >>> 16) & 255), h = hi >>> 24;
      lo = tableLow[a]! ^ tableLow[b]! ^ tableLow[c]! ^ tableLow[d]! ^
        tableLow[e]! ^ tableLow[f]! ^ tableLow[g]! ^ tableLow[h]!;
      hi = tableHigh[a]! ^ tableHigh[b]! ^ tableHigh[c]! ^ tableHigh[d]! ^
        tableHigh[e]! ^ tableHigh[f]! ^ tableHigh[g]! ^ tableHigh[h]!;
    }
    for (; i < end; i++) {
      const index = (lo ^ bytes[i]!) & 255;
      lo = ((lo >>> 8) | (hi << 24)) ^ tableLow[index]!;
      hi = (hi >>> 8) ^ tableHigh[index]!;
    }
    this.#low = lo;
    this.#high = hi;
  }

  /** Byte `index` (0 … 7) of the register in little-endian order, as stored in files. */
  byteAt(index: number): number {
    return ((index < 4 ? this.#low : this.#high) >>> ((index & 3) * 8)) & 255;
  }

  /** True if the eight bytes at `at` hold this register. */
  matches(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < 8; i++) if (bytes[at + i] !== this.byteAt(i)) return false;
    return true;
  }

  /** The register as an unsigned number. */
  toBigInt(): bigint {
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }
}
