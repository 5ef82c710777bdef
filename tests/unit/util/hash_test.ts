import { assert, assertEquals } from "@std/assert";
import { hashBytes, hashText } from "../../../src/util/hash.ts";
import { Random } from "../../../src/util/random.ts";

const rotate = (x: number, bits: number) => ((x << bits) | (x >>> (32 - bits))) >>> 0;

/** HalfSipHash with any number of rounds, straight from its description. */
function halfSipHash(
  key: readonly [number, number],
  bytes: readonly number[],
  rounds: readonly [number, number],
) {
  let [a, b, c, d] = [key[0], key[1], (0x6c796765 ^ key[0]) >>> 0, (0x74656462 ^ key[1]) >>> 0];
  const round = () => {
    a = (a + b) >>> 0, b = rotate(b, 5), b = (b ^ a) >>> 0, a = rotate(a, 16);
    c = (c + d) >>> 0, d = rotate(d, 8), d = (d ^ c) >>> 0;
    a = (a + d) >>> 0, d = rotate(d, 7), d = (d ^ a) >>> 0;
    c = (c + b) >>> 0, b = rotate(b, 13), b = (b ^ c) >>> 0, c = rotate(c, 16);
  };
  const padded = [...bytes];
  while (padded.length % 4 !== 3) padded.push(0);
  padded.push(bytes.length & 0xff);
  for (let i = 0; i < padded.length; i += 4) {
    const word = new DataView(Uint8Array.from(padded.slice(i, i + 4)).buffer).getUint32(0, true);
    d = (d ^ word) >>> 0;
    for (let r = 0; r < rounds[0]; r++) round();
    a = (a ^ word) >>> 0;
  }
  c = (c ^ 0xff) >>> 0;
  for (let r = 0; r < rounds[1]; r++) round();
  return (b ^ d) | 0;
}

Deno.test("the plain HalfSipHash of this file gives the published value of its 2-4 variant", () => {
  assertEquals(halfSipHash([0x03020100, 0x07060504], [], [2, 4]) >>> 0, 0x5b9f35a9);
});

Deno.test("hashText and hashBytes are HalfSipHash-1-3 for every length", () => {
  const random = new Random(7);
  for (let length = 0; length < 300; length++) {
    const bytes = Array.from({ length }, () => random.below(256));
    const seed = random.next();
    const seed2 = (Math.imul(seed, 0x9e3779b9) ^ 0x9e3779b9) >>> 0;
    const expected = halfSipHash([seed, seed2], bytes, [1, 3]);
    assertEquals(hashText(String.fromCharCode(...bytes), seed), expected, `length ${length}`);
    const buffer = Uint8Array.from([9, 9, 9, ...bytes, 9]);
    assertEquals(hashBytes(buffer, 3, 3 + length, seed), expected, `bytes, length ${length}`);
    assertEquals(
      hashText(String.fromCharCode(...bytes), seed | 0),
      expected,
      "a signed seed is the same seed",
    );
  }
});

Deno.test("hashText spreads counted keys evenly over the upper and the lower bits", () => {
  const upper = new Uint32Array(256), lower = new Uint32Array(256);
  for (let i = 0; i < 100_000; i++) {
    const hash = hashText(`key:${i}`, 12345);
    upper[hash >>> 24]!++;
    lower[hash & 255]!++;
  }
  for (const counts of [upper, lower]) {
    assert(
      Math.min(...counts) > 300 && Math.max(...counts) < 490,
      `${Math.min(...counts)} … ${Math.max(...counts)}`,
    );
  }
});

Deno.test("hashText with another seed puts other keys together", () => {
  const buckets = (seed: number) =>
    Array.from({ length: 64 }, (_, i) => hashText(`k${i}`, seed) & 7).join("");
  assert(buckets(1) !== buckets(2));
});
