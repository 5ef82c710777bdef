/** Files that a disk, a stranger or an accident has damaged. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { defaultLimits } from "../../../../src/data/limits.ts";
import { AppendOnlyFile, defaultAofSettings } from "../../../../src/persistence/aof/aof.ts";
import { type AofTarget, loadAppendOnlyFile } from "../../../../src/persistence/aof/aof_loader.ts";
import type { FileHandle } from "../../../../src/persistence/files.ts";
import { LoadError, loadNow, LoadProgress, type LoadSteps } from "../../../../src/persistence/loading.ts";
import { RdbError, RdbInput } from "../../../../src/persistence/rdb/rdb_input.ts";
import { RdbReader, type RdbTarget } from "../../../../src/persistence/rdb/rdb_reader.ts";
import { type CommandBatch, firstOffsetOf } from "../../../../src/protocol/command_batch.ts";
import { bytesOf, latin1 } from "../../../../src/util/bytes.ts";
import { VirtualClock } from "../../../../src/util/clock.ts";
import { Random } from "../../../../src/util/random.ts";
import { StoreServer } from "../../../support/data_store.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { SimulatedFiles } from "../../../support/simulated_files.ts";

/** Loads bytes as an RDB file, and forgets them. */
function readRdb(bytes: Uint8Array): void {
  const target: RdbTarget = {
    databaseCount: 16,
    checksChecksum: true,
    aux: () => {},
    functionLibrary: () => null,
    putString: () => {},
    putCollection: () => {},
    skippedEmpty: () => {},
    warn: () => {},
  };
  loadNow(new RdbReader(RdbInput.of(bytes), target, defaultLimits()).read());
}

/** An RDB file of every type, of at least so many bytes. */
async function rdbOf(size: number): Promise<Uint8Array> {
  const server = await StoreServer.start(), c = server.client();
  c.send("RPUSH", "list", "a", "b", "12", "-70000");
  c.send("SADD", "set", "x", "y");
  c.send("SADD", "ints", "3", "1", "2");
  c.send("ZADD", "zset", "1.5", "one", "-inf", "least");
  c.send("HSET", "hash", "f", "1", "g", "2");
  c.send("XADD", "stream", "5-1", "f", "v");
  c.send("XGROUP", "CREATE", "stream", "group", "0");
  c.send("XREADGROUP", "GROUP", "group", "me", "STREAMS", "stream", ">");
  c.send("SET", "compressed", "z".repeat(1000), "PX", "100000");
  const random = new Random(7);
  for (let i = 0;; i++) {
    const codes = Array.from({ length: 2000 }, () => random.below(256));
    c.send("SET", `string:${i}`, String.fromCharCode(...codes));
    if (i * 2000 < size - 1000) continue;
    c.send("SAVE");
    const bytes = server.disk.get("d/dump.rdb")!;
    if (bytes.length >= size) return bytes;
  }
}

/** Nobody is helped by a message without words, or with a stack. */
function assertClear(error: Error): void {
  assert(error.message.length > 10 && !error.message.includes("\n"), error.message);
}

