import { assert, assertEquals } from "@std/assert";
import { HashValue } from "../../../../src/data/hash.ts";
import { Key } from "../../../../src/keyspace/key.ts";
import { type InProcessServer, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const wrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

/** The text of an error reply. */
function errorOf(reply: unknown): string {
  assert(reply instanceof ReplyFailure, `not an error: ${String(reply)}`);
  return reply.message;
}

function exists(s: InProcessServer, key: string): boolean {
  return s.engine.databases[0]!.find(Key.of(key)) !== 0;
}

function encodingOf(s: InProcessServer, key: string): string {
  const database = s.engine.databases[0]!;
  return database.collectionOf(database.find(Key.of(key))).encoding;
}

/** Records keyspace events as `event key`. */
function recordEvents(s: InProcessServer): string[] {
  const events: string[] = [];
  s.engine.keys.notify = (_class, event, key) => void events.push(`${event} ${key.text}`);
  return events;
}

Deno.test("HSET counts the new fields, HMSET says OK, and both want pairs", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("HSET", "k", "a", "1", "b", "2"), c.send("HSET", "k", "a", "3", "c", "4")], [2, 1]);
  assertEquals(c.send("HMSET", "k", "d", "5"), "OK");
  assertEquals(c.send("HGETALL", "k"), ["a", "3", "b", "2", "c", "4", "d", "5"]);
  assertEquals(
    errorOf(c.send("HSET", "k", "a", "1", "b")),
    "ERR wrong number of arguments for 'hset' command",
  );
  assertEquals(
    errorOf(c.send("HMSET", "k", "a", "1", "b")),
    "ERR wrong number of arguments for 'hmset' command",
  );
  assertEquals(s.propagated(), ["HSET k a 1 b 2", "HSET k a 3 c 4", "HMSET k d 5"]);
  assertEquals(s.engine.dirty, 5);
  c.send("SET", "t", "x");
  assertEquals(errorOf(c.send("HSET", "t", "a", "1")), wrongType);
  assertEquals(errorOf(c.send("HGET", "t", "a")), wrongType);
});

Deno.test("HSETNX sets only what is not there", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("HSETNX", "k", "a", "1"), c.send("HSETNX", "k", "a", "2")], [1, 0]);
  assertEquals(c.send("HGET", "k", "a"), "1");
  assertEquals(s.propagated(), ["HSETNX k a 1"]);
});

Deno.test("HDEL removes the hash with its last field", () => {
  using s = startInProcess();
  const c = s.client(), events = recordEvents(s);
  c.send("HSET", "k", "a", "1", "b", "2");
  assertEquals([c.send("HDEL", "k", "a", "x", "b"), exists(s, "k"), c.send("HDEL", "k", "a")], [2, false, 0]);
  assertEquals(events, ["new k", "hset k", "hdel k", "del k"]);
});

Deno.test("the reading commands take a missing key for an empty hash", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("HGET", "k", "f"), c.send("HMGET", "k", "f", "g")], [null, [null, null]]);
  assertEquals([c.send("HGETALL", "k"), c.send("HKEYS", "k"), c.send("HVALS", "k")], [[], [], []]);
  assertEquals([c.send("HLEN", "k"), c.send("HSTRLEN", "k", "f"), c.send("HEXISTS", "k", "f")], [0, 0, 0]);
  assertEquals([c.send("HRANDFIELD", "k"), c.send("HRANDFIELD", "k", "2")], [null, []]);
});

Deno.test("the reading commands agree about small and large hashes", () => {
  for (const size of [3, 600]) {
    using s = startInProcess();
    const c = s.client();
    const pairs = Array.from({ length: size }, (_, i) => [`f${i}`, "v".repeat(i % 7)]).flat();
    c.send("HSET", "k", ...pairs);
    assertEquals(encodingOf(s, "k"), size === 3 ? "listpack" : "hashtable");
    assertEquals([c.send("HLEN", "k"), c.send("HSTRLEN", "k", "f2"), c.send("HEXISTS", "k", "f1")], [
      size,
      2,
      1,
    ]);
    assertEquals(c.send("HMGET", "k", "f2", "none", "f0"), ["vv", null, ""]);
    const all = c.send("HGETALL", "k") as string[],
      sorted = (texts: unknown) => (texts as string[]).toSorted();
    assertEquals(
      sorted(all.flatMap((_, i) => i % 2 === 0 ? [`${all[i]}=${all[i + 1]}`] : [])),
      sorted(
        pairs.flatMap((_, i) => i % 2 === 0 ? [`${pairs[i]}=${pairs[i + 1]}`] : []),
      ),
    );
    assertEquals(sorted(c.send("HKEYS", "k")), sorted(pairs.filter((_, i) => i % 2 === 0)));
    assertEquals(sorted(c.send("HVALS", "k")), sorted(pairs.filter((_, i) => i % 2 === 1)));
  }
});

