import { assertEquals } from "@std/assert";
import { powerCuts } from "./power.ts";

Deno.test("a power cut at any moment loses nothing acknowledged under always, two seconds at most under everysec", async () => {
  const { problems } = await powerCuts(1200, 1);
  assertEquals(problems, []);
});
