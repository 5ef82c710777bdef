import { assert, assertEquals, assertMatch } from "@std/assert";
import { Replication } from "../../../src/replication/replication.ts";
import { StoreServer } from "../../support/data_store.ts";
import { encodeCommand, type InProcessClient, PENDING } from "../../support/in_process.ts";
import { SimulatedFiles } from "../../support/simulated_files.ts";

/** A server with a disk that replicas may follow. */
async function startPrimary(config: Record<string, string> = {}) {
  const server = await StoreServer.start(new SimulatedFiles(), { "repl-diskless-sync": "no", ...config });
  Replication.of(server.engine).connect(server.store);
  return server;
}

/** All that a client is sent until nothing more comes. */
function drain(client: InProcessClient): string {
  let all = "";
  for (;;) {
    client.flush();
    const bytes = client.takeBytes();
    if (bytes === "") return all;
    all += bytes;
  }
}

function second(server: StoreServer): void {
  server.advance(1000);
  Replication.of(server.engine).tick();
  server.engine.endBatch();
}

/** A replica that has been sent all data. */
async function attach(server: StoreServer): Promise<InProcessClient> {
  const replica = server.client();
  replica.raw(encodeCommand("SYNC"));
  await server.finishJobs();
  drain(replica);
  return replica;
}

function infoField(client: InProcessClient, name: string): string | undefined {
  const text = String(client.send("INFO", "replication"));
  return text.split("\r\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
}

Deno.test("SYNC sends the data as a file with its length, then what changed since the snapshot began", async () => {
  const server = await startPrimary(), c = server.client(), replica = server.client();
  c.send("SET", "before", "1");
  replica.raw(encodeCommand("SYNC"));
  c.send("SET", "during", "2");
  await server.finishJobs();
  const bytes = drain(replica), [, length = "", rest = ""] = /^\$(\d+)\r\n([^]*)$/.exec(bytes) ?? [];
  const file = rest.slice(0, Number(length));
  assert(file.startsWith("REDIS0010") && file.includes("before") && !file.includes("during"));
  const during = new TextDecoder().decode(encodeCommand("SET", "during", "2"));
  const select = new TextDecoder().decode(encodeCommand("SELECT", "0"));
  assertEquals(rest.slice(Number(length)), select + during);
});

Deno.test("SYNC is followed by each unit as the append only file gets it, with the database it is for", async () => {
  const server = await startPrimary(), replica = await attach(server), c = server.client();
  c.send("MULTI");
  c.send("SET", "a", "1");
  c.send("INCR", "a");
  c.send("EXEC");
  c.send("SELECT", "3");
  c.send("SPOP", "nothing");
  c.send("SADD", "s", "m");
  c.send("SPOP", "s");
  c.send("PUBLISH", "channel", "text");
  const words = drain(replica).split("\r\n").filter((line) => !/^[*$]/.test(line)).join(" ").trim();
  assertEquals(
    words,
    "SELECT 0 MULTI SET a 1 INCR a EXEC SELECT 3 SADD s m SREM s m PUBLISH channel text",
  );
});

Deno.test("PSYNC goes on where a replica was that comes back, and sends all data to others", async () => {
  const server = await startPrimary(), first = server.client(), c = server.client();
  assertEquals(first.send("REPLCONF", "capa", "eof", "capa", "psync2"), "OK");
  const answer = first.raw(encodeCommand("PSYNC", "?", "-1"));
  await server.finishJobs();
  const [, id = "", offset = ""] = /^\+FULLRESYNC ([0-9a-f]{40}) (\d+)\r\n/.exec(answer + drain(first)) ?? [];
  first.close(false);
  c.send("SET", "k", "v");
  const again = server.client();
  again.send("REPLCONF", "capa", "psync2");
  assertMatch(
    again.raw(encodeCommand("PSYNC", id, String(Number(offset) + 1))) + drain(again),
    new RegExp(`^\\+CONTINUE ${id}\r\n[^]*SET[^]*k[^]*v`),
  );
  const stranger = server.client();
  assertMatch(stranger.raw(encodeCommand("PSYNC", "0".repeat(40), "1")), /^\+FULLRESYNC/);
  const stats = String(c.send("INFO", "stats"));
  assertMatch(stats, /sync_full:2\r\nsync_partial_ok:1\r\nsync_partial_err:1\r\n/);
});

Deno.test("CONFIG RESETSTAT sets the counts of synchronisations back", async () => {
  const server = await startPrimary(), c = server.client();
  await attach(server);
  assertMatch(String(c.send("INFO", "stats")), /\r\nsync_full:1\r\n/);
  assertEquals(c.send("CONFIG", "RESETSTAT"), "OK");
  assertMatch(String(c.send("INFO", "stats")), /\r\nsync_full:0\r\n/);
});

Deno.test("PSYNC sends a file straight to replicas that find its end, and the stream when they ask for it", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0" });
  const c = server.client(), replica = server.client();
  c.send("SET", "k", "v");
  replica.send("REPLCONF", "capa", "eof");
  const ends: string[] = [replica.raw(encodeCommand("PSYNC", "?", "-1"))];
  for (let i = 0; i < 5; i++) {
    await server.finishJobs();
    ends.push(drain(replica));
  }
  const [, mark, file = ""] = /^\+FULLRESYNC \S+ 0\r\n\$EOF:(.{40})\r\n([^]*)$/.exec(ends.join("")) ?? [];
  assertEquals(file.slice(-40), mark);
  assert(file.startsWith("REDIS"));
  c.send("SET", "k", "w");
  assertEquals(drain(replica), "");
  assertMatch(replica.raw(encodeCommand("REPLCONF", "ACK", "0")), /SELECT[^]*SET/);
});

