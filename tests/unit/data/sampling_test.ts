import { assert, assertEquals } from "@std/assert";
import { drawDistinct } from "../../../src/data/sampling.ts";
import { Random } from "../../../src/util/random.ts";

Deno.test("drawDistinct returns different numbers in range, or all of them if more are requested", () => {
  const random = new Random(1);
  for (
    const [size, count] of [[1, 0], [1, 1], [10, 2], [10, 3], [10, 9], [1000, 100], [1000, 900]] as const
  ) {
    const numbers = drawDistinct(size, count, random);
    assertEquals([numbers.length, new Set(numbers).size], [count, count]);
    assert(numbers.every((number) => number >= 0 && number < size));
  }
  assertEquals(drawDistinct(4, 9, random), [0, 1, 2, 3]);
});

Deno.test("drawDistinct picks every number equally often", () => {
  const random = new Random(2);
  for (const count of [2, 7]) {
    const picked = new Uint32Array(10);
    for (let i = 0; i < 10_000; i++) for (const number of drawDistinct(10, count, random)) picked[number]!++;
    const expected = count * 1000;
    for (const times of picked) assert(Math.abs(times - expected) < expected * 0.1, `${picked}`);
  }
});
