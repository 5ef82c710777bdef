import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { LoadError, LoadProgress } from "../../../src/persistence/loading.ts";
import { StoreServer } from "../../support/data_store.ts";
import { PENDING } from "../../support/in_process.ts";
import { RdbContent } from "../../support/rdb_content.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";
import { latin1 } from "../../../src/util/bytes.ts";
import { SimulatedFiles } from "../../support/simulated_files.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const failure = (text: string) => new ReplyFailure(text);

/** Writes something of every type. */
function fill(server: StoreServer): void {
  const c = server.client();
  c.send("SET", "string", "value");
  c.send("SET", "volatile", "value", "PX", "100000");
  c.send("RPUSH", "list", "a", "b", "c");
  c.send("SADD", "set", "x", "y");
  c.send("SADD", "ints", "3", "1", "2");
  c.send("ZADD", "zset", "1.5", "one", "-inf", "least");
  c.send("HSET", "hash", "f", "1", "g", "2");
  c.send("XADD", "stream", "5-1", "f", "v");
  c.send("XGROUP", "CREATE", "stream", "group", "0");
  c.send("XREADGROUP", "GROUP", "group", "me", "STREAMS", "stream", ">");
  // What is propagated of the read does not say how many entries the group has read.
  c.send("XGROUP", "SETID", "stream", "group", "5-1", "ENTRIESREAD", "1");
  c.send("SELECT", "9");
  c.send("SET", "string", "of nine");
}

/** Everything a server holds, as DUMP shows it. */
function digest(server: StoreServer): string[] {
  const c = server.client(), lines: string[] = [];
  for (let id = 0; id < 16; id++) {
    c.send("SELECT", String(id));
    for (const key of (c.send("KEYS", "*") as string[]).sort()) {
      lines.push([id, key, String(c.send("PEXPIRETIME", key)), String(c.send("DUMP", key))].join(" "));
    }
  }
  return lines;
}

Deno.test("SAVE writes a file that the next start loads", async () => {
  const server = await StoreServer.start();
  fill(server);
  assertEquals(server.client().send("SAVE"), "OK");
  assertEquals([server.info("rdb_changes_since_last_save"), server.info("rdb_saves")], [0, 1]);
  const again = await StoreServer.start(server.disk.afterKill());
  assertEquals(digest(again), digest(server));
  assertEquals(again.info("rdb_last_load_keys_loaded"), 9);
  assertEquals(server.disk.paths(), ["d/dump.rdb"]);
});

Deno.test("SAVE is not propagated", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  c.send("SET", "k", "v");
  c.send("SAVE");
  assertEquals(server.propagated(), ["SET k v"]);
});

Deno.test("BGSAVE saves the state of its instant, and counts changes since then", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  for (let i = 0; i < 200; i++) c.send("SET", `k${i}`, "old");
  assertEquals(c.send("BGSAVE"), "Background saving started");
  assertEquals(c.send("BGSAVE"), failure("ERR Background save already in progress"));
  assertEquals(c.send("SAVE"), failure("ERR Background save already in progress"));
  assertEquals(server.info("rdb_bgsave_in_progress"), 1);
  c.send("SET", "k3", "new");
  c.send("DEL", "k4");
  c.send("SET", "k200", "new");
  await server.finishJobs();
  assertEquals([server.info("rdb_bgsave_in_progress"), server.info("rdb_changes_since_last_save")], [0, 3]);
  const content = RdbContent.of(server.disk.get("d/dump.rdb")!);
  assertEquals(content.keys.size, 200);
  assertEquals(content.keys.get("0 k3"), ["old", -1, -1, -1]);
  assertEquals(content.auxFields.get("aof-base"), "0");
  assertEquals(c.send("LASTSAVE"), Math.floor(server.clock.nowMs() / 1000));
});

