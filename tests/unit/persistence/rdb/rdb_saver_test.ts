import { assertEquals } from "@std/assert";
import { StoreServer } from "../../../support/data_store.ts";

/** Lets the saver look whether something is due, `ms` after the last look. */
async function look(server: StoreServer, ms: number): Promise<void> {
  server.advance(ms);
  server.store.rdb.startIfDue();
  await server.finishJobs();
}

Deno.test("a save point is due after its changes and when more than its seconds have gone by", async () => {
  const server = await StoreServer.start(undefined, { save: "5 2" }), c = server.client();
  c.send("SET", "a", "1");
  await look(server, 6000);
  assertEquals(server.info("rdb_saves"), 0);
  c.send("SET", "b", "1");
  await look(server, 0);
  assertEquals([server.info("rdb_saves"), server.info("rdb_changes_since_last_save")], [1, 0]);
  server.store.rdb.lastSaveMs = server.clock.nowMs();
  c.send("MSET", "a", "1", "b", "2");
  c.send("SET", "a", "3");
  await look(server, 4980);
  assertEquals(server.info("rdb_saves"), 1);
  await look(server, 40);
  assertEquals(server.info("rdb_saves"), 2);
});

Deno.test("of several save points the first that is due is taken", async () => {
  const server = await StoreServer.start(undefined, { save: "100 1 10 3" }), c = server.client();
  for (const key of ["a", "b", "c"]) c.send("SET", key, "1");
  await look(server, 10_001);
  assertEquals(server.log.filter((line) => line.endsWith("Saving...")), [
    "3 changes in 10 seconds. Saving...",
  ]);
});

Deno.test("a failed background save is tried again after more than five seconds", async () => {
  const server = await StoreServer.start(undefined, { save: "1 1" }), c = server.client();
  c.send("SET", "a", "1");
  server.disk.failure = (operation) => operation === "write" ? "No space" : undefined;
  await look(server, 1001);
  assertEquals([server.info("rdb_saves"), server.info("rdb_last_bgsave_status")], [1, "err"]);
  server.disk.failure = undefined;
  await look(server, 4900);
  assertEquals(server.info("rdb_saves"), 1);
  await look(server, 200);
  assertEquals([server.info("rdb_saves"), server.info("rdb_last_bgsave_status")], [2, "ok"]);
});

Deno.test("writes are refused while saving fails, if there are save points and that is not turned off", async () => {
  const cases: [config: Record<string, string>, refuses: boolean][] = [
    [{ save: "3600 1" }, true],
    [{ save: "" }, false],
    [{ save: "3600 1", "stop-writes-on-bgsave-error": "no" }, false],
  ];
  for (const [config, refuses] of cases) {
    const server = await StoreServer.start(undefined, config), c = server.client();
    assertEquals(server.store.rdb.refusesWrites, false);
    server.disk.failure = (operation) => operation === "write" ? "No space" : undefined;
    c.send("BGSAVE");
    await server.finishJobs();
    assertEquals(server.store.rdb.refusesWrites, refuses, JSON.stringify(config));
  }
});

Deno.test("the end of a background save is told, with its outcome", async () => {
  const server = await StoreServer.start(), c = server.client(), told: boolean[] = [];
  server.store.rdb.onEnd.push((succeeded) => told.push(succeeded));
  c.send("BGSAVE");
  await server.finishJobs();
  server.disk.failure = (operation) => operation === "write" ? "No space" : undefined;
  c.send("BGSAVE");
  await server.finishJobs();
  server.disk.failure = undefined;
  c.send("BGSAVE");
  server.store.jobs.abort();
  assertEquals(told, [true, false, false]);
});

Deno.test("FLUSHALL takes the place of a background save, and saves nothing without save points", async () => {
  const server = await StoreServer.start(), c = server.client();
  c.send("SET", "k", "v");
  c.send("BGSAVE");
  c.send("FLUSHALL");
  await server.finishJobs();
  assertEquals([server.info("rdb_bgsave_in_progress"), server.disk.paths()], [0, []]);
});
