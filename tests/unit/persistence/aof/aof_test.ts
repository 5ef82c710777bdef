import { assertEquals, assertThrows } from "@std/assert";
import { type AofSettings, AppendOnlyFile, defaultAofSettings } from "../../../../src/persistence/aof/aof.ts";
import { FileError, writeAll } from "../../../../src/persistence/files.ts";
import { VirtualClock } from "../../../../src/util/clock.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { SimulatedFiles } from "../../../support/simulated_files.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const SELECT_0 = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
const SELECT_11 = "*2\r\n$6\r\nSELECT\r\n$2\r\n11\r\n";
const INCR_1 = "d/appendonlydir/appendonly.aof.1.incr.aof";
const INCR_2 = "d/appendonlydir/appendonly.aof.2.incr.aof";
const MANIFEST = "d/appendonlydir/appendonly.aof.manifest";

/** An append-only file on a simulated disk, with a base file that just says "base". */
class Bench {
  readonly clock = new VirtualClock();
  readonly log = new RecordedLog();
  readonly settings: AofSettings;
  readonly aof: AppendOnlyFile;

  constructor(settings: Partial<AofSettings> = {}, readonly disk = new SimulatedFiles()) {
    disk.putFolder("d");
    this.settings = { ...defaultAofSettings(), dir: "d", ...settings };
    this.aof = new AppendOnlyFile(disk, this.clock, this.log, this.settings);
  }

  writeBase(path: string, content = "base"): void {
    const file = this.disk.openWrite(path);
    writeAll(file, encode(content));
    file.syncSync();
    file.closeSync();
  }

  start(): this {
    this.aof.readManifest();
    this.aof.openOnStart((path) => this.writeBase(path));
    return this;
  }

  feed(text: string, db = 0): void {
    const bytes = encode(`-${text}-`);
    this.aof.feed(db, bytes, 1, bytes.length - 1);
  }

  /** The files of the folder, by name. */
  folder(): Record<string, string> {
    const prefix = "d/appendonlydir/";
    return Object.fromEntries(
      this.disk.paths().filter((path) => path.startsWith(prefix)).map((path) => [
        path.slice(prefix.length),
        decode(this.disk.get(path)) ?? "",
      ]),
    );
  }

  rewrite(): void {
    this.aof.beginRewrite();
    this.writeBase("d/temp.rdb", "fresh");
    this.aof.commitRewrite("d/temp.rdb");
  }
}

Deno.test("AppendOnlyFile makes base, increment and manifest in an empty folder", () => {
  const bench = new Bench().start();
  assertEquals(bench.folder(), {
    "appendonly.aof.1.base.rdb": "base",
    "appendonly.aof.1.incr.aof": "",
    "appendonly.aof.manifest": "file appendonly.aof.1.base.rdb seq 1 type b\n" +
      "file appendonly.aof.1.incr.aof seq 1 type i\n",
  });
  assertEquals(bench.aof.state, "on");
  assertEquals([bench.aof.currentSize, bench.aof.rewriteBaseSize], [4, 4]);
});

Deno.test("AppendOnlyFile goes on with the last increment of a folder", () => {
  const first = new Bench().start();
  first.feed("SET1");
  first.aof.endOfBatch();
  const second = new Bench({}, first.disk.afterKill()).start();
  second.feed("SET2");
  second.aof.endOfBatch();
  assertEquals(decode(second.disk.get(INCR_1)), SELECT_0 + "SET1" + SELECT_0 + "SET2");
});

Deno.test("AppendOnlyFile writes a batch at once, with SELECT where the database changes", () => {
  const bench = new Bench().start();
  bench.feed("A");
  bench.feed("B");
  bench.feed("C", 11);
  bench.feed("D", 11);
  bench.feed("E");
  const before = bench.disk.journal.length;
  assertEquals(bench.aof.endOfBatch(), true);
  assertEquals(bench.disk.journal.slice(before), [`write ${INCR_1}`]);
  assertEquals(decode(bench.disk.get(INCR_1)), `${SELECT_0}AB${SELECT_11}CD${SELECT_0}E`);
  assertEquals(bench.aof.endOfBatch(), true);
  assertEquals(bench.disk.journal.length, before + 1, "nothing to write, nothing done");
});

