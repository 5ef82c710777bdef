import { assertEquals, assertThrows } from "@std/assert";
import {
  denoFiles,
  FileError,
  type FileSystem,
  joinPath,
  readWhole,
  writeAll,
} from "../../../src/persistence/files.ts";
import { Random } from "../../../src/util/random.ts";
import { SimulatedFiles } from "../../support/simulated_files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined) => content && new TextDecoder().decode(content);

/** What both the machine's files and the simulated ones must do. */
async function exercise(files: FileSystem, dir: string): Promise<void> {
  const path = joinPath(dir, "a"), other = joinPath(dir, "b");
  files.mkdirSync(dir);
  files.mkdirSync(dir);
  const file = files.openAppend(path);
  writeAll(file, bytes("hello "));
  writeAll(file, bytes("world"));
  await file.sync();
  file.truncateSync(6);
  writeAll(file, bytes("there"));
  assertEquals(file.sizeSync(), 11);
  file.syncSync();
  const late = file.sync();
  file.closeSync();
  await late;
  files.renameSync(path, other);
  files.syncDirSync(dir);
  assertEquals(files.existsSync(path), false);
  assertEquals(files.existsSync(other), true);
  assertEquals(text(readWhole(files, other)), "hello there");
  assertEquals(files.readDirSync(dir), ["b"]);
  const again = files.openAppend(other);
  writeAll(again, bytes("!"));
  again.closeSync();
  assertEquals(text(readWhole(files, other)), "hello there!");
  files.openWrite(other).closeSync();
  assertEquals(readWhole(files, other).length, 0);
  files.unlinkSync(other);
  const error = assertThrows(() => files.openRead(other), FileError);
  assertEquals(error.reason, "No such file or directory");
  assertThrows(() => files.renameSync(other, path), FileError);
  assertThrows(() => files.unlinkSync(other), FileError);
  assertThrows(() => files.openAppend(joinPath(dir, "nowhere/x")), FileError);
}

Deno.test("denoFiles opens, appends, cuts, renames, lists and removes", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    await exercise(denoFiles, joinPath(dir, "data"));
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("SimulatedFiles does the same in memory", async () => {
  await exercise(new SimulatedFiles(), "data");
});

Deno.test("writeAll goes on after short writes and refuses one that takes nothing", () => {
  const disk = new SimulatedFiles();
  disk.longestWrite = 3;
  writeAll(disk.openWrite("x"), bytes("0123456789"));
  assertEquals(text(disk.get("x")), "0123456789");
  disk.longestWrite = 0;
  assertThrows(() => writeAll(disk.openWrite("x"), bytes("0")), FileError);
});

Deno.test("SimulatedFiles keeps what was synced, and some prefix of the rest, when the power goes", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = new SimulatedFiles();
    const file = disk.openAppend("x");
    writeAll(file, bytes("ab"));
    file.syncSync();
    disk.syncDirSync("");
    writeAll(file, bytes("cd"));
    writeAll(file, bytes("ef"));
    disk.renameSync("x", "y");
    const left = disk.afterPowerCut(new Random(seed));
    seen.add(left.paths().map((path) => `${path}=${text(left.get(path))}`).join());
    assertEquals(text(disk.afterKill().get("y")), "abcdef");
  }
  const contents = ["ab", "abc", "abcd", "abcde", "abcdef"];
  assertEquals([...seen].sort(), [...contents.map((c) => `x=${c}`), ...contents.map((c) => `y=${c}`)]);
});

Deno.test("SimulatedFiles fails the operations it is told to", () => {
  const disk = new SimulatedFiles();
  disk.failure = (operation) => operation === "write" ? "No space left on device" : undefined;
  const error = assertThrows(() => disk.openWrite("x").writeSync(bytes("a")), FileError);
  assertEquals(error.message, "Can't write x: No space left on device");
  assertEquals(disk.journal, ["open x", "write x"]);
});
