import { assertEquals, assertThrows } from "@std/assert";
import { Random } from "../../../src/util/random.ts";
import { mutantsOf } from "../../tools/mutants.ts";
import { equivalentsOf, outcomeLine, sampled } from "../../tools/mutation_report.ts";

Deno.test("outcomeLine names the place, the change and the changed line", () => {
  const file = { path: "src/a.ts", text: "if (\n  a < b\n) {}" };
  assertEquals(outcomeLine(file, mutantsOf(file.text)[0]!), "src/a.ts:2:5: < → <= | a <= b");
});

Deno.test("equivalentsOf reads path and changed line, and insists on a reason", () => {
  const list = "# head\n\nsrc/a.ts\ta <= b\tboth are whole\n";
  assertEquals(equivalentsOf(list), new Set(["src/a.ts\ta <= b"]));
  assertThrows(() => equivalentsOf("src/a.ts\ta <= b\t\n"), Error, "no reason");
  assertThrows(() => equivalentsOf("src/a.ts\ta <= b\n"), Error, "no reason");
});

Deno.test("sampled picks as many as asked for, in order, each once, and the same for the same seed", () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  const picked = sampled(items, 20, new Random(7));
  assertEquals(picked.length, 20);
  assertEquals([...new Set(picked)].sort((a, b) => a - b), picked);
  assertEquals(sampled(items, 20, new Random(7)), picked);
  assertEquals(sampled(items, 200, new Random(7)), items);
  const counts = items.map(() => 0), random = new Random(8);
  for (let round = 0; round < 2000; round++) for (const item of sampled(items, 10, random)) counts[item]!++;
  assertEquals(counts.filter((count) => count < 130 || count > 280), []);
});