Deno.test("BGSAVE waits where it must: for another job with SCHEDULE, for the end of a transaction", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  const c = server.client();
  assertEquals(c.send("BGREWRITEAOF"), "Background append only file rewriting started");
  assertEquals(
    c.send("BGREWRITEAOF"),
    failure("ERR Background append only file rewriting already in progress"),
  );
  assertEquals(
    (c.send("BGSAVE") as ReplyFailure).message.startsWith("ERR Another child process is active"),
    true,
  );
  assertEquals(c.send("BGSAVE", "SCHEDULE"), "Background saving scheduled");
  assertEquals(c.send("BGSAVE", "NOW"), failure("ERR syntax error"));
  await server.finishJobs();
  await server.second();
  assertEquals([server.info("rdb_saves"), server.info("aof_rewrites")], [1, 1]);
  c.send("MULTI");
  c.send("SET", "k", "half");
  c.send("BGSAVE");
  c.send("SET", "k", "whole");
  assertEquals(c.send("EXEC"), ["OK", "Background saving scheduled", "OK"]);
  await server.second();
  assertEquals(RdbContent.of(server.disk.get("d/dump.rdb")!).keys.get("0 k"), ["whole", -1, -1, -1]);
});

Deno.test("save points save after so many changes in so many seconds", async () => {
  const server = await StoreServer.start(undefined, { save: "5 2" });
  const c = server.client();
  c.send("SET", "a", "1");
  for (let i = 0; i < 7; i++) await server.second();
  assertEquals(server.info("rdb_saves"), 0);
  c.send("SET", "b", "2");
  await server.second();
  assertEquals(server.info("rdb_saves"), 1);
  assertEquals(server.log.includes("2 changes in 5 seconds. Saving..."), true);
});

Deno.test("save points, and snapshot-interval, go by the time that has passed though the clock is set back", async () => {
  const server = await StoreServer.start(undefined, { save: "5 1", "snapshot-interval": "5" }),
    c = server.client();
  c.send("SET", "k", "v");
  server.clock.set(-3_600_000);
  for (let i = 0; i < 7; i++) await server.second();
  assertEquals([server.engine.dirty, server.disk.get("d/dump.rdb") === undefined], [0, false]);
  assertEquals(server.log.includes("1 changes in 5 seconds. Saving..."), true);
  assertEquals(server.disk.get("d/snapshot.json") === undefined, false);
});

Deno.test("a failed background save refuses writes until one succeeds", async () => {
  const server = await StoreServer.start(undefined, { save: "5 1" });
  const c = server.client();
  c.send("SET", "a", "1");
  server.disk.failure = (operation) => operation === "write" ? "No space left on device" : undefined;
  for (let i = 0; i < 7; i++) await server.second();
  assertEquals([server.info("rdb_last_bgsave_status"), server.info("rdb_saves")], ["err", 1]);
  assertEquals(
    (c.send("SET", "a", "2") as ReplyFailure).message.slice(0, 50),
    "MISCONF Redis is configured to save RDB snapshots,",
  );
  assertEquals(c.send("GET", "a"), "1");
  assertEquals(server.disk.paths(), [], "the half file is gone");
  server.disk.failure = undefined;
  for (let i = 0; i < 7; i++) await server.second();
  assertEquals(c.send("SET", "a", "2"), "OK");
});

Deno.test("FLUSHALL takes the data off the disk where there are save points", async () => {
  const server = await StoreServer.start(undefined, { save: "3600 1" });
  const c = server.client();
  fill(server);
  c.send("SAVE");
  c.send("FLUSHALL");
  assertEquals(RdbContent.of(server.disk.get("d/dump.rdb")!).keys.size, 0);
  assertEquals(server.info("rdb_changes_since_last_save"), 0);
});

Deno.test("appendonly yes replays what was written, transactions whole, over rewrites and restarts", async () => {
  const disk = new SimulatedFiles();
  let server = await StoreServer.start(disk, { appendonly: "yes" });
  for (const preamble of ["yes", "no"]) {
    fill(server);
    const c = server.client();
    c.send("CONFIG", "SET", "aof-use-rdb-preamble", preamble);
    c.send("MULTI");
    c.send("INCR", "n");
    c.send("INCR", "n");
    c.send("EXEC");
    let next = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
    assertEquals(digest(next), digest(server), `increment, ${preamble}`);
    c.send("BGREWRITEAOF");
    c.send("INCR", "n");
    await server.finishJobs();
    c.send("INCR", "n");
    assertEquals(server.info("aof_last_bgrewrite_status"), "ok");
    next = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
    assertEquals(digest(next), digest(server), `rewritten, ${preamble}`);
    server = next;
  }
});

