/**
 * Writes that look at the clock, where two clocks differ: the replica runs them late or early, a file is replayed after their
 * time. The data are the primary's all the same.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Replication } from "../../../src/replication/replication.ts";
import { VirtualClock } from "../../../src/util/clock.ts";
import { LoadProgress } from "../../../src/persistence/loading.ts";
import { wholeContent } from "../../support/cut_stream.ts";
import { StoreServer } from "../../support/data_store.ts";
import { InProcessClient } from "../../support/in_process.ts";
import { ReplicatedServers } from "../../support/replication.ts";

const HOUR_MS = 3_600_000;
type Commands = (key: string, nowMs: number, payload: string) => string[][];

/** Commands that give a key, or a field of it, a hundred milliseconds. */
const limits: Record<string, Commands> = {
  "SET PX": (k) => [["SET", k, "1", "PX", "100"]],
  "SET PXAT": (k, now) => [["SET", k, "1", "PXAT", String(now + 100)]],
  "SET PX NX": (k) => [["SET", k, "1", "PX", "100", "NX"]],
  "SET PX XX GET": (k) => [["SET", k, "0"], ["SET", k, "1", "PX", "100", "XX", "GET"]],
  "SET KEEPTTL": (k) => [["SET", k, "0", "PX", "100"], ["SET", k, "1", "KEEPTTL"]],
  PSETEX: (k) => [["PSETEX", k, "100", "1"]],
  "GETEX PX": (k) => [["SET", k, "1"], ["GETEX", k, "PX", "100"]],
  "GETEX PXAT": (k, now) => [["SET", k, "1"], ["GETEX", k, "PXAT", String(now + 100)]],
  PEXPIRE: (k) => [["SET", k, "1"], ["PEXPIRE", k, "100"]],
  "PEXPIREAT NX": (k, now) => [["SET", k, "1"], ["PEXPIREAT", k, String(now + 100), "NX"]],
  "PEXPIRE LT": (k) => [["SET", k, "1", "EX", "50"], ["PEXPIRE", k, "100", "LT"]],
  RESTORE: (k, _, payload) => [["RESTORE", k, "100", payload]],
  "RESTORE REPLACE ABSTTL": (
    k,
    now,
    payload,
  ) => [["SET", k, "0"], ["RESTORE", k, String(now + 100), payload, "REPLACE", "ABSTTL"]],
  COPY: (k) => [["SET", `${k}.from`, "1", "PX", "100"], ["COPY", `${k}.from`, k]],
  RENAME: (k) => [["SET", `${k}.from`, "1", "PX", "100"], ["RENAME", `${k}.from`, k]],
  "PX and HPEXPIRE": (k) => [["HSET", `${k}.h`, "f", "1", "g", "2"], [
    "HPEXPIRE",
    `${k}.h`,
    "100",
    "FIELDS",
    "1",
    "f",
  ], ["SET", k, "1", "PX", "100"]],
};

/** Commands that change what has been given a time. */
const sequels: Record<string, Commands> = {
  nothing: () => [],
  PERSIST: (k) => [["PERSIST", k]],
  PEXPIRE: (k) => [["PEXPIRE", k, "3600000"]],
  "PEXPIRE GT": (k) => [["PEXPIRE", k, "3600000", "GT"]],
  INCR: (k) => [["INCR", k]],
  APPEND: (k) => [["APPEND", k, "2"]],
  INCRBYFLOAT: (k) => [["INCRBYFLOAT", k, "0.5"]],
  "SET NX": (k) => [["SET", k, "7", "NX"]],
  "SET XX KEEPTTL": (k) => [["SET", k, "7", "XX", "KEEPTTL"]],
  "GETEX PERSIST": (k) => [["GETEX", k, "PERSIST"]],
  RENAME: (k) => [["RENAME", k, `${k}.to`]],
  RENAMENX: (k) => [["SET", `${k}.to`, "there", "PX", "100"], ["RENAMENX", k, `${k}.to`]],
  COPY: (k) => [["COPY", k, `${k}.to`]],
  MOVE: (k) => [["MOVE", k, "9"]],
  BITOP: (k) => [["BITOP", "NOT", `${k}.to`, k]],
  HPERSIST: (k) => [["HPERSIST", `${k}.h`, "FIELDS", "2", "f", "g"]],
  HINCRBY: (k) => [["HINCRBY", `${k}.h`, "f", "1"]],
  HSETNX: (k) => [["HSETNX", `${k}.h`, "f", "9"]],
  "HPEXPIRE GT": (k) => [["HPEXPIRE", `${k}.h`, "3600000", "GT", "FIELDS", "1", "f"]],
  "SORT by a field": (
    k,
  ) => [["RPUSH", `${k}.ids`, "h", "i"], [
    "SORT",
    `${k}.ids`,
    "BY",
    `${k}.*->f`,
    "GET",
    `${k}.*->f`,
    "STORE",
    `${k}.to`,
  ]],
};

