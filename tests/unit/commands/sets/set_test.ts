import { assert, assertEquals } from "@std/assert";
import type { DataLimits } from "../../../../src/data/limits.ts";
import { Key } from "../../../../src/keyspace/key.ts";
import { type InProcessClient, type InProcessServer, startInProcess } from "../../../support/in_process.ts";
import { type Reply, ReplyFailure } from "../../../../src/protocol/reply_values.ts";

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

function limit(s: InProcessServer, limits: Partial<DataLimits>): void {
  Object.assign(s.engine.limits, limits);
}

/** A reply's elements in order, whatever aggregate it is. */
function sorted(reply: unknown): string[] {
  assert(Array.isArray(reply) || reply instanceof Set, `not an aggregate: ${String(reply)}`);
  return [...reply as Iterable<Reply>].map(String).sort();
}

function add(c: InProcessClient, key: string, members: string): void {
  c.send("SADD", key, ...members.split(" "));
}

Deno.test("SADD counts the new members, sends one event and is propagated as it came", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("SADD", "k", "a", "b", "a"), 2);
  assertEquals(c.send("SADD", "k", "a"), 0);
  assertEquals(s.propagated(), ["SADD k a b a"]);
  assertEquals(s.engine.dirty, 2);
  c.send("SET", "t", "x");
  assertEquals(errorOf(c.send("SADD", "t", "a")), wrongType);
});

Deno.test("SREM removes the set with its last member", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "k", "a b c");
  assertEquals([c.send("SREM", "k", "a", "x", "b"), c.send("SCARD", "k")], [2, 1]);
  assertEquals([c.send("SREM", "k", "c"), exists(s, "k"), c.send("SREM", "k", "c")], [1, false, 0]);
});

Deno.test("SISMEMBER and SMISMEMBER take a missing key for an empty set", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "k", "a 7");
  assertEquals([c.send("SISMEMBER", "k", "7"), c.send("SISMEMBER", "k", "07")], [1, 0]);
  assertEquals(c.send("SMISMEMBER", "k", "a", "b", "7"), [1, 0, 1]);
  assertEquals([c.send("SISMEMBER", "none", "a"), c.send("SMISMEMBER", "none", "a", "b")], [0, [0, 0]]);
});

Deno.test("SMOVE moves a member, or says why not", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "a", "1 x"), add(c, "b", "2");
  assertEquals([c.send("SMOVE", "a", "b", "x"), c.send("SMOVE", "a", "b", "x")], [1, 0]);
  assertEquals([c.send("SMOVE", "b", "b", "x"), c.send("SMOVE", "b", "b", "y")], [1, 0]);
  assertEquals(sorted(c.send("SMEMBERS", "b")), ["2", "x"]);
  assertEquals([c.send("SMOVE", "a", "new", "1"), exists(s, "a"), exists(s, "new")], [1, false, true]);
  c.send("SET", "t", "v");
  assertEquals(c.send("SMOVE", "none", "t", "x"), 0);
  assertEquals(errorOf(c.send("SMOVE", "b", "t", "absent")), wrongType);
  assertEquals(sorted(c.send("SMEMBERS", "b")), ["2", "x"]);
});

Deno.test("a set's encoding follows the limits as they are when it is written", () => {
  using s = startInProcess();
  const c = s.client();
  limit(s, { setMaxIntsetEntries: 3, setMaxListpackEntries: 0 });
  add(c, "ints", "1 2 3"), add(c, "many", "1 2 3 4"), add(c, "texts", "a");
  const encodings = ["ints", "many", "texts"].map((key) => encodingOf(s, key));
  assertEquals(encodings, ["intset", "hashtable", "hashtable"]);
  limit(s, { setMaxListpackEntries: 2 });
  add(c, "small", "a b"), add(c, "large", "a b c");
  assertEquals([encodingOf(s, "small"), encodingOf(s, "large")], ["listpack", "hashtable"]);
});

Deno.test("SPOP without a count is propagated as SREM of what it took", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "k", "a b");
  s.propagated();
  const first = c.send("SPOP", "k"), second = c.send("SPOP", "k");
  assertEquals([first, second].sort(), ["a", "b"]);
  assertEquals(s.propagated(), [`SREM k ${String(first)}`, `SREM k ${String(second)}`]);
  assertEquals([c.send("SPOP", "k"), exists(s, "k")], [null, false]);
});