Deno.test("a large data set of every type survives a rewrite to commands", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes", "aof-use-rdb-preamble": "no" });
  const c = server.client();
  for (let i = 0; i < 700; i++) {
    c.send("RPUSH", "list", `element ${i}`);
    c.send("SADD", "set", `member ${i}`);
    c.send("ZADD", "zset", String(i / 3), `member ${i}`);
    c.send("HSET", "hash", `field ${i}`, "x".repeat(i % 90));
    c.send("XADD", "stream", `${i + 1}-0`, "field", "value");
  }
  c.send("HPEXPIRE", "hash", "500000", "FIELDS", "2", "field 1", "field 77");
  c.send("PEXPIRE", "list", "100000");
  c.send("XDEL", "stream", "700-0", "5-0");
  c.send("XGROUP", "CREATE", "stream", "group", "0", "ENTRIESREAD", "5");
  c.send("XGROUP", "CREATECONSUMER", "stream", "group", "idle");
  c.send("XREADGROUP", "GROUP", "group", "me", "COUNT", "90", "STREAMS", "stream", ">");
  c.send("XADD", "gone", "9-9", "f", "v");
  c.send("XDEL", "gone", "9-9");
  c.send("BGREWRITEAOF");
  await server.finishJobs();
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  // Their payloads differ: the order of fields and members, the nodes of the stream.
  const forget = (lines: string[]) => lines.filter((line) => !/^0 (stream|hash|set) /.test(line));
  assertEquals(forget(digest(again)), forget(digest(server)));
  const fields = (of: StoreServer) => (of.client().send("HGETALL", "hash") as string[]).sort();
  assertEquals(fields(again), fields(server));
  const members = (of: StoreServer) => (of.client().send("SMEMBERS", "set") as string[]).sort();
  assertEquals(members(again), members(server));
  for (const question of [["XINFO", "STREAM", "gone"], ["XPENDING", "stream", "group"], ["XLEN", "stream"]]) {
    assertEquals(again.client().send(...question), server.client().send(...question));
  }
  assertEquals(again.client().send("HPEXPIRETIME", "hash", "FIELDS", "1", "field 77"), [
    server.clock.nowMs() + 500_000,
  ]);
});

Deno.test("the AOF is rewritten when it has grown, and not before", async () => {
  const config = {
    appendonly: "yes",
    "auto-aof-rewrite-percentage": "100",
    "auto-aof-rewrite-min-size": "2000",
  };
  const server = await StoreServer.start(undefined, config);
  const c = server.client();
  for (let i = 0; i < 30; i++) c.send("SET", "k", `value ${i}`);
  await server.second();
  assertEquals(server.info("aof_rewrites"), 0);
  for (let i = 0; i < 60; i++) c.send("SET", "k", `value ${i}`);
  await server.second();
  assertEquals(server.info("aof_rewrites"), 1);
  assertEquals(Number(server.info("aof_current_size")) < 300, true);
  await server.second();
  assertEquals(server.info("aof_rewrites"), 1);
});

Deno.test("the AOF is rewritten when its growth is auto-aof-rewrite-percentage, and above auto-aof-rewrite-min-size", async () => {
  const config = { appendonly: "yes", "auto-aof-rewrite-percentage": "0", "auto-aof-rewrite-min-size": "0" };
  const server = await StoreServer.start(undefined, config);
  const c = server.client();
  for (let i = 0; i < 30; i++) c.send("SET", "k", `value ${i}`);
  const [size, base] = [Number(server.info("aof_current_size")), Number(server.info("aof_base_size"))];
  const growth = Math.floor((size - base) * 100 / base);
  const settings: [percentage: number, minSize: number, rewrites: number][] = [
    [0, 0, 0],
    [growth + 1, 0, 0],
    [growth, size, 0],
    [growth, size - 1, 1],
  ];
  for (const [percentage, minSize, rewrites] of settings) {
    c.send("CONFIG", "SET", "auto-aof-rewrite-percentage", `${percentage}`);
    c.send("CONFIG", "SET", "auto-aof-rewrite-min-size", `${minSize}`);
    await server.second();
    assertEquals(
      server.info("aof_rewrites"),
      rewrites,
      `${percentage} % of ${growth} %, ${minSize} of ${size}`,
    );
  }
  assertEquals(server.log.includes(`Starting automatic rewriting of AOF on ${growth}% growth`), true);
});