Deno.test("AppendOnlyFile under always has each sync timed", () => {
  const bench = new Bench({ fsync: "always" }).start(), events: string[] = [];
  bench.aof.timed = (event, work) => {
    events.push(event);
    work();
  };
  bench.feed("a");
  assertEquals([bench.aof.endOfBatch(), events], [true, ["aof-fsync-always"]]);
  assertEquals(bench.aof.endOfBatch(), true);
  assertEquals(events.length, 1, "nothing new, nothing to sync");
});

Deno.test("AppendOnlyFile under always syncs every batch before it answers", () => {
  const bench = new Bench({ fsync: "always" }).start();
  bench.feed("A");
  const before = bench.disk.journal.length;
  bench.aof.endOfBatch();
  assertEquals(bench.disk.journal.slice(before), [`write ${INCR_1}`, `fsync ${INCR_1}`]);
  bench.aof.endOfBatch();
  assertEquals(bench.disk.journal.length, before + 2);
});

Deno.test("AppendOnlyFile under everysec syncs in the background, once a second, also when writes stop", async () => {
  const bench = new Bench().start();
  const syncs = () => bench.disk.journal.filter((line) => line === `fsync ${INCR_1}`).length;
  bench.feed("A");
  bench.aof.endOfBatch();
  await Promise.resolve();
  assertEquals(syncs(), 0);
  bench.clock.advance(1000);
  bench.aof.tick();
  await Promise.resolve();
  assertEquals(syncs(), 1);
  bench.clock.advance(5000);
  bench.aof.tick();
  await Promise.resolve();
  assertEquals(syncs(), 1, "all is on the disk already");
});

