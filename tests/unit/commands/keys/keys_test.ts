import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import { type InProcessClient, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

/** All keys that SCAN shows from beginning to end, sorted. */
function scanned(c: InProcessClient, ...options: string[]): string[] {
  const found: string[] = [];
  let cursor = "0";
  do {
    const reply = c.send("SCAN", cursor, ...options);
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error("no page");
    cursor = String(reply[0]);
    found.push(...reply[1].map(String));
  } while (cursor !== "0");
  return found.sort();
}

Deno.test("DEL and UNLINK count what they remove, EXISTS and TOUCH what they find", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MSET", "a", "1", "b", "2", "c", "3");
  s.propagated();
  assertEquals([c.send("EXISTS", "a", "a", "x"), c.send("TOUCH", "a", "b", "x")], [2, 2]);
  assertEquals([c.send("DEL", "a", "a", "x"), c.send("UNLINK", "b", "c", "x")], [1, 2]);
  assertEquals([c.send("DBSIZE"), c.send("UNLINK", "b")], [0, 0]);
  assertEquals(s.propagated(), ["DEL a a x", "UNLINK b c x"]);
});

Deno.test("TYPE names the type, KEYS matches names", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "s1", "v");
  c.send("RPUSH", "l1", "v");
  assertEquals([c.send("TYPE", "s1"), c.send("TYPE", "l1"), c.send("TYPE", "x")], ["string", "list", "none"]);
  assertEquals(c.send("KEYS", "?1")?.toString().split(",").sort(), ["l1", "s1"]);
  assertEquals(c.send("KEYS", "s*"), ["s1"]);
});

Deno.test("RANDOMKEY picks from all keys that have not expired", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("RANDOMKEY"), null);
  c.send("MSET", "a", "1", "b", "2");
  c.send("SET", "gone", "3", "PX", "1");
  s.advance(2);
  const seen = new Set(Array.from({ length: 60 }, () => c.send("RANDOMKEY")));
  assertEquals([...seen].sort(), ["a", "b"]);
});

Deno.test("SCAN shows every key once where nothing changes, by name and by type", () => {
  using s = startInProcess();
  const c = s.client();
  const names = Array.from({ length: 300 }, (_, i) => `key${i}`);
  for (const [i, name] of names.entries()) c.send(...i % 3 === 0 ? ["RPUSH", name, "x"] : ["SET", name, "x"]);
  assertEquals(scanned(c), [...names].sort());
  assertEquals(scanned(c, "COUNT", "7", "MATCH", "key1?"), names.slice(10, 20));
  assertEquals(scanned(c, "TYPE", "list").length, 100);
  assertEquals(c.send("SCAN", "x"), new ReplyFailure("ERR invalid cursor"));
  assertEquals(c.send("SCAN", "0", "COUNT", "0"), new ReplyFailure("ERR syntax error"));
});

Deno.test("RENAME takes value and time along, RENAMENX only where nothing is", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "a", "1", "PX", "500");
  c.send("SET", "b", "2");
  assertEquals(c.send("RENAMENX", "a", "b"), 0);
  assertEquals([c.send("RENAME", "a", "b"), c.send("GET", "b"), c.send("PTTL", "b")], ["OK", "1", 500]);
  assertEquals([c.send("RENAMENX", "b", "c"), c.send("EXISTS", "b"), c.send("GET", "c")], [1, 0, "1"]);
  assertEquals(c.send("RENAME", "none", "x"), new ReplyFailure("ERR no such key"));
});

Deno.test("COPY and MOVE reach other databases", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "a", "1");
  assertEquals([c.send("COPY", "a", "a", "DB", "1"), c.send("COPY", "a", "a", "DB", "1")], [1, 0]);
  assertEquals([c.send("COPY", "a", "b"), c.send("COPY", "a", "b", "REPLACE")], [1, 1]);
  assertEquals([c.send("MOVE", "a", "1"), c.send("MOVE", "b", "1"), c.send("MOVE", "b", "1")], [0, 1, 0]);
  c.send("SELECT", "1");
  assertEquals(c.send("MGET", "a", "b"), ["1", "1"]);
});