/** The files that the manifest lists, history included: `2b` is the second base. */
function listed(server: StoreServer): string[] {
  const text = latin1(server.disk.get("d/appendonlydir/appendonly.aof.manifest") ?? new Uint8Array());
  return [...text.matchAll(/seq (\d+) type (\w)/g)].map(([, seq, type]) => `${seq}${type}`);
}

Deno.test("the manifest counts on over rewrites, with the AOF off, and over BGSAVE; history stays if it is to", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  const c = server.client();
  fill(server);
  const rewrite = async () => {
    c.send("BGREWRITEAOF");
    await server.finishJobs();
  };
  await rewrite();
  assertEquals(listed(server), ["2b", "2i"]);
  c.send("CONFIG", "SET", "appendonly", "no");
  await rewrite();
  assertEquals(listed(server), ["3b"]);
  const before = digest(server);
  server.store.reloadAppendOnlyFile();
  assertEquals(digest(server), before);
  c.send("CONFIG", "SET", "appendonly", "yes");
  await server.finishJobs();
  assertEquals(listed(server), ["4b", "1i"]);
  c.send("CONFIG", "SET", "aof-disable-auto-gc", "yes");
  await rewrite();
  await rewrite();
  assertEquals(listed(server), ["6b", "2h", "5h", "1h", "4h", "3i"]);
  c.send("CONFIG", "SET", "aof-disable-auto-gc", "no");
  assertEquals(listed(server), ["6b", "3i"]);
  assertEquals(server.disk.paths().length, 3, "the manifest and what it lists");
  server.store.reloadAppendOnlyFile();
  await rewrite();
  assertEquals(listed(server), ["7b", "4i"]);
  c.send("CONFIG", "SET", "appendonly", "no");
  c.send("SET", "lost", "1");
  c.send("BGSAVE");
  c.send("CONFIG", "SET", "appendonly", "yes");
  assertEquals([server.info("aof_rewrite_scheduled"), listed(server)], [1, ["7b", "4i"]]);
  server.store.reloadAppendOnlyFile();
  assertEquals(c.send("EXISTS", "lost"), 0);
  await server.finishJobs();
  await server.second();
  assertEquals(listed(server), ["8b", "5i"]);
  c.send("SET", "kept", "1");
  server.store.reloadAppendOnlyFile();
  assertEquals(c.send("EXISTS", "kept"), 1);
});

Deno.test("CONFIG SET appendonly in a transaction begins the AOF's base behind its end", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  c.send("MULTI");
  c.send("SET", "k", "half");
  c.send("CONFIG", "SET", "appendonly", "yes");
  c.send("SET", "k", "whole");
  assertEquals(c.send("EXEC"), ["OK", "OK", "OK"]);
  assertEquals([server.info("aof_rewrite_scheduled"), server.engine.persistence?.jobsBegun], [1, 0]);
  await server.second();
  await server.finishJobs();
  assertEquals([server.info("aof_rewrites"), server.engine.persistence?.jobsBegun], [1, 1]);
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(again.client().send("GET", "k"), "whole");
});

Deno.test("CONFIG SET appendonly turns the AOF on with a base of all data, and off", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  fill(server);
  assertEquals(c.send("CONFIG", "SET", "appendonly", "yes"), "OK");
  c.send("SET", "during", "the rewrite");
  await server.finishJobs();
  c.send("SET", "after", "the rewrite");
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(digest(again), digest(server));
  assertEquals(c.send("CONFIG", "SET", "appendonly", "no"), "OK");
  c.send("SET", "later", "lost");
  const last = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(digest(last).length, digest(server).length - 1);
  assertEquals([server.info("aof_enabled"), server.info("aof_current_size")], [0, undefined]);
});

