import { assertLess } from "@std/assert";
import { collectGarbage } from "../../../src/util/garbage.ts";

Deno.test("collectGarbage frees what nothing refers to any more", () => {
  let objects: unknown[] = Array.from({ length: 300_000 }, (_, i) => ({ i }));
  collectGarbage();
  const full = Deno.memoryUsage().heapUsed;
  objects = objects.slice(0, 10);
  collectGarbage();
  assertLess(Deno.memoryUsage().heapUsed, full - 4_000_000, `${objects.length} objects are left`);
});
