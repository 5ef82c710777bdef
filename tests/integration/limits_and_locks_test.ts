/** Rate limiters and locks that work by scripts, as their users set them up, on Redeno. */
import { assert, assertEquals, assertGreater, assertLessOrEqual, assertRejects } from "@std/assert";
import { Redis } from "npm:ioredis@5.11.1";
import {
  BurstyRateLimiter,
  RateLimiterQueue,
  RateLimiterRedis,
  RateLimiterRes,
} from "npm:rate-limiter-flexible@11.4.0";
import { createClient } from "npm:redis@5.12.1";
import Redlock4 from "npm:redlock@4.2.0";
import Redlock5, { ExecutionError } from "npm:redlock@5.0.0-beta.2";
import { type ServerProcess, startRedeno } from "../support/oracle.ts";

/** ioredis connected to a server, ended with the test. */
class Connected extends Redis implements AsyncDisposable {
  constructor(server: ServerProcess) {
    super({ host: "127.0.0.1", port: server.port, retryStrategy: () => null });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.status === "end") return;
    const ended = new Promise<void>((resolve) => this.once("end", resolve));
    this.disconnect();
    await ended;
  }
}

/** What a limiter refuses with. */
async function refused(attempt: Promise<unknown>): Promise<RateLimiterRes> {
  const reason = await attempt.then(() => "not refused", (reason: unknown) => reason);
  assert(reason instanceof RateLimiterRes, `${reason}`);
  return reason;
}

// ---- rate-limiter-flexible --------------------------------------------------------------------------------------

Deno.test("rate-limiter-flexible on ioredis: points, refusals, rewards and blocks", async () => {
  await using server = await startRedeno();
  await using redis = new Connected(server);
  const limiter = new RateLimiterRedis({ storeClient: redis, points: 3, duration: 100, keyPrefix: "limit" });
  const left: number[] = [];
  for (let i = 0; i < 3; i++) left.push((await limiter.consume("ann")).remainingPoints);
  assertEquals(left, [2, 1, 0]);
  const refusal = await refused(limiter.consume("ann"));
  assertEquals([refusal.consumedPoints, refusal.remainingPoints, refusal.isFirstInDuration], [4, 0, false]);
  assertGreater(refusal.msBeforeNext, 0);
  assertLessOrEqual(refusal.msBeforeNext, 100_000);
  assertEquals((await limiter.consume("bob", 2)).remainingPoints, 1);
  assertEquals((await limiter.reward("ann", 2)).consumedPoints, 2);
  assertEquals((await limiter.penalty("ann", 1)).consumedPoints, 3);
  assertEquals((await limiter.get("ann"))?.consumedPoints, 3);
  assertEquals(await redis.get("limit:ann"), "3");
  await redis.del("limit:ann");
  assertEquals((await limiter.consume("ann")).isFirstInDuration, true);
  await limiter.block("ann", 1000);
  assertGreater((await refused(limiter.consume("ann"))).msBeforeNext, 900_000);
  assertEquals([await limiter.delete("ann"), await limiter.get("ann")], [true, null]);
});

Deno.test("rate-limiter-flexible: of many at once exactly as many pass as there are points, over two clients", async () => {
  await using server = await startRedeno();
  await using one = new Connected(server), two = new Connected(server);
  const limiters = [one, two].map((storeClient) =>
    new RateLimiterRedis({ storeClient, points: 40, duration: 100 })
  );
  const attempts = Array.from({ length: 100 }, (_, i) => limiters[i % 2]!.consume("everybody"));
  const passed = (await Promise.allSettled(attempts)).filter(({ status }) => status === "fulfilled");
  assertEquals(passed.length, 40);
});

Deno.test("rate-limiter-flexible on node-redis: a window that ends, bursts, and a queue", async () => {
  await using server = await startRedeno();
  const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
  await client.connect();
  try {
    const options = { storeClient: client, useRedisPackage: true };
    const limiter = new RateLimiterRedis({ ...options, points: 1, duration: 1, keyPrefix: "second" });
    await limiter.consume("k");
    await refused(limiter.consume("k"));
    const queue = new RateLimiterQueue(limiter);
    await queue.removeTokens(1, "k");
    const burst = new RateLimiterRedis({ ...options, points: 2, duration: 100, keyPrefix: "burst" });
    const steady = new RateLimiterRedis({ ...options, points: 1, duration: 100, keyPrefix: "steady" });
    const bursty = new BurstyRateLimiter(steady, burst);
    for (let i = 0; i < 3; i++) await bursty.consume("k");
    await assertRejects(() => bursty.consume("k").catch(() => Promise.reject(new Error("refused"))));
  } finally {
    await client.close();
  }
});

// ---- redlock ----------------------------------------------------------------------------------------------------

/** The part of a lock of redlock 4, which has no types of its own, that the test uses. */
interface Lock4 {
  value: string;
  expiration: number;
  extend(ttlMs: number): Promise<Lock4>;
  unlock(): Promise<void>;
}
interface Locks4 {
  lock(resource: string | string[], ttlMs: number): Promise<Lock4>;
}

Deno.test("redlock 4 over three servers: one holder at a time, extended, released, and not by others", async () => {
  await using one = await startRedeno();
  await using two = await startRedeno();
  await using three = await startRedeno();
  await using a = new Connected(one), b = new Connected(two), c = new Connected(three);
  const locks: Locks4 = new Redlock4([a, b, c], { retryCount: 0 });
  const lock = await locks.lock("resource", 60_000);
  assertEquals([await a.get("resource"), await b.get("resource"), await c.get("resource")], [
    lock.value,
    lock.value,
    lock.value,
  ]);
  await assertRejects(
    () => locks.lock("resource", 60_000),
    Error,
    "Exceeded 0 attempts to lock the resource",
  );
  const longer = await lock.extend(120_000);
  assertGreater(await a.pttl("resource"), 60_000);
  await b.set("resource", "somebody else's");
  await longer.unlock();
  assertEquals([await a.exists("resource"), await b.get("resource")], [0, "somebody else's"]);
  await three.stop("SIGKILL");
  c.on("error", () => {});
  await b.del("resource");
  const pair = await locks.lock(["left", "right"], 60_000);
  await assertRejects(() => locks.lock("right", 60_000));
  await pair.unlock();
  assertEquals(await a.dbsize(), 0);
});

Deno.test("redlock 5: who waits gets the lock once it is released; a section keeps it as long as it runs", async () => {
  await using server = await startRedeno();
  await using redis = new Connected(server), other = new Connected(server);
  const settings = { retryCount: -1, retryDelay: 10, retryJitter: 5, automaticExtensionThreshold: 3800 };
  const [first, second] = [redis, other].map((client) => new Redlock5([client], settings));
  const order: string[] = [];
  const held = await first!.acquire(["resource"], 60_000);
  const waiting = second!.acquire(["resource"], 60_000);
  await assertRejects(() => first!.acquire(["resource"], 60_000, { retryCount: 0 }), ExecutionError);
  order.push("released");
  await held.release();
  const next = await waiting;
  order.push("acquired");
  assertEquals(order, ["released", "acquired"]);
  await next.release();
  const before = await first!.using(["resource"], 4000, async (signal) => {
    const value = await redis.get("resource");
    // It is extended before it ends: the same value with a new time.
    let left = 4000, last: number;
    do {
      last = left;
      left = await redis.pttl("resource");
    } while (left > 0 && left <= last);
    assertEquals([signal.aborted, await redis.get("resource")], [false, value]);
    return value;
  });
  assertEquals([before?.length, await redis.exists("resource")], [32, 0]);
});
