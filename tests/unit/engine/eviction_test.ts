import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import {
  freshLfuClock,
  idleSeconds,
  lfuCounter,
  lruClock,
  parsePolicy,
  touchedLfuClock,
} from "../../../src/keyspace/eviction.ts";
import { Random } from "../../../src/util/random.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

const value = "v".repeat(200);

/** A server with `count` keys k0, k1, …; every key whose number `expires` accepts has an expiry time. */
function fill(policy: string, count: number, expires: (i: number) => boolean = () => false) {
  const server: InProcessServer = startInProcess({
    config: { "maxmemory-policy": policy, "maxmemory-samples": "10" },
  });
  const client = server.client(), { engine } = server;
  for (let i = 0; i < count; i++) {
    if (expires(i)) client.send("SET", `k${i}`, value, "EX", String(1000 + i));
    else client.send("SET", `k${i}`, value);
  }
  const keys = () => client.send("KEYS", "k*") as string[];
  /** Lowers `maxmemory` so that about `share` of the present data may stay, and returns the keys that did. */
  const shrink = (share: number): string[] => {
    const wanted = engine.memory.datasetBytes * share;
    const room = Math.floor(engine.memory.usedBytes - engine.memory.datasetBytes + wanted);
    client.send("CONFIG", "SET", "maxmemory", String(room));
    assertLessOrEqual(engine.memory.datasetBytes, wanted);
    client.send("CONFIG", "SET", "maxmemory", "0");
    return keys();
  };
  return { server, engine, client, keys, shrink, [Symbol.dispose]: () => server[Symbol.dispose]() };
}

const numberOf = (key: string) => Number(key.slice(1));

Deno.test("parsePolicy knows all policies", () => {
  assertEquals(parsePolicy("noeviction"), { volatileOnly: false, order: "none" });
  assertEquals(parsePolicy("allkeys-lru"), { volatileOnly: false, order: "lru" });
  assertEquals(parsePolicy("volatile-ttl"), { volatileOnly: true, order: "ttl" });
});

Deno.test("noeviction refuses what may need memory and lets the rest pass", () => {
  using s = fill("noeviction", 100);
  const { client } = s;
  client.send("CONFIG", "SET", "maxmemory", "1");
  const refused = client.send("SET", "x", "y");
  assert(refused instanceof ReplyFailure);
  assertEquals(refused.message, "OOM command not allowed when used memory > 'maxmemory'.");
  assertEquals([client.send("GET", "k1"), client.send("DEL", "k1"), client.send("DBSIZE")], [value, 1, 99]);
  client.send("MULTI");
  assert(client.send("SET", "x", "y") instanceof ReplyFailure);
  const aborted = client.send("EXEC");
  assertEquals(aborted instanceof ReplyFailure && aborted.message.startsWith("EXECABORT"), true);
  client.send("CONFIG", "SET", "maxmemory", "0");
  assertEquals(client.send("SET", "x", "y"), "OK");
});

Deno.test("allkeys-lru removes what has not been used for long", () => {
  using s = fill("allkeys-lru", 1000);
  s.server.advance(100_000);
  for (let i = 0; i < 1000; i += 4) s.client.send("GET", `k${i}`);
  const kept = s.shrink(0.5);
  assertGreater(kept.filter((key) => numberOf(key) % 4 === 0).length, 235);
  assertLess(kept.length, 700);
});

Deno.test("allkeys-lfu removes what is used seldom", () => {
  using s = fill("allkeys-lfu", 1000);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 1000; i += 4) s.client.send("GET", `k${i}`);
  }
  const kept = s.shrink(0.5);
  assertGreater(kept.filter((key) => numberOf(key) % 4 === 0).length, 225);
});

Deno.test("volatile-ttl removes what expires soonest", () => {
  using s = fill("volatile-ttl", 1000, (i) => i % 2 === 0);
  const kept = s.shrink(0.7);
  assertEquals(kept.filter((key) => numberOf(key) % 2 === 1).length, 500);
  const gone = Array.from({ length: 500 }, (_, i) => 2 * i).filter((i) => !kept.includes(`k${i}`));
  assertGreater(gone.length, 100);
  assertLess(gone.reduce((sum, i) => sum + i, 0) / gone.length, 450);
});

for (const policy of ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]) {
  Deno.test(`${policy} never removes a key that does not expire`, () => {
    using s = fill(policy, 600, (i) => i % 3 === 0);
    s.client.send("CONFIG", "SET", "maxmemory", "1");
    assert(s.client.send("SET", "x", "y") instanceof ReplyFailure);
    const rests = s.keys().map((key) => numberOf(key) % 3).sort();
    assertEquals(rests, Array.from({ length: 400 }, (_, i) => i < 200 ? 1 : 2));
  });
}

Deno.test("a change of policy does not remove what the former one had in mind", () => {
  using s = fill("allkeys-lru", 300, (i) => i < 150);
  s.server.advance(50_000);
  s.shrink(0.9);
  const lasting = () => s.keys().filter((key) => numberOf(key) >= 150).length;
  const before = lasting();
  s.client.send("CONFIG", "SET", "maxmemory-policy", "volatile-ttl");
  s.client.send("CONFIG", "SET", "maxmemory", "1");
  s.client.send("SET", "x", "y");
  assertEquals(lasting(), before);
});

