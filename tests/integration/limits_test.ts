/**
 * What a server bears: its memory stays within bounds, who goes too far is cut off, and all others are served. How long
 * these wait meanwhile is measured by `deno task bench attack`.
 */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { idle, openFiles } from "../support/attacks.ts";
import { encodeCommand, type RawConnection, type ServerProcess, startRedeno } from "../support/oracle.ts";
import { residentBytes } from "../support/tool.ts";

const MB = 1 << 20;

/** What the process may occupy under any of these attacks. */
const BOUND_BYTES = 700 * MB;

async function assertWithinBound(server: ServerProcess): Promise<void> {
  const bytes = await residentBytes(server.pid);
  assertLess(bytes, BOUND_BYTES, `${Math.round(bytes / MB)} MB`);
}

/** Another client gets a reply to each command, in order. */
async function assertServed(c: RawConnection): Promise<void> {
  const before = Number((await c.send("INCR", "served")).slice(1));
  const replies = await c.pipeline(Array.from({ length: 1000 }, () => ["INCR", "served"]));
  assertEquals(replies, replies.map((_, i) => `:${before + 1 + i}\r\n`));
}

async function statistic(c: RawConnection, name: string): Promise<number> {
  return Number(new RegExp(`\\r\\n${name}:(\\d+)`).exec(await c.send("INFO", "everything"))?.[1]);
}

Deno.test("10,000 idle connections take little memory, and who comes behind them is served", async () => {
  const count = Math.min(10_000, await openFiles() - 500);
  if (count < 10_000) {
    console.warn(`ONLY ${count} CONNECTIONS: the limit on open files (ulimit -Hn) allows no more`);
  }
  await using server = await startRedeno(["--maxclients", "10100"]);
  const before = await residentBytes(server.pid);
  using _attack = await idle(server.port, count);
  using c = await server.connect();
  assertEquals(await statistic(c, "connected_clients"), count + 1);
  await assertServed(c);
  const each = (await residentBytes(server.pid) - before) / count;
  assertLess(each, 40_000, `${Math.round(each)} bytes a connection`);
  await assertWithinBound(server);
});

Deno.test("500 clients that send byte by byte are answered in the end, and nobody waits for them", async () => {
  await using server = await startRedeno();
  using c = await server.connect();
  using attack = await idle(server.port, 500);
  await attack.trickle(["APPEND", "slow"]);
  await assertServed(c);
  await attack.sendAll("*3\r\n");
  await assertServed(c);
  assertEquals(await c.send("EXISTS", "slow"), ":0\r\n");
  await assertWithinBound(server);
});

Deno.test("commands that come byte by byte are run when they are whole", async () => {
  await using server = await startRedeno();
  using c = await server.connect();
  using attack = await idle(server.port, 300);
  await attack.trickle(["RPUSH", "slow", "x"]);
  const lines = await attack.readAll();
  assertEquals(lines.map((line) => Number(line.slice(1))).sort((a, b) => a - b), lines.map((_, i) => i + 1));
  assertEquals(await c.send("LLEN", "slow"), ":300\r\n");
});

Deno.test("clients that ask for gigabytes and read nothing are not served on, the others are", async () => {
  await using server = await startRedeno();
  using c = await server.connect();
  await c.send("SET", "big", "x".repeat(100_000));
  using attack = await idle(server.port, 100);
  const asked = attack.sendAll(encodeCommand(["GET", "big"]).repeat(1000));
  for (let round = 0; round < 10; round++) {
    await assertServed(c);
    await assertWithinBound(server);
  }
  assertEquals(await statistic(c, "connected_clients"), 101);
  attack.close();
  await asked;
});

