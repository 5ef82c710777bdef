import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import {
  CorruptSketchError,
  countRegisters,
  HyperLogLog,
  registerCount,
} from "../../../src/data/hyperloglog.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { Random } from "../../../src/util/random.ts";

function sketchOf(elements: Iterable<string>): HyperLogLog {
  const sketch = HyperLogLog.empty(defaultLimits());
  for (const element of elements) sketch.add(element);
  return sketch;
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

Deno.test("HyperLogLog writes the sparse bytes that redis-server writes", () => {
  const sketch = sketchOf(["a", "b", "c", "hello world", "", "12345678", "1234567"]);
  const stored =
    "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80W1\x84I\xc0\x80C\xc1\x8cC\x9e\x88@\xfa\x88HR\x84K" +
    "\xfb\x80BZ";
  assertEquals(latin1(sketch.bytes), stored);
  const runs =
    "Z:5938 v:2,1 Z:2497 v:1,1 Z:962 v:4,1 Z:927 v:3,1 Z:251 v:3,1 Z:2131 v:2,1 Z:3068 v:1,1 Z:603";
  assertEquals(sketch.describe(), runs);
});

Deno.test("HyperLogLog counts as redis-server counts, through the change to dense", () => {
  const sketch = HyperLogLog.empty(defaultLimits());
  const counts: number[] = [];
  for (let i = 0; i < 10_000; i++) {
    sketch.add(String(i));
    if (i % 1000 === 999) counts.push(sketch.count());
  }
  assertEquals(counts, [1001, 2007, 3004, 4003, 4985, 5984, 6965, 7973, 8966, 9987]);
  assertEquals(sketch.encoding, "dense");
  assertEquals(sketch.bytes.length, 12304);
});

Deno.test("HyperLogLog agrees with plain registers in both encodings, whatever the order of insertion", () => {
  const seed = 99;
  const random = new Random(seed);
  for (const sparseMax of [0, 40, 300, 3000]) {
    const sketch = HyperLogLog.empty({ ...defaultLimits(), hllSparseMaxBytes: sparseMax });
    const model = new Uint8Array(registerCount);
    for (let i = 0; i < 1500; i++) {
      // A few high registers and many close together, so that runs split and join.
      const register = random.below(3) === 0 ? random.below(registerCount) : 16380 - random.below(40);
      const rank = 1 + random.below(random.below(50) === 0 ? 50 : 4);
      const rises = rank > model[register]!;
      assertEquals(sketch.raise(register, rank), rises, `seed ${seed}, limit ${sparseMax}, step ${i}`);
      if (rises) model[register] = rank;
    }
    assertEquals(sketch.registers(), model, `seed ${seed}, limit ${sparseMax}`);
    assertEquals(sketch.count(), countRegisters(model), `seed ${seed}, limit ${sparseMax}`);
  }
});

Deno.test("HyperLogLog becomes dense when a rank exceeds 32, and not before", () => {
  const sketch = HyperLogLog.empty(defaultLimits());
  sketch.raise(5, 32);
  assertEquals(sketch.encoding, "sparse");
  sketch.raise(6, 33);
  assertEquals(sketch.encoding, "dense");
  assertEquals([...sketch.registers().subarray(4, 8)], [0, 32, 33, 0]);
});

Deno.test("HyperLogLog estimates within a few standard errors", () => {
  for (const size of [100, 5000, 100_000]) {
    const sketch = sketchOf(Array.from({ length: size }, (_, i) => `element ${i}`));
    assertAlmostEquals(sketch.count(), size, size * 0.03);
  }
});

Deno.test("HyperLogLog keeps a count in its header until it is invalidated", () => {
  const sketch = sketchOf(["a"]);
  assertEquals(sketch.cachedCount, -1);
  sketch.cacheCount(0x123456789a);
  assertEquals(sketch.cachedCount, 0x123456789a);
  sketch.invalidateCount();
  assertEquals(sketch.cachedCount, -1);
});

Deno.test("HyperLogLog.isSketch refuses other strings", () => {
  const good = HyperLogLog.empty(defaultLimits()).bytes;
  assert(HyperLogLog.isSketch(good));
  for (const [at, byte] of [[0, 0x68], [3, 0x6c], [4, 2], [4, 0]]) {
    const bad = good.slice();
    bad[at!] = byte!;
    assertEquals(HyperLogLog.isSketch(bad), false, `byte ${at}`);
  }
  assertEquals(HyperLogLog.isSketch(good.subarray(0, 15)), false);
});

Deno.test("HyperLogLog refuses sparse runs that do not add up", () => {
  const header = [...HyperLogLog.empty(defaultLimits()).bytes.subarray(0, 16)];
  for (const runs of [[], [0x7f], [0x7f, 0xfe], [0x7f, 0xff, 0x00], [0x7f, 0xfd, 0x83]]) {
    const sketch = () => new HyperLogLog(Uint8Array.from([...header, ...runs]), defaultLimits());
    assertThrows(() => sketch().count(), CorruptSketchError);
    assertThrows(() => sketch().makeDense(), CorruptSketchError);
    assertThrows(() => sketch().registers(), CorruptSketchError);
  }
  const short = new HyperLogLog(Uint8Array.from([...header, 0x00]), defaultLimits());
  assertThrows(() => short.raise(64, 1), CorruptSketchError);
});