Deno.test("HINCRBY counts in 64 bits and refuses non-integers", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("HINCRBY", "k", "n", "5"), c.send("HINCRBY", "k", "n", "-7")], [5, -2]);
  c.send("HSET", "k", "big", "9223372036854775806", "text", "x", "spaced", " 1");
  assertEquals(c.send("HINCRBY", "k", "big", "1"), 9223372036854775807n);
  assertEquals(errorOf(c.send("HINCRBY", "k", "big", "1")), "ERR increment or decrement would overflow");
  assertEquals(errorOf(c.send("HINCRBY", "k", "text", "1")), "ERR hash value is not an integer");
  assertEquals(errorOf(c.send("HINCRBY", "k", "spaced", "1")), "ERR hash value is not an integer");
  assertEquals(errorOf(c.send("HINCRBY", "new", "n", "x")), "ERR value is not an integer or out of range");
  assertEquals(exists(s, "new"), false);
});

Deno.test("HINCRBYFLOAT is propagated as HSET of its result", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("HINCRBYFLOAT", "k", "n", "10.5"), c.send("HINCRBYFLOAT", "k", "n", "0.1")], [
    "10.5",
    "10.6",
  ]);
  assertEquals(s.propagated(), ["HSET k n 10.5", "HSET k n 10.6"]);
  c.send("HSET", "k", "text", "x");
  assertEquals(errorOf(c.send("HINCRBYFLOAT", "k", "text", "1")), "ERR hash value is not a float");
  assertEquals(errorOf(c.send("HINCRBYFLOAT", "k", "n", "x")), "ERR value is not a valid float");
  assertEquals(errorOf(c.send("HINCRBYFLOAT", "k", "n", "inf")), "ERR value is NaN or Infinity");
});

Deno.test("HSCAN goes through a large hash, with and without values", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", ...Array.from({ length: 600 }, (_, i) => [`f${i}`, `v${i}`]).flat());
  for (const options of [[], ["NOVALUES"]]) {
    const seen = new Map<string, string>();
    let cursor = "0";
    do {
      const [next, found] = c.send("HSCAN", "k", cursor, "COUNT", "100", ...options) as [string, string[]];
      assert(next === "0" || found.length >= (options.length === 0 ? 200 : 100), String(found.length));
      for (let i = 0; i < found.length; i += 2 - options.length) seen.set(found[i]!, found[i + 1] ?? "");
      cursor = next;
    } while (cursor !== "0");
    assertEquals(seen.size, 600);
    if (options.length === 0) assertEquals(seen.get("f7"), "v7");
  }
  const [end, found] = c.send("HSCAN", "k", "0", "COUNT", "1000", "MATCH", "f59?", "NOVALUES") as [
    string,
    string[],
  ];
  assertEquals([end, found.sort()], ["0", Array.from({ length: 10 }, (_, i) => `f${590 + i}`)]);
});

Deno.test("HRANDFIELD gives different fields for a count and repeats for a negative one", () => {
  for (const size of [5, 600]) {
    using s = startInProcess();
    const c = s.client();
    const fields = Array.from({ length: size }, (_, i) => `f${i}`);
    c.send("HSET", "k", ...fields.flatMap((field) => [field, `value of ${field}`]));
    assert(fields.includes(String(c.send("HRANDFIELD", "k"))));
    const some = c.send("HRANDFIELD", "k", "4") as string[];
    assertEquals([some.length, new Set(some).size], [4, 4]);
    assertEquals((c.send("HRANDFIELD", "k", "1000") as string[]).toSorted(), fields.toSorted());
    const pairs = c.send("HRANDFIELD", "k", "-1500", "WITHVALUES") as string[];
    assertEquals(pairs.length, 3000);
    for (let i = 0; i < pairs.length; i += 2) assertEquals(pairs[i + 1], `value of ${pairs[i]}`);
    assertEquals(c.send("HRANDFIELD", "k", "0"), []);
    c.client.reply.resp = 3;
    const nested = c.send("HRANDFIELD", "k", "3", "WITHVALUES") as string[][];
    assertEquals(nested.map(([field, value]) => value === `value of ${field}`), [true, true, true]);
  }
});