Deno.test("SPOP with a count is propagated as SREM, or as DEL when it takes all", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "k", "a b c 1 2 3");
  s.propagated();
  const taken = sorted(c.send("SPOP", "k", "2"));
  assertEquals(taken.length, 2);
  const line = s.propagated();
  assertEquals(line.length, 1);
  assertEquals(line[0]!.split(" ").slice(0, 2), ["SREM", "k"]);
  assertEquals(line[0]!.split(" ").slice(2).sort(), taken);
  assertEquals([...taken, ...sorted(c.send("SPOP", "k", "9"))].sort(), ["1", "2", "3", "a", "b", "c"]);
  assertEquals(s.propagated(), ["DEL k"]);
  assertEquals([c.send("SPOP", "k", "2"), exists(s, "k")], [[], false]);
  for (const count of ["-1", "x"]) {
    assertEquals(errorOf(c.send("SPOP", "k", count)), "ERR value is out of range, must be positive");
  }
  assertEquals(errorOf(c.send("SPOP", "k", "1", "2")), "ERR syntax error");
});

Deno.test("SPOP propagates no SREM of more than 1024 members", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SADD", "k", ...Array.from({ length: 3000 }, (_, i) => `m${i}`));
  s.propagated();
  c.send("SPOP", "k", "2500");
  assertEquals(s.propagated().map((line) => line.split(" ").length), [1, 1026, 1026, 454, 1]);
});

Deno.test("SRANDMEMBER gives different members for a count and repeats for a negative one", () => {
  using s = startInProcess();
  const c = s.client();
  for (const members of ["1 2 3 4 5", "a b c d e"]) {
    c.send("SPOP", "k", "5");
    add(c, "k", members);
    const all = members.split(" ");
    assert(all.includes(String(c.send("SRANDMEMBER", "k"))));
    assertEquals(new Set(sorted(c.send("SRANDMEMBER", "k", "3"))).size, 3);
    assertEquals(sorted(c.send("SRANDMEMBER", "k", "9")), all);
    const repeated = sorted(c.send("SRANDMEMBER", "k", "-100"));
    assertEquals([repeated.length, new Set(repeated).size], [100, 5]);
    assertEquals(c.send("SRANDMEMBER", "k", "0"), []);
  }
  assertEquals([c.send("SRANDMEMBER", "none"), c.send("SRANDMEMBER", "none", "2")], [null, []]);
  assertEquals(
    errorOf(c.send("SRANDMEMBER", "k", "-9223372036854775808")),
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
  );
  assertEquals(
    errorOf(c.send("SRANDMEMBER", "k", "-9223372036854775807")),
    "ERR the reply would be larger than 1 GiB",
  );
});

Deno.test("SINTER, SUNION and SDIFF agree with plain sets, for every mixture of encodings", () => {
  using s = startInProcess();
  const c = s.client();
  const contents = [
    ["1", "2", "3", "4"],
    ["2", "3", "x", "9223372036854775807"],
    Array.from({ length: 600 }, (_, i) => String(i)),
    Array.from({ length: 200 }, (_, i) => `m${i}`).concat("3", "x"),
    [],
  ];
  contents.forEach((members, i) => members.length > 0 && c.send("SADD", `s${i}`, ...members));
  for (const a of contents.keys()) {
    for (const b of contents.keys()) {
      for (const d of contents.keys()) {
        const keys = [`s${a}`, `s${b}`, `s${d}`];
        const [first, second, third] = [new Set(contents[a]), new Set(contents[b]), new Set(contents[d])];
        const expected = {
          SINTER: [...first.intersection(second).intersection(third)].sort(),
          SUNION: [...first.union(second).union(third)].sort(),
          SDIFF: [...first.difference(second).difference(third)].sort(),
        };
        for (const [name, members] of Object.entries(expected)) {
          assertEquals(sorted(c.send(name, ...keys)), members, `${name} ${keys.join(" ")}`);
          assertEquals(c.send(`${name}STORE`, "to", ...keys), members.length);
          assertEquals(sorted(c.send("SMEMBERS", "to")), members, `${name}STORE ${keys.join(" ")}`);
        }
        assertEquals(c.send("SINTERCARD", "3", ...keys), expected.SINTER.length);
      }
    }
  }
});

Deno.test("SINTERSTORE and its kin replace the target, or remove it if there is nothing to store", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "a", "1 2"), add(c, "b", "3");
  for (const [name, key] of [["SINTERSTORE", "b"], ["SDIFFSTORE", "a"], ["SUNIONSTORE", "none"]] as const) {
    const sources = name === "SUNIONSTORE" ? [key] : ["a", key];
    c.send("SET", "to", "x");
    s.propagated();
    assertEquals(c.send(name, "to", ...sources), 0);
    assertEquals(exists(s, "to"), false);
    assertEquals(s.propagated(), [`${name} to ${sources.join(" ")}`]);
    assertEquals(c.send(name, "to", ...sources), 0);
    assertEquals(s.propagated(), []);
  }
  c.send("SET", "to", "x", "EX", "100");
  assertEquals([c.send("SUNIONSTORE", "to", "a", "b"), s.engine.databases[0]!.volatileSize], [3, 0]);
  c.send("SET", "text", "x");
  assertEquals(errorOf(c.send("SUNIONSTORE", "a", "b", "text")), wrongType);
  assertEquals(sorted(c.send("SMEMBERS", "a")), ["1", "2"]);
  assertEquals(errorOf(c.send("SINTER", "none", "text")), wrongType);
});

