import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataTransfer } from "../../../src/replication/data_transfer.ts";
import { LinkError } from "../../../src/replication/link.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { StoreServer } from "../../support/data_store.ts";
import { scriptedLink } from "../../support/scripted_link.ts";

const MARK = "m".repeat(40);

/** An RDB file with keys in two databases, as a latin1 string. */
async function rdbFile(): Promise<string> {
  const source = await StoreServer.start(), c = source.client();
  c.send("SET", "k", "v");
  c.send("RPUSH", "list", "a", "b");
  c.send("SELECT", "3");
  c.send("SET", "in three", "x".repeat(1000));
  source.store.extras.replicationAux = () => [["repl-stream-db", "12"]];
  c.send("SAVE");
  return latin1(source.disk.get("d/dump.rdb")!);
}

/** A server that is about to be sent other data in the place of `old`. */
async function receiver(config: Record<string, string> = {}, isSameHistory = false) {
  const server = await StoreServer.start(undefined, config), script = scriptedLink();
  const counts = { replaced: 0 };
  if (config["repl-diskless-load"] !== "on-empty-db") server.client().send("SET", "old", "1");
  script.connection.arrive("+PONG\r\n", "+OK\r\n", "+OK\r\n");
  await script.link.open({ user: "", password: "", port: 1, ip: "" });
  script.connection.written = "";
  const host = { engine: server.engine, store: server.store, dataReplaced: () => void counts.replaced++ };
  return { server, ...script, counts, transfer: new DataTransfer(host, script.link, isSameHistory) };
}

/** A text in pieces of a number of bytes. */
const pieces = (text: string, size: number) => text.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];

const keysOf = (server: StoreServer) => server.engine.databases.map(({ size }) => size).slice(0, 4);

for (const load of ["disabled", "on-empty-db", "swapdb"]) {
  for (const size of [1, 7, 100, 100_000]) {
    Deno.test(`DataTransfer loads a file of known length and leaves the stream behind it (${load}, ${size} bytes a read)`, async () => {
      const { server, connection, link, transfer, counts } = await receiver({ "repl-diskless-load": load });
      const file = await rdbFile();
      connection.arrive(...pieces(`\n\n$${file.length}\r\n${file}stream`, size));
      await transfer.run();
      assertEquals(keysOf(server), [2, 0, 0, 1]);
      assertEquals([transfer.totalBytes, transfer.receivedBytes], [file.length, file.length]);
      assertEquals([transfer.databaseId, transfer.endsWithMark, counts.replaced], [12, false, 1]);
      let behind = "";
      while (behind.length < 6) behind += latin1(await link.read());
      assertEquals(behind, "stream");
    });

    Deno.test(`DataTransfer finds the mark at the end of a file of unknown length (${load}, ${size} bytes a read)`, async () => {
      const { server, connection, transfer } = await receiver({ "repl-diskless-load": load });
      const file = await rdbFile();
      connection.arrive(`$EOF:${MARK}\r\n`, ...pieces(`${file}${MARK}`, size));
      await transfer.run();
      assertEquals(keysOf(server), [2, 0, 0, 1]);
      assertEquals([transfer.totalBytes, transfer.endsWithMark], [0, true]);
      const isWhole = transfer.receivedBytes === file.length + MARK.length;
      // What is loaded as it comes needs no more than the data; the mark is read behind them.
      assert(isWhole || (load !== "disabled" && transfer.receivedBytes >= file.length));
    });
  }
}

const announced: [config: Record<string, string>, hasOld: boolean, lines: string[]][] = [
  [{}, true, ["receiving 300 bytes from master to disk"]],
  [{ "repl-diskless-load": "on-empty-db" }, false, ["receiving 300 bytes from master to parser"]],
  [{ "repl-diskless-load": "on-empty-db" }, true, ["receiving 300 bytes from master to disk"]],
  [{ "repl-diskless-load": "swapdb" }, true, ["receiving 300 bytes from master to parser"]],
];
for (const [config, hasOld, lines] of announced) {
  Deno.test(`DataTransfer says where the data go: ${lines}, ${hasOld ? "over old data" : "into nothing"}`, async () => {
    const { server, connection, transfer } = await receiver(config);
    if (hasOld) server.client().send("SET", "old", "1");
    connection.arrive("$300\r\n", null);
    await assertRejects(() => transfer.run(), LinkError);
    const said = server.log.filter((line) => line.includes("receiving"));
    assertEquals(said, lines.map((line) => `MASTER <-> REPLICA sync: ${line}`));
  });
}

