import { assertEquals } from "@std/assert";
import {
  bitAt,
  BitOperation,
  combine,
  countBits,
  findBit,
  fitField,
  Overflow,
  readField,
  type Region,
  setBit,
  writeField,
} from "../../../src/data/bitops.ts";
import { Random } from "../../../src/util/random.ts";

/** Random bytes at an odd offset of a larger array whose other bits are all ones. */
function regionOf(random: Random, length: number): Region {
  const start = random.below(9);
  const bytes = new Uint8Array(start + length + 5).fill(0xff);
  const density = random.below(3);
  for (let i = 0; i < length; i++) {
    bytes[start + i] = density === 0 ? 0 : density === 1 ? 0xff : random.next();
  }
  if (length > 0) bytes[start + random.below(length)] = random.next();
  const cut = random.below(start + 1);
  return { buf: bytes.subarray(cut), start: start - cut, end: start - cut + length };
}

function bitsOf({ buf, start, end }: Region): number[] {
  return [...buf.subarray(start, end)].flatMap((byte) => [...byte.toString(2).padStart(8, "0")].map(Number));
}

Deno.test("countBits and findBit agree with an array of bits over any range", () => {
  const random = new Random(7);
  for (let round = 0; round < 400; round++) {
    const region = regionOf(random, 1 + random.below(round % 10 === 0 ? 300 : 12));
    const bits = bitsOf(region);
    const first = random.below(bits.length), last = first + random.below(bits.length - first);
    const inside = bits.slice(first, last + 1);
    assertEquals(countBits(region, first, last), inside.filter((bit) => bit === 1).length);
    for (const bit of [0, 1]) {
      const found = inside.indexOf(bit);
      assertEquals(findBit(region, bit, first, last), found < 0 ? -1 : first + found, `round ${round}`);
    }
  }
});

Deno.test("setBit changes one bit, bitAt sees zeros behind the end", () => {
  const random = new Random(8), region = regionOf(random, 9), bits = bitsOf(region);
  for (let round = 0; round < 200; round++) {
    const position = random.below(72), bit = random.below(2);
    setBit(region, position, bit);
    bits[position] = bit;
    assertEquals(bitsOf(region), bits);
    assertEquals(bitAt(region, position), bit);
  }
  assertEquals(bitAt(region, 72), 0);
});

Deno.test("combine treats shorter sources as followed by zero bytes", () => {
  const random = new Random(9);
  const names = [BitOperation.And, BitOperation.Or, BitOperation.Xor] as const;
  const step = [
    (a: number, b: number) => a & b,
    (a: number, b: number) => a | b,
    (a: number, b: number) => a ^ b,
  ];
  for (let round = 0; round < 60; round++) {
    const operation = names[round % 3]!, apply = step[round % 3]!;
    const longest = round === 59 ? 200_000 : 40;
    const sources = Array.from(
      { length: 1 + random.below(4) },
      () => regionOf(random, random.below(longest)),
    );
    const length = Math.max(...sources.map((source) => source.end - source.start));
    const columns = Array.from(
      { length },
      (_, i) => sources.map(({ buf, start, end }) => start + i < end ? buf[start + i]! : 0).reduce(apply),
    );
    assertEquals([...combine(operation, sources)], columns, `round ${round}`);
  }
  const source = regionOf(random, 7);
  assertEquals(
    combine(BitOperation.Not, [source]),
    source.buf.slice(source.start, source.end).map((byte) => ~byte),
  );
});

Deno.test("writeField stores what readField reads and touches nothing else", () => {
  const random = new Random(10);
  for (let round = 0; round < 500; round++) {
    const region = regionOf(random, 20), bits = bitsOf(region);
    const type = { bits: 1 + random.below(64), signed: random.below(2) === 0 };
    const position = random.below(160 - type.bits + 1);
    const value = (BigInt(random.next()) << 32n) | BigInt(random.next());
    writeField(region, position, type, value);
    const text = BigInt.asUintN(type.bits, value).toString(2).padStart(type.bits, "0");
    bits.splice(position, type.bits, ...[...text].map(Number));
    assertEquals(bitsOf(region), bits, `round ${round}`);
    const expected = type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
    assertEquals(readField(region, position, type), expected);
  }
});

Deno.test("readField pads with zeros behind the end", () => {
  const region = { buf: new Uint8Array([0xff, 0xff, 0xff]), start: 0, end: 2 };
  assertEquals(readField(region, 12, { bits: 8, signed: false }), 0xf0n);
  assertEquals(readField(region, 100, { bits: 64, signed: true }), 0n);
});

Deno.test("fitField wraps, saturates or fails at both limits", () => {
  const u8 = { bits: 8, signed: false }, i8 = { bits: 8, signed: true }, i64 = { bits: 64, signed: true };
  const all = (value: bigint, type: typeof u8) =>
    [Overflow.Wrap, Overflow.Saturate, Overflow.Fail].map((overflow) => fitField(value, type, overflow));
  assertEquals(all(255n, u8), [255n, 255n, 255n]);
  assertEquals(all(257n, u8), [1n, 255n, undefined]);
  assertEquals(all(-1n, u8), [255n, 0n, undefined]);
  assertEquals(all(128n, i8), [-128n, 127n, undefined]);
  assertEquals(all(-129n, i8), [127n, -128n, undefined]);
  assertEquals(all(2n ** 63n, i64), [-(2n ** 63n), 2n ** 63n - 1n, undefined]);
});
