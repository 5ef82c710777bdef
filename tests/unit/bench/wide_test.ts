import { assertEquals } from "@std/assert";
import { geometricMean } from "../../bench/wide.ts";

Deno.test("geometricMean leaves out what could not be measured", () => {
  assertEquals(geometricMean([0.5, 2, 8, NaN]).toFixed(9), "2.000000000");
  assertEquals(geometricMean([4, 4]), 4);
});