Deno.test("DataTransfer passes on why the primary sends nothing", async () => {
  for (
    const [line, message] of [
      ["-ERR no data", "MASTER aborted replication with an error: ERR no data"],
      ["+OK", "Bad protocol from MASTER, the first byte is not '$' (we received '+OK'), are you sure"],
    ] as const
  ) {
    const { server, connection, transfer, counts } = await receiver();
    connection.arrive(`${line}\r\n`);
    await assertRejects(() => transfer.run(), LinkError, message);
    assertEquals([keysOf(server)[0], counts.replaced], [1, 0]);
  }
});

Deno.test("DataTransfer by a file keeps the old data, and no half file, when the end does not come", async () => {
  const { server, connection, transfer, counts } = await receiver(), file = await rdbFile();
  connection.arrive(`$${file.length}\r\n`, file.slice(0, 60), null);
  await assertRejects(() => transfer.run(), LinkError, "Failed to receive the DB dump file: I/O error");
  assertEquals([keysOf(server)[0], counts.replaced, server.disk.paths()], [1, 0, []]);
});

Deno.test("DataTransfer tells where a damaged file is wrong, and leaves nothing of it", async () => {
  for (const load of ["disabled", "swapdb"]) {
    const { server, connection, transfer } = await receiver({ "repl-diskless-load": load });
    const file = await rdbFile(), at = file.indexOf("in three") - 12;
    const damaged = `${file.slice(0, at)}\xee${file.slice(at + 1)}`;
    connection.arrive(`$${file.length}\r\n`, damaged);
    await assertRejects(
      () => transfer.run(),
      LinkError,
      "Failed trying to load the MASTER synchronization DB",
    );
    const told = server.log.filter((line) => /^Internal error in RDB reading offset \d+: ./.test(line));
    assertEquals(
      told.length,
      load === "swapdb" ? 1 : 0,
      "what is loaded from a file tells the place by itself",
    );
    assertEquals(keysOf(server)[0], load === "swapdb" ? 1 : 0);
  }
});

Deno.test("DataTransfer notices a mark that is another one", async () => {
  const { connection, transfer } = await receiver({ "repl-diskless-load": "swapdb" }), file = await rdbFile();
  connection.arrive(`$EOF:${MARK}\r\n`, `${file}${"n".repeat(40)}${MARK}`);
  await assertRejects(() => transfer.run(), LinkError, "Replication stream EOF marker is broken");
});

Deno.test("rdb-del-sync-files removes the primary's file from a server that saves nothing", async () => {
  const cases: [config: Record<string, string>, isLeft: boolean][] = [
    [{}, true],
    [{ "rdb-del-sync-files": "yes" }, false],
    [{ "rdb-del-sync-files": "yes", save: "3600 1" }, true],
    [{ "rdb-del-sync-files": "yes", appendonly: "yes" }, true],
  ];
  for (const [config, isLeft] of cases) {
    const { server, connection, transfer } = await receiver(config), file = await rdbFile();
    connection.arrive(`$${file.length}\r\n`, file);
    await transfer.run();
    assertEquals(server.disk.get("d/dump.rdb") !== undefined, isLeft, JSON.stringify(config));
  }
});

Deno.test("DataTransfer tells the primary once a second that it is alive while it loads", async () => {
  const { server, connection, transfer, clock, link } = await receiver();
  const source = await StoreServer.start(), c = source.client();
  for (let i = 0; i < 20_000; i++) c.send("SET", `key${i}`, "v");
  c.send("SAVE");
  const file = latin1(source.disk.get("d/dump.rdb")!), { engine } = server, look = engine.clock.monotonicUs;
  let looks = 0;
  // Each look at the clock takes a quarter of a second.
  engine.clock.monotonicUs = function () {
    looks++;
    server.clock.advance(250);
    return look.call(this);
  };
  connection.arrive(`$${file.length}\r\n`, ...pieces(file, 100_000));
  const startedAtMs = engine.steadyMs;
  await transfer.run();
  await Promise.resolve();
  const seconds = (server.clock.nowMs() - startedAtMs) / 1000, signs = connection.written.length;
  assertEquals(connection.written, "\n".repeat(signs));
  assert(signs > 1 && signs <= seconds + 1, `${signs} signs in ${seconds} seconds, ${looks} looks`);
  assert(link.movedAtMs > clock.ms);
});