Deno.test("client-output-buffer-limit cuts off who does not read, each class by its own", async () => {
  await using server = await startRedeno(["--client-output-buffer-limit", "normal 1mb 0 0 pubsub 2mb 0 0"]);
  using c = await server.connect();
  await c.send("SET", "big", "x".repeat(100_000));
  using readers = await idle(server.port, 50);
  await readers.sendAll(encodeCommand(["GET", "big"]).repeat(200));
  using subscribers = await idle(server.port, 20);
  await subscribers.sendAll("SUBSCRIBE news\r\n");
  while (await c.send("PUBSUB", "NUMSUB", "news") !== "*2\r\n$4\r\nnews\r\n:20\r\n") await assertServed(c);
  const news = "x".repeat(500_000);
  while (await c.send("PUBLISH", "news", news) !== ":0\r\n") await assertWithinBound(server);
  while (await statistic(c, "client_output_buffer_limit_disconnections") < 70) await assertServed(c);
  assertEquals(await statistic(c, "connected_clients"), 1);
});

Deno.test("what is announced and does not come takes no memory, and what may not be announced ends the connection", async () => {
  await using server = await startRedeno();
  using c = await server.connect();
  const before = await residentBytes(server.pid);
  using one = await idle(server.port, 300);
  await one.sendAll("*2147483647\r\n$536870912\r\nabc");
  using other = await idle(server.port, 300);
  await other.sendAll("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$536870912\r\n" + "x".repeat(1000));
  await assertServed(c);
  assertLess(await residentBytes(server.pid) - before, 100 * MB);
  const refusals = {
    "*2147483648\r\n": "-ERR Protocol error: invalid multibulk length\r\n",
    "*1\r\n$536870913\r\n": "-ERR Protocol error: invalid bulk length\r\n",
    "*1\r\n*1\r\n": "-ERR Protocol error: expected '$', got '*'\r\n",
    ["x".repeat(70_000)]: "-ERR Protocol error: too big inline request\r\n",
  };
  for (const [request, refusal] of Object.entries(refusals)) {
    using bad = await server.connect();
    await bad.write(request);
    assertEquals(await bad.read(), refusal);
  }
  await assertServed(c);
});

Deno.test("what is nested deeply is an error, whatever it is", async () => {
  await using server = await startRedeno();
  using c = await server.connect();
  const depth = 100_000, script = `local t = {} for i = 1, ${depth} do t = {t} end `;
  for (
    const [body, ...args] of [
      [script + "return t"],
      [script + "return cjson.encode(t)"],
      [script + "return cmsgpack.pack(t)"],
      ["return cjson.decode(ARGV[1])", "[".repeat(depth)],
      ["return cmsgpack.unpack(ARGV[1])", "\x91".repeat(depth)],
      ["local function f() return 1 + f() end return f()"],
      ["return string.find(ARGV[1], ARGV[2])", "a".repeat(depth), "(".repeat(depth)],
      ["return loadstring(ARGV[1])()", "return " + "{".repeat(depth)],
    ] as string[][]
  ) {
    const reply = await c.send("EVAL", body ?? "", "0", ...args);
    assertMatch(reply, /^(-|\*|\$)/, body ?? "");
    await assertServed(c);
  }
  assertMatch(await c.send("ACL", "SETUSER", "x", "(".repeat(depth)), /^-ERR /);
  assertMatch(await c.send("KEYS", "[".repeat(depth) + "*".repeat(1000)), /^\*0/);
  await Deno.writeTextFile(`${server.folder}/deep.json`, "[".repeat(depth));
  assertMatch(await c.send("SNAPSHOT", "LOAD", "deep.json"), /^-/);
  await assertServed(c);
});

Deno.test("maxmemory-clients cuts off those that take most, until all are within it", async () => {
  await using server = await startRedeno(["--maxmemory-clients", "20mb"]);
  using c = await server.connect();
  assertEquals(await c.send("CLIENT", "NO-EVICT", "on"), "+OK\r\n");
  const half = `*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$${4 * MB}\r\n` + "x".repeat(MB);
  using writers = await idle(server.port, 100);
  await writers.sendAll(half);
  while (await statistic(c, "connected_clients") > 21) await assertServed(c);
  using readers = await idle(server.port, 50);
  await c.send("SET", "big", "x".repeat(MB));
  await readers.sendAll(encodeCommand(["GET", "big"]).repeat(20));
  await assertServed(c);
  while (await statistic(c, "mem_clients_normal") > 20 * MB) await assertServed(c);
  assert(await statistic(c, "evicted_clients") >= 80);
  assertStringIncludes(server.log, "Evicting client: ");
  await assertWithinBound(server);
});