Deno.test("HRANDFIELD reads its arguments strictly", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1");
  assertEquals(errorOf(c.send("HRANDFIELD", "k", "1", "VALUES")), "ERR syntax error");
  assertEquals(errorOf(c.send("HRANDFIELD", "k", "1", "WITHVALUES", "x")), "ERR syntax error");
  assertEquals(errorOf(c.send("HRANDFIELD", "k", "x")), "ERR value is not an integer or out of range");
  const tooMany = "9223372036854775807";
  assertEquals(errorOf(c.send("HRANDFIELD", "k", tooMany, "WITHVALUES")), "ERR value is out of range");
  assertEquals(errorOf(c.send("HRANDFIELD", "k", `-${tooMany}`, "WITHVALUES")), "ERR value is out of range");
  assertEquals(c.send("HRANDFIELD", "k", tooMany), ["a"]);
});

Deno.test("HGETALL replies a map in RESP3", () => {
  using s = startInProcess();
  const c = s.client();
  c.client.reply.resp = 3;
  c.send("HSET", "k", "a", "1");
  assertEquals(c.send("HGETALL", "k"), new Map([["a", "1"]]));
  assertEquals(c.send("HGETALL", "none"), new Map());
});

Deno.test("a hash keeps fields and values with every byte", () => {
  using s = startInProcess();
  const c = s.client();
  const texts = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i).repeat(1 + i % 20));
  for (const text of texts) c.send("HSET", "k", text, text);
  assertEquals(c.send("HMGET", "k", ...texts), texts);
});

// ---- Fields that expire -----------------------------------------------------------------------------------------

const start = 1_700_000_000_000;

Deno.test("HEXPIRE and its kin answer for each field and are propagated as HPEXPIREAT", () => {
  using s = startInProcess();
  const c = s.client(), events = recordEvents(s);
  c.send("HSET", "k", "a", "1", "b", "2");
  s.propagated();
  assertEquals(c.send("HEXPIRE", "k", "10", "FIELDS", "2", "a", "x"), [1, -2]);
  assertEquals(c.send("HPEXPIRE", "k", "500", "NX", "FIELDS", "2", "a", "b"), [0, 1]);
  assertEquals(c.send("HEXPIREAT", "k", String(start / 1000 + 20), "GT", "FIELDS", "1", "a"), [1]);
  assertEquals(c.send("HPEXPIREAT", "k", String(start + 700), "FIELDS", "1", "b"), [1]);
  assertEquals(s.propagated(), [
    `HPEXPIREAT k ${start + 10_000} FIELDS 1 a`,
    `HPEXPIREAT k ${start + 500} NX FIELDS 1 b`,
    `HPEXPIREAT k ${start + 20_000} GT FIELDS 1 a`,
    `HPEXPIREAT k ${start + 700} FIELDS 1 b`,
  ]);
  assertEquals(c.send("HTTL", "k", "FIELDS", "3", "a", "b", "x"), [20, 1, -2]);
  assertEquals(c.send("HPTTL", "k", "FIELDS", "2", "a", "b"), [20_000, 700]);
  assertEquals(c.send("HEXPIRETIME", "k", "FIELDS", "1", "a"), [start / 1000 + 20]);
  assertEquals(c.send("HPEXPIRETIME", "k", "FIELDS", "1", "b"), [start + 700]);
  assertEquals(events, ["new k", "hset k", "hexpire k", "hexpire k", "hexpire k", "hexpire k"]);
  assertEquals(encodingOf(s, "k"), "listpackex");
});

Deno.test("HPEXPIRE's conditions take a field without an expiry for one that never expires", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "never", "1", "soon", "2", "late", "3");
  c.send("HPEXPIRE", "k", "1000", "FIELDS", "1", "soon"),
    c.send("HPEXPIRE", "k", "3000", "FIELDS", "1", "late");
  s.propagated();
  const outcomes = (condition: string) => {
    using other = startInProcess();
    const d = other.client();
    d.send("HSET", "k", "never", "1", "soon", "2", "late", "3");
    d.send("HPEXPIRE", "k", "1000", "FIELDS", "1", "soon"),
      d.send("HPEXPIRE", "k", "3000", "FIELDS", "1", "late");
    return d.send("HPEXPIRE", "k", "2000", condition, "FIELDS", "3", "never", "soon", "late");
  };
  assertEquals(outcomes("NX"), [1, 0, 0]);
  assertEquals(outcomes("XX"), [0, 1, 1]);
  assertEquals(outcomes("gt"), [0, 1, 0]);
  assertEquals(outcomes("lt"), [1, 0, 1]);
});