Deno.test("REPLCONF rdb-filter-only functions sends no keys, rdb-only ends the connection behind the file", async () => {
  const server = await startPrimary(), c = server.client(), replica = server.client();
  c.send("SET", "secret", "1");
  assertEquals(replica.send("REPLCONF", "rdb-filter-only", "functions", "rdb-only", "1"), "OK");
  assertMatch(replica.raw(encodeCommand("SYNC")), /^-ERR Filtered replica requires EOF capability/);
  replica.send("REPLCONF", "capa", "eof");
  let bytes = replica.raw(encodeCommand("SYNC"));
  for (let i = 0; i < 5; i++) {
    await server.finishJobs();
    bytes += drain(replica);
  }
  assert(bytes.startsWith("$EOF:") && bytes.includes("REDIS") && !bytes.includes("secret"));
  assert(replica.closed);
});

Deno.test("REPLCONF refuses what it does not know, and is silent about acknowledgements", async () => {
  const server = await startPrimary(), c = server.client();
  assertMatch(c.raw(encodeCommand("REPLCONF", "listening-port")), /^-ERR syntax error/);
  assertMatch(
    c.raw(encodeCommand("REPLCONF", "colour", "red")),
    /^-ERR Unrecognized REPLCONF option: colour/,
  );
  assertMatch(c.raw(encodeCommand("REPLCONF", "rdb-only", "2")), /^-ERR value is out of range/);
  assertEquals(c.raw(encodeCommand("REPLCONF", "ACK", "5")), "");
});

Deno.test("ROLE and INFO name the replicas with their addresses and how far they are", async () => {
  const server = await startPrimary(), c = server.client(), replica = server.client();
  assertEquals(c.send("ROLE"), ["master", 0, []]);
  replica.send("REPLCONF", "listening-port", "7001", "ip-address", "10.0.0.9");
  replica.raw(encodeCommand("PSYNC", "?", "-1"));
  assertEquals(infoField(c, "slave0"), "ip=10.0.0.9,port=7001,state=wait_bgsave,offset=0,lag=0");
  await server.finishJobs();
  drain(replica);
  c.send("SET", "k", "v");
  const offset = Number(infoField(c, "master_repl_offset"));
  assert(offset > 0);
  replica.raw(encodeCommand("REPLCONF", "ACK", "20"));
  assertEquals(c.send("ROLE"), ["master", offset, [["10.0.0.9", "7001", "20"]]]);
  assertEquals(infoField(c, "slave0"), "ip=10.0.0.9,port=7001,state=online,offset=20,lag=0");
  assertMatch(String(c.send("CLIENT", "LIST", "TYPE", "replica")), / flags=S .* cmd=replconf /);
});

