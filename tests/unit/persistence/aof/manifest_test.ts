import { assertEquals, assertThrows } from "@std/assert";
import {
  emptyManifest,
  formatManifest,
  ManifestError,
  nextBase,
  nextIncrement,
  parseManifest,
  withBase,
  withIncrement,
  withoutHistory,
} from "../../../../src/persistence/aof/manifest.ts";

const full = "file appendonly.aof.2.base.rdb seq 2 type b\n" +
  "file appendonly.aof.1.incr.aof seq 1 type h\n" +
  "file appendonly.aof.4.incr.aof seq 4 type i\n" +
  "file appendonly.aof.5.incr.aof seq 5 type i\n";

Deno.test("parseManifest and formatManifest are each other's inverse", () => {
  const manifest = parseManifest(full);
  assertEquals(manifest.base, { name: "appendonly.aof.2.base.rdb", seq: 2, type: "b" });
  assertEquals(manifest.history.map((info) => info.seq), [1]);
  assertEquals(manifest.increments.map((info) => info.seq), [4, 5]);
  assertEquals(formatManifest(manifest), full);
});

Deno.test("parseManifest takes comments, blanks, quotes, upper case and pairs it does not know", () => {
  const manifest = parseManifest(
    '# a comment\n  FILE "my file.aof" \tSeq 1 type incr  color blue \r\n#no line break at the end',
  );
  assertEquals(manifest.increments, [{ name: "my file.aof", seq: 1, type: "i" }]);
  assertEquals(formatManifest(manifest), 'file "my file.aof" seq 1 type i\n');
});

Deno.test("parseManifest refuses what Redis refuses, with its words", () => {
  const line = "file a.1.incr.aof seq 1 type i\n";
  const cases: [string, string, number?][] = [
    ["", "Found an empty AOF manifest"],
    ["\n", "Invalid AOF manifest file format", 1],
    ["file a seq 1\n", "Invalid AOF manifest file format", 1],
    ["file a seq 1 type i x\n", "Invalid AOF manifest file format", 1],
    ['file "a seq 1 type i\n', "Invalid AOF manifest file format", 1],
    [line + "file a seq x type i\n", "Invalid AOF manifest file format", 2],
    ["file dir/a seq 1 type i\n", "File can't be a path, just a filename", 1],
    ["file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2],
    [line + line, "Found a non-monotonic sequence number", 2],
    ["file a seq 1 type z\n", "Unknown AOF file type", 1],
    [line.trimEnd(), "The AOF manifest file contains too long line", 0],
    [`file ${"a".repeat(1024)} seq 1 type i\n`, "The AOF manifest file contains too long line", 0],
  ];
  for (const [text, message, lineNumber] of cases) {
    const error = assertThrows(() => parseManifest(text), ManifestError);
    assertEquals([error.message, error.lineNumber], [message, lineNumber ?? 0], text);
  }
});

Deno.test("ManifestError.report names the line", () => {
  const error = assertThrows(() => parseManifest("file a seq 1 type z\n"), ManifestError);
  assertEquals(error.report(), [
    "*** FATAL AOF MANIFEST FILE ERROR ***",
    "Reading the manifest file, at line 1",
    ">>> 'file a seq 1 type z'",
    "Unknown AOF file type",
  ]);
});

Deno.test("withBase turns what a rewrite replaced into history, newest first", () => {
  const before = withIncrement(parseManifest(full), { name: "appendonly.aof.6.incr.aof", seq: 6, type: "i" });
  const base = nextBase(before, "appendonly.aof", true);
  const after = withBase(before, base, before.increments.at(-1));
  assertEquals(base.name, "appendonly.aof.3.base.rdb");
  assertEquals(after.history.map((info) => `${info.name.slice(15)} ${info.type}`), [
    "5.incr.aof h",
    "4.incr.aof h",
    "2.base.rdb h",
    "1.incr.aof h",
  ]);
  assertEquals(after.increments.map((info) => info.seq), [6]);
  assertEquals(withoutHistory(after).history, []);
  assertEquals(withBase(before, base, undefined).increments, []);
});

Deno.test("nextBase and nextIncrement count up from the manifest", () => {
  assertEquals(nextBase(emptyManifest, "x", false).name, "x.1.base.aof");
  assertEquals(nextIncrement(emptyManifest, "x").name, "x.1.incr.aof");
  assertEquals(nextIncrement(parseManifest(full), "x").name, "x.6.incr.aof");
  assertEquals(nextIncrement(parseManifest("file x.7.incr.aof seq 7 type h\n"), "x").name, "x.8.incr.aof");
});
