import { assertEquals } from "@std/assert";
import { Replication } from "../../../src/replication/replication.ts";
import { StoreServer } from "../../support/data_store.ts";
import { encodeCommand, PENDING } from "../../support/in_process.ts";
import { ReplicatedServers } from "../../support/replication.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";
import { SimulatedFiles } from "../../support/simulated_files.ts";

const NO_FILE = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

async function start(config: Record<string, string>) {
  const server = await StoreServer.start(new SimulatedFiles(), { appendonly: "yes", ...config });
  Replication.of(server.engine).connect(server.store);
  return server;
}

Deno.test("WAITAOF 1 0 waits until what was written is synced, with everysec up to a second", async () => {
  const server = await start({ appendfsync: "everysec" }), c = server.client();
  assertEquals(c.send("WAITAOF", "1", "0", "0"), [1, 0], "nothing has been written");
  c.send("SET", "k", "v");
  assertEquals(c.send("WAITAOF", "1", "0", "0"), PENDING);
  assertEquals(server.client().send("WAITAOF", "0", "0", "0"), [0, 0]);
  await server.second();
  await server.second();
  assertEquals(c.received(), [[1, 0]]);
});

Deno.test("WAITAOF is answered with the batch under appendfsync always, and by its time-out under no", async () => {
  const always = await start({ appendfsync: "always" }), c = always.client();
  c.send("SET", "k", "v");
  assertEquals(c.send("WAITAOF", "1", "0", "0"), [1, 0]);
  const never = await start({ appendfsync: "no" }), d = never.client();
  d.send("SET", "k", "v");
  assertEquals(d.send("WAITAOF", "1", "0", "50"), PENDING);
  never.advance(50);
  assertEquals(d.received(), [[0, 0]]);
});

Deno.test("WAITAOF waits for the first base file of a file that is being turned on, and ends where it is turned off", async () => {
  const server = await start({ appendonly: "no" }), c = server.client(), other = server.client();
  c.send("SET", "k", "v");
  assertEquals(c.send("WAITAOF", "1", "0", "0"), new ReplyFailure(NO_FILE));
  assertEquals(other.send("CONFIG", "SET", "appendonly", "yes"), "OK");
  assertEquals(c.send("WAITAOF", "1", "0", "0"), PENDING);
  await server.second();
  await server.second();
  assertEquals(c.received(), [[1, 0]]);
  assertEquals(other.send("CONFIG", "SET", "appendfsync", "no"), "OK");
  c.send("SET", "k", "w");
  assertEquals(c.send("WAITAOF", "1", "0", "0"), PENDING);
  assertEquals(other.send("CONFIG", "SET", "appendonly", "no"), "OK");
  await server.finishJobs();
  assertEquals(c.takeBytes(), `-${NO_FILE}\r\n`);
});

Deno.test("WAITAOF 0 1 waits until a replica says that it has synced what was written", async () => {
  const servers = await ReplicatedServers.start({ replica: { appendonly: "yes", appendfsync: "no" } });
  const p = servers.primary.client(), r = servers.replica.client();
  p.send("SET", "before", "1");
  r.send("REPLICAOF", "10.0.0.1", "6379");
  await servers.second();
  await servers.replica.second();
  await servers.second();
  p.send("SET", "k", "v");
  assertEquals(p.send("WAITAOF", "0", "1", "0"), PENDING);
  await servers.settle();
  assertEquals([r.send("GET", "k"), p.received()], ["v", []], "it has it, but not on its disk");
  r.send("CONFIG", "SET", "appendfsync", "everysec");
  await servers.replica.second();
  await servers.replica.second();
  await servers.settle();
  assertEquals(p.received(), [[0, 1]]);
});

Deno.test("WAITAOF names what is wrong with its call", async () => {
  const server = await start({}), c = server.client();
  const cases: [string[], string][] = [
    [["2", "0", "0"], "ERR value is out of range, value must between 0 and 1"],
    [["x", "0", "0"], "ERR value is not an integer or out of range"],
    [["0", "-1", "0"], "ERR value is out of range, must be positive"],
    [["0", "0", "x"], "ERR timeout is not an integer or out of range"],
    [["0", "0", "-1"], "ERR timeout is negative"],
    [["0", "0", "9223372036854775807"], "ERR timeout is out of range"],
  ];
  for (const [words, error] of cases) {
    assertEquals(c.raw(encodeCommand("WAITAOF", ...words)), `-${error}\r\n`);
  }
});
