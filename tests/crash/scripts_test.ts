import { assertEquals } from "@std/assert";
import { hostileScripts } from "./scripts.ts";

Deno.test("scripts with hostile sizes, depths, counts and texts break no interpreter", () => {
  const { scripts, problems } = hostileScripts(300, 20261129);
  assertEquals({ scripts, problems }, { scripts: 300, problems: [] });
});
