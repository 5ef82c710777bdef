import { assertEquals } from "@std/assert";
import { skewedNumber } from "../../../../src/cli/modes/lru.ts";
import { Random } from "../../../../src/util/random.ts";

Deno.test("skewedNumber stays within its range", () => {
  assertEquals([skewedNumber(1000, 0), skewedNumber(1000, 1 - Number.EPSILON), skewedNumber(1, 0.5)], [
    1000,
    1,
    1,
  ]);
});

Deno.test("skewedNumber gives a fifth of the numbers about four fifths of the draws", () => {
  const random = new Random(1);
  const draws = Array.from({ length: 20_000 }, () => skewedNumber(1000, random.float()));
  const share = draws.filter((number) => number <= 200).length / draws.length;
  assertEquals(Math.round(share * 10), 8);
});
