/** Numbers in bytes that need not be aligned. */

/** The unsigned 32-bit word at `at`, little-endian, aligned or not. */
export function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Writes a 32-bit word. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = word >>> (8 * i);
}

/** The whole number of up to 53 bits written by {@linkcode writeCount}. */
export function readCount(bytes: Uint8Array, at: number): number {
  return readWord(bytes, at) + readWord(bytes, at + 4) * 2 ** 32;
}

/** Writes a whole number of up to 53 bits in eight bytes. */
export function writeCount(bytes: Uint8Array, at: number, count: number): void {
  writeWord(bytes, at, count >>> 0);
  writeWord(bytes, at + 4, Math.floor(count / 2 ** 32));
}