Deno.test("HPEXPIREAT with a time in the past deletes the fields and is propagated as HDEL", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1", "b", "2", "c", "3");
  const events = recordEvents(s);
  s.propagated();
  assertEquals(c.send("HPEXPIREAT", "k", "1", "FIELDS", "3", "a", "x", "b"), [2, -2, 2]);
  assertEquals(s.propagated(), ["MULTI", "HDEL k a", "HDEL k b", "EXEC"]);
  assertEquals(c.send("HEXPIRE", "k", "0", "FIELDS", "1", "c"), [2]);
  assertEquals([s.propagated(), exists(s, "k")], [["HDEL k c"], false]);
  assertEquals(events, ["hdel k", "hdel k", "del k"]);
});

Deno.test("HEXPIRE and HTTL refuse bad arguments as Redis words it", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1");
  const error = (...words: string[]) => errorOf(c.send(...words));
  assertEquals(error("HEXPIRE", "k", "-1", "FIELDS", "1", "a"), "ERR invalid expire time, must be >= 0");
  assertEquals(error("HEXPIRE", "k", "x", "FIELDS", "1", "a"), "ERR value is not an integer or out of range");
  const latest = 2 ** 46 - 1;
  assertEquals(c.send("HPEXPIREAT", "k", String(latest), "FIELDS", "1", "a"), [1]);
  for (
    const [name, time] of [["hpexpireat", latest + 1], ["hpexpire", latest - start + 1], [
      "hexpire",
      2 ** 50,
    ]] as const
  ) {
    const text = `ERR invalid expire time in '${name}' command`;
    assertEquals(error(name, "k", String(time), "FIELDS", "1", "a"), text);
  }
  const missing = "ERR Mandatory argument FIELDS is missing or not at the right position";
  assertEquals(error("HEXPIRE", "k", "1", "NX", "XX", "1", "a"), missing);
  assertEquals(error("HTTL", "k", "FIELD", "1", "a"), missing);
  assertEquals(
    error("HEXPIRE", "k", "1", "FIELDS", "0", "a"),
    "ERR Parameter `numFields` should be greater than 0",
  );
  assertEquals(error("HTTL", "k", "FIELDS", "0", "a"), "ERR Number of fields must be a positive integer");
  const mismatch = "ERR The `numfields` parameter must match the number of arguments";
  assertEquals(error("HEXPIRE", "k", "1", "FIELDS", "2", "a"), mismatch);
  assertEquals(error("HPERSIST", "k", "FIELDS", "1", "a", "b"), mismatch);
  assertEquals(c.send("HEXPIRE", "none", "1", "FIELDS", "2", "a", "b"), [-2, -2]);
  assertEquals(c.send("HTTL", "none", "FIELDS", "1", "a"), [-2]);
  c.send("SET", "t", "x");
  assertEquals([error("HEXPIRE", "t", "1", "FIELDS", "1", "a"), error("HTTL", "t", "FIELDS", "1", "a")], [
    wrongType,
    wrongType,
  ]);
});

Deno.test("HPERSIST lets fields stay and is propagated only if it changed one", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1", "b", "2");
  c.send("HPEXPIRE", "k", "100", "FIELDS", "1", "a");
  s.propagated();
  assertEquals(c.send("HPERSIST", "k", "FIELDS", "3", "a", "b", "x"), [1, -1, -2]);
  assertEquals(c.send("HPERSIST", "k", "FIELDS", "1", "a"), [-1]);
  assertEquals(s.propagated(), ["HPERSIST k FIELDS 3 a b x"]);
  s.advance(200), s.expireCycle();
  assertEquals(c.send("HGET", "k", "a"), "1");
});

