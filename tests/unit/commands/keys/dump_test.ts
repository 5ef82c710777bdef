import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const failure = (text: string) => new ReplyFailure(text);

Deno.test("DUMP gives what RESTORE takes, and nothing for a missing key", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("RPUSH", "list", "a", "b");
  const payload = c.send("DUMP", "list") as string;
  assertEquals(c.send("DUMP", "missing"), null);
  assertEquals(c.send("RESTORE", "copy", "0", payload), "OK");
  assertEquals(c.send("LRANGE", "copy", "0", "-1"), ["a", "b"]);
  assertEquals(c.send("PTTL", "copy"), -1);
  assertEquals(s.propagated(), ["RPUSH list a b", `RESTORE copy 0 ${payload}`]);
});

Deno.test("RESTORE replaces only with REPLACE, whatever the type", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "string", "value");
  c.send("HSET", "hash", "f", "v");
  const payload = c.send("DUMP", "hash") as string;
  assertEquals(c.send("RESTORE", "string", "0", payload), failure("BUSYKEY Target key name already exists."));
  assertEquals(c.send("RESTORE", "string", "0", payload, "replace"), "OK");
  assertEquals(c.send("HGETALL", "string"), ["f", "v"]);
});

Deno.test("RESTORE counts a TTL from now, or with ABSTTL from 1970, and propagates the time itself", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const payload = c.send("DUMP", "k") as string, at = s.clock.nowMs() + 5000;
  s.propagated();
  assertEquals(c.send("RESTORE", "a", "5000", payload), "OK");
  assertEquals(c.send("RESTORE", "b", String(at), payload, "ABSTTL"), "OK");
  assertEquals([c.send("PEXPIRETIME", "a"), c.send("PEXPIRETIME", "b")], [at, at]);
  assertEquals(s.propagated(), [`RESTORE a ${at} ${payload} ABSTTL`, `RESTORE b ${at} ${payload} ABSTTL`]);
  assertEquals(c.send("RESTORE", "c", "-1", payload), failure("ERR Invalid TTL value, must be >= 0"));
});

Deno.test("RESTORE of a time that is over only takes away what it would replace", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const payload = c.send("DUMP", "k") as string;
  s.propagated();
  assertEquals(c.send("RESTORE", "new", "1", payload, "ABSTTL"), "OK");
  assertEquals(c.send("EXISTS", "new"), 0);
  assertEquals(s.propagated(), []);
  assertEquals(c.send("RESTORE", "k", "1", payload, "ABSTTL", "REPLACE"), "OK");
  assertEquals(c.send("EXISTS", "k"), 0);
  assertEquals(s.propagated(), ["DEL k"]);
});

Deno.test("RESTORE refuses wrong checksums, bad data and bad options with Redis's words, and changes nothing", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const payload = c.send("DUMP", "k") as string;
  const damaged = "\x01" + payload.slice(1);
  assertEquals(
    c.send("RESTORE", "x", "0", damaged),
    failure("ERR DUMP payload version or checksum are wrong"),
  );
  assertEquals(
    c.send("RESTORE", "x", "0", "short"),
    failure("ERR DUMP payload version or checksum are wrong"),
  );
  const cases: [string[], string][] = [
    [["IDLETIME", "-1"], "ERR Invalid IDLETIME value, must be >= 0"],
    [["FREQ", "256"], "ERR Invalid FREQ value, must be >= 0 and <= 255"],
    [["IDLETIME", "1", "FREQ", "1"], "ERR syntax error"],
    [["IDLETIME"], "ERR syntax error"],
    [["WHATEVER"], "ERR syntax error"],
  ];
  for (const [options, message] of cases) {
    assertEquals(c.send("RESTORE", "x", "0", payload, ...options), failure(message));
  }
  assertEquals(c.send("EXISTS", "x"), 0);
});

Deno.test("RESTORE sets idle time and frequency under the policies that know them", () => {
  using s = startInProcess({ config: { "maxmemory-policy": "allkeys-lru" } });
  const c = s.client();
  c.send("SET", "k", "v");
  const payload = c.send("DUMP", "k") as string;
  c.send("RESTORE", "idle", "0", payload, "IDLETIME", "1000");
  assertEquals(c.send("OBJECT", "IDLETIME", "idle"), 1000);
  c.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
  c.send("RESTORE", "often", "0", payload, "FREQ", "100");
  assertEquals(c.send("OBJECT", "FREQ", "often"), 100);
});

Deno.test("RESTORE wakes who waits for the key and sends its event", () => {
  using s = startInProcess();
  const c = s.client(), waiting = s.client();
  c.send("RPUSH", "list", "a");
  const payload = c.send("DUMP", "list") as string;
  waiting.send("BLPOP", "queue", "0");
  c.send("RESTORE", "queue", "0", payload);
  assertEquals(waiting.received(), [["queue", "a"]]);
});