Deno.test("EXPIRE and its kin set the same moment in their units, TTL and EXPIRETIME show it", () => {
  using s = startInProcess();
  const c = s.client(), now = s.engine.clock.nowMs();
  // The virtual clock need not stand at a full second.
  const second = Math.floor(now / 1000) + 100;
  for (
    const [words, atMs] of [
      [["EXPIRE", "k", "100"], now + 100_000],
      [["PEXPIRE", "k", "1500"], now + 1500],
      [["EXPIREAT", "k", String(second)], second * 1000],
      [["PEXPIREAT", "k", String(now + 777)], now + 777],
    ] as const
  ) {
    c.send("SET", "k", "v");
    s.propagated();
    assertEquals(c.send(...words), 1);
    assertEquals([c.send("PEXPIRETIME", "k"), c.send("PTTL", "k")], [atMs, atMs - now]);
    assertEquals(c.send("EXPIRETIME", "k"), Math.floor((atMs + 500) / 1000));
    assertEquals(c.send("TTL", "k"), Math.floor((atMs - now + 500) / 1000));
    assertEquals(s.propagated(), [`PEXPIREAT k ${atMs}`]);
  }
  assertEquals([c.send("PERSIST", "k"), c.send("PERSIST", "k"), c.send("TTL", "k")], [1, 0, -1]);
  assertEquals([c.send("EXPIRE", "none", "1"), c.send("TTL", "none"), c.send("EXPIRETIME", "none")], [
    0,
    -2,
    -2,
  ]);
});

Deno.test("EXPIRE with NX, XX, GT and LT sets the time only where that holds", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  assertEquals([c.send("EXPIRE", "k", "10", "XX"), c.send("EXPIRE", "k", "10", "GT")], [0, 0]);
  assertEquals([c.send("EXPIRE", "k", "10", "NX"), c.send("EXPIRE", "k", "20", "NX")], [1, 0]);
  assertEquals([c.send("EXPIRE", "k", "20", "LT"), c.send("EXPIRE", "k", "20", "GT")], [0, 1]);
  assertEquals(c.send("TTL", "k"), 20);
  assertEquals([c.send("EXPIRE", "k", "-1"), c.send("EXISTS", "k")], [1, 0]);
  assertEquals(s.propagated().at(-1), "DEL k");
});

Deno.test("OBJECT shows encoding, references, idle time and, where they are counted, uses", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MSET", "int", "12", "short", "text", "long", "x".repeat(45));
  assertEquals(["int", "short", "long"].map((key) => c.send("OBJECT", "ENCODING", key)), [
    "int",
    "embstr",
    "raw",
  ]);
  assertEquals([c.send("OBJECT", "REFCOUNT", "int"), c.send("OBJECT", "REFCOUNT", "short")], [2147483647, 1]);
  s.advance(5000);
  assertEquals(c.send("OBJECT", "IDLETIME", "short"), 5);
  assertEquals(c.send("OBJECT", "ENCODING", "none"), null);
  const uncounted = c.send("OBJECT", "FREQ", "short");
  assertMatch(
    uncounted instanceof ReplyFailure ? uncounted.message : "",
    /^ERR An LFU maxmemory policy is not/,
  );
  c.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
  c.send("SET", "fresh", "v");
  assertEquals(c.send("OBJECT", "FREQ", "fresh"), 5);
});

Deno.test("OBJECT ENCODING knows how a string was made, under another name and time too, until it is set anew", () => {
  using s = startInProcess();
  const c = s.client(), encoding = (key: string) => c.send("OBJECT", "ENCODING", key);
  c.send("SET", "float", "4");
  assertEquals([c.send("INCRBYFLOAT", "float", "1"), encoding("float")], ["5", "embstr"]);
  c.send("SET", "source", "1");
  c.send("BITOP", "OR", "bits", "source", "source");
  assertEquals([c.send("GET", "bits"), encoding("bits")], ["1", "raw"]);
  for (const [key, expected] of [["float", "embstr"], ["bits", "raw"]] as const) {
    c.send("COPY", key, `${key}:copy`);
    c.send("RENAME", key, `${key}:renamed`);
    c.send("EXPIRE", `${key}:renamed`, "100");
    assertEquals([encoding(`${key}:copy`), encoding(`${key}:renamed`)], [expected, expected]);
    c.send("PERSIST", `${key}:renamed`);
    c.send("MOVE", `${key}:renamed`, "1");
    c.send("SELECT", "1");
    assertEquals(encoding(`${key}:renamed`), expected);
    c.send("SELECT", "0");
    c.send("INCR", `${key}:copy`);
    assertEquals(encoding(`${key}:copy`), "int");
  }
});

