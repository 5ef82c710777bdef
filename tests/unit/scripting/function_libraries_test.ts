/** Function libraries: listing, dumps and how they are restored. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type InProcessClient, startInProcess } from "../../support/in_process.ts";
import { ReplyFailure } from "../../../src/protocol/reply_values.ts";

function library(name: string, fn: string, result: string): string {
  return `#!lua name=${name}\nredis.register_function('${fn}', function() return '${result}' end)`;
}

function load(c: InProcessClient, ...codes: string[]): void {
  for (const code of codes) assert(!(c.send("FUNCTION", "LOAD", code) instanceof ReplyFailure), code);
}

function failureOf(c: InProcessClient, ...words: string[]): string {
  const reply = c.send(...words);
  assert(reply instanceof ReplyFailure, `${words.join(" ")}: ${Deno.inspect(reply)}`);
  return reply.message;
}

/** Names of the libraries that match a pattern. */
function listed(c: InProcessClient, ...options: string[]): unknown[] {
  const list = c.send("FUNCTION", "LIST", ...options);
  assert(Array.isArray(list));
  return list.map((entry) => Array.isArray(entry) ? entry[1] : entry).sort();
}

/** A dump with the libraries `a` (its function says "dumped") and `b`. */
function dumped(): string {
  using s = startInProcess();
  const c = s.client();
  load(c, library("a", "fa", "dumped"), library("b", "fb", "dumped"));
  return String(c.send("FUNCTION", "DUMP"));
}

Deno.test("FUNCTION LIST filters by a pattern in any case and shows the code if asked for", () => {
  using s = startInProcess();
  const c = s.client();
  load(c, library("first", "f1", "1"), library("second", "f2", "2"), library("First2", "f3", "3"));
  assertEquals(listed(c), ["First2", "first", "second"]);
  assertEquals(listed(c, "LIBRARYNAME", "first*"), ["First2", "first"]);
  assertEquals(listed(c, "LIBRARYNAME", "?econd"), ["second"]);
  assertEquals(listed(c, "LIBRARYNAME", "none"), []);
  const [entry] = c.send("FUNCTION", "LIST", "WITHCODE", "LIBRARYNAME", "second") as unknown[];
  assertEquals(entry, [
    ...["library_name", "second", "engine", "LUA"],
    ...["functions", [["name", "f2", "description", null, "flags", []]]],
    ...["library_code", library("second", "f2", "2")],
  ]);
});

Deno.test("FUNCTION RESTORE appends, replaces or flushes, all of the dump or nothing", () => {
  using s = startInProcess();
  const c = s.client(), dump = dumped();
  const start = (...codes: string[]) => {
    c.send("FUNCTION", "FLUSH");
    load(c, ...codes);
  };
  start(library("c", "fc", "own"));
  assertEquals([c.send("FUNCTION", "RESTORE", dump), listed(c)], ["OK", ["a", "b", "c"]]);
  start(library("a", "fa", "own"), library("c", "fc", "own"));
  assertEquals(failureOf(c, "FUNCTION", "RESTORE", dump, "APPEND"), "ERR Library a already exists");
  assertEquals([listed(c), c.send("FCALL", "fa", "0")], [["a", "c"], "own"]);
  assertEquals(c.send("FUNCTION", "RESTORE", dump, "replace"), "OK");
  assertEquals([listed(c), c.send("FCALL", "fa", "0"), c.send("FCALL", "fc", "0")], [
    ["a", "b", "c"],
    "dumped",
    "own",
  ]);
  start(library("a", "fa", "own"), library("c", "fc", "own"));
  assertEquals([c.send("FUNCTION", "RESTORE", dump, "FLUSH"), listed(c)], ["OK", ["a", "b"]]);
  assertEquals(failureOf(c, "FCALL", "fc", "0"), "ERR Function not found");
});

Deno.test("FUNCTION RESTORE changes nothing when a function's name is taken by another library", () => {
  using s = startInProcess();
  const c = s.client(), dump = dumped();
  load(c, library("c", "fb", "own"));
  for (const policy of ["APPEND", "REPLACE"]) {
    assertEquals(failureOf(c, "FUNCTION", "RESTORE", dump, policy), "ERR Function fb already exists");
    assertEquals([listed(c), c.send("FCALL", "fb", "0")], [["c"], "own"]);
  }
  assertEquals(c.send("FUNCTION", "RESTORE", dump, "FLUSH"), "OK");
  assertEquals([listed(c), c.send("FCALL", "fb", "0")], [["a", "b"], "dumped"]);
});

Deno.test("FUNCTION RESTORE refuses a payload with any byte changed, and one that was cut", () => {
  using s = startInProcess();
  const c = s.client(), dump = dumped();
  for (let i = 0; i < dump.length; i++) {
    const damaged = dump.slice(0, i) + String.fromCharCode(dump.charCodeAt(i) ^ 1) + dump.slice(i + 1);
    assertMatch(
      failureOf(c, "FUNCTION", "RESTORE", damaged),
      /^ERR DUMP payload version or checksum are wrong$/,
    );
    assertMatch(
      failureOf(c, "FUNCTION", "RESTORE", dump.slice(0, i)),
      /^ERR DUMP payload version or checksum are wrong$/,
    );
  }
  assertEquals(listed(c), []);
});

Deno.test("a library that is replaced or deleted takes its functions along", () => {
  using s = startInProcess();
  const c = s.client();
  load(c, library("a", "old", "1"));
  assertEquals(c.send("FUNCTION", "LOAD", "REPLACE", library("a", "new", "2")), "a");
  assertEquals(failureOf(c, "FCALL", "old", "0"), "ERR Function not found");
  assertEquals(c.send("FCALL", "NEW", "0"), "2");
  assertEquals(
    failureOf(c, "FUNCTION", "LOAD", "REPLACE", "#!lua name=a\nerror('no')").slice(0, 35),
    "ERR Error registering functions: ER",
  );
  assertEquals(c.send("FCALL", "new", "0"), "2");
  load(c, library("b", "other", "3"));
  assertEquals(
    failureOf(c, "FUNCTION", "LOAD", "REPLACE", library("a", "other", "4")),
    "ERR Function other already exists",
  );
  assertEquals([c.send("FCALL", "other", "0"), c.send("FCALL", "new", "0")], ["3", "2"]);
  c.send("FUNCTION", "DELETE", "a");
  assertEquals(failureOf(c, "FCALL", "new", "0"), "ERR Function not found");
});

Deno.test("libraries are loaded again after one has spoilt the interpreter, however long that takes", () => {
  using s = startInProcess();
  const c = s.client();
  const slow = "redis.log(redis.LOG_DEBUG, 'loading') for i = 1, 250000 do end\n";
  load(
    c,
    "#!lua name=spoils\nredis.register_function('spoil', function() table.insert(redis, 'x') return 'spoilt' end)",
    `#!lua name=slow\n${slow}redis.register_function('f', function() return 'here' end)`,
  );
  s.engine.log.debug = () => s.clock.advance(10_000);
  for (let i = 0; i < 2; i++) {
    assertEquals([c.send("FCALL", "spoil", "0"), c.send("FCALL", "f", "0")], ["spoilt", "here"]);
    assertEquals(listed(c), ["slow", "spoils"]);
  }
});
