/** Commands with more arguments than a call in JavaScript takes: about 120,000, where Redis takes 2^31 - 1. */
import { assertEquals } from "@std/assert";
import { StreamValue } from "../../../src/data/stream.ts";
import { defaultLimits } from "../../../src/data/limits.ts";
import { CommandWriter } from "../../../src/persistence/aof/command_writer.ts";
import { startInProcess } from "../../support/in_process.ts";
import { sliceOf } from "../../support/values.ts";

const count = 150_000;

/** The words that `wordsOf` gives for each of the first `count` numbers. */
function many(wordsOf: (i: number) => string[]): string[] {
  return Array.from({ length: count }, (_, i) => wordsOf(i)).flat();
}

Deno.test("commands that are propagated in other words may have very many of them", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.sendWords(["GEOADD", "places", ...many((i) => ["1", "2", `p${i}`])]), count);
  assertEquals(c.sendWords(["XADD", "log", "7-*", ...many((i) => [`f${i}`, "v"])]), "7-0");
  assertEquals(c.sendWords(["XADD", "log", "MAXLEN", "~", "1000", "8-0", ...many(() => ["f", "v"])]), "8-0");
  assertEquals(c.sendWords(["HSET", "hash", ...many((i) => [`f${i}`, "v"])]), count);
  const fields = ["FIELDS", String(count), ...many((i) => [`f${i}`])];
  assertEquals(c.sendWords(["HEXPIRE", "hash", "100", ...fields]), Array(count).fill(1));
  const lengths = s.propagated().map((line) => [line.split(" ", 1)[0], line.split(" ").length]);
  assertEquals(lengths, [
    ["ZADD", 2 + 2 * count],
    ["XADD", 3 + 2 * count],
    ["XADD", 6 + 2 * count],
    ["HSET", 2 + 2 * count],
    ["HPEXPIREAT", 5 + count],
  ]);
});

Deno.test("an MSET of 600,000 pairs runs, alone and in a transaction", () => {
  using s = startInProcess();
  const c = s.client(), words = ["MSET"];
  for (let i = 0; i < 600_000; i++) words.push(`k${i}`, "v");
  assertEquals(c.sendWords(words), "OK");
  assertEquals(c.send("DBSIZE"), 600_000);
  c.send("FLUSHALL");
  c.send("MULTI");
  assertEquals(c.sendWords(words), "QUEUED");
  assertEquals(c.send("EXEC"), ["OK"]);
  assertEquals(c.send("DBSIZE"), 600_000);
});

Deno.test("CommandWriter writes a stream's entry of very many fields as one command", () => {
  const stream = new StreamValue(defaultLimits());
  stream.append({ ms: 1, seq: 0 }, many((i) => [`f${i}`, "v"]));
  const writer = new CommandWriter([], null);
  const attributes = { expiresAtMs: -1, idleSeconds: -1, frequency: -1 };
  for (const _ of writer.collection(0, sliceOf("key"), stream, attributes));
  const text = new TextDecoder().decode(writer.output.take());
  assertEquals(text.includes(`*${3 + 2 * count}\r\n$4\r\nXADD\r\n`), true);
});