Deno.test("a failed fsync refuses writes until a fresh base is on the disk, by itself", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes", appendfsync: "always" });
  const c = server.client();
  c.send("SET", "a", "1");
  server.disk.failure = (operation, path) =>
    operation === "fsync" && path.includes("incr") ? "Input/output error" : undefined;
  const lost = server.client();
  lost.raw(new TextEncoder().encode("SET a 2\r\n"));
  assertEquals(lost.closed, true, "no reply may say that it was written");
  server.store.tick();
  assertEquals(
    c.send("SET", "a", "3"),
    failure("MISCONF Errors writing to the AOF file: Input/output error"),
  );
  assertEquals(c.send("GET", "a"), "2");
  server.disk.failure = undefined;
  await server.second();
  await server.second();
  assertEquals(c.send("SET", "a", "4"), "OK");
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(again.client().send("GET", "a"), "4");
});

Deno.test("a full disk refuses writes until there is room", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  const c = server.client();
  c.send("SET", "a", "1");
  server.disk.failure = (operation) => operation === "write" ? "No space left on device" : undefined;
  const lost = server.client();
  lost.raw(new TextEncoder().encode("SET a 2\r\n"));
  assertEquals(lost.closed, true);
  await server.second();
  assertEquals(
    c.send("SET", "a", "3"),
    failure("MISCONF Errors writing to the AOF file: No space left on device"),
  );
  assertEquals([c.send("GET", "a"), server.info("aof_last_write_status")], ["2", "err"]);
  server.disk.failure = undefined;
  await server.second();
  assertEquals(c.send("SET", "a", "3"), "OK");
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(digest(again), digest(server));
});

Deno.test("DEBUG RELOAD gives back the same data through the RDB file", async () => {
  const server = await StoreServer.start(undefined, { save: "3600 1" });
  fill(server);
  const before = digest(server);
  server.store.reload({ save: true, flush: true, merge: false });
  assertEquals(digest(server), before);
  server.client().send("SET", "string", "changed");
  server.store.reload({ save: false, flush: false, merge: true });
  assertEquals(digest(server), before);
});

Deno.test("DEBUG LOADAOF gives back the same data through the AOF", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  fill(server);
  const before = digest(server);
  server.store.reloadAppendOnlyFile();
  assertEquals(digest(server), before);
  server.client().send("SET", "more", "data");
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(digest(again), digest(server));
});

Deno.test("SHUTDOWN saves where there are save points or it is told to", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  fill(server);
  server.store.finish(false);
  assertEquals(server.disk.get("d/dump.rdb"), undefined);
  server.store.finish(true);
  assertEquals(RdbContent.of(server.disk.get("d/dump.rdb")!).keys.size, 9);
});

Deno.test("a damaged RDB file is refused at the start, every bit of it", async () => {
  const server = await StoreServer.start(undefined, { rdbcompression: "no" });
  fill(server);
  server.client().send("SAVE");
  const good = server.disk.get("d/dump.rdb")!;
  for (let bit = 0; bit < good.length * 8; bit += 3) {
    const bytes = good.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    const disk = new SimulatedFiles();
    disk.put("d/dump.rdb", bytes);
    const error = await assertRejects(() => StoreServer.start(disk), LoadError, undefined, `bit ${bit}`);
    assertEquals(error.file, "dump.rdb");
  }
  for (let length = 0; length < good.length; length += 7) {
    const disk = new SimulatedFiles();
    disk.put("d/dump.rdb", good.slice(0, length));
    await assertRejects(() => StoreServer.start(disk), LoadError);
  }
});