Deno.test("a key that has lost its expiry time since it was sampled is safe from volatile policies", () => {
  using s = fill("volatile-ttl", 200, () => true);
  const kept = s.shrink(0.9);
  for (const key of kept) s.client.send("PERSIST", key);
  s.client.send("CONFIG", "SET", "maxmemory", "1");
  assert(s.client.send("SET", "x", "y") instanceof ReplyFailure);
  assertEquals(s.keys().length, kept.length);
});

Deno.test("allkeys-random takes from every database", () => {
  using s = startInProcess({ config: { "maxmemory-policy": "allkeys-random" } });
  const client = s.client();
  for (let i = 0; i < 400; i++) {
    client.send("SELECT", String(i % 4));
    client.send("SET", `k${i}`, value);
  }
  const { engine } = s;
  client.send(
    "CONFIG",
    "SET",
    "maxmemory",
    String(engine.memory.usedBytes - Math.floor(engine.memory.datasetBytes / 2)),
  );
  for (const database of engine.databases.slice(0, 4)) assertLess(database.size, 80);
});

Deno.test("an evicted key is propagated as DEL, counted, published and touches its watchers", () => {
  using s = fill("allkeys-lru", 50);
  const { server } = s, watcher = server.client(), subscriber = server.client();
  for (let i = 0; i < 50; i++) watcher.send("WATCH", `k${i}`);
  s.engine.keys.notifyFlags = ~0;
  subscriber.send("PSUBSCRIBE", "__keyevent@0__:evicted");
  subscriber.received();
  server.propagated();
  const kept = s.shrink(0.5), evicted = 50 - kept.length;
  assertEquals([subscriber.received().length, s.engine.stats.evictedKeys], [evicted, evicted]);
  const deleted = server.propagated().filter((line) => line.startsWith("DEL ")).map((line) => line.slice(4));
  assertEquals([new Set(deleted).size, deleted.filter((key) => kept.includes(key))], [evicted, []]);
  watcher.send("MULTI");
  assertEquals(watcher.send("EXEC"), null);
});

Deno.test("nothing is evicted while clients are paused", () => {
  using s = fill("allkeys-lru", 50);
  s.client.send("CLIENT", "PAUSE", "1000", "WRITE");
  s.client.send("CONFIG", "SET", "maxmemory", "1");
  assertEquals(s.client.send("DBSIZE"), 50);
  s.server.advance(1000);
  s.client.send("PING");
  assertEquals(s.client.send("DBSIZE"), 0);
});

Deno.test("the LRU clock counts seconds and wraps", () => {
  const nowMs = 1_700_000_000_000;
  assertEquals(idleSeconds(lruClock(nowMs), nowMs + 59_999), 59);
  assertEquals(idleSeconds(0xfffffe, (2 ** 24 * 3 + 4) * 1000), 6);
});

Deno.test("the LFU counter grows ever more slowly and falls with time", () => {
  const nowMs = 1_700_000_000_000, means = [0, 0, 0];
  assertEquals(lfuCounter(freshLfuClock(nowMs), nowMs, 1), 5);
  for (let seed = 1; seed <= 10; seed++) {
    const random = new Random(seed);
    let clock = freshLfuClock(nowMs);
    for (let uses = 1; uses <= 100_000; uses++) {
      clock = touchedLfuClock(clock, nowMs, 1, 10, random);
      const at = [100, 1000, 100_000].indexOf(uses);
      if (at >= 0) means[at]! += lfuCounter(clock, nowMs, 1) / 10;
    }
  }
  // redis.conf's own table, for a factor of 10.
  for (const [i, expected] of [10, 18, 142].entries()) {
    assertAlmostEquals(means[i]!, expected, 1 + expected / 10);
  }
  const clock = (freshLfuClock(nowMs) & ~0xff) | 100;
  assertEquals(lfuCounter(clock, nowMs + 10 * 60_000, 1), 90);
  assertEquals(lfuCounter(clock, nowMs + 10 * 60_000, 5), 98);
  assertEquals(lfuCounter(clock, nowMs + 10 * 60_000, 0), 100);
  assertEquals(lfuCounter(clock, nowMs + 1000 * 60_000, 1), 0);
});

Deno.test("EXEC that lowers maxmemory ends before keys go, and each of them goes as a unit of its own", () => {
  using s = startInProcess({ config: { "maxmemory-policy": "allkeys-lru" } });
  const client = s.client();
  client.send("MSET", "a", "1", "b", "1");
  client.send("MULTI");
  client.send("CONFIG", "SET", "maxmemory", "1");
  client.send("INCR", "a");
  assertEquals(client.send("EXEC"), ["OK", 2]);
  assertEquals(s.propagated().toSorted(), ["DEL a", "DEL b", "INCR a", "MSET a 1 b 1"]);
});
