import { assertEquals } from "@std/assert";
import { Crc64 } from "../../../src/util/crc64.ts";
import { Random } from "../../../src/util/random.ts";

/** The same polynomial bit by bit, in BigInt. */
function plainCrc64(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const top = (crc >> 63n) ^ BigInt((byte >> bit) & 1);
      crc = (crc << 1n) & 0xffffffffffffffffn;
      if (top) crc ^= 0xad93d23594c935a9n;
    }
  }
  let mirrored = 0n;
  for (let i = 0n; i < 64n; i++) mirrored = (mirrored << 1n) | ((crc >> i) & 1n);
  return mirrored;
}

function crcOf(bytes: Uint8Array): bigint {
  const crc = new Crc64();
  crc.update(bytes);
  return crc.toBigInt();
}

Deno.test("Crc64 gives the published check value", () => {
  assertEquals(crcOf(new TextEncoder().encode("123456789")), 0xe9c6d914c4b8d9can);
  assertEquals(crcOf(new Uint8Array()), 0n);
});

Deno.test("Crc64 equals the bit-wise form at every length and offset", () => {
  const random = new Random(64);
  const bytes = Uint8Array.from({ length: 70 }, () => random.below(256));
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const crc = new Crc64();
      crc.update(bytes, start, end);
      assertEquals(crc.toBigInt(), plainCrc64(bytes.subarray(start, end)), `[${start}, ${end})`);
    }
  }
});

Deno.test("Crc64 does not depend on how its input is cut", () => {
  const random = new Random(7);
  const bytes = Uint8Array.from({ length: 1000 }, () => random.below(256));
  const crc = new Crc64();
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + random.below(30));
    crc.update(bytes, at, end);
    at = end;
  }
  assertEquals(crc.toBigInt(), crcOf(bytes));
});

Deno.test("Crc64.matches compares with the little-endian bytes", () => {
  const crc = new Crc64();
  crc.update(new TextEncoder().encode("123456789"));
  const stored = Uint8Array.of(0, 0xca, 0xd9, 0xb8, 0xc4, 0x14, 0xd9, 0xc6, 0xe9);
  assertEquals(crc.matches(stored, 1), true);
  stored[8] = 0;
  assertEquals(crc.matches(stored, 1), false);
});
