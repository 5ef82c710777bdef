/** node-redis on Redeno in both versions of the protocol. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createClient, RESP_TYPES, WatchError } from "npm:redis@5.12.1";
import { type ServerProcess, startRedeno } from "../support/oracle.ts";

type Version = 2 | 3;

function open(server: ServerProcess, resp: Version, password = "") {
  const at = password === "" ? "" : `:${password}@`;
  return createClient({ url: `redis://${at}127.0.0.1:${server.port}`, RESP: resp }).connect();
}

/** One thing its users do, in both versions of the protocol, on a server of its own. */
function nodeRedisTest(name: string, use: (server: ServerProcess, resp: Version) => Promise<void>): void {
  for (const resp of [2, 3] as const) {
    Deno.test(`node-redis in RESP${resp}: ${name}`, async () => {
      await using server = await startRedeno();
      await use(server, resp);
    });
  }
}

nodeRedisTest("values of all types", async (server, resp) => {
  const redis = await open(server, resp);
  try {
    assertEquals(await redis.set("k", "größe", { expiration: { type: "EX", value: 100 } }), "OK");
    assertEquals([await redis.get("k"), await redis.ttl("k"), await redis.get("none")], [
      "größe",
      100,
      null,
    ]);
    assertEquals(await redis.hSet("h", { a: "1", b: "2" }), 2);
    assertEquals({ ...await redis.hGetAll("h") }, { a: "1", b: "2" });
    assertEquals([await redis.rPush("l", ["a", "b"]), await redis.lRange("l", 0, -1)], [2, ["a", "b"]]);
    assertEquals([await redis.sAdd("s", ["x", "x"]), await redis.sMembers("s")], [1, ["x"]]);
    assertEquals(
      await redis.zAdd("z", [{ score: 1.5, value: "m" }, { score: -Infinity, value: "n" }]),
      2,
    );
    assertEquals(await redis.zRangeWithScores("z", 0, -1), [
      { value: "n", score: -Infinity },
      { value: "m", score: 1.5 },
    ]);
    assertEquals([await redis.zScore("z", "m"), await redis.zScore("z", "none")], [1.5, null]);
    const id = await redis.xAdd("x", "*", { f: "v" });
    assertEquals((await redis.xRange("x", "-", "+")).map(({ id, message }) => [id, { ...message }]), [[
      id,
      {
        f: "v",
      },
    ]]);
    assertEquals(await redis.configGet("maxmemory-policy").then((found) => ({ ...found })), {
      "maxmemory-policy": "noeviction",
    });
  } finally {
    redis.destroy();
  }
});

nodeRedisTest("bytes come back as they were", async (server, resp) => {
  const redis = await open(server, resp);
  try {
    const every = Buffer.from(Array.from({ length: 256 }, (_, code) => code));
    await redis.set(every, every);
    assertEquals(await redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get(every), every);
  } finally {
    redis.destroy();
  }
});

nodeRedisTest("transactions, aborted by a watched key", async (server, resp) => {
  const [redis, other] = await Promise.all([open(server, resp), open(server, resp)]);
  try {
    assertEquals<unknown>(await redis.multi().set("a", "1").incr("a").get("a").exec(), ["OK", 2, "2"]);
    await redis.watch("a");
    await other.set("a", "5");
    await assertRejects(() => redis.multi().incr("a").exec(), WatchError);
    assertEquals(await redis.get("a"), "5");
  } finally {
    redis.destroy();
    other.destroy();
  }
});

nodeRedisTest("channels, patterns and, in RESP3, commands on the same connection", async (server, resp) => {
  const [subscriber, publisher] = await Promise.all([open(server, resp), open(server, resp)]);
  try {
    const messages: string[] = [];
    const all = Promise.withResolvers<void>();
    const note = (message: string, channel: string) =>
      messages.push(`${channel} ${message}`) === 3 && all.resolve();
    await subscriber.subscribe("news", note);
    await subscriber.pSubscribe("n?ws", note);
    assertEquals([await publisher.publish("news", "größer"), await publisher.publish("nows", "x")], [
      2,
      1,
    ]);
    await all.promise;
    assertEquals(messages, ["news größer", "news größer", "nows x"]);
    if (resp === 3) assertEquals(await subscriber.set("k", "v"), "OK");
    await subscriber.unsubscribe("news");
    await subscriber.pUnsubscribe("n?ws");
    assertEquals(String(await subscriber.ping()), "PONG");
  } finally {
    subscriber.destroy();
    publisher.destroy();
  }
});

nodeRedisTest("thousands of commands at once, and an iteration over their keys", async (server, resp) => {
  const redis = await open(server, resp);
  try {
    const count = 10_000;
    await Promise.all(Array.from({ length: count }, (_, i) => redis.set(`key:${i}`, String(i))));
    assertEquals(await Promise.all([1, 5000, 9999].map((i) => redis.get(`key:${i}`))), [
      "1",
      "5000",
      "9999",
    ]);
    const seen = new Set<string>();
    for await (const keys of redis.scanIterator({ MATCH: "key:*", COUNT: 500 })) {
      for (const key of keys) seen.add(key);
    }
    assertEquals(seen.size, count);
  } finally {
    redis.destroy();
  }
});

nodeRedisTest("a password, wrong ones refused", async (server, resp) => {
  using c = await server.connect();
  await c.send("CONFIG", "SET", "requirepass", "secret");
  const redis = await open(server, resp, "secret");
  assertEquals(await redis.set("k", "v"), "OK");
  await redis.close();
  const error = await open(server, resp, "wrong").then(() => null, (error) => error);
  assert(error instanceof Error && error.message.startsWith("WRONGPASS"));
});

Deno.test("node-redis: client side caching is told of changes", async () => {
  await using server = await startRedeno();
  const cached = await createClient({
    url: `redis://127.0.0.1:${server.port}`,
    RESP: 3,
    clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" },
  }).connect();
  const other = await open(server, 3);
  try {
    await other.set("k", "1");
    assertEquals([await cached.get("k"), await cached.get("k")], ["1", "1"]);
    await other.set("k", "2");
    while (await cached.get("k") === "1");
    assertEquals(await cached.get("k"), "2");
  } finally {
    cached.destroy();
    other.destroy();
  }
});