Deno.test("a field that has expired is removed when asked for by name, and counted by HLEN until then", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1", "b", "2", "c", "3", "d", "4");
  c.send("HPEXPIRE", "k", "10", "FIELDS", "4", "a", "b", "c", "d");
  const events = recordEvents(s);
  s.propagated();
  s.advance(10);
  assertEquals([c.send("HGETALL", "k"), c.send("HKEYS", "k"), c.send("HVALS", "k")], [[], [], []]);
  assertEquals(c.send("HSCAN", "k", "0"), ["0", []]);
  assertEquals([c.send("HLEN", "k"), c.send("HTTL", "k", "FIELDS", "1", "a")], [4, [-2]]);
  assertEquals([c.send("HEXISTS", "k", "a"), c.send("HLEN", "k")], [0, 3]);
  assertEquals([c.send("HGET", "k", "b"), c.send("HLEN", "k")], [null, 2]);
  assertEquals([c.send("HMGET", "k", "c", "x"), c.send("HLEN", "k")], [[null, null], 1]);
  assertEquals([c.send("HSTRLEN", "k", "d"), exists(s, "k")], [0, false]);
  assertEquals(s.propagated(), ["HDEL k a", "HDEL k b", "HDEL k c", "HDEL k d"]);
  assertEquals(events.filter((event) => !event.startsWith("keymiss")), [
    ...Array(4).fill("hexpired k"),
    "del k",
  ]);
  assertEquals(s.engine.stats.expiredFields, 4);
});

Deno.test("HINCRBY starts a field that has expired afresh and keeps the expiry of one that has not", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "old", "10", "new", "10", "float", "1");
  c.send("HPEXPIRE", "k", "10", "FIELDS", "1", "old"),
    c.send("HPEXPIRE", "k", "500", "FIELDS", "2", "new", "float");
  s.advance(10), s.propagated();
  assertEquals([c.send("HINCRBY", "k", "old", "1"), c.send("HTTL", "k", "FIELDS", "1", "old")], [1, [-1]]);
  assertEquals(s.propagated(), ["MULTI", "HDEL k old", "HINCRBY k old 1", "EXEC"]);
  assertEquals([c.send("HINCRBY", "k", "new", "1"), c.send("HPTTL", "k", "FIELDS", "1", "new")], [11, [490]]);
  s.propagated();
  assertEquals([c.send("HINCRBYFLOAT", "k", "float", "0.5"), c.send("HPTTL", "k", "FIELDS", "1", "float")], [
    "1.5",
    [490],
  ]);
  assertEquals(s.propagated(), [
    "MULTI",
    "HSET k float 1.5",
    `HPEXPIREAT k ${start + 500} FIELDS 1 float`,
    "EXEC",
  ]);
});

Deno.test("HSET takes a field's expiry away", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1");
  c.send("HPEXPIRE", "k", "10", "FIELDS", "1", "a");
  c.send("HSET", "k", "a", "2");
  s.advance(20), s.expireCycle();
  assertEquals([c.send("HGET", "k", "a"), c.send("HTTL", "k", "FIELDS", "1", "a")], ["2", [-1]]);
});

Deno.test("HRANDFIELD removes all fields that have expired first", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1", "b", "2", "c", "3");
  c.send("HPEXPIRE", "k", "10", "FIELDS", "2", "a", "b");
  s.advance(10), s.propagated();
  assertEquals(c.send("HRANDFIELD", "k", "5"), ["c"]);
  assertEquals(s.propagated(), ["MULTI", "HDEL k a", "HDEL k b", "EXEC"]);
  c.send("HPEXPIRE", "k", "10", "FIELDS", "1", "c");
  s.advance(10);
  assertEquals([c.send("HRANDFIELD", "k"), exists(s, "k")], [null, false]);
});

Deno.test("the active cycle removes expired fields of small and large hashes, and emptied hashes", () => {
  using s = startInProcess();
  const c = s.client();
  const fields = Array.from({ length: 600 }, (_, i) => `f${i}`);
  c.send("HSET", "large", "stays", "x", ...fields.flatMap((field) => [field, "v"]));
  c.send("HPEXPIRE", "large", "10", "FIELDS", "600", ...fields);
  c.send("HSET", "small", "a", "1", "b", "2");
  c.send("HPEXPIRE", "small", "10", "FIELDS", "1", "a"),
    c.send("HPEXPIRE", "small", "20", "FIELDS", "1", "b");
  s.propagated();
  s.advance(10), s.expireCycle();
  assertEquals([c.send("HLEN", "large"), c.send("HLEN", "small")], [1, 1]);
  const lines = s.propagated();
  assertEquals([lines.length, lines.filter((line) => line.startsWith("HDEL ")).length], [601, 601]);
  s.advance(10), s.expireCycle();
  assertEquals([exists(s, "small"), s.propagated()], [false, ["HDEL small b"]]);
  assertEquals(s.engine.databases[0]!.partExpiry.size, 0);
});

