import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { ExpireCycle } from "../../../src/engine/expire.ts";
import { type InProcessServer, startInProcess } from "../../support/in_process.ts";

/** A server with `k`, which has just expired, beside `other`. */
function withExpired(): InProcessServer {
  const s = startInProcess();
  const client = s.client();
  client.send("SET", "k", "v", "PX", "100");
  client.send("SET", "other", "v");
  s.propagated();
  s.advance(100);
  return s;
}

Deno.test("a key whose time is over is invisible everywhere at once", () => {
  const views: [line: string, reply: unknown][] = [
    ["GET k", null],
    ["EXISTS k", 0],
    ["TTL k", -2],
    ["TYPE k", "none"],
    ["KEYS *", ["other"]],
    ["SCAN 0 COUNT 1000", ["0", ["other"]]],
    ["RANDOMKEY", "other"],
    ["STRLEN k", 0],
    ["MGET k other", [null, "v"]],
    ["OBJECT ENCODING k", null],
    ["SETNX k w", 1],
    ["RENAMENX other k", 1],
    ["COPY other k", 1],
    ["PERSIST k", 0],
    ["EXPIRE k 10", 0],
    ["APPEND k w", 1],
    ["INCR k", 1],
    ["DEL k", 0],
    ["TOUCH k", 0],
    ["MOVE k 1", 0],
    ["DUMP k", null],
    ["SADD k a", 1],
  ];
  for (const [line, reply] of views) {
    using s = withExpired();
    assertEquals(s.client().send(...line.split(" ")), reply, line);
  }
});

Deno.test("a key lives until its time, not longer", () => {
  using s = startInProcess();
  const client = s.client();
  client.send("SET", "k", "v", "PX", "100");
  s.advance(99);
  assertEquals([client.send("GET", "k"), client.send("PTTL", "k")], ["v", 1]);
  s.advance(1);
  assertEquals(client.send("GET", "k"), null);
});

Deno.test("an expired key that is looked at is deleted, propagated, counted and published", () => {
  using s = withExpired();
  const subscriber = s.client();
  s.engine.notifyFlags = ~0;
  subscriber.send("SUBSCRIBE", "__keyevent@0__:expired");
  subscriber.received();
  assertEquals(s.client().send("GET", "k"), null);
  assertEquals([s.propagated(), s.engine.stats.expiredKeys], [["DEL k"], 1]);
  assertEquals(subscriber.received(), [["message", "__keyevent@0__:expired", "k"]]);
});

Deno.test("ExpireCycle deletes what is due in every database, and nothing else", () => {
  using s = startInProcess();
  const client = s.client();
  for (const db of [0, 3, 15]) {
    client.send("SELECT", String(db));
    for (let i = 0; i < 500; i++) client.send("SET", `k${i}`, "v", "PX", String(i < 300 ? 100 : 100_000));
    for (let i = 0; i < 100; i++) client.send("SET", `lasting${i}`, "v");
  }
  s.propagated();
  s.expireCycle();
  assertEquals([s.engine.databases[3]!.size, s.propagated()], [600, []]);
  s.advance(100);
  s.expireCycle();
  assertEquals([0, 3, 15].map((db) => s.engine.databases[db]!.size), [300, 300, 300]);
  const lines = s.propagated();
  assertEquals(lines.filter((line) => line.startsWith("DEL ")).length, 900);
  assertEquals(lines.filter((line) => line === "MULTI"), [], "each expiry is a unit of its own");
  assertEquals(s.engine.stats.expiredKeys, 900);
});

Deno.test("ExpireCycle stops when its time is up and goes on where it stopped", () => {
  using s = startInProcess();
  const client = s.client(), { engine, clock } = s;
  for (let i = 0; i < 3000; i++) client.send("SET", `k${i}`, "v", "PX", "1");
  s.advance(10);
  // Each look at the clock takes 100 µs.
  const cycle = new ExpireCycle(engine), monotonicUs = clock.monotonicUs.bind(clock);
  clock.monotonicUs = () => {
    clock.advance(0.1);
    return monotonicUs();
  };
  let runs = 0;
  for (let left = 3000; left > 0; runs++) {
    cycle.run(1000);
    assertLess(engine.databases[0]!.size, left, "each run gets further");
    left = engine.databases[0]!.size;
  }
  assertGreater(runs, 3);
  assertGreater(engine.stats.expireCycleTimeCapReached, 2);
});

Deno.test("ExpireCycle rests while switched off, paused, or kept by a primary", () => {
  const rests: ((s: InProcessServer) => void)[] = [
    (s) => s.engine.activeExpire = false,
    (s) => s.client().send("CLIENT", "PAUSE", "1000", "WRITE"),
    (s) => s.engine.isReplica = true,
    (s) => s.engine.keepExpired = true,
  ];
  for (const [i, rest] of rests.entries()) {
    using s = withExpired();
    rest(s);
    s.expireCycle();
    assertEquals([s.engine.databases[0]!.size, s.propagated()], [2, []], `case ${i}`);
  }
});

Deno.test("a replica hides what has expired, deletes nothing, and lets a client's write through", () => {
  using s = withExpired();
  s.engine.isReplica = true;
  const client = s.client();
  assertEquals([client.send("GET", "k"), client.send("EXISTS", "k"), client.send("DBSIZE")], [null, 0, 2]);
  assertEquals(s.propagated(), []);
  assertEquals([client.send("SET", "k", "w"), client.send("GET", "k"), client.send("DBSIZE")], [
    "OK",
    "w",
    2,
  ]);
  assertEquals(client.send("KEYS", "k"), ["k"]);
});