Deno.test("every single bit flip of an RDB file of 16 KB is refused", async () => {
  const bytes = await rdbOf(16_384);
  readRdb(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    try {
      readRdb(bytes);
      throw new Error(`bit ${bit} was not noticed`);
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      assertClear(error);
    }
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
});

Deno.test("an RDB file cut at any byte, and random garbage, is refused", async () => {
  const bytes = await rdbOf(3000);
  for (let length = 0; length < bytes.length; length++) {
    assertClear(
      assertThrows(() => readRdb(bytes.subarray(0, length)), RdbError, undefined, `${length} bytes`),
    );
  }
  for (let seed = 1; seed <= 3000; seed++) {
    const random = new Random(seed);
    const garbage = Uint8Array.from({ length: random.below(300) }, () => random.below(256));
    // With a header that promises something better, half of the time.
    if (seed % 2 === 0) garbage.set(bytesOf("REDIS0010").subarray(0, garbage.length));
    assertClear(assertThrows(() => readRdb(garbage), RdbError, undefined, `seed ${seed}`));
  }
});

Deno.test("an RDB file of a version that is not known is refused by its number", () => {
  const versions = { "0000": 0, "0013": 13, "0099": 99, "9999": 9999, "abcd": 0, "-001": -1, "1e1 ": 1 };
  for (const [digits, version] of Object.entries(versions)) {
    const bytes = bytesOf(`REDIS${digits}\xff`);
    assertThrows(() => readRdb(bytes), RdbError, `Can't handle RDB format version ${version}`);
  }
  assertThrows(() => readRdb(bytesOf("SIDER0010\xff")), RdbError, "Wrong signature");
});

Deno.test("lengths that a file cannot hold are refused at once and without memory for them", () => {
  const huge = [
    "\x81\xff\xff\xff\xff\xff\xff\xff\xff",
    "\x81\0\0\0\xff\xff\xff\xff\xff",
    "\x80\x7f\xff\xff\xff",
  ];
  // Whoever went on to read so many elements would not come back from here.
  const before = Deno.memoryUsage();
  for (const length of huge) {
    for (let type = 0; type < 256; type++) {
      for (
        const between of ["", "\x01k", "\x01k\x01", "\x01k\xc3\x02", "\x01k\xc3\x02\x80\x7f\xff\xff\xff"]
      ) {
        const bytes = bytesOf(`REDIS0012${String.fromCharCode(type)}${between}${length}${"\0".repeat(20)}`);
        try {
          readRdb(bytes);
        } catch (error) {
          if (!(error instanceof RdbError)) throw error;
        }
      }
    }
  }
  const after = Deno.memoryUsage();
  const grown = after.external - before.external + after.heapTotal - before.heapTotal;
  assert(grown < 64 << 20, `${grown} bytes more`);
});

Deno.test("a server does not start from a damaged RDB file, and says where the damage is", async () => {
  const good = await rdbOf(2000);
  for (const [name, bytes] of [["cut", good.slice(0, 1500)], ["empty", new Uint8Array()]] as const) {
    const disk = new SimulatedFiles();
    disk.put("d/dump.rdb", bytes);
    const error = await assertRejects(() => StoreServer.start(disk), LoadError, undefined, name);
    assertEquals([error.file, error.message.includes(`at offset ${error.offset}`)], ["dump.rdb", true]);
  }
});

/** A disk with one increment, of which only the first bytes are there; nothing is copied. */
class CutDisk extends SimulatedFiles {
  /** Bytes that are there. */
  length = 0;
  constructor(readonly bytes: Uint8Array) {
    super();
    this.put("d/appendonlydir/appendonly.aof.manifest", bytesOf("file a.1.incr.aof seq 1 type i\n"));
  }

  override existsSync(path: string): boolean {
    return path.endsWith("a.1.incr.aof") || super.existsSync(path);
  }

  override openRead(path: string): FileHandle {
    return path.endsWith("a.1.incr.aof") ? this.#handle(path) : super.openRead(path);
  }

  override openAppend(path: string): FileHandle {
    return this.#handle(path);
  }

  #handle(path: string): FileHandle {
    let at = 0;
    return {
      path,
      readSync: (into) => {
        const part = this.bytes.subarray(at, Math.min(this.length, at + into.length));
        into.set(part);
        at += part.length;
        return part.length;
      },
      truncateSync: (length) => void (this.length = length),
      sizeSync: () => this.length,
      syncSync: () => {},
      closeSync: () => {},
      sync: () => Promise.reject(new Error("not used")),
      writeSync: () => 0,
      isAtSync: () => true,
    };
  }
}

/** Counts what is run, transactions at their end. */
class CountingTarget implements AofTarget {
  commands = 0;
  #queued = -1;

  run(batch: CommandBatch, index: number): null {
    const { buf, offsets } = batch,
      base = firstOffsetOf(batch, index),
      name = latin1(buf, offsets[base]!, offsets[base + 1]!);
    if (name === "MULTI") this.#queued = 0;
    else if (name === "EXEC") this.commands += this.#queued, this.#queued = -1;
    else if (this.#queued >= 0) this.#queued++;
    else this.commands++;
    return null;
  }

  discardTransaction(): void {
    this.#queued = -1;
  }

  // deno-lint-ignore require-yield -- there is none to load
  *loadRdb(): LoadSteps<Uint8Array> {
    throw new Error("not an RDB file");
  }
}

function resp(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

/** An append-only file of 64 KB, and after how many bytes how many commands have been written whole. */
function aofOf64k(): { bytes: Uint8Array; ends: [bytes: number, commands: number][] } {
  const random = new Random(64);
  let text = "", commands = 0;
  const ends: [number, number][] = [[0, 0]];
  while (text.length < 65_536) {
    const words = Array.from({ length: 1 + random.below(4) }, () => {
      const value = "\r\n*$1".charAt(random.below(5)).repeat(random.below(1500));
      return resp("SET", `key:${random.below(100)}`, value);
    });
    const isTransaction = words.length > 1 && random.below(2) === 0;
    if (random.below(6) === 0) text += `#TS:${1_700_000_000 + commands}\r\n`;
    if (isTransaction) text += resp("MULTI") + words.join("") + resp("EXEC");
    for (const word of isTransaction ? [] : words) {
      ends.push([text.length + word.length, ++commands]), text += word;
    }
    if (isTransaction) ends.push([text.length, commands += words.length]);
  }
  return { bytes: bytesOf(text), ends };
}

Deno.test("an append-only file of 64 KB cut at any byte loads the longest whole prefix, no more and no less", () => {
  const { bytes, ends } = aofOf64k(), disk = new CutDisk(bytes), clock = new VirtualClock();
  const settings = { ...defaultAofSettings(), dir: "d" };
  const load = (length: number) => {
    const aof = new AppendOnlyFile(disk, clock, new RecordedLog(), settings), target = new CountingTarget();
    disk.length = length;
    aof.readManifest();
    loadNow(loadAppendOnlyFile(aof, target, new LoadProgress(clock)));
    return target.commands;
  };
  let whole = 0;
  for (let length = 0; length <= bytes.length; length++) {
    while ((ends[whole + 1]?.[0] ?? Infinity) <= length) whole++;
    const [end, commands] = ends[whole]!;
    assertEquals(load(length), commands, `${length} bytes`);
    // A whole time stamp behind the last command may stay.
    const rest = latin1(bytes, end, disk.length);
    assert(/^(#TS:\d+\r\n)?$/.test(rest), `${length} bytes: ${disk.length} are left, ${end} were whole`);
  }
});