Deno.test("RENAME and MOVE take along how much a key is used, COPY begins anew", () => {
  using s = startInProcess({ config: { "maxmemory-policy": "allkeys-lfu", "lfu-log-factor": "0" } });
  const c = s.client();
  c.send("RPUSH", "list", "a");
  c.send("SET", "string", "a");
  for (const key of ["list", "string"]) {
    for (let i = 0; i < 20; i++) c.send("TOUCH", key);
    const used = Number(c.send("OBJECT", "FREQ", key));
    assertGreater(used, 20);
    c.send("COPY", key, "copy", "REPLACE");
    assertEquals(c.send("OBJECT", "FREQ", "copy"), 5);
    c.send("RENAME", key, "other");
    assertGreater(Number(c.send("OBJECT", "FREQ", "other")), used);
    c.send("MOVE", "other", "1");
    c.send("SELECT", "1");
    assertGreater(Number(c.send("OBJECT", "FREQ", "other")), used);
    c.send("DEL", "other");
    c.send("SELECT", "0");
  }
});

Deno.test("RESTORE-ASKING is RESTORE, for keys on their way between nodes", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const dump = c.send("DUMP", "k");
  assertEquals(c.send("RESTORE-ASKING", "copy", "0", String(dump)), "OK");
  assertEquals(c.send("GET", "copy"), "v");
});

Deno.test("RESTORE-ASKING and RESTORE take REPLACE, ABSTTL, IDLETIME and FREQ", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "v");
  const dump = String(c.send("DUMP", "k"));
  for (const name of ["RESTORE", "RESTORE-ASKING"]) {
    const atMs = s.engine.nowMs + 5000, busy = new ReplyFailure("BUSYKEY Target key name already exists.");
    assertEquals(c.send(name, "k", "0", dump), busy);
    assertEquals(c.send(name, "k", String(atMs), dump, "ABSTTL", "REPLACE", "IDLETIME", "77"), "OK");
    assertEquals([c.send("PEXPIRETIME", "k"), c.send("OBJECT", "IDLETIME", "k")], [atMs, 77]);
    assertEquals(c.send(name, "k", "100", dump, "REPLACE", "FREQ", "9"), "OK");
    assertEquals(c.send("PTTL", "k"), 100);
    c.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
    c.send(name, "used", "0", dump, "REPLACE", "FREQ", "9");
    assertEquals(c.send("OBJECT", "FREQ", "used"), 9);
    c.send("CONFIG", "SET", "maxmemory-policy", "noeviction");
  }
});

Deno.test("SCAN and its kin take every cursor of 64 bits, up to a zero byte", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "h", "f", "v");
  c.send("SADD", "s", "m");
  c.send("ZADD", "z", "1", "m");
  for (const [name, key] of [["HSCAN", "h"], ["SSCAN", "s"], ["ZSCAN", "z"]] as const) {
    for (const cursor of ["18446744073709551615", "-18446744073709551615", "0\0x"]) {
      const [next] = c.send(name, key, cursor) as [string, string[]];
      assertEquals(next, "0", `${name} ${cursor}`);
    }
    for (const cursor of ["18446744073709551616", "x\0"]) {
      assertEquals(c.send(name, key, cursor), new ReplyFailure("ERR invalid cursor"), `${name} ${cursor}`);
      assertEquals(c.send("SCAN", cursor), new ReplyFailure("ERR invalid cursor"), cursor);
    }
  }
});
