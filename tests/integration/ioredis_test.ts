/** ioredis on Redeno, as its users use it. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis, type RedisOptions } from "npm:ioredis@5.11.1";
import { type RawConnection, type ServerProcess, startRedeno } from "../support/oracle.ts";

const every = Buffer.from(Array.from({ length: 256 }, (_, code) => code));

/** Opens connections to a server that are all closed at the end. */
function connections(server: ServerProcess) {
  const clients: Redis[] = [];
  return {
    connect(options: RedisOptions = {}): Redis {
      const client = new Redis({ port: server.port, host: "127.0.0.1", ...options });
      clients.push(client);
      return client;
    },
    [Symbol.dispose]() {
      for (const client of clients) client.disconnect();
    },
  };
}

/** One thing its users do, on a server of its own. */
function ioredisTest(
  name: string,
  use: (s: ReturnType<typeof connections>, c: RawConnection) => Promise<void>,
): void {
  Deno.test(`ioredis: ${name}`, async () => {
    await using server = await startRedeno();
    using c = await server.connect();
    using s = connections(server);
    await use(s, c);
  });
}

ioredisTest("values of all types", async (s) => {
  const redis = s.connect();
  assertEquals(await redis.set("k", "größe", "EX", 100), "OK");
  assertEquals([await redis.get("k"), await redis.ttl("k"), await redis.get("none")], ["größe", 100, null]);
  assertEquals(await redis.hset("h", { a: 1, b: "2" }), 2);
  assertEquals(await redis.hgetall("h"), { a: "1", b: "2" });
  assertEquals([await redis.rpush("l", "a", "b", "c"), await redis.lrange("l", 0, -1)], [3, [
    "a",
    "b",
    "c",
  ]]);
  assertEquals([await redis.sadd("s", "x"), await redis.smembers("s")], [1, ["x"]]);
  assertEquals([await redis.zadd("z", 1.5, "m"), await redis.zrange("z", 0, -1, "WITHSCORES")], [1, [
    "m",
    "1.5",
  ]]);
  const id = await redis.xadd("x", "*", "f", "v");
  assertEquals(await redis.xrange("x", "-", "+"), [[id ?? "", ["f", "v"]]]);
  assertEquals(await redis.incrbyfloat("n", 0.1), "0.1");
});

ioredisTest("bytes come back as they were", async (s) => {
  const redis = s.connect();
  await redis.set(every, every);
  assertEquals(await redis.getBuffer(every), every);
  await redis.hset("h", every, every);
  assertEquals(await redis.hgetBuffer("h", every), every);
});

ioredisTest("a pipeline of 10,000 commands, errors in their places", async (s) => {
  const redis = s.connect(), pipeline = redis.pipeline();
  for (let i = 0; i < 10_000; i++) pipeline.incr(i === 5000 ? "list" : "n");
  await redis.rpush("list", "x");
  const results = await pipeline.exec();
  assert(results !== null);
  assertEquals([results.length, results[9999]?.[1]], [10_000, 9999]);
  assert(results[5000]?.[0]?.message.startsWith("WRONGTYPE"));
});

ioredisTest("automatic pipelining keeps each reply with its command", async (s) => {
  const redis = s.connect({ enableAutoPipelining: true });
  const sums = await Promise.all(
    Array.from({ length: 500 }, (_, i) => redis.set(`k${i}`, i).then(() => redis.get(`k${i}`))),
  );
  assertEquals(sums, Array.from({ length: 500 }, (_, i) => String(i)));
});

ioredisTest("transactions, aborted by a watched key", async (s) => {
  const redis = s.connect(), other = s.connect();
  assertEquals(await redis.multi().set("a", 1).incr("a").get("a").exec(), [[null, "OK"], [null, 2], [
    null,
    "2",
  ]]);
  await redis.watch("a");
  await other.set("a", 5);
  assertEquals(await redis.multi().incr("a").exec(), null);
  assertEquals(await redis.get("a"), "5");
});

ioredisTest("channels and patterns", async (s) => {
  const subscriber = s.connect(), publisher = s.connect();
  const messages: string[] = [];
  const all = Promise.withResolvers<void>();
  const note = (text: string) => messages.push(text) === 3 && all.resolve();
  subscriber.on("message", (channel, message) => note(`${channel} ${message}`));
  subscriber.on("pmessage", (pattern, channel, message) => note(`${pattern} ${channel} ${message}`));
  assertEquals([await subscriber.subscribe("news"), await subscriber.psubscribe("n?ws")], [1, 2]);
  assertEquals([await publisher.publish("news", "größer"), await publisher.publish("nows", "x")], [2, 1]);
  await all.promise;
  assertEquals(messages, ["news größer", "n?ws news größer", "n?ws nows x"]);
  await subscriber.unsubscribe("news");
  await subscriber.punsubscribe("n?ws");
  assertEquals(await subscriber.ping(), "PONG");
});

ioredisTest("blocking commands wait on their own connection", async (s) => {
  const waiter = s.connect(), redis = s.connect();
  await waiter.ping();
  const waiting = waiter.blpop("q", 0), behind = waiter.get("k");
  // Until the server says that somebody waits.
  while (!(await redis.info("clients")).includes("blocked_clients:1"));
  assertEquals(await redis.rpush("q", "x"), 1);
  assertEquals([await waiting, await behind, await redis.llen("q")], [["q", "x"], null, 0]);
  assertEquals(await waiter.blpop("q", 0.01), null);
});

ioredisTest("scan streams see every key once where nothing changes", async (s) => {
  const redis = s.connect(), pipeline = redis.pipeline();
  for (let i = 0; i < 2000; i++) pipeline.set(`key:${i}`, i);
  await pipeline.exec();
  const seen: string[] = [];
  for await (const keys of redis.scanStream({ match: "key:*1", count: 100 })) seen.push(...keys);
  assertEquals(seen.sort(), Array.from({ length: 200 }, (_, i) => `key:${i * 10 + 1}`).sort());
});

ioredisTest("password, name and database of a connection", async (s, c) => {
  await c.send("CONFIG", "SET", "requirepass", "secret");
  const redis = s.connect({ password: "secret", db: 3, connectionName: "mine" });
  await redis.set("k", "v");
  assertEquals([await redis.client("GETNAME"), await redis.dbsize()], ["mine", 1]);
  const wrong = s.connect({ password: "wrong", lazyConnect: true, retryStrategy: () => null });
  wrong.on("error", () => {});
  await assertRejects(() => wrong.get("k"), Error);
  assertEquals(await s.connect({ password: "secret" }).dbsize(), 0);
  await c.send("CONFIG", "SET", "requirepass", "");
});

ioredisTest("a value of 20 MB goes and comes", async (s) => {
  const redis = s.connect(), value = Buffer.alloc(20 << 20, every);
  await redis.set("big", value);
  assertEquals(await redis.strlen("big"), value.length);
  const back = await redis.getBuffer("big");
  assert(back !== null && back.equals(value));
});