/** How a client gives its commands. */
const ways: Record<string, (client: InProcessClient, commands: string[][]) => void> = {
  "one by one": (client, commands) => commands.forEach((words) => client.send(...words)),
  "in a transaction": (client, commands) =>
    [["MULTI"], ...commands, ["EXEC"]].forEach((words) => client.send(...words)),
  "in scripts": (client, commands) =>
    commands.forEach((words) => client.send("EVAL", "return redis.pcall(unpack(ARGV))", "0", ...words)),
};

/** Runs every sequel behind every limit; `between` happens when all the limits have been set. */
function runAll(server: StoreServer, way: string, between: () => void): void {
  const client = server.client(), run = ways[way]!;
  client.send("SET", "source", "1");
  const payload = String(client.send("DUMP", "source"));
  const cases = Object.keys(limits).flatMap((limit) =>
    Object.keys(sequels).map((sequel) => [limit, sequel] as const)
  );
  const nowMs = server.clock.nowMs();
  for (const [limit, sequel] of cases) run(client, limits[limit]!(`${limit}, ${sequel}`, nowMs, payload));
  between();
  for (const [limit, sequel] of cases) run(client, sequels[sequel]!(`${limit}, ${sequel}`, nowMs, payload));
}

for (const way of Object.keys(ways)) {
  for (const [what, aheadMs] of [["an hour ahead", HOUR_MS], ["in step", 0]] as const) {
    Deno.test(`a replica whose clock is ${what} has its primary's data, given ${way}`, async () => {
      const servers = await ReplicatedServers.start(), { primary, replica } = servers;
      if (aheadMs > 0) replica.advance(aheadMs);
      replica.client().send("REPLICAOF", "10.0.0.1", "6379");
      await servers.settle();
      runAll(primary, way, () => aheadMs > 0 || primary.advance(200));
      await servers.settle();
      const expected = wholeContent(primary.engine);
      assert(expected.length > 100);
      assertEquals(wholeContent(replica.engine), expected);
      primary.advance(200), primary.expireCycle();
      await servers.settle();
      assertEquals(wholeContent(replica.engine), wholeContent(primary.engine));
      assertEquals(replica.log.filter((line) => line.includes("CRITICAL")), []);
    });
  }

  Deno.test(`an append only file replayed an hour later holds what was there, given ${way}`, async () => {
    const server = await StoreServer.start(undefined, { appendonly: "yes" });
    runAll(server, way, () => {});
    const later = new VirtualClock();
    later.advance(HOUR_MS);
    const again = new StoreServer(server.disk, { config: { save: "", appendonly: "yes" }, clock: later });
    await again.store.load(new LoadProgress(later));
    assertEquals(wholeContent(again.engine), wholeContent(server.engine));
  });
}

Deno.test("during CLIENT PAUSE a field that has expired is hidden, and nothing is propagated", async () => {
  const server = await StoreServer.start(), c = server.client();
  c.send("HSET", "h", "f", "1", "g", "2");
  c.send("HPEXPIRE", "h", "10", "FIELDS", "1", "f");
  c.send("CLIENT", "PAUSE", "1000", "WRITE");
  server.advance(20), server.propagated();
  assertEquals([c.send("HGET", "h", "f"), server.propagated()], [null, []]);
  c.send("CLIENT", "UNPAUSE");
  assertEquals([c.send("HGET", "h", "f"), server.propagated()], [null, ["HDEL h f"]]);
});

