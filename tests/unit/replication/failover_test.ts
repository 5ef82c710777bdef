import { assertEquals, assertMatch } from "@std/assert";
import { encodeCommand, type InProcessClient, PENDING } from "../../support/in_process.ts";
import { Replication } from "../../../src/replication/replication.ts";
import { ReplicatedServers } from "../../support/replication.ts";

/** Two servers of which one follows the other and has everything. */
async function start() {
  const servers = await ReplicatedServers.start();
  const p = servers.primary.client(), r = servers.replica.client();
  p.send("SET", "first", "1");
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.second();
  await servers.second();
  assertEquals(info(p, "slave0")?.includes("state=online"), true);
  return { servers, p, r };
}

function info(client: InProcessClient, name: string): string | undefined {
  const text = String(client.send("INFO", "everything"));
  return text.split("\r\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
}

/** Where the primary sees its replica. */
function addressOf(p: InProcessClient): [string, string] {
  const [, ip = "", port = ""] = /ip=(.*),port=(\d+)/.exec(info(p, "slave0") ?? "") ?? [];
  return [ip, port];
}

function failure(client: InProcessClient, ...words: string[]): string {
  return client.raw(encodeCommand(...words)).trimEnd();
}

Deno.test("FAILOVER lets the replica catch up, and both servers change places without a full synchronisation", async () => {
  const { servers, p, r } = await start();
  p.send("SET", "last", "1");
  assertEquals(p.send("FAILOVER"), "OK");
  assertEquals(info(p, "master_failover_state"), "waiting-for-sync");
  const writer = servers.primary.client();
  assertEquals(writer.send("SET", "late", "1"), PENDING);
  await servers.second();
  await servers.second();
  assertEquals(info(p, "master_failover_state"), "no-failover");
  assertEquals([info(p, "role"), info(r, "role")], ["slave", "master"]);
  assertMatch(writer.takeBytes(), /^-READONLY/);
  assertEquals([info(r, "sync_full"), info(r, "sync_partial_ok")], ["0", "1"]);
  assertEquals(r.send("SET", "new", "1"), "OK");
  await servers.settle();
  assertEquals([p.send("GET", "new"), r.send("GET", "last")], ["1", "1"]);
});

Deno.test("FAILOVER TIMEOUT gives up when the replica does not catch up, and writers go on", async () => {
  const { servers, p } = await start();
  p.send("SET", "last", "1");
  p.send("FAILOVER", "TO", ...addressOf(p), "TIMEOUT", "500");
  const writer = servers.primary.client();
  assertEquals(writer.send("SET", "late", "1"), PENDING);
  servers.primary.advance(500);
  Replication.of(servers.primary.engine).tick();
  servers.primary.engine.endBatch();
  assertEquals([info(p, "master_failover_state"), info(p, "role")], ["no-failover", "master"]);
  assertEquals(writer.takeBytes(), "+OK\r\n");
});

Deno.test("FAILOVER FORCE hands over when the time is over", async () => {
  const { servers, p, r } = await start();
  p.send("SET", "last", "1");
  p.send("FAILOVER", "TO", ...addressOf(p), "TIMEOUT", "500", "FORCE");
  servers.primary.advance(500);
  Replication.of(servers.primary.engine).tick();
  servers.primary.engine.endBatch();
  assertEquals(info(p, "master_failover_state"), "failover-in-progress");
  assertEquals(failure(p, "REPLICAOF", "NO", "ONE"), "-ERR REPLICAOF not allowed while failing over.");
  assertEquals(failure(p, "PSYNC", "?", "-1"), "-NOMASTERLINK Can't SYNC while failing over");
  await servers.settle();
  assertEquals([info(p, "role"), info(r, "role")], ["slave", "master"]);
});

Deno.test("FAILOVER to a replica that refuses leaves everything as it was", async () => {
  const { servers, p, r } = await start();
  r.send("ACL", "SETUSER", "default", "-psync");
  assertEquals(p.send("FAILOVER"), "OK");
  await servers.second();
  assertEquals([info(p, "master_failover_state"), info(p, "role")], ["no-failover", "master"]);
  assertEquals(p.send("SET", "k", "v"), "OK");
  await servers.second();
  await servers.second();
  assertEquals([r.send("GET", "k"), info(p, "sync_full")], ["v", "1"]);
});

Deno.test("FAILOVER ABORT ends a failover, and lets writers go on", async () => {
  const { servers, p } = await start();
  assertEquals(failure(p, "FAILOVER", "ABORT"), "-ERR No failover in progress.");
  p.send("SET", "last", "1");
  p.send("FAILOVER");
  assertEquals(failure(p, "FAILOVER"), "-ERR FAILOVER already in progress.");
  const writer = servers.primary.client();
  assertEquals(writer.send("SET", "late", "1"), PENDING);
  assertEquals(p.send("FAILOVER", "ABORT"), "OK");
  assertEquals([writer.takeBytes(), info(p, "master_failover_state")], ["+OK\r\n", "no-failover"]);
});

Deno.test("FAILOVER names what is wrong with its call", async () => {
  const { p, r } = await start(), [ip, port] = addressOf(p);
  const cases: [string[], string][] = [
    [["TO", "10.9.9.9", port], "ERR FAILOVER target HOST and PORT is not a replica."],
    [["TO", ip, "x"], "ERR value is not an integer or out of range"],
    [
      ["FORCE", "TIMEOUT", "100"],
      "ERR FAILOVER with force option requires both a timeout and target HOST and IP.",
    ],
    [["TIMEOUT", "0"], "ERR FAILOVER timeout must be greater than 0"],
    [["FORCE", "FORCE"], "ERR syntax error"],
  ];
  for (const [words, error] of cases) assertEquals(failure(p, "FAILOVER", ...words), `-${error}`);
  assertEquals(failure(r, "FAILOVER"), "-ERR FAILOVER is not valid when server is a replica.");
  assertEquals(
    failure(r, "PSYNC", "?", "-1", "FAILOVER"),
    "-ERR PSYNC FAILOVER replid must match my replid.",
  );
  assertEquals(failure(p, "PSYNC", "?", "-1", "FAILOVER"), "-ERR PSYNC FAILOVER can't be sent to a master.");
  r.send("REPLICAOF", "NO", "ONE");
  assertEquals(failure(r, "FAILOVER"), "-ERR FAILOVER requires connected replicas.");
});
