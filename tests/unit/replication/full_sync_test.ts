import { assert, assertEquals } from "@std/assert";
import { Replication } from "../../../src/replication/replication.ts";
import { FileError } from "../../../src/persistence/files.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { StoreServer } from "../../support/data_store.ts";
import { encodeCommand, type InProcessClient } from "../../support/in_process.ts";
import { SimulatedFiles } from "../../support/simulated_files.ts";

async function startPrimary(config: Record<string, string> = {}) {
  const server = await StoreServer.start(new SimulatedFiles(), config);
  Replication.of(server.engine).connect(server.store);
  return server;
}

/** A client that has asked for all data, and what it has been sent so far. */
function ask(server: StoreServer, ...capabilities: string[]) {
  const client = server.client(), flush = client.flush.bind(client);
  for (const capability of capabilities) client.send("REPLCONF", ...capability.split(" "));
  let received = client.raw(encodeCommand("PSYNC", "?", "-1"));
  const take = () => {
    flush();
    received += client.takeBytes();
    return received;
  };
  return { client, take };
}

const EOF = "capa eof";

function second(server: StoreServer): void {
  server.advance(1000);
  Replication.of(server.engine).tick();
  server.engine.endBatch();
}

const statesOf = (server: StoreServer) =>
  Replication.of(server.engine).primary.replicas.map(({ state }) => state);
const starts = (server: StoreServer) =>
  server.log.filter((line) => line.startsWith("Starting BGSAVE for SYNC"));

/** Lets background work and sockets go on until there is no more. */
async function finish(server: StoreServer, replicas: { take(): string }[]): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await server.finishJobs();
    for (const replica of replicas) for (let n = 0; n < 6; n++) replica.take();
  }
}

/** The length of the file that was announced, and the bytes behind the announcement. */
function fileIn(received: string): { length: number; file: string } {
  const [, length = "", file = ""] = /\$(\d+)\r\n([^]*)$/.exec(received) ?? [];
  return { length: Number(length), file };
}

Deno.test("a second replica gets the file that is being written for the first, and the stream from the same place", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "no" }), c = server.client();
  c.send("SET", "k", "v");
  const first = ask(server);
  c.send("SET", "during", "1");
  const second = ask(server);
  assertEquals(statesOf(server), ["saving", "saving"]);
  assertEquals(server.log.at(-1), "Waiting for end of BGSAVE for SYNC");
  assertEquals(
    /FULLRESYNC \S+ (\d+)/.exec(second.take())?.[1],
    /FULLRESYNC \S+ (\d+)/.exec(first.take())?.[1],
  );
  await finish(server, [first, second]);
  const [one, other] = [fileIn(first.take()), fileIn(second.take())];
  assertEquals(one, other);
  assert(one.file.includes("during") && one.file.length > one.length);
  assertEquals([starts(server).length, statesOf(server)], [1, ["online", "online"]]);
});

Deno.test("a replica waits for the next file where the one under way is not for it", async () => {
  const cases: [first: string[], second: string[], joins: boolean][] = [
    [[], [], true],
    [[EOF], [EOF], true],
    [[], [EOF], true],
    [[EOF], [], false],
    [["rdb-only 1"], [], false],
    [["rdb-only 1"], ["rdb-only 1"], true],
    [[], ["rdb-only 1"], true],
  ];
  for (const [first, second, joins] of cases) {
    const server = await startPrimary({ "repl-diskless-sync": "no" });
    ask(server, ...first);
    ask(server, ...second);
    assertEquals(statesOf(server), ["saving", joins ? "saving" : "waiting"], `${first} / ${second}`);
  }
});

Deno.test("a replica that wants libraries only does not share another's file, and gets one through its socket", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "no" }), c = server.client();
  c.send("SET", "secret", "1");
  const all = ask(server), filtered = ask(server, EOF, "rdb-filter-only functions");
  assertEquals(statesOf(server), ["saving", "waiting"]);
  await finish(server, [all]);
  second(server);
  await finish(server, [filtered]);
  assertEquals(starts(server).map((line) => line.split(": ")[1]), ["disk", "replicas sockets"]);
  assert(filtered.take().includes("$EOF:") && !filtered.take().includes("secret"));
});