Deno.test("a writable replica says DEL to its file where a client's write meets an expired key", async () => {
  const servers = await ReplicatedServers.start({ replica: { "replica-read-only": "no" } });
  const p = servers.primary.client(), r = servers.replica.client();
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  p.send("SET", "n", "5", "PX", "100");
  await servers.settle();
  servers.replica.advance(200), servers.replica.propagated();
  assertEquals(r.send("INCR", "n"), 1);
  assertEquals(servers.replica.propagated(), ["MULTI", "DEL n", "INCR n", "EXEC"]);
});

Deno.test("a writable replica leaves a key alone that its primary has given another time since", async () => {
  const servers = await ReplicatedServers.start({ replica: { "replica-read-only": "no" } });
  const { primary, replica } = servers, p = primary.client(), r = replica.client();
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  r.send("SET", "k", "mine", "PX", "100");
  p.send("SET", "k", "theirs", "PX", "150");
  await servers.settle();
  replica.advance(200);
  Replication.of(replica.engine).tick();
  p.send("PERSIST", "k");
  await servers.settle();
  assertEquals([r.send("GET", "k"), r.send("PTTL", "k")], ["theirs", -1]);
});

/** Both servers, the replica in step. */
async function inStep() {
  const servers = await ReplicatedServers.start();
  servers.replica.client().send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  return servers;
}

function infoOf({ engine }: StoreServer, section: string, name: string): string | undefined {
  const text = String(new InProcessClient(engine).send("INFO", section));
  return text.split("\r\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
}

Deno.test("clocks that are set back stop neither signs of life, acknowledgements nor new links", async () => {
  const servers = await inStep(), { primary, replica } = servers;
  for (const { clock, engine } of [primary, replica]) clock.set(-HOUR_MS), engine.refreshTime();
  const before = Number(infoOf(primary, "replication", "master_repl_offset"));
  for (let i = 0; i < 12; i++) await servers.second();
  const offset = Number(infoOf(primary, "replication", "master_repl_offset"));
  assert(offset > before, "the primary says PING");
  assertMatch(String(infoOf(primary, "replication", "slave0")), new RegExp(`offset=${offset},lag=[01]$`));
  servers.limit = 0;
  servers.cut();
  await servers.settle();
  assertEquals(infoOf(replica, "replication", "master_link_status"), "down");
  for (let i = 0; i < 2; i++) await servers.second();
  assertEquals(infoOf(replica, "replication", "master_link_status"), "up");
});

Deno.test("clocks that are set forward end no link", async () => {
  const servers = await inStep(), { primary, replica } = servers;
  for (const { clock, engine } of [primary, replica]) clock.set(HOUR_MS), engine.refreshTime();
  await servers.second();
  assertEquals(replica.log.filter((line) => line.includes("timeout")), []);
  assertEquals(primary.log.filter((line) => line.includes("timedout")), []);
  assertEquals(infoOf(primary, "stats", "sync_partial_ok"), "0");
});

Deno.test("a pending entry has its primary's time of delivery, though the replica's clock is behind", async () => {
  const servers = await inStep(), { primary, replica } = servers, p = primary.client();
  replica.clock.set(-HOUR_MS);
  for (
    const words of ["XGROUP CREATE s g 0 MKSTREAM", "XADD s 1-1 f v", "XREADGROUP GROUP g c STREAMS s >"]
  ) {
    p.send(...words.split(" "));
  }
  await servers.settle();
  const deliveredAt = ({ engine }: StoreServer) =>
    JSON.stringify(new InProcessClient(engine).send("XINFO", "STREAM", "s", "FULL")).match(
      /pending",\[\[.*?\]\]/,
    )?.[0];
  assertEquals(deliveredAt(replica), deliveredAt(primary));
});