Deno.test("WAIT answers when enough replicas have what the client wrote, or when its time is over", async () => {
  const server = await startPrimary(),
    replica = await attach(server),
    c = server.client(),
    idle = server.client();
  assertEquals(idle.send("WAIT", "1", "0"), 1);
  c.send("SET", "k", "v");
  assertEquals(c.send("WAIT", "1", "0"), PENDING);
  assertMatch(drain(replica), /SET[^]*REPLCONF\r\n\$6\r\nGETACK\r\n\$1\r\n\*\r\n$/);
  replica.raw(encodeCommand("REPLCONF", "ACK", infoField(idle, "master_repl_offset") ?? ""));
  assertEquals(c.received(), [1]);
  c.send("SET", "k", "w");
  assertEquals(c.send("WAIT", "1", "500"), PENDING);
  server.advance(500);
  assertEquals(c.received(), [0]);
  c.send("MULTI");
  c.send("WAIT", "1", "0");
  assertEquals(c.send("EXEC"), [0]);
  assertMatch(c.raw(encodeCommand("WAIT", "1", "-1")), /^-ERR timeout is negative/);
});

Deno.test("min-replicas-to-write refuses writes without replicas that are near enough", async () => {
  const server = await startPrimary({ "min-replicas-to-write": "1", "min-replicas-max-lag": "2" });
  const c = server.client();
  assertMatch(c.raw(encodeCommand("SET", "k", "v")), /^-NOREPLICAS Not enough good replicas to write\./);
  await attach(server);
  assertEquals(c.send("SET", "k", "v"), "OK");
  second(server);
  server.advance(999);
  second(server);
  assertEquals(c.send("SET", "k", "v"), "OK", "2.999 seconds are two");
  server.advance(1);
  second(server);
  assertMatch(c.raw(encodeCommand("SET", "k", "v")), /^-NOREPLICAS/);
});

Deno.test("a replica hears a PING now and then, and a line feed while it waits for its data", async () => {
  const server = await startPrimary({ "repl-ping-replica-period": "3" });
  const replica = server.client();
  replica.raw(encodeCommand("SYNC"));
  second(server);
  assertEquals(drain(replica), "\n");
  await server.finishJobs();
  drain(replica);
  let pings = "";
  for (let i = 0; i < 6; i++) {
    second(server);
    pings += drain(replica);
  }
  assertEquals(pings, "*1\r\n$4\r\nPING\r\n".repeat(2));
});

Deno.test("a replica that says nothing for repl-timeout seconds, or gets a reply, is disconnected", async () => {
  const server = await startPrimary({ "repl-timeout": "5" });
  const mute = server.client();
  mute.raw(encodeCommand("PSYNC", "?", "-1"));
  await server.finishJobs();
  drain(mute);
  for (let i = 0; i < 6; i++) second(server);
  assert(mute.closed);
  assert(server.log.some((line) => line.startsWith("Disconnecting timedout replica (streaming sync):")));
  const talkative = await attach(server);
  talkative.raw(encodeCommand("PING"));
  assert(talkative.closed);
  assert(server.log.some((line) => line.startsWith("Replica generated a reply to command 'ping'")));
});

Deno.test("repl-backlog-ttl: the stream ends when no replica has returned, and its id with it", async () => {
  const server = await startPrimary({ "repl-backlog-ttl": "2" }), c = server.client();
  (await attach(server)).close(false);
  const id = infoField(c, "master_replid");
  second(server);
  assertEquals(infoField(c, "repl_backlog_active"), "1");
  for (let i = 0; i < 3; i++) second(server);
  assertEquals(infoField(c, "repl_backlog_active"), "0");
  assert(infoField(c, "master_replid") !== id);
  assert(server.log.includes("Replication backlog freed after 2 seconds without connected replicas."));
});

