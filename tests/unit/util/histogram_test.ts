import { assert, assertEquals } from "@std/assert";
import { Histogram } from "../../../src/util/histogram.ts";
import { Random } from "../../../src/util/random.ts";

Deno.test("Histogram gives back a single duration within two digits, from 1 ns to a second", () => {
  for (const value of [1, 100, 255, 256, 257, 11_000, 123_456, 999_999, 12_345_678, 1_000_000_000]) {
    const histogram = new Histogram();
    histogram.record(value);
    const found = histogram.percentile(50);
    assert(found >= value && found <= value * 1.01, `${value} became ${found}`);
  }
});

Deno.test("Histogram takes what is too short or too long for the shortest and the longest", () => {
  const histogram = new Histogram();
  histogram.record(0);
  histogram.record(5e9);
  assertEquals(histogram.percentile(0), 1);
  assert(histogram.percentile(100) >= 1e9);
  assertEquals(histogram.total, 2);
});

Deno.test("Histogram.percentile agrees with the sorted durations", () => {
  const random = new Random(7), histogram = new Histogram();
  const values: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const value = 1 + random.below(2 ** (1 + random.below(29)));
    values.push(value);
    histogram.record(value);
  }
  values.sort((a, b) => a - b);
  for (const percent of [0, 1, 50, 90, 99, 99.9, 100]) {
    const exact = values[Math.max(1, Math.round(percent * 10)) - 1]!;
    const found = histogram.percentile(percent);
    assert(found >= exact && found <= exact * 1.01, `p${percent}: ${exact}, found ${found}`);
  }
});

Deno.test("Histogram.cumulative counts up in powers of two, as redis-server labels them", () => {
  const histogram = new Histogram();
  histogram.record(900);
  histogram.record(1_500, 2);
  histogram.record(1_090_000, 3);
  histogram.record(11_100_000);
  assertEquals(histogram.cumulative(), [[1, 1], [2, 3], [2113, 6], [16908, 7]]);
});
