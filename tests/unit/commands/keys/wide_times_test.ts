/** Times and positions that numbers of 53 bits do not hold: they are exact, wherever a key goes. */
import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const LATEST = "9223372036854775807";

Deno.test("PEXPIREAT keeps times beyond 2^53 to the millisecond", () => {
  using s = startInProcess();
  const c = s.client();
  for (const time of [LATEST, "9007199254740993", "9007199254740991", "4611687814346238322"]) {
    c.send("SET", "k", "v");
    assertEquals(c.send("PEXPIREAT", "k", time), 1);
    assertEquals(String(c.send("PEXPIRETIME", "k")), time);
    assertEquals(s.propagated().at(-1), `PEXPIREAT k ${time}`);
    c.send("RENAME", "k", "l");
    c.send("COPY", "l", "m");
    c.send("APPEND", "m", "longer than it was before by far");
    assertEquals(String(c.send("PEXPIRETIME", "m")), time);
    c.send("DEL", "l", "m");
  }
  c.send("SET", "k", "v", "PXAT", LATEST);
  assertEquals(c.send("PTTL", "k"), BigInt(LATEST) - BigInt(s.clock.nowMs()));
  assertEquals(c.send("EXPIRETIME", "k"), 9223372036854776n);
  assertEquals(c.send("PEXPIREAT", "k", "9223372036854775806", "GT"), 0);
  assertEquals(c.send("PEXPIREAT", "k", "9223372036854775806", "LT"), 1);
  assertEquals(c.send("SET", "k", "w", "KEEPTTL"), "OK");
  assertEquals(c.send("PEXPIRETIME", "k"), 9223372036854775806n);
});

Deno.test("PEXPIREAT takes the smallest integer for a time that is over", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  assertEquals(c.send("PEXPIREAT", "k", "-9223372036854775808"), 1);
  assertEquals(c.send("EXISTS", "k"), 0);
  c.send("SET", "k", "v");
  assertEquals(
    c.send("PEXPIRE", "k", LATEST),
    new ReplyFailure("ERR invalid expire time in 'pexpire' command"),
  );
});

Deno.test("a time before 1970 is a time, also where expired keys are kept", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  s.engine.keys.keepExpired = true;
  assertEquals(c.send("PEXPIREAT", "k", "-1"), 1);
  s.engine.keys.keepExpired = false;
  assertEquals(c.send("EXISTS", "k"), 0);
});

Deno.test("RESTORE takes times to live beyond 2^53", () => {
  using s = startInProcess();
  const c = s.client(), now = BigInt(s.clock.nowMs());
  c.send("SET", "k", "v");
  const payload = c.send("DUMP", "k") as string;
  assertEquals(c.send("RESTORE", "a", "4611686018427387904", payload), "OK");
  assertEquals(c.send("PEXPIRETIME", "a"), 4611686018427387904n + now);
  assertEquals(c.send("RESTORE", "b", LATEST, payload, "ABSTTL"), "OK");
  assertEquals(c.send("PEXPIRETIME", "b"), BigInt(LATEST));
  // redis-server 7.0 lets the sum overflow: the key is gone.
  assertEquals(c.send("RESTORE", "c", LATEST, payload), "OK");
  assertEquals(c.send("PEXPIRETIME", "c"), BigInt(LATEST));
});

Deno.test("GETRANGE and BITCOUNT compare indexes far before the string as they came", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "bin", "abc");
  const [near, far] = ["-9007199254740993", "-9223372036854775808"];
  assertEquals(c.send("GETRANGE", "bin", near, far), "");
  assertEquals(c.send("GETRANGE", "bin", far, near), "a");
  assertEquals(c.send("BITCOUNT", "bin", near, far), 0);
  assertEquals(c.send("BITCOUNT", "bin", far, near), 3);
});

Deno.test("BITCOUNT and BITPOS refuse bad arguments of a key that is not there (7.2)", () => {
  using s = startInProcess();
  const c = s.client(), bad = new ReplyFailure("ERR value is not an integer or out of range");
  assertEquals(c.send("BITCOUNT", "nokey", "a", "b"), bad);
  assertEquals(c.send("BITCOUNT", "nokey", "1"), new ReplyFailure("ERR syntax error"));
  assertEquals(c.send("BITPOS", "nokey", "1", "a"), bad);
  assertEquals(c.send("BITPOS", "nokey", "1", "0", "1", "WORD"), new ReplyFailure("ERR syntax error"));
  assertEquals(c.send("BITPOS", "nokey", "1", "0", "b"), bad);
});
