import { assertEquals, assertThrows } from "@std/assert";
import { AppendOnlyFile, defaultAofSettings } from "../../../../src/persistence/aof/aof.ts";
import { type AofTarget, loadAppendOnlyFile } from "../../../../src/persistence/aof/aof_loader.ts";
import type { FileHandle } from "../../../../src/persistence/files.ts";
import { LoadError, loadNow, LoadProgress, type LoadSteps } from "../../../../src/persistence/loading.ts";
import { argCountOf, type CommandBatch, firstOffsetOf } from "../../../../src/protocol/command_batch.ts";
import { Random } from "../../../../src/util/random.ts";
import { VirtualClock } from "../../../../src/util/clock.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { SimulatedFiles } from "../../../support/simulated_files.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const INCR_1 = "d/appendonlydir/appendonly.aof.1.incr.aof";

/** Commands in RESP. */
function resp(...commands: string[]): string {
  return commands.map((command) => {
    const words = command.split(" ");
    return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
  }).join("");
}

/** Notes what it is told to run, whole transactions only. */
class RecordingTarget implements AofTarget {
  readonly ran: string[] = [];
  #queued: string[] | null = null;

  run(batch: CommandBatch, index: number): string | null {
    const base = firstOffsetOf(batch, index), count = argCountOf(batch, index);
    const words = Array.from({ length: count }, (_, i) => {
      const start = batch.offsets[base + 2 * i]!, end = batch.offsets[base + 2 * i + 1]!;
      return new TextDecoder().decode(batch.buf.subarray(start, end));
    });
    const text = words.join(" ");
    if (text === "MULTI") this.#queued = [];
    else if (text === "EXEC") this.#queued = this.ran.push(...this.#queued ?? []) < 0 ? [] : null;
    else (this.#queued ?? this.ran).push(text);
    return text === "NONSENSE" ? "Unknown command 'NONSENSE'" : null;
  }

  discardTransaction(): void {
    this.#queued = null;
  }

  /** Pretends that an RDB file has ten bytes. */
  // deno-lint-ignore require-yield -- there is but one step
  *loadRdb(file: FileHandle, _name: string, progress: LoadProgress): LoadSteps<Uint8Array> {
    const bytes = new Uint8Array(30);
    const got = file.readSync(bytes);
    progress.loadedBytes += got;
    this.ran.push("rdb");
    return bytes.subarray(10, got);
  }
}

interface Loaded {
  ran: string[];
  disk: SimulatedFiles;
  log: string[];
}

function load(files: Record<string, string>, loadTruncated = true): Loaded {
  const disk = new SimulatedFiles(), log = new RecordedLog(), clock = new VirtualClock();
  disk.putFolder("d");
  for (const [name, text] of Object.entries(files)) disk.put(`d/appendonlydir/${name}`, encode(text));
  const names = Object.keys(files);
  const manifest = names.map((name) => {
    const [, , seq, kind] = name.split(".");
    return `file ${name} seq ${seq ?? 1} type ${kind === "incr" ? "i" : "b"}\n`;
  });
  disk.put("d/appendonlydir/appendonly.aof.manifest", encode(manifest.join("")));
  const aof = new AppendOnlyFile(disk, clock, log, { ...defaultAofSettings(), dir: "d", loadTruncated });
  aof.readManifest();
  const target = new RecordingTarget();
  loadNow(loadAppendOnlyFile(aof, target, new LoadProgress(clock)));
  return { ran: target.ran, disk, log: log.lines };
}

const incr = "appendonly.aof.1.incr.aof";

Deno.test("loadAppendOnlyFile runs base and increments in order", () => {
  const { ran, log } = load({
    "appendonly.aof.1.base.aof": resp("SELECT 0", "SET a 1"),
    "appendonly.aof.1.incr.aof": "#TS:1700000000\r\n" + resp("SET b 2") + "#TS:1700000001\r\n" +
      resp("INCR b"),
    "appendonly.aof.2.incr.aof": resp("MULTI", "SET c 3", "SET d 4", "EXEC"),
  });
  assertEquals(ran, ["SELECT 0", "SET a 1", "SET b 2", "INCR b", "SET c 3", "SET d 4"]);
  assertEquals(log[0], "DB loaded from base file appendonly.aof.1.base.aof: 0.000 seconds");
});

Deno.test("loadAppendOnlyFile hands an RDB base over and goes on behind it", () => {
  const { ran } = load({
    "appendonly.aof.1.base.rdb": "REDIS.....",
    "appendonly.aof.1.incr.aof": resp("SET b 2"),
  });
  assertEquals(ran, ["rdb", "SET b 2"]);
  const old = load({ "appendonly.aof": "REDIS....." + resp("SET b 2", "SET c 3") + "*1\r" });
  assertEquals(old.ran, ["rdb", "SET b 2", "SET c 3"]);
  assertEquals(
    old.disk.get("d/appendonlydir/appendonly.aof")?.length,
    10 + resp("SET b 2", "SET c 3").length,
  );
});

Deno.test("loadAppendOnlyFile loads the longest whole prefix of a file cut at any byte", () => {
  const commands = [
    "SELECT 0",
    "SET key value",
    "MULTI",
    "SET a 1",
    "SET b 2",
    "EXEC",
    "RPUSH l x y z",
    "DEL key",
  ];
  const text = "#TS:1\r\n" + resp(...commands);
  for (let cut = 0; cut <= text.length; cut++) {
    const { ran, disk } = load({ [incr]: text.slice(0, cut) });
    const whole = ["SELECT 0", "SET key value", "SET a 1", "SET b 2", "RPUSH l x y z", "DEL key"];
    assertEquals(ran, whole.slice(0, ran.length), `cut at ${cut}`);
    const again = disk.get(INCR_1)!;
    const kept = new TextDecoder().decode(again);
    assertEquals(text.startsWith(kept), true);
    const reloaded = load({ [incr]: kept });
    assertEquals(reloaded.ran, ran, `cut at ${cut}`);
    assertEquals(reloaded.log.some((line) => line.startsWith("!!!")), false, "the tail is gone for good");
    if (cut === text.length) assertEquals(ran, whole);
  }
});

Deno.test("loadAppendOnlyFile cuts off a tail of zeros", () => {
  const { ran, disk } = load({ [incr]: resp("SET a 1") + "\0".repeat(4096) });
  assertEquals(ran, ["SET a 1"]);
  assertEquals(disk.get(INCR_1)?.length, resp("SET a 1").length);
});

Deno.test("loadAppendOnlyFile refuses a torn tail with aof-load-truncated no, and in any file but the last", () => {
  const torn = resp("SET a 1") + "*2\r\n$3\r\nDE";
  const error = assertThrows(() => load({ [incr]: torn }, false), LoadError);
  assertEquals([error.file, error.offset], [incr, resp("SET a 1").length]);
  const middle = () => load({ [incr]: torn, "appendonly.aof.2.incr.aof": resp("SET b 1") });
  const second = assertThrows(middle, LoadError, "The truncated file is not the last file");
  assertEquals([second.file, second.offset], [incr, resp("SET a 1").length]);
});

Deno.test("loadAppendOnlyFile refuses a corrupt middle with its offset and a hint", () => {
  const first = resp("SET a 1"), last = resp("SET b 2");
  const faults: [string, string, number][] = [
    ["garbage between commands", first + "garbage\r\n" + last, first.length],
    ["an empty line", first + "\r\n" + last, first.length],
    ["an empty array", first + "*0\r\n" + last, first.length],
    ["a count that is no number", first + "*x\r\n" + last, first.length],
    ["no dollar", first + "*1\r\n:5\r\nabcde\r\n" + last, first.length],
    ["a wrong length", first + "*1\r\n$3\r\nabcde\r\n" + last, first.length],
    ["a length beyond 2 GB", first + "*1\r\n$9999999999\r\nabcde\r\n", first.length],
    ["zeros in the middle", first + "\0".repeat(20) + "\n" + last, first.length],
    ["an unknown command", first + resp("NONSENSE") + last, first.length],
    ["text at the end", first + "nonsense", first.length],
  ];
  for (const [note, text, offset] of faults) {
    const error = assertThrows(() => load({ [incr]: text }), LoadError);
    assertEquals([error.file, error.offset], [incr, offset], note);
    assertEquals(error.hint.includes("redeno check-aof --fix"), true);
  }
});

Deno.test("loadAppendOnlyFile refuses a manifest that lists a file which is not there", () => {
  const disk = new SimulatedFiles(), clock = new VirtualClock();
  disk.put("d/appendonlydir/appendonly.aof.manifest", encode("file x.1.incr.aof seq 1 type i\n"));
  const aof = new AppendOnlyFile(disk, clock, new RecordedLog(), { ...defaultAofSettings(), dir: "d" });
  aof.readManifest();
  assertThrows(
    () => loadNow(loadAppendOnlyFile(aof, new RecordingTarget(), new LoadProgress(clock))),
    LoadError,
    "x.1.incr.aof",
  );
});

Deno.test("loadAppendOnlyFile does not mind where reads end", () => {
  const random = new Random(5);
  const commands = Array.from({ length: 300 }, (_, i) => `SET key${i} ${"v".repeat(random.below(3000))}x`);
  const { ran } = load({ [incr]: resp(...commands) });
  assertEquals(ran, commands);
});

Deno.test("loadAppendOnlyFile never hangs on random damage: it loads a prefix or says where it stopped", () => {
  const text = resp("SELECT 0", "SET key value", "MULTI", "SET a 1", "SET b 2", "EXEC", "RPUSH l x y z");
  const random = new Random(11);
  for (let i = 0; i < 400; i++) {
    const bytes = encode(text);
    for (let n = random.below(3); n >= 0; n--) bytes[random.below(bytes.length)] = random.below(128);
    try {
      load({ [incr]: new TextDecoder().decode(bytes) });
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
    }
  }
});
