/**
 * SHA-1 (FIPS 180-4) of short texts, without a promise and without an object per call: DEBUG DIGEST
 * takes several hashes for each element of the data. It offers no protection against attackers; see
 * RFC 6194.
 */

const BLOCK_BYTES = 64;
/** Position of the length in the last block. */
const LENGTH_AT = 56;
const schedule = new Int32Array(80);
const block = new Uint8Array(BLOCK_BYTES);

/** The five words of a hash. */
export type Sha1Words = Int32Array<ArrayBuffer>;

function begin(out: Sha1Words): void {
  out[0] = 0x67452301;
  out[1] = 0xefcdab89;
  out[2] = 0x98badcfe;
  out[3] = 0x10325476;
  out[4] = 0xc3d2e1f0;
}

/** Adds `block` to the hash `out`. */
function addBlock(out: Sha1Words): void {
  const w = schedule;
  for (let i = 0, at = 0; i < 16; i++, at += 4) {
    w[i] = (block[at]! << 24) | (block[at + 1]! << 16) | (block[at + 2]! << 8) | block[at + 3]!;
  }
  for (let i = 16; i < 80; i++) {
    const mixed = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!;
    w[i] = (mixed << 1) | (mixed >>> 31);
  }
  let a = out[0]!, b = out[1]!, c = out[2]!, d = out[3]!, e = out[4]!;
  for (let i = 0; i < 80; i++) {
    const chosen = i < 20
      ? ((b & c) | (~b & d)) + 0x5a827999
      : i < 40
      ? (b ^ c ^ d) + 0x6ed9eba1
      : i < 60
      ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
      : (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + chosen + e + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  out[0]! += a;
  out[1]! += b;
  out[2]! += c;
  out[3]! += d;
  out[4]! += e;
}

/** Pads the `used` bytes in `block` and adds them; `length` is that of the whole text. */
function finish(out: Sha1Words, used: number, length: number): void {
  block[used] = 0x80;
  block.fill(0, used + 1);
  if (used >= LENGTH_AT) {
    addBlock(out);
    block.fill(0);
  }
  const high = Math.floor(length / 0x20000000), low = length << 3;
  for (let i = 0; i < 4; i++) {
    block[LENGTH_AT + i] = high >>> (24 - 8 * i);
    block[LENGTH_AT + 4 + i] = low >>> (24 - 8 * i);
  }
  addBlock(out);
}

/** Writes the hash of a latin1 string to `out`. */
export function sha1Text(text: string, out: Sha1Words): void {
  begin(out);
  let used = 0;
  for (let i = 0; i < text.length; i++) {
    block[used++] = text.charCodeAt(i);
    if (used < BLOCK_BYTES) continue;
    addBlock(out);
    used = 0;
  }
  finish(out, used, text.length);
}

/** Writes the hash of the bytes [start, end) of `buf` to `out`. */
export function sha1Bytes(buf: Uint8Array, start: number, end: number, out: Sha1Words): void {
  begin(out);
  let at = start;
  for (; at + BLOCK_BYTES <= end; at += BLOCK_BYTES) {
    for (let i = 0; i < BLOCK_BYTES; i++) block[i] = buf[at + i]!;
    addBlock(out);
  }
  for (let i = at; i < end; i++) block[i - at] = buf[i]!;
  finish(out, end - at, end - start);
}

/** Writes the hash of the bytes of the hash `words` to `out`, which may be the same. */
export function sha1Words(words: Sha1Words, out: Sha1Words): void {
  for (let i = 0; i < 20; i++) block[i] = words[i >> 2]! >>> (24 - 8 * (i & 3));
  begin(out);
  finish(out, 20, 20);
}

/** A hash as 40 hexadecimal digits. */
export function sha1Hex(words: Sha1Words): string {
  let hex = "";
  for (const word of words) hex += (word >>> 0).toString(16).padStart(8, "0");
  return hex;
}

const textDigest: Sha1Words = new Int32Array(5);

/** The SHA-1 of a latin1 string, 40 hexadecimal digits. */
export function sha1HexOf(text: string): string {
  sha1Text(text, textDigest);
  return sha1Hex(textDigest);
}
