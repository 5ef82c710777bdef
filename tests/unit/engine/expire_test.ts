import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { ClientFlag } from "../../../src/engine/client.ts";
import { ExpireCycle } from "../../../src/engine/expire.ts";
import { type InProcessServer, PENDING, startInProcess } from "../../support/in_process.ts";

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
  s.engine.keys.notifyFlags = ~0;
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

/**
 * A server whose first database gives the cycle slices of `size` keys, so many of which are due, and then comes to an
 * end; `slices` counts those that were looked at in all databases.
 */
function withSlices(due: readonly number[], size: number) {
  const s = startInProcess(), client = s.client(), counts = { slices: 0 };
  for (let i = 0; i < 10; i++) client.send("SET", `k${i}`, "v", "PX", i < 5 ? "10" : "1000000");
  s.advance(10);
  const [first, ...others] = s.engine.databases, refs: number[] = [];
  first!.scanVolatile(0, 1000, (ref) => void refs.push(ref));
  const isDue = (ref: number) => first!.expiryOf(ref) <= s.engine.nowMs;
  const dueRefs = refs.filter(isDue), lasting = refs.filter((ref) => !isDue(ref));
  first!.scanVolatile = (cursor, _count, visit) => {
    const wanted = due[cursor]!;
    for (const ref of [...dueRefs.slice(0, wanted), ...lasting, ...lasting].slice(0, size)) visit(ref);
    counts.slices++;
    return (cursor + 1) % due.length;
  };
  first!.delete = () => {}; // so that the next slice is like this one
  for (const other of others) {
    Object.defineProperty(other, "volatileSize", { get: () => counts.slices++ * 0 });
  }
  return { s, counts };
}

const stops: [due: number[], slices: number, why: string, size?: number][] = [
  [[1], 16, "a tenth is tolerated: one round of the databases is all"],
  [[0], 16, "nothing is due"],
  [[1, 0], 1, "a tenth is tolerated: the next cycle goes on in this database"],
  [[2, 0, 0], 2, "more than a tenth: this database goes on at once"],
  [[2, 2, 0], 18, "more than a tenth up to the last slice, then one round"],
  [[1, 0], 17, "one of nine is more than a tenth", 9],
];
for (const [due, slices, why, size = 10] of stops) {
  Deno.test(`ExpireCycle looks at ${slices} slices where ${due} of ${size} keys are due: ${why}`, () => {
    const { s, counts } = withSlices(due, size);
    s.expireCycle();
    assertEquals(counts.slices, slices);
  });
}

Deno.test("ExpireCycle estimates the share of expired keys, each slice having a weight of a twentieth", () => {
  const { s } = withSlices([4, 2, 0, 0], 10), { stats } = s.engine;
  stats.expiredStalePercent = 100;
  const afterSlice = (percent: number, dueShare: number) => percent * 0.95 + dueShare * 5;
  s.expireCycle();
  assertEquals(stats.expiredStalePercent, afterSlice(afterSlice(afterSlice(100, 0.4), 0.2), 0));
});

Deno.test("ExpireCycle goes on while its time is not over to the microsecond", () => {
  for (const [budgetUs, slices, capReached] of [[16, 16, 0], [15, 16, 1], [14, 15, 1], [0, 1, 1]] as const) {
    using s = startInProcess();
    s.client().send("SET", "k", "v", "PX", "1000000");
    let slicesSeen = 0, nowUs = 0;
    for (const database of s.engine.databases) {
      Object.defineProperty(database, "volatileSize", { get: () => slicesSeen++ * 0 });
    }
    const cycle = new ExpireCycle(s.engine);
    s.engine.clock.monotonicUs = () => nowUs;
    Object.defineProperty(s.engine.stats, "expiredStalePercent", { set: () => nowUs++, get: () => 0 });
    cycle.run(budgetUs);
    assertEquals(
      [slicesSeen, s.engine.stats.expireCycleTimeCapReached],
      [slices, capReached],
      `${budgetUs} µs`,
    );
  }
});

Deno.test("ExpireCycle rests while switched off, paused, or kept by a primary", () => {
  const rests: ((s: InProcessServer) => void)[] = [
    (s) => s.engine.activeExpire = false,
    (s) => s.client().send("CLIENT", "PAUSE", "1000", "WRITE"),
    (s) => s.engine.isReplica = true,
    (s) => s.engine.keys.keepExpired = true,
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

Deno.test("a waiting client's look-ups are its own, whoever ran a command last", () => {
  using s = startInProcess();
  const waiter = s.client(), primary = s.client();
  s.engine.isReplica = true;
  primary.client.set(ClientFlag.Primary);
  assertEquals(waiter.send("XREAD", "BLOCK", "0", "STREAMS", "x", "0"), PENDING);
  const past = String(s.engine.nowMs - 1);
  for (const line of ["MULTI", "XADD x 1-1 f v", `PEXPIREAT x ${past}`, "EXEC"]) {
    primary.send(...line.split(" "));
  }
  assertEquals([waiter.received(), primary.send("EXISTS", "x")], [[], 1]);
});

Deno.test("fields whose hash goes with them leave one event of each kind and no DEL", () => {
  using s = startInProcess();
  const c = s.client(), listener = s.client();
  c.send("HSET", "h", "f", "v");
  c.send("HPEXPIRE", "h", "5", "FIELDS", "1", "f");
  s.engine.keys.notifyFlags = ~0;
  listener.send("PSUBSCRIBE", "__keyevent@0__:*");
  listener.received();
  s.propagated();
  s.advance(10);
  s.expireCycle();
  const events = (listener.received() as string[][]).map((message) => message[2]);
  assertEquals(events, ["__keyevent@0__:hexpired", "__keyevent@0__:del"]);
  assertEquals(s.propagated(), ["HDEL h f"]);
  assertEquals(c.send("EXISTS", "h"), 0);
});