Deno.test("AppendOnlyFile under everysec goes on syncing when the clock is set back", async () => {
  const bench = new Bench().start();
  const syncs = () => bench.disk.journal.filter((line) => line === `fsync ${INCR_1}`).length;
  for (const expected of [1, 2]) {
    bench.feed("A");
    bench.aof.endOfBatch();
    bench.clock.set(-3_600_000);
    bench.clock.advance(1000);
    bench.aof.tick();
    await Promise.resolve();
    assertEquals(syncs(), expected);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
});

Deno.test("AppendOnlyFile never has two background syncs at once and counts slow ones", async () => {
  const bench = new Bench().start();
  bench.disk.holdSyncs = true;
  for (let i = 0; i < 3; i++) {
    bench.feed("A");
    bench.clock.advance(1001);
    bench.aof.endOfBatch();
  }
  assertEquals(bench.aof.pendingSyncs, 1);
  bench.disk.finishSyncs();
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assertEquals([bench.aof.pendingSyncs, bench.aof.delayedSyncs], [0, 1]);
});

Deno.test("AppendOnlyFile stamps each new second if asked", () => {
  const bench = new Bench({ timestamps: true }).start();
  bench.feed("A");
  bench.feed("B");
  bench.clock.advance(1000);
  bench.feed("C");
  bench.aof.endOfBatch();
  assertEquals(decode(bench.disk.get(INCR_1)), `#TS:1700000000\r\n${SELECT_0}AB#TS:1700000001\r\nC`);
});

Deno.test("AppendOnlyFile keeps what a full disk refused, and writes it when there is room", () => {
  const bench = new Bench({ fsync: "always" }).start();
  bench.feed("A");
  bench.aof.endOfBatch();
  bench.disk.longestWrite = 3;
  let writes = 0;
  bench.disk.failure = (operation) =>
    operation === "write" && writes++ > 1 ? "No space left on device" : undefined;
  bench.feed("BCDEFGHIJK");
  assertEquals(bench.aof.endOfBatch(), false);
  assertEquals(bench.aof.refusal, "No space left on device");
  assertEquals(decode(bench.disk.get(INCR_1)), SELECT_0 + "A", "the half command is gone");
  assertEquals(bench.aof.endOfBatch(), true, "a batch that only reads may answer");
  bench.disk.failure = undefined;
  bench.aof.tick();
  assertEquals(bench.aof.refusal, "No space left on device", "not tried again at once");
  bench.clock.advance(1000);
  bench.aof.tick();
  assertEquals(bench.aof.refusal, null);
  assertEquals(decode(bench.disk.get(INCR_1)), SELECT_0 + "ABCDEFGHIJK");
});

Deno.test("AppendOnlyFile goes on behind a half command that cannot be taken back", () => {
  const bench = new Bench().start();
  bench.disk.longestWrite = 30;
  let writes = 0;
  bench.disk.failure = (operation) => {
    if (operation === "truncate") return "Operation not permitted";
    return operation === "write" && writes++ > 0 ? "No space left on device" : undefined;
  };
  bench.feed("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  assertEquals(bench.aof.endOfBatch(), false);
  bench.disk.failure = undefined;
  assertEquals(bench.aof.endOfBatch(), true);
  assertEquals(decode(bench.disk.get(INCR_1)), SELECT_0 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
});

Deno.test("AppendOnlyFile refuses writes after a failed fsync until a fresh base is on the disk", () => {
  const bench = new Bench({ fsync: "always" }).start();
  bench.feed("A");
  let failing = true;
  bench.disk.failure = (operation) => operation === "fsync" && failing ? "Input/output error" : undefined;
  assertEquals(bench.aof.endOfBatch(), false);
  failing = false;
  bench.clock.advance(60_000);
  bench.aof.tick();
  assertEquals(bench.aof.refusal, "Input/output error", "a later fsync would prove nothing");
  assertEquals([bench.aof.needsBase, bench.aof.state], [true, "waiting"]);
  bench.aof.beginRewrite();
  bench.feed("B");
  bench.writeBase("d/temp.rdb", "fresh");
  bench.aof.commitRewrite("d/temp.rdb");
  assertEquals([bench.aof.refusal, bench.aof.state], [null, "on"]);
  bench.feed("C");
  assertEquals(bench.aof.endOfBatch(), true);
  assertEquals(bench.folder(), {
    "appendonly.aof.2.base.rdb": "fresh",
    "appendonly.aof.2.incr.aof": SELECT_0 + "BC",
    "appendonly.aof.manifest": "file appendonly.aof.2.base.rdb seq 2 type b\n" +
      "file appendonly.aof.2.incr.aof seq 2 type i\n",
  });
});

Deno.test("AppendOnlyFile finds out about a failed background fsync too", async () => {
  const bench = new Bench().start();
  bench.feed("A");
  bench.disk.failure = (operation) => operation === "fsync" ? "Input/output error" : undefined;
  bench.clock.advance(1000);
  assertEquals(bench.aof.endOfBatch(), true);
  for (let i = 0; i < 5; i++) await Promise.resolve();
  assertEquals([bench.aof.refusal, bench.aof.state], ["Input/output error", "waiting"]);
});

Deno.test("AppendOnlyFile.beginRewrite starts an increment, commitRewrite drops what the base replaces", () => {
  const bench = new Bench().start();
  bench.feed("A");
  bench.aof.beginRewrite();
  assertEquals(decode(bench.disk.get(INCR_1)), SELECT_0 + "A");
  bench.feed("B");
  bench.aof.endOfBatch();
  assertEquals(
    decode(bench.disk.get(MANIFEST)),
    "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n" +
      "file appendonly.aof.2.incr.aof seq 2 type i\n",
  );
  bench.writeBase("d/temp.rdb", "fresh");
  bench.aof.commitRewrite("d/temp.rdb");
  assertEquals(bench.folder(), {
    "appendonly.aof.2.base.rdb": "fresh",
    "appendonly.aof.2.incr.aof": SELECT_0 + "B",
    "appendonly.aof.manifest": "file appendonly.aof.2.base.rdb seq 2 type b\n" +
      "file appendonly.aof.2.incr.aof seq 2 type i\n",
  });
  assertEquals(bench.aof.currentSize, bench.aof.rewriteBaseSize);
});

Deno.test("AppendOnlyFile.abortRewrite keeps both increments", () => {
  const bench = new Bench().start();
  bench.feed("A");
  bench.aof.beginRewrite();
  bench.feed("B");
  bench.aof.abortRewrite();
  bench.feed("C");
  bench.aof.endOfBatch();
  assertEquals(decode(bench.disk.get(INCR_2)), SELECT_0 + "BC");
  bench.rewrite();
  assertEquals(Object.keys(bench.folder()), [
    "appendonly.aof.2.base.rdb",
    "appendonly.aof.3.incr.aof",
    "appendonly.aof.manifest",
  ]);
});

Deno.test("AppendOnlyFile turned on at run time collects aside until its base is there", () => {
  const bench = new Bench();
  bench.aof.enable();
  bench.feed("before the snapshot");
  assertEquals(bench.aof.needsBase, true);
  bench.aof.beginRewrite();
  bench.feed("A");
  bench.aof.endOfBatch();
  assertEquals(Object.keys(bench.folder()), ["temp-appendonly.aof.incr"]);
  bench.writeBase("d/temp.rdb", "fresh");
  bench.aof.commitRewrite("d/temp.rdb");
  assertEquals(bench.folder()["appendonly.aof.1.incr.aof"], SELECT_0 + "A");
  assertEquals([bench.aof.state, bench.folder()["appendonly.aof.1.base.rdb"]], ["on", "fresh"]);
  bench.aof.disable();
  bench.feed("lost");
  assertEquals([bench.aof.state, bench.aof.pendingBytes], ["off", 0]);
});

Deno.test("AppendOnlyFile.upgradeSingleFile takes an old file in, whatever an earlier attempt left", () => {
  for (const left of ["nothing", "the manifest"]) {
    const bench = new Bench();
    bench.disk.put("d/appendonly.aof", encode("old commands"));
    if (left === "the manifest") {
      bench.disk.put(MANIFEST, encode("file appendonly.aof seq 1 type b\n"));
    }
    bench.aof.readManifest();
    bench.aof.upgradeSingleFile();
    bench.start();
    assertEquals(bench.disk.existsSync("d/appendonly.aof"), false);
    assertEquals(bench.folder()["appendonly.aof"], "old commands", left);
    assertEquals(
      bench.folder()["appendonly.aof.manifest"],
      "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    bench.rewrite();
    assertEquals(Object.keys(bench.folder()), [
      "appendonly.aof.2.base.rdb",
      "appendonly.aof.2.incr.aof",
      "appendonly.aof.manifest",
    ]);
  }
});

Deno.test("AppendOnlyFile survives each operation of a rewrite failing, and a rewrite afterwards succeeds", () => {
  for (let failing = 0;; failing++) {
    const bench = new Bench({ fsync: "always" }).start();
    bench.feed("A");
    bench.aof.endOfBatch();
    const from = bench.disk.journal.length;
    bench.disk.failure = (_operation, _path, number) =>
      number === from + failing ? "Input/output error" : undefined;
    let failed = false;
    try {
      bench.rewrite();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      failed = true;
      bench.aof.abortRewrite();
    }
    const operation = bench.disk.journal[from + failing];
    bench.disk.failure = undefined;
    if (operation === undefined) {
      assertEquals(failed, false);
      break;
    }
    const started = new Bench({}, bench.disk.afterKill());
    started.aof.readManifest();
    for (const info of [started.aof.manifest.base, ...started.aof.manifest.increments]) {
      const path = info && started.aof.pathOf(info.name);
      assertEquals(path !== null && started.disk.existsSync(path), true, `${operation}: ${info?.name}`);
    }
    bench.clock.advance(2000);
    bench.rewrite();
    bench.feed("B");
    assertEquals(bench.aof.endOfBatch(), true, operation);
    const names = Object.keys(bench.folder()).filter((name) => name.includes("incr"));
    assertEquals(names.map((name) => bench.folder()[name]), [SELECT_0 + "B"], operation);
  }
});

Deno.test("AppendOnlyFile.openOnStart passes file errors on", () => {
  const bench = new Bench();
  bench.disk.failure = (operation) => operation === "rename" ? "Read-only file system" : undefined;
  assertThrows(() => bench.start(), FileError, "Read-only file system");
});