/** A file with one key that is damaged, a hash, between others. */
async function damagedFile(): Promise<SimulatedFiles> {
  const server = await StoreServer.start(undefined, { rdbcompression: "no" });
  server.client().send("MSET", "a", "1", "z", "2");
  server.client().send("HSET", "odd", "field", "value");
  server.client().send("SAVE");
  const bytes = server.disk.get("d/dump.rdb")!.slice(), at = latin1(bytes).indexOf("field");
  // The element's length, so that the packed value ends in its middle.
  bytes[at - 1] = 0x85 + 40;
  bytes.fill(0, -8); // no checksum
  const disk = new SimulatedFiles();
  disk.put("d/dump.rdb", bytes);
  return disk;
}

Deno.test("a value that cannot be read stops the start with its key, its type, its place and how to go on", async () => {
  const { message } = await assertRejects(async () => StoreServer.start(await damagedFile()), LoadError);
  assertMatch(
    message,
    /^Hash listpack integrity check failed\. Reading the value of key 'odd' in database 0, a hash \(RDB type 16\) at offset \d+ \(file dump\.rdb, at offset \d+\)\. `redeno check-rdb dump\.rdb` says more of the file; with `rdb-skip-unreadable-keys yes` the server starts without such keys$/,
  );
});

Deno.test("rdb-skip-unreadable-keys starts a server without the keys that cannot be read, and tells of each", async () => {
  const server = await StoreServer.start(await damagedFile(), { "rdb-skip-unreadable-keys": "yes" });
  assertEquals(server.client().send("MGET", "a", "z"), ["1", "2"]);
  assertEquals([server.client().send("EXISTS", "odd"), server.client().send("DBSIZE")], [0, 2]);
  const told = server.log.filter((line) => line.includes("left out"));
  assertEquals(told.length, 2);
  assertMatch(told[0]!, /^A key is left out, since the value of key 'odd' .* cannot be read: Hash listpack/);
  assertMatch(told[1]!, /^1 unreadable keys of dump\.rdb are left out\..* keep a copy of this one$/);
});

Deno.test("keys that have expired stay out when an RDB file is loaded", async () => {
  const server = await StoreServer.start();
  fill(server);
  server.client().send("PEXPIREAT", "volatile", String(server.clock.nowMs() + 1));
  server.client().send("SAVE");
  const disk = server.disk.afterKill();
  const later = new StoreServer(disk);
  later.clock.advance(10);
  await later.store.load(new LoadProgress(later.clock));
  assertEquals([later.info("rdb_last_load_keys_loaded"), later.info("rdb_last_load_keys_expired")], [8, 1]);
});

Deno.test("SNAPSHOT writes readable JSON while others are served, and SNAPSHOT LOAD brings it back", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  fill(server);
  const before = digest(server), waiting = server.client(), c = server.client();
  assertEquals(waiting.send("SNAPSHOT"), PENDING);
  c.send("SET", "string", "changed");
  await server.finishJobs();
  assertEquals(waiting.received(), ["OK"]);
  assertEquals(JSON.parse(new TextDecoder().decode(server.disk.get("d/snapshot.json"))).keys.length, 9);
  c.send("SET", "more", "data");
  assertEquals(c.send("SNAPSHOT", "LOAD", "snapshot.json"), 9);
  assertEquals(digest(server), before);
  c.send("SET", "after", "it");
  const again = await StoreServer.start(server.disk.afterKill(), { appendonly: "yes" });
  assertEquals(digest(again), digest(server));
});

Deno.test("SNAPSHOT waits for a rewrite that is about to begin, and comes behind it", async () => {
  const server = await StoreServer.start(undefined, { appendonly: "yes" });
  fill(server);
  const waiting = server.client(), c = server.client();
  assertEquals(c.send("BGREWRITEAOF"), "Background append only file rewriting started");
  assertEquals(waiting.send("SNAPSHOT"), PENDING);
  await server.finishJobs();
  assertEquals([server.info("aof_rewrite_in_progress"), server.info("aof_rewrites")], [0, 1]);
  assertEquals(waiting.received(), []);
  await server.second();
  assertEquals(waiting.received(), ["OK"]);
});

Deno.test("SNAPSHOT in a transaction is written at once", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  c.send("MULTI");
  c.send("SET", "k", "v");
  c.send("SNAPSHOT", "tx.json");
  assertEquals(c.send("EXEC"), ["OK", "OK"]);
  assertEquals(server.disk.paths(), ["d/tx.json"]);
});

