import { assertEquals } from "@std/assert";
import { parseCpuUs, parseRssBytes } from "../../bench/proc.ts";

Deno.test("parseCpuUs adds user and system time, whatever the program is called", () => {
  const fields = "S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 12";
  assertEquals(parseCpuUs(`4711 (redis-server) ${fields}`), 1_750_000);
  assertEquals(parseCpuUs(`4711 (odd) name (x) ${fields}`), 1_750_000);
});

Deno.test("parseRssBytes counts resident pages", () => {
  assertEquals(parseRssBytes("25000 1200 900 30 0 4000 0\n"), 1200 * 4096);
});