Deno.test("repl-diskless-sync-delay counts from the first that waits, unless enough wait or the delay is 0", async () => {
  const delayed = await startPrimary({ "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "3" });
  ask(delayed, EOF);
  assertEquals(delayed.log.at(-1), "Delay next BGSAVE for diskless SYNC");
  second(delayed);
  second(delayed);
  ask(delayed, EOF);
  assertEquals(statesOf(delayed), ["waiting", "waiting"]);
  second(delayed);
  assertEquals(statesOf(delayed), ["saving", "saving"]);

  const immediate = await startPrimary({ "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0" });
  ask(immediate, EOF);
  assertEquals(statesOf(immediate), ["saving"]);

  const enough = await startPrimary({
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "100",
    "repl-diskless-sync-max-replicas": "2",
  });
  ask(enough, EOF);
  second(enough);
  assertEquals(statesOf(enough), ["waiting"]);
  ask(enough, EOF);
  second(enough);
  assertEquals(statesOf(enough), ["saving", "saving"]);
});

Deno.test("a replica that does not know capa eof gets its file from the disk, and all that wait beside it", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "5" });
  const modern = ask(server, EOF), old = ask(server);
  assertEquals(statesOf(server), ["saving", "saving"], "the delay is not for those that need a file");
  assertEquals(starts(server), ["Starting BGSAVE for SYNC with target: disk"]);
  await finish(server, [modern, old]);
  assert(fileIn(modern.take()).length > 0 && fileIn(old.take()).length > 0);
});

Deno.test("a replica waits for another save to end, and gets a file of its own then", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "no", appendonly: "yes" }), c = server.client();
  c.send("BGREWRITEAOF");
  const replica = ask(server);
  assertEquals(
    server.log.at(-1),
    "No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed",
  );
  second(server);
  assertEquals(statesOf(server), ["waiting"]);
  await server.finishJobs();
  second(server);
  assertEquals(statesOf(server), ["saving"]);
  await finish(server, [replica]);
  assertEquals(statesOf(server), ["online"]);
});

/** A primary that sends its data straight to a socket: 4 MB, so that they do not fit into a queue. */
async function streaming(replicaCount: number) {
  const server = await startPrimary({
    "repl-diskless-sync": "yes",
    "repl-diskless-sync-delay": "1",
    "repl-timeout": "5",
    rdbcompression: "no",
  });
  const c = server.client();
  for (let i = 0; i < 40; i++) c.send("SET", `k${i}`, "x".repeat(100_000));
  const replicas = Array.from({ length: replicaCount }, () => ask(server, EOF));
  for (const { client } of replicas) client.flush = () => {}; // they read when they are told to
  second(server);
  await server.finishJobs();
  return { server, replicas };
}

Deno.test("a snapshot to sockets is written as fast as the slowest of them reads", async () => {
  const { server, replicas: [fast, slow] } = await streaming(2);
  for (let i = 0; i < 100; i++) {
    fast!.take();
    await server.finishJobs();
  }
  const ahead = fast!.take().length;
  assert(ahead > 1 << 20 && ahead < (1 << 20) + 600_000, `${ahead} bytes with one that does not read`);
  assertEquals(server.store.jobs.current?.kind, "replica");
  for (let i = 0; i < 200 && server.store.jobs.current !== null; i++) {
    fast!.take();
    slow!.take();
    await server.finishJobs();
  }
  await finish(server, [fast!, slow!]);
  assertEquals(fast!.take().length, slow!.take().length);
  assert(fast!.take().length > 4_000_000);
  assertEquals(statesOf(server), ["online", "online"]);
  assert(server.log.includes("Diskless rdb transfer, done reading from pipe, 2 replicas still up."));
  assert(server.log.includes("Background RDB transfer terminated with success"));
});

