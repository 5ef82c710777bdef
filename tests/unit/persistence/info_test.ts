import { assertEquals } from "@std/assert";
import { EngineGuard } from "../../../src/engine/refusals.ts";
import { LoadProgress } from "../../../src/persistence/loading.ts";
import { StoreServer } from "../../support/data_store.ts";

/** INFO's section on persistence, the fields that are 0 and stay so left out. */
function fields(server: StoreServer): string[] {
  const always0 = /^(current_cow|rdb_last_cow|aof_last_cow|module_fork)/;
  return server.store.infoFields().filter(([name]) => !always0.test(name)).map(([name, value]) =>
    `${name}:${value}`
  );
}

/** The fields of one server that another one has otherwise. */
const changed = (before: string[], after: string[]) => after.filter((line) => !before.includes(line));

Deno.test("INFO persistence of a new server without an append only file", async () => {
  const server = await StoreServer.start();
  assertEquals(fields(server), [
    "loading:0",
    "async_loading:0",
    "current_fork_perc:0.00",
    "current_save_keys_processed:0",
    "current_save_keys_total:0",
    "rdb_changes_since_last_save:0",
    "rdb_bgsave_in_progress:0",
    `rdb_last_save_time:${Math.floor(server.clock.nowMs() / 1000)}`,
    "rdb_last_bgsave_status:ok",
    "rdb_last_bgsave_time_sec:-1",
    "rdb_current_bgsave_time_sec:-1",
    "rdb_saves:0",
    "rdb_last_load_keys_expired:0",
    "rdb_last_load_keys_loaded:0",
    "aof_enabled:0",
    "aof_rewrite_in_progress:0",
    "aof_rewrite_scheduled:0",
    "aof_last_rewrite_time_sec:-1",
    "aof_current_rewrite_time_sec:-1",
    "aof_last_bgrewrite_status:ok",
    "aof_rewrites:0",
    "aof_rewrites_consecutive_failures:0",
    "aof_last_write_status:ok",
  ]);
});

Deno.test("INFO persistence while a BGSAVE is under way, and after it", async () => {
  const server = await StoreServer.start(), c = server.client();
  for (let i = 0; i < 10; i++) c.send("SET", `k${i}`, "v");
  const before = fields(server);
  c.send("BGSAVE");
  server.advance(2500);
  assertEquals(changed(before, fields(server)), [
    "current_save_keys_total:10",
    "rdb_bgsave_in_progress:1",
    "rdb_current_bgsave_time_sec:2",
    "rdb_saves:1",
  ]);
  c.send("SET", "k0", "w"); // its bucket is written before it changes
  const written = Number(server.info("current_save_keys_processed"));
  assertEquals([written > 0, server.info("current_fork_perc")], [true, (written * 10).toFixed(2)]);
  await server.finishJobs();
  assertEquals(changed(before, fields(server)), [
    "rdb_changes_since_last_save:1",
    `rdb_last_save_time:${Math.floor(server.clock.nowMs() / 1000)}`,
    "rdb_last_bgsave_time_sec:2",
    "rdb_saves:1",
  ]);
});

Deno.test("INFO persistence with an append only file, and while it is rewritten", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes", appendfsync: "no" }),
    c = server.client();
  const size = Number(server.info("aof_current_size"));
  assertEquals(fields(server).slice(14), [
    "aof_enabled:1",
    "aof_rewrite_in_progress:0",
    "aof_rewrite_scheduled:0",
    "aof_last_rewrite_time_sec:-1",
    "aof_current_rewrite_time_sec:-1",
    "aof_last_bgrewrite_status:ok",
    "aof_rewrites:0",
    "aof_rewrites_consecutive_failures:0",
    "aof_last_write_status:ok",
    `aof_current_size:${size}`,
    `aof_base_size:${size}`,
    "aof_pending_rewrite:0",
    "aof_buffer_length:0",
    "aof_pending_bio_fsync:0",
    "aof_delayed_fsync:0",
  ]);
  c.send("SET", "k", "v");
  const before = fields(server);
  c.send("BGREWRITEAOF");
  server.advance(1500);
  assertEquals(changed(before, fields(server)), [
    "aof_rewrite_in_progress:1",
    "aof_current_rewrite_time_sec:1",
    "aof_pending_bio_fsync:1",
  ]);
  await server.finishJobs();
  assertEquals(changed(before, fields(server)).slice(0, 2), [
    "aof_last_rewrite_time_sec:1",
    "aof_rewrites:1",
  ]);
  c.send("BGSAVE");
  c.send("BGREWRITEAOF");
  assertEquals([server.info("aof_rewrite_scheduled"), server.info("aof_pending_rewrite")], [1, 1]);
  await server.finishJobs();
});

Deno.test("INFO persistence tells what has failed", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes", appendfsync: "always" }),
    c = server.client();
  c.send("SET", "k", "v");
  server.disk.failure = (operation) => operation === "write" ? "No space" : undefined;
  c.send("BGSAVE");
  await server.finishJobs();
  c.send("BGREWRITEAOF");
  await server.finishJobs();
  assertEquals([server.info("rdb_last_bgsave_status"), server.info("aof_last_bgrewrite_status")], [
    "err",
    "err",
  ]);
  assertEquals(server.info("aof_rewrites_consecutive_failures"), 1);
  c.send("SET", "k", "w");
  assertEquals(server.info("aof_last_write_status"), "err");
});

Deno.test("INFO persistence while data are loaded, in place of others or beside them", async () => {
  const server = await StoreServer.start(), before = fields(server);
  const progress = server.store.loading = new LoadProgress(server.clock);
  progress.totalBytes = 3000;
  progress.loadedBytes = 1000;
  server.engine.setGuard(EngineGuard.Loading, true);
  server.advance(10_000);
  assertEquals(changed(before, fields(server)), [
    "loading:1",
    `loading_start_time:${Math.floor(progress.startedMs / 1000)}`,
    "loading_total_bytes:3000",
    "loading_rdb_used_mem:0",
    "loading_loaded_bytes:1000",
    "loading_loaded_perc:33.33",
    "loading_eta_seconds:20",
  ]);
  server.engine.setGuard(EngineGuard.Loading, false);
  server.engine.setGuard(EngineGuard.LoadingBeside, true);
  assertEquals([server.info("loading"), server.info("async_loading")], [0, 1]);
});
