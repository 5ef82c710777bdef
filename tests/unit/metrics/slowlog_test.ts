import { assertEquals } from "@std/assert";
import { Slowlog } from "../../../src/metrics/slowlog.ts";

/** The arguments of a command as the log keeps them. */
function kept(words: readonly string[]): string[] {
  const log = new Slowlog();
  log.add(words, 1, 0, "", "", 1);
  return log.newest(1)[0]!.args;
}

Deno.test("Slowlog keeps an argument of 128 characters whole and cuts a longer one", () => {
  const longest = "x".repeat(128);
  assertEquals(kept(["SET", longest]), ["SET", longest]);
  assertEquals(kept(["SET", `${longest}y`]), ["SET", `${longest}... (1 more bytes)`]);
  assertEquals(kept(["SET", `${longest}${longest}`]), ["SET", `${longest}... (128 more bytes)`]);
});

Deno.test("Slowlog keeps 32 arguments, of more the first 31 and their number", () => {
  const words = Array.from({ length: 33 }, (_, index) => `word${index}`);
  assertEquals(kept(words.slice(0, 32)), words.slice(0, 32));
  assertEquals(kept(words), [...words.slice(0, 31), "... (2 more arguments)"]);
});

Deno.test("Slowlog keeps the newest entries in front, as many as it may", () => {
  const log = new Slowlog();
  for (const [index, name] of ["a", "b", "c"].entries()) log.add([name], 10 + index, 1999, "host:1", "me", 2);
  assertEquals(log.newest(-1), [
    { id: 2, time: 1, microseconds: 12, args: ["c"], address: "host:1", clientName: "me" },
    { id: 1, time: 1, microseconds: 11, args: ["b"], address: "host:1", clientName: "me" },
  ]);
  assertEquals([log.length, log.newest(0).length, log.newest(1)[0]?.id], [2, 0, 2]);
  log.clear();
  log.add(["d"], 1, 2000, "", "", 2);
  assertEquals(log.newest(-1).map(({ id, time }) => [id, time]), [[3, 2]]);
});
