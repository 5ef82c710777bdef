import { assertEquals } from "@std/assert";
import { mergeHistograms, percentile } from "../../bench/statistics.ts";

Deno.test("mergeHistograms counts what all parts counted, in the order of the values", () => {
  const first = [{ value: 1, count: 10 }, { value: 3, count: 15 }];
  const second = [{ value: 2, count: 4 }, { value: 3, count: 5 }];
  assertEquals(mergeHistograms([first, second]), [
    { value: 1, count: 10 },
    { value: 2, count: 14 },
    { value: 3, count: 20 },
  ]);
  assertEquals(mergeHistograms([]), []);
});

Deno.test("percentile is the smallest value that so many values do not exceed", () => {
  const steps = [{ value: 0.5, count: 500 }, { value: 2, count: 999 }, { value: 40, count: 1000 }];
  assertEquals(percentile(steps, 50), 0.5);
  assertEquals(percentile(steps, 50.1), 2);
  assertEquals(percentile(steps, 99.9), 2);
  assertEquals(percentile(steps, 100), 40);
  assertEquals(percentile([], 50), NaN);
});