Deno.test("SAVE, which sets the count of changes back, is not sent to replicas", async () => {
  const server = await startPrimary(), replica = await attach(server), c = server.client();
  c.send("SET", "k", "v");
  drain(replica);
  assertEquals(c.send("SAVE"), "OK");
  c.send("SET", "k", "w");
  assertEquals(drain(replica), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nw\r\n");
});

Deno.test("what a replica has not read is let go with it, and counts against maxmemory no more than the backlog", async () => {
  const server = await startPrimary({ "repl-backlog-size": "16384" }), replica = server.client();
  replica.raw(encodeCommand("SYNC")); // the stream waits until it has the file
  const c = server.client(), value = "v".repeat(100_000);
  for (let i = 0; i < 10; i++) c.send("SET", "k", value);
  const { stream } = Replication.of(server.engine).primary, before = stream.memoryBytes;
  assert(before > 1_000_000);
  assertEquals(server.engine.memory.uncountedBytes, before - 16_384);
  replica.close(false);
  assert(stream.memoryBytes <= 3 * 16_384);
});

Deno.test("a replica has no business with the keyspace", async () => {
  const server = await startPrimary(), replica = server.client();
  replica.raw(encodeCommand("PSYNC", "?", "-1"));
  await server.finishJobs();
  drain(replica);
  assertEquals(replica.raw(encodeCommand("GET", "k")), "-ERR Replica can't interact with the keyspace\r\n");
  assert(
    server.log.some((line) =>
      line.startsWith("== CRITICAL == This master is sending an error to its replica")
    ),
  );
});

Deno.test("a file for replicas alone is given up when the last of them has gone", async () => {
  const server = await startPrimary(), [a, b] = [server.client(), server.client()];
  for (const replica of [a, b]) replica.raw(encodeCommand("SYNC"));
  a.close(false);
  assertEquals(server.store.jobs.current?.kind, "rdb");
  b.close(false);
  assertEquals(server.store.jobs.current, null);
  const c = server.client();
  c.send("CONFIG", "SET", "save", "3600 1");
  const last = server.client();
  last.raw(encodeCommand("SYNC"));
  last.close(false);
  assertEquals(server.store.jobs.current?.kind, "rdb", "it is of use to others");
  await server.finishJobs();
});

Deno.test("PSYNC goes on from the first byte held to the one that comes next, and from nowhere else", async () => {
  const server = await startPrimary(), c = server.client();
  await attach(server);
  c.send("SET", "k", "v");
  const id = infoField(c, "master_replid") ?? "", end = Number(infoField(c, "master_repl_offset"));
  for (
    const [offset, goesOn] of [[0, false], [1, true], [end, true], [end + 1, true], [end + 2, false]] as const
  ) {
    const replica = server.client();
    const answer = replica.raw(encodeCommand("PSYNC", id, String(offset))) + drain(replica);
    assertEquals(answer.startsWith("+CONTINUE"), goesOn, `${offset} of ${end}`);
    if (goesOn) assertEquals(answer.length - answer.indexOf("\n") - 1, end + 1 - offset);
    replica.close(false);
    await server.finishJobs();
  }
});

Deno.test("PSYNC goes on in the history before this one as far as that went, and no further", async () => {
  const server = await startPrimary(), c = server.client();
  await attach(server);
  c.send("SET", "k", "v");
  const id = infoField(c, "master_replid") ?? "";
  Replication.of(server.engine).primary.beginHistory();
  c.send("SET", "k", "w");
  const last = Number(infoField(c, "second_repl_offset"));
  assertEquals([infoField(c, "master_replid2"), last < Number(infoField(c, "master_repl_offset"))], [
    id,
    true,
  ]);
  for (const [offset, goesOn] of [[last, true], [last + 1, false]] as const) {
    const replica = server.client();
    const answer = replica.raw(encodeCommand("PSYNC", id.toUpperCase(), String(offset))) + drain(replica);
    assertEquals(answer.startsWith("+CONTINUE"), goesOn, `${offset} of ${last}`);
    replica.close(false);
    await server.finishJobs();
  }
});
