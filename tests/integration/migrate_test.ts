/** MIGRATE between Redeno and a real redis-server, both ways. */
import { assertEquals, assertMatch } from "@std/assert";
import { redisServer, type ServerProcess, startRedeno, startRedis } from "../support/oracle.ts";

const options = { ignore: redisServer === undefined };

/** Moves a value of every type from `from` to `to` and checks that it is whole there and gone here. */
async function movesEveryType(from: ServerProcess, to: ServerProcess): Promise<void> {
  using here = await from.connect();
  using there = await to.connect();
  await here.send("SET", "string", "bytes \x00\xff", "PX", "90000");
  await here.send("RPUSH", "list", "a", "b");
  await here.send("SADD", "set", "1", "2");
  await here.send("ZADD", "zset", "1.5", "m");
  await here.send("HSET", "hash", "f", "v");
  await here.send("XADD", "stream", "1-1", "f", "v");
  const names = ["string", "list", "set", "zset", "hash", "stream"];
  const address = ["127.0.0.1", String(to.port)];
  assertEquals(
    await here.send("MIGRATE", ...address, "", "0", "5000", "KEYS", ...names, "missing"),
    "+OK\r\n",
  );
  assertEquals(await here.send("EXISTS", ...names), ":0\r\n");
  assertEquals(await there.send("EXISTS", ...names), ":6\r\n");
  assertEquals(await there.send("GET", "string"), "$8\r\nbytes \x00\xff\r\n");
  assertMatch(await there.send("PTTL", "string"), /^:[1-8]\d{4}\r\n$/);
  assertEquals(await there.send("LRANGE", "list", "0", "-1"), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  assertEquals(
    await there.send("XRANGE", "stream", "-", "+"),
    "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
  );
  await there.send("FLUSHALL");
}

Deno.test("MIGRATE hands every type from Redeno to redis-server and back", options, async () => {
  await using redeno = await startRedeno();
  await using redis = await startRedis();
  await movesEveryType(redeno, redis);
  await movesEveryType(redis, redeno);
});

Deno.test("MIGRATE keeps what the other server refuses, and says why", options, async () => {
  await using redeno = await startRedeno();
  await using redis = await startRedis();
  using here = await redeno.connect();
  using there = await redis.connect();
  await here.send("SET", "k", "mine");
  await there.send("SET", "k", "theirs");
  const move = ["MIGRATE", "127.0.0.1", String(redis.port), "k", "0", "5000"];
  assertEquals(
    await here.send(...move),
    "-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n",
  );
  assertEquals(await here.send("GET", "k"), "$4\r\nmine\r\n");
  assertEquals(await here.send(...move, "COPY", "REPLACE"), "+OK\r\n");
  assertEquals(await here.send("GET", "k"), "$4\r\nmine\r\n");
  assertEquals(await there.send("GET", "k"), "$4\r\nmine\r\n");
  assertEquals(
    await here.send("MIGRATE", "127.0.0.1", String(redis.port), "nothing", "0", "5000"),
    "+NOKEY\r\n",
  );
});

Deno.test("MIGRATE answers IOERR where nobody listens", async () => {
  await using redeno = await startRedeno();
  using here = await redeno.connect();
  await here.send("SET", "k", "v");
  assertEquals(
    await here.send("MIGRATE", "127.0.0.1", "1", "k", "0", "2000"),
    "-IOERR error or timeout connecting to the client\r\n",
  );
  assertEquals(await here.send("GET", "k"), "$1\r\nv\r\n");
});