Deno.test("SINTERCARD stops at its limit and reads its arguments strictly", () => {
  using s = startInProcess();
  const c = s.client();
  add(c, "a", "1 2 3 4"), add(c, "b", "2 3 4 5");
  assertEquals(c.send("SINTERCARD", "2", "a", "b"), 3);
  assertEquals(c.send("SINTERCARD", "2", "a", "b", "LIMIT", "2"), 2);
  assertEquals(c.send("SINTERCARD", "2", "a", "b", "LIMIT", "0"), 3);
  assertEquals(errorOf(c.send("SINTERCARD", "0", "a")), "ERR numkeys should be greater than 0");
  assertEquals(errorOf(c.send("SINTERCARD", "x", "a")), "ERR numkeys should be greater than 0");
  assertEquals(
    errorOf(c.send("SINTERCARD", "3", "a", "b")),
    "ERR Number of keys can't be greater than number of args",
  );
  assertEquals(errorOf(c.send("SINTERCARD", "1", "a", "b")), "ERR syntax error");
  assertEquals(errorOf(c.send("SINTERCARD", "1", "a", "LIMIT", "-1")), "ERR LIMIT can't be negative");
});

Deno.test("SSCAN goes through a large set and filters by its pattern", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SADD", "k", ...Array.from({ length: 700 }, (_, i) => `m${i}`));
  const seen = new Set<string>();
  let cursor = "0", steps = 0;
  do {
    const [next, found] = c.send("SSCAN", "k", cursor, "COUNT", "50", "MATCH", "m?5*") as [string, string[]];
    for (const member of found) seen.add(member);
    cursor = next;
    steps++;
  } while (cursor !== "0");
  assert(steps > 8 && steps <= 14, String(steps));
  assertEquals(seen.size, 9 + 60);
  assertEquals(c.send("SSCAN", "none", "0", "BAD"), ["0", []]);
  assertEquals(errorOf(c.send("SSCAN", "k", "x")), "ERR invalid cursor");
  assertEquals(errorOf(c.send("SSCAN", "k", "0", "COUNT", "0")), "ERR syntax error");
  assertEquals(
    errorOf(c.send("SSCAN", "k", "0", "NOVALUES")),
    "ERR NOVALUES option can only be used in HSCAN",
  );
});

Deno.test("the set commands reply sets in RESP3", () => {
  using s = startInProcess();
  const c = s.client();
  c.client.reply.resp = 3;
  add(c, "k", "1 2");
  assertEquals(c.send("SMEMBERS", "k"), new Set(["1", "2"]));
  assertEquals(c.send("SUNION", "k", "none"), new Set(["1", "2"]));
  assertEquals(c.send("SINTER", "k", "none"), new Set());
  assertEquals(c.send("SRANDMEMBER", "k", "1") instanceof Set, false);
  assertEquals(c.send("SPOP", "k", "5"), new Set(["1", "2"]));
});

Deno.test("a set keeps members with every byte", () => {
  using s = startInProcess();
  const c = s.client();
  const members = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i).repeat(1 + i % 20));
  c.send("SADD", "k", ...members);
  assertEquals(sorted(c.send("SMEMBERS", "k")), [...members].sort());
});

Deno.test("SPOP leaves a new set, with an encoding of its own, where it has taken five times what is left", () => {
  using s = startInProcess();
  const c = s.client(), members = Array.from({ length: 12 }, (_, i) => String(i));
  for (const [count, encoding] of [["9", "hashtable"], ["10", "intset"], ["11", "intset"]] as const) {
    c.send("DEL", "s");
    c.send("SADD", "s", "x", ...members);
    c.send("SREM", "s", "x");
    c.send("EXPIRE", "s", "100");
    assertEquals((c.send("SPOP", "s", count) as unknown[]).length, Number(count));
    assertEquals([c.send("OBJECT", "ENCODING", "s"), c.send("TTL", "s")], [encoding, 100], count);
    assertEquals(c.send("SCARD", "s"), 12 - Number(count));
  }
});