Deno.test("SNAPSHOT refuses paths outside the data directory and files the server needs", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  const outside = failure("ERR The snapshot's path is outside the data directory");
  for (const path of ["../x.json", "/etc/x.json", "a/../../x", "", ".", "./x", "d//x", "x\0.json"]) {
    assertEquals(c.send("SNAPSHOT", path), outside, path);
    assertEquals(c.send("SNAPSHOT", "LOAD", path), outside, path);
  }
  for (const path of ["dump.rdb", "appendonlydir/x"]) {
    assertEquals((c.send("SNAPSHOT", path) as ReplyFailure).message.includes("keeps its data"), true);
  }
  assertEquals((c.send("SNAPSHOT", "nowhere/x.json") as ReplyFailure).message.includes("No such file"), true);
  assertEquals(c.send("SNAPSHOT", "a", "b"), failure("ERR wrong number of arguments for 'snapshot' command"));
});

Deno.test("SNAPSHOT LOAD changes nothing if the file is damaged", async () => {
  const server = await StoreServer.start();
  fill(server);
  const c = server.client(), before = digest(server);
  server.client().send("SNAPSHOT");
  await server.finishJobs();
  const good = server.disk.get("d/snapshot.json")!;
  server.disk.put("d/cut.json", good.slice(0, -20));
  server.disk.put(
    "d/twice.json",
    encode(new TextDecoder().decode(good).replace(/\n(.*),\n/, "\n$1,\n$1,\n")),
  );
  server.disk.put(
    "d/far.json",
    encode(new TextDecoder().decode(good).replace('"database":9', '"database":99')),
  );
  for (const name of ["cut.json", "twice.json", "far.json", "missing.json"]) {
    assertEquals(c.send("SNAPSHOT", "LOAD", name) instanceof ReplyFailure, true, name);
    assertEquals(digest(server), before);
  }
});

Deno.test("SNAPSHOT says why it failed", async () => {
  const server = await StoreServer.start();
  const c = server.client();
  server.disk.failure = (operation) => operation === "write" ? "No space left on device" : undefined;
  assertEquals(c.send("SNAPSHOT"), PENDING);
  await server.finishJobs();
  const [reply] = c.received();
  assertEquals((reply as ReplyFailure).message.endsWith("No space left on device"), true);
  assertEquals(server.disk.paths(), []);
});

Deno.test("snapshot-interval writes snapshots in the background, load-snapshot starts from one", async () => {
  const server = await StoreServer.start(undefined, { "snapshot-interval": "3" });
  fill(server);
  for (let i = 0; i < 4; i++) await server.second();
  const disk = server.disk.afterKill();
  assertEquals(disk.paths(), ["d/snapshot.json"]);
  for (const appendonly of ["no", "yes"]) {
    const next = new StoreServer(disk, { config: { save: "", appendonly } });
    next.engine.config.values.loadSnapshot = "snapshot.json";
    await next.store.load(new LoadProgress(next.clock));
    assertEquals(digest(next), digest(server));
    next.client().send("SET", "more", "data");
    if (appendonly === "no") continue;
    const last = await StoreServer.start(disk.afterKill(), { appendonly });
    assertEquals(digest(last), digest(next));
  }
  const wrong = new StoreServer(disk);
  wrong.engine.config.values.loadSnapshot = "../snapshot.json";
  await assertRejects(() => wrong.store.load(new LoadProgress(wrong.clock)), LoadError, "outside");
});

Deno.test("default-ttl leaves alone what is replayed from the append only file", async () => {
  const config = { appendonly: "yes", "default-ttl": "100" };
  const server = await StoreServer.start(undefined, config), c = server.client();
  c.send("SET", "volatile", "1");
  c.send("GETSET", "kept", "1"); // is written as a SET
  assertEquals([c.send("TTL", "volatile"), c.send("TTL", "kept")], [100, -1]);
  const again = (await StoreServer.start(server.disk.afterKill(), config)).client();
  assertEquals([again.send("TTL", "volatile"), again.send("TTL", "kept")], [100, -1]);
});
