import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { encodeCommand, type InProcessClient } from "../../support/in_process.ts";
import { Replication } from "../../../src/replication/replication.ts";
import { wholeContent } from "../../support/cut_stream.ts";
import { StoreServer } from "../../support/data_store.ts";
import { ReplicatedServers } from "../../support/replication.ts";

/** Both servers, the replica in step with the primary, and a client of each. */
async function follow(configs: Parameters<typeof ReplicatedServers.start>[0] = {}) {
  const servers = await ReplicatedServers.start(configs);
  const p = servers.primary.client(), r = servers.replica.client();
  p.send("SET", "first", "1");
  p.send("HSET", "h", "f", "v");
  if (configs.replica?.["repl-diskless-load"] !== "on-empty-db") r.send("SET", "old", "1");
  assertEquals(r.send("REPLICAOF", "10.0.0.1", "6379"), "OK");
  await servers.settle();
  return { servers, p, r };
}

function info(client: InProcessClient, section: string, name: string): string | undefined {
  const text = String(client.send("INFO", section));
  return text.split("\r\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
}

const loads = ["disabled", "on-empty-db", "swapdb"];
for (const load of loads) {
  for (const sync of ["yes", "no"]) {
    Deno.test(`REPLICAOF copies all data and follows (repl-diskless-sync ${sync}, repl-diskless-load ${load})`, async () => {
      const { servers, p, r } = await follow({
        primary: { "repl-diskless-sync": sync },
        replica: { "repl-diskless-load": load },
      });
      assertEquals([r.send("GET", "first"), r.send("GET", "old"), r.send("HGET", "h", "f")], [
        "1",
        null,
        "v",
      ]);
      p.send("SELECT", "2");
      p.send("SET", "k", "v");
      await servers.settle();
      r.send("SELECT", "2");
      assertEquals(r.send("GET", "k"), "v");
      const offset = Number(info(p, "replication", "master_repl_offset"));
      assertEquals(r.send("ROLE"), ["slave", "10.0.0.1", 6379, "connected", offset]);
      assertEquals(r.send("REPLICAOF", "10.0.0.1", "6379"), "OK Already connected to specified master");
      assertMatch(
        r.raw(encodeCommand("SET", "k", "w")),
        /^-READONLY You can't write against a read only replica/,
      );
    });
  }
}

Deno.test("a replica whose link breaks goes on where it was", async () => {
  const { servers, p, r } = await follow();
  servers.cut();
  p.send("SET", "k", "v");
  await servers.settle();
  assertEquals(r.send("GET", "k"), "v");
  assertEquals([info(p, "stats", "sync_full"), info(p, "stats", "sync_partial_ok")], ["1", "1"]);
});

for (const load of loads) {
  Deno.test(`a value of many reads, behind which nothing comes, is loaded (repl-diskless-load ${load})`, async () => {
    const servers = await ReplicatedServers.start({ replica: { "repl-diskless-load": load } });
    const p = servers.primary.client(), r = servers.replica.client(), value = "x".repeat(700_000);
    p.send("CONFIG", "SET", "rdbcompression", "no");
    p.send("SET", "large", value);
    r.send("REPLICAOF", "10.0.0.1", "6379");
    await servers.settle();
    assertEquals([r.send("GET", "large"), info(r, "replication", "master_link_status")], [value, "up"]);
  });
}

/** Lets the replica alone have `ms` of time, and its second's work behind that. */
async function replicaWaits(servers: ReplicatedServers, ms: number): Promise<void> {
  servers.replica.advance(ms);
  Replication.of(servers.replica.engine).tick();
  servers.replica.engine.endBatch();
  await servers.settle();
}

Deno.test("a replica that hears nothing for more than repl-timeout seconds breaks its link and asks again", async () => {
  const { servers, p, r } = await follow({ replica: { "repl-timeout": "7" } });
  const text = "MASTER timeout: no data nor PING received...";
  p.send("SET", "k", "v");
  await servers.settle();
  await replicaWaits(servers, 7000);
  assertEquals([info(p, "stats", "sync_partial_ok"), servers.replica.log.includes(text)], ["0", false]);
  await replicaWaits(servers, 1000);
  assertEquals([info(p, "stats", "sync_partial_ok"), servers.replica.log.includes(text)], ["1", true]);
  p.send("SET", "k", "w");
  await servers.settle();
  assertEquals(r.send("GET", "k"), "w");
});

Deno.test("a replica gives up a connection that does not come about within repl-timeout seconds", async () => {
  const servers = await ReplicatedServers.start({ replica: { "repl-timeout": "7" } });
  const { follower } = Replication.of(servers.replica.engine), connections = { begun: 0 };
  const text = "Timeout connecting to the MASTER...";
  follower.connect = () => {
    connections.begun++;
    return new Promise(() => {});
  };
  servers.replica.client().send("REPLICAOF", "10.0.0.1", "6379");
  await replicaWaits(servers, 7000);
  assertEquals([connections.begun, servers.replica.log.includes(text)], [1, false]);
  await replicaWaits(servers, 1000);
  assertEquals(servers.replica.log.includes(text), true);
  await replicaWaits(servers, 1000);
  assertEquals(connections.begun, 2);
});

Deno.test("a replica asks again for a transaction that it has not seen the end of", async () => {
  const { servers, p, r } = await follow();
  servers.cut();
  p.send("MULTI");
  p.send("INCR", "a");
  p.send("INCR", "b");
  p.send("EXEC");
  // Enough for the answers to the handshake and a part of the transaction.
  servers.limit = "+PONG\r\n+OK\r\n+OK\r\n".length + "+CONTINUE ".length + 42 + 60;
  await servers.settle();
  await servers.second();
  assertEquals([r.send("GET", "a"), r.send("GET", "b")], ["1", "1"]);
  assertEquals(info(r, "replication", "slave_repl_offset"), info(p, "replication", "master_repl_offset"));
});

Deno.test("data whose end does not come are not kept, and with swapdb the old ones stay", async () => {
  for (const load of loads) {
    const servers = await ReplicatedServers.start({ replica: { "repl-diskless-load": load } });
    const p = servers.primary.client(), r = servers.replica.client();
    for (let i = 0; i < 500; i++) p.send("SET", `key${i}`, "x".repeat(100));
    if (load !== "on-empty-db") r.send("SET", "old", "1");
    servers.limit = 30_000;
    r.send("REPLICAOF", "10.0.0.1", "6379");
    await servers.settle();
    assertEquals(
      r.send("EXISTS", "old", "key1"),
      load === "on-empty-db" || load === "disabled" ? 1 : 1,
      load,
    );
    await servers.second();
    await servers.settle();
    assertEquals([r.send("EXISTS", "old"), r.send("DBSIZE")], [0, 500], load);
  }
});

Deno.test("REPLICAOF NO ONE begins a history that goes on from the primary's", async () => {
  const { servers, p, r } = await follow();
  p.send("SET", "k", "v");
  await servers.settle();
  const id = info(p, "replication", "master_replid"), end = info(p, "replication", "master_repl_offset");
  assertEquals(r.send("SLAVEOF", "NO", "ONE"), "OK");
  assertEquals(info(r, "replication", "role"), "master");
  assertEquals(info(r, "replication", "master_replid2"), id);
  assertEquals(info(r, "replication", "second_repl_offset"), String(Number(end) + 1));
  assert(info(r, "replication", "master_replid") !== id);
  assertEquals(r.send("SET", "k", "w"), "OK");
});

Deno.test("replica-serve-stale-data no: a replica without its primary answers only what needs no data", async () => {
  const { servers, r } = await follow({ replica: { "replica-serve-stale-data": "no" } });
  assertEquals(r.send("GET", "first"), "1");
  servers.limit = 0;
  servers.cut();
  await servers.settle();
  assertMatch(r.raw(encodeCommand("GET", "first")), /^-MASTERDOWN Link with MASTER is down/);
  assertMatch(String(r.send("INFO", "replication")), /master_link_status:down/);
});

Deno.test("a replica hides what has expired and deletes it when its primary says so", async () => {
  const { servers, p, r } = await follow();
  p.send("SET", "k", "v", "PX", "100");
  await servers.settle();
  servers.replica.advance(200);
  assertEquals([r.send("GET", "k"), r.send("DBSIZE")], [null, 3]);
  servers.primary.advance(200);
  assertEquals(p.send("GET", "k"), null);
  await servers.settle();
  assertEquals(r.send("DBSIZE"), 2);
});

Deno.test("a replica's default-ttl leaves alone what its primary sends", async () => {
  const { servers, p, r } = await follow({ replica: { "default-ttl": "100" } });
  p.send("SET", "k", "v");
  await servers.settle();
  assertEquals([r.send("TTL", "first"), r.send("TTL", "k")], [-1, -1]);
});

Deno.test("clients that wait for keys are sent away when their server becomes a replica", async () => {
  const servers = await ReplicatedServers.start(), waiting = servers.replica.client();
  waiting.send("BLPOP", "q", "0");
  servers.replica.client().send("REPLICAOF", "10.0.0.1", "6379");
  assertMatch(
    waiting.takeBytes(),
    /^-UNBLOCKED force unblock from blocking operation, instance state changed/,
  );
  assert(waiting.closed);
});

Deno.test("a replica's RDB file holds its place in the history, from which it goes on after a restart", async () => {
  const { servers, p, r } = await follow();
  p.send("SET", "k", "v");
  await servers.settle();
  assertEquals(r.send("SAVE"), "OK");
  const facts = new Map(servers.replica.store.context.rdbWriter(false).facts.aux);
  assertEquals(facts.get("repl-stream-db"), "0");
  assertEquals(facts.get("repl-id"), info(p, "replication", "master_replid"));
  assertEquals(facts.get("repl-offset"), info(p, "replication", "master_repl_offset"));
});

Deno.test("keys of a writable replica's own clients expire by themselves", async () => {
  const { servers, p, r } = await follow({ replica: { "replica-read-only": "no" } });
  p.send("SET", "theirs", "1", "PX", "100");
  await servers.settle();
  r.send("SET", "mine", "1", "PX", "100");
  assertEquals(info(r, "stats", "slave_expires_tracked_keys"), "1");
  servers.replica.advance(1000);
  Replication.of(servers.replica.engine).tick();
  assertEquals(info(r, "stats", "slave_expires_tracked_keys"), "0");
  assertEquals(r.send("DBSIZE"), 3, "what the primary has made is deleted by the primary");
});

Deno.test("CLIENT PAUSE stops what the primary sends, and UNPAUSE lets it in", async () => {
  const { servers, p, r } = await follow();
  p.send("SET", "second", "1");
  await servers.settle();
  const before = info(r, "replication", "slave_repl_offset");
  r.send("CLIENT", "PAUSE", "100000", "WRITE");
  p.send("SET", "first", "2");
  await servers.settle();
  assertEquals(r.send("GET", "first"), "1");
  assertEquals(info(r, "replication", "slave_repl_offset"), before);
  assertEquals(
    info(r, "replication", "slave_read_repl_offset"),
    info(p, "replication", "master_repl_offset"),
  );
  r.send("CLIENT", "UNPAUSE");
  await servers.settle();
  assertEquals(r.send("GET", "first"), "2");
  assertEquals(info(r, "replication", "slave_repl_offset"), info(p, "replication", "master_repl_offset"));
});

Deno.test("on a replica EXEC and scripts are refused for what they would do", async () => {
  const { servers, r } = await follow(), writer = servers.replica.client();
  assertMatch(r.raw(encodeCommand("EVAL", "#!lua\nreturn 1", "0")), /^-READONLY You can't write/);
  assertEquals(r.send("EVAL", "#!lua flags=no-writes\nreturn 1", "0"), 1);
  assertEquals(r.send("EVAL", "return 1", "0"), 1);
  r.send("REPLICAOF", "NO", "ONE");
  writer.send("MULTI");
  writer.send("SET", "k", "v");
  r.send("REPLICAOF", "10.0.0.1", "6379");
  assertMatch(writer.raw(encodeCommand("EXEC")), /^-EXECABORT Transaction discarded because of: READONLY/);
});

Deno.test("with swapdb a transfer that breaks leaves the append only file of the old data as it is", async () => {
  const servers = await ReplicatedServers.start({
    replica: { "repl-diskless-load": "swapdb", appendonly: "yes" },
  });
  const { primary, replica } = servers, p = primary.client(), r = replica.client();
  for (let i = 0; i < 500; i++) p.send("SET", `key${i}`, "x".repeat(100));
  servers.limit = 3000;
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.settle();
  assertEquals([r.send("DBSIZE"), replica.store.loading, replica.store.aof.state], [0, null, "on"]);
  r.send("REPLICAOF", "NO", "ONE");
  r.send("SET", "own", "1");
  const again = await StoreServer.start(replica.disk, { appendonly: "yes" });
  assertEquals(again.client().send("GET", "own"), "1");
});

Deno.test("SNAPSHOT LOAD: replicas copy the data anew, and a replica refuses it", async () => {
  const { servers, p, r } = await follow();
  p.send("SNAPSHOT", "old.json");
  await servers.settle();
  p.send("SET", "first", "2");
  p.send("SET", "later", "1");
  await servers.settle();
  assertEquals(p.send("SNAPSHOT", "LOAD", "old.json"), 2);
  p.send("SET", "last", "1");
  await servers.settle();
  await servers.second();
  await servers.settle();
  assertEquals([r.send("GET", "first"), r.send("GET", "later"), r.send("GET", "last")], ["1", null, "1"]);
  assertEquals(info(r, "replication", "master_replid"), info(p, "replication", "master_replid"));
  assertMatch(r.raw(encodeCommand("SNAPSHOT", "LOAD", "old.json")), /^-READONLY/);
});

Deno.test("PFCOUNT of a client keeps its count at the primary, and changes nothing on a replica", async () => {
  const { servers, p, r } = await follow();
  p.send("PFADD", "hll", "a", "b", "c");
  await servers.settle();
  const before = wholeContent(servers.replica.engine);
  assertEquals([r.send("PFCOUNT", "hll"), wholeContent(servers.replica.engine)], [3, before]);
  assertEquals(p.send("PFCOUNT", "hll"), 3);
  await servers.settle();
  const after = wholeContent(servers.replica.engine);
  assertEquals(after, wholeContent(servers.primary.engine));
  assertNotEquals(after, before);
});

for (const when of ["at once", "later"]) {
  Deno.test(`a command put aside by a pause is asked for again if its link is ended (and the pause ${when})`, async () => {
    const { servers, p, r } = await follow();
    r.send("CLIENT", "PAUSE", "100000", "WRITE");
    for (const words of ["INCR n", "MULTI", "INCR n", "INCR m", "EXEC", "INCR n"]) {
      p.send(...words.split(" "));
    }
    await servers.settle();
    const kill = encodeCommand("CLIENT", "KILL", "TYPE", "master"), end = encodeCommand("CLIENT", "UNPAUSE");
    if (when === "at once") r.raw(new Uint8Array([...kill, ...end]));
    else {
      r.raw(kill);
      await servers.settle();
      r.raw(end);
    }
    await servers.settle();
    await servers.second();
    assertEquals([r.send("GET", "n"), r.send("GET", "m")], ["3", "1"]);
    assertEquals(info(r, "replication", "slave_repl_offset"), info(p, "replication", "master_repl_offset"));
  });
}