Deno.test("a replica that stops reading its data is disconnected after repl-timeout, and the other one goes on", async () => {
  const { server, replicas: [fast, stuck] } = await streaming(2);
  for (let i = 0; i < 20; i++) {
    fast!.take();
    await server.finishJobs();
  }
  for (let i = 0; i < 4; i++) second(server);
  assertEquals(stuck!.client.closed, false);
  for (let i = 0; i < 2; i++) second(server);
  assertEquals([stuck!.client.closed, fast!.client.closed], [true, false]);
  assert(server.log.some((line) => line.startsWith("Disconnecting timedout replica (full sync): ")));
  for (let i = 0; i < 100; i++) {
    fast!.take();
    await server.finishJobs();
  }
  assertEquals(statesOf(server), ["online"]);
});

Deno.test("a snapshot to sockets is given up when its last replica has gone, and not before", async () => {
  const { server, replicas: [one, other] } = await streaming(2);
  one!.client.close(false);
  assertEquals(server.store.jobs.current?.kind, "replica");
  other!.client.close(false);
  await server.finishJobs();
  assertEquals(server.store.jobs.current, null);
  assert(server.log.includes("Diskless rdb transfer, last replica dropped, killing fork child."));
});

Deno.test("the mark behind a file that has no length is of 40 hexadecimal digits, and another one each time", async () => {
  const marks: string[] = [];
  const server = await startPrimary({ "repl-diskless-sync": "yes", "repl-diskless-sync-delay": "0" });
  for (let i = 0; i < 2; i++) {
    const replica = ask(server, EOF);
    await finish(server, [replica]);
    const [, mark = "", file = ""] = /\$EOF:(.*)\r\n([^]*)$/.exec(replica.take()) ?? [];
    assert(/^[0-9a-f]{40}$/.test(mark) && file.endsWith(mark));
    assert(new Set(mark).size > 8, mark);
    marks.push(mark);
  }
  assert(marks[0] !== marks[1]);
});

Deno.test("a replica is sent away when its file cannot be written or read", async () => {
  for (const operation of ["write", "open"]) {
    const server = await startPrimary({ "repl-diskless-sync": "no" });
    const replica = ask(server);
    if (operation === "write") server.disk.failure = (name) => name === "write" ? "No space" : undefined;
    else {
      server.disk.openRead = (path) => {
        throw new FileError("open", path, "Input/output error");
      };
    }
    await finish(server, [replica]);
    assertEquals([replica.client.closed, statesOf(server)], [true, []], operation);
    assert(server.log.some((line) => line.startsWith("SYNC failed. ")));
  }
});

Deno.test("rdb-del-sync-files removes the file made for replicas when none needs it, and no other", async () => {
  const cases: [config: Record<string, string>, isLeft: boolean][] = [
    [{ "rdb-del-sync-files": "yes" }, false],
    [{}, true],
    [{ "rdb-del-sync-files": "yes", save: "3600 1" }, true],
    [{ "rdb-del-sync-files": "yes", appendonly: "yes" }, true],
  ];
  for (const [config, isLeft] of cases) {
    const server = await startPrimary({ "repl-diskless-sync": "no", ...config }), replica = ask(server);
    await server.finishJobs();
    second(server);
    assert(server.disk.get("d/dump.rdb") !== undefined, "it is being sent");
    await finish(server, [replica]);
    second(server);
    assertEquals(server.disk.get("d/dump.rdb") !== undefined, isLeft, JSON.stringify(config));
  }
});

Deno.test("a file of more than 256 KB is sent whole, with its length in front", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "no", rdbcompression: "no" });
  server.client().send("SET", "k", "x".repeat(700_000));
  const replica = ask(server);
  await finish(server, [replica]);
  const { length, file } = fileIn(replica.take());
  assertEquals([length, file], [file.length, latin1(server.disk.get("d/dump.rdb")!)]);
});

/** A client that is no replica any more. */
const isPlain = (client: InProcessClient) => client.client.source === null;

Deno.test("a replica is refused where no save can begin, and its connection ends", async () => {
  const server = await startPrimary({ "repl-diskless-sync": "no" });
  server.store.rdb.start = () => false;
  const { client, take } = ask(server);
  assertEquals(take(), "-ERR BGSAVE failed, replication can't continue\r\n");
  assertEquals([isPlain(client), statesOf(server)], [true, []]);
});