Deno.test("a database forgets the field expiry of keys that go, and takes on that of values that come", () => {
  using s = startInProcess();
  const c = s.client(), database = s.engine.databases[0]!;
  for (const key of ["a", "b"]) {
    c.send("HSET", key, "f", "1"), c.send("HPEXPIRE", key, "10", "FIELDS", "1", "f");
  }
  assertEquals(database.partExpiry.size, 2);
  c.send("HDEL", "a", "f"), c.send("SET", "b", "text");
  assertEquals(database.partExpiry.size, 0);
  const hash = new HashValue(s.engine.limits);
  hash.set("f", "1"), hash.setExpiry("f", start + 10);
  database.setCollection(Key.of("c"), 0, hash, { expiresAtMs: -1, clock: 0 });
  s.advance(10), s.expireCycle();
  assertEquals(exists(s, "c"), false);
});

Deno.test("a replica hides expired fields and leaves their removal to its primary", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("HSET", "k", "a", "1", "b", "2");
  c.send("HPEXPIRE", "k", "10", "FIELDS", "1", "a");
  s.engine.isReplica = true;
  s.advance(10), s.expireCycle(), s.propagated();
  assertEquals([c.send("HGET", "k", "a"), c.send("HGETALL", "k"), c.send("HLEN", "k")], [
    null,
    ["b", "2"],
    2,
  ]);
  assertEquals(s.propagated(), []);
});

Deno.test("a file being replayed sets times that are over and shows every field", () => {
  using s = startInProcess();
  const c = s.client();
  s.engine.keys.keepExpired = true;
  c.send("HSET", "k", "a", "1", "b", "2");
  assertEquals(c.send("HPEXPIREAT", "k", "1", "FIELDS", "1", "a"), [1]);
  assertEquals(c.send("HGET", "k", "a"), "1");
  s.engine.keys.keepExpired = false;
  assertEquals(c.send("HGET", "k", "a"), null);
});

Deno.test("HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT take NX, XX, GT and LT alike", () => {
  const expected = { NX: [1, 0, 0], XX: [0, 1, 1], GT: [0, 1, 0], LT: [1, 0, 1] };
  for (const name of ["HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"]) {
    for (const [condition, outcomes] of Object.entries(expected)) {
      using s = startInProcess();
      const c = s.client(), nowMs = s.engine.nowMs;
      c.send("HSET", "k", "never", "1", "soon", "2", "late", "3");
      c.send("HPEXPIREAT", "k", String(nowMs + 10_000), "FIELDS", "1", "soon");
      c.send("HPEXPIREAT", "k", String(nowMs + 90_000), "FIELDS", "1", "late");
      const atMs = name.endsWith("AT") ? nowMs + 50_000 : 50_000;
      const time = name.startsWith("HP") ? atMs : Math.ceil(atMs / 1000);
      const words = [name, "k", String(time), condition, "FIELDS", "3", "never", "soon", "late"];
      assertEquals(c.send(...words), outcomes, words.join(" "));
    }
  }
});

Deno.test("HSET and HMSET make a hash of any kind at once, with its events, and count fields that come twice once", () => {
  using s = startInProcess({ config: { "notify-keyspace-events": "Ehn", "hash-max-listpack-entries": "4" } });
  const c = s.client(), listener = s.client();
  listener.send("PSUBSCRIBE", "__keyevent@0__:*");
  listener.received();
  const cases: [string[], number, string][] = [
    [["a", "1"], 1, "listpack"],
    [["a", "1", "b", "2", "c", "3", "d", "4"], 4, "listpack"],
    [["a", "1", "b", "2", "a", "3"], 2, "listpack"],
    [["a", "1", "b", "2", "c", "3", "d", "4", "e", "5"], 5, "hashtable"],
    [["a", "x".repeat(65)], 1, "hashtable"],
    [["\xff\0", "\r\n", "", ""], 2, "listpack"],
  ];
  for (const name of ["HSET", "HMSET"]) {
    for (const [words, size, encoding] of cases) {
      c.send("DEL", "k");
      assertEquals(c.send(name, "k", ...words), name === "HSET" ? size : "OK", words.join(" "));
      assertEquals(encodingOf(s, "k"), encoding, words.join(" "));
      const expected = new Map<string, string>();
      for (let i = 0; i < words.length; i += 2) expected.set(words[i]!, words[i + 1]!);
      const found = c.send("HGETALL", "k") as string[];
      assertEquals(found.length, 2 * expected.size);
      for (const [field, value] of expected) {
        assertEquals(found[found.indexOf(field) + 1], value, words.join(" "));
      }
      assertEquals(listener.received().map((message) => (message as string[])[2]), [
        "__keyevent@0__:new",
        "__keyevent@0__:hset",
      ]);
    }
  }
});
