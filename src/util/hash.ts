/**
 * The seeded hash of every table that is filled from the network: without the seed, colliding keys
 * cannot be chosen.
 *
 * It is HalfSipHash-1-3, the variant of SipHash (Jean-Philippe Aumasson and Daniel J. Bernstein,
 * "SipHash: a fast short-input PRF") whose state is four 32-bit words, the integers JavaScript is
 * fastest with: one round for each four bytes of input, three at the end. Its 64-bit key is derived
 * from the 32-bit seed.
 *
 * A latin1 string and the same bytes in a buffer have the same hash. The two functions repeat the
 * round because state kept outside local variables would cost more than the hash itself.
 */

/** The constant for the second half of the key: the golden ratio's fraction, in 32 bits. */
const keySpread = 0x9e3779b9;

/**
 * The hash of a latin1 string, a signed 32-bit integer. Every character must be below 256.
 *
 * @param seed any 32-bit integer
 */
export function hashText(text: string, seed: number): number {
  const seed2 = Math.imul(seed, keySpread) ^ keySpread;
  let v0 = seed | 0, v1 = seed2, v2 = 0x6c796765 ^ seed, v3 = 0x74656462 ^ seed2;
  const length = text.length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const word = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 8) | (text.charCodeAt(i + 2) << 16) |
      (text.charCodeAt(i + 3) << 24);
    v3 ^= word;
    v0 = (v0 + v1) | 0, v2 = (v2 + v3) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0, v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (((v0 << 16) | (v0 >>> 16)) + v3) | 0, v2 = (v2 + v1) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0, v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16), v0 ^= word;
  }
  let last = length << 24;
  for (let shift = 0; i < length; i++, shift += 8) last |= text.charCodeAt(i) << shift;
  return finish(v0, v1, v2, v3, last);
}

/**
 * The hash of `bytes[start]` … `bytes[end - 1]`, a signed 32-bit integer, equal to
 * {@linkcode hashText} of the same bytes as a latin1 string.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const seed2 = Math.imul(seed, keySpread) ^ keySpread;
  let v0 = seed | 0, v1 = seed2, v2 = 0x6c796765 ^ seed, v3 = 0x74656462 ^ seed2;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    v3 ^= word;
    v0 = (v0 + v1) | 0, v2 = (v2 + v3) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0, v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (((v0 << 16) | (v0 >>> 16)) + v3) | 0, v2 = (v2 + v1) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0, v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16), v0 ^= word;
  }
  let last = (end - start) << 24;
  for (let shift = 0; i < end; i++, shift += 8) last |= bytes[i]! << shift;
  return finish(v0, v1, v2, v3, last);
}

/** The round of the last word (the bytes left over and the length), then the three closing ones. */
function finish(v0: number, v1: number, v2: number, v3: number, last: number): number {
  v3 ^= last;
  for (let round = 0; round < 4; round++) {
    v0 = (v0 + v1) | 0, v2 = (v2 + v3) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0, v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (((v0 << 16) | (v0 >>> 16)) + v3) | 0, v2 = (v2 + v1) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0, v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 0) v0 ^= last, v2 ^= 0xff;
  }
  return v1 ^ v3;
}
