import { assertEquals } from "@std/assert";
import { Scripting } from "../../../../src/scripting/scripting.ts";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const NOT_BUSY = new ReplyFailure("NOTBUSY No scripts in execution right now.");

Deno.test("EVAL and EVALSHA run a script, SCRIPT LOAD, EXISTS and FLUSH keep what EVALSHA finds", () => {
  using s = startInProcess();
  const c = s.client(), script = "return {KEYS[1], ARGV[1]}";
  assertEquals(c.send("EVAL", script, "1", "k", "a"), ["k", "a"]);
  assertEquals(c.send("EVAL_RO", script, "1", "k", "a"), ["k", "a"]);
  const hash = String(c.send("SCRIPT", "LOAD", script));
  assertEquals(c.send("SCRIPT", "EXISTS", hash, "0".repeat(40)), [1, 0]);
  assertEquals(c.send("EVALSHA", hash, "1", "k", "b"), ["k", "b"]);
  assertEquals(c.send("EVALSHA_RO", hash.toUpperCase(), "1", "k", "c"), ["k", "c"]);
  assertEquals([c.send("SCRIPT", "FLUSH"), c.send("SCRIPT", "EXISTS", hash)], ["OK", [0]]);
  assertEquals(
    c.send("EVALSHA", hash, "0"),
    new ReplyFailure("NOSCRIPT No matching script. Please use EVAL."),
  );
  assertEquals(c.send("SCRIPT", "KILL"), NOT_BUSY);
});

Deno.test("SCRIPT DEBUG is refused, and so is the script behind it, which was not meant to change data", () => {
  using s = startInProcess();
  const c = s.client(), refusal = new ReplyFailure("ERR The Lua debugger is not supported");
  const script = "return redis.call('INCR', KEYS[1])";
  for (const mode of ["YES", "sync"]) {
    assertEquals(c.send("SCRIPT", "DEBUG", mode), refusal);
    assertEquals(c.send("EVAL", script, "1", mode), refusal);
    assertEquals(c.send("GET", mode), null);
    assertEquals(c.send("EVAL", script, "1", mode), 1, "the refusal was for one script");
  }
  assertEquals([c.send("SCRIPT", "DEBUG", "YES"), c.send("SCRIPT", "DEBUG", "NO")], [refusal, "OK"]);
  assertEquals(c.send("EVAL", script, "1", "k"), 1);
});

Deno.test("FCALL runs what FUNCTION LOAD has loaded; DUMP, RESTORE, DELETE and FLUSH move and remove it", () => {
  using s = startInProcess();
  const c = s.client();
  const library = "#!lua name=lib\nredis.register_function{function_name='first', " +
    "callback=function(keys, args) return {keys[1], args[1]} end, flags={'no-writes'}}";
  assertEquals(c.send("FUNCTION", "LOAD", library), "lib");
  assertEquals(c.send("FCALL", "first", "1", "k", "a"), ["k", "a"]);
  assertEquals(c.send("FCALL_RO", "first", "1", "k", "b"), ["k", "b"]);
  const list = c.send("FUNCTION", "LIST", "LIBRARYNAME", "lib");
  assertEquals(Array.isArray(list) && list.length, 1);
  const dump = String(c.send("FUNCTION", "DUMP"));
  assertEquals(c.send("FUNCTION", "DELETE", "lib"), "OK");
  assertEquals(c.send("FCALL", "first", "0"), new ReplyFailure("ERR Function not found"));
  assertEquals([c.send("FUNCTION", "RESTORE", dump), c.send("FCALL", "first", "1", "k", "c")], [
    "OK",
    ["k", "c"],
  ]);
  assertEquals([c.send("FUNCTION", "FLUSH"), c.send("FUNCTION", "LIST")], ["OK", []]);
  assertEquals(c.send("FUNCTION", "KILL"), NOT_BUSY);
  assertEquals(c.send("FUNCTION", "STATS"), [
    "running_script",
    null,
    "engines",
    ["LUA", ["libraries_count", 0, "functions_count", 0]],
  ]);
});

Deno.test("a script may do what the user of its client may, and redis.acl_check_cmd asks", () => {
  using s = startInProcess();
  s.client().send("ACL", "SETUSER", "ann", "on", "nopass", "+eval", "+get", "~k");
  const c = s.client();
  c.send("AUTH", "ann", "x");
  assertEquals(c.send("EVAL", "return redis.call('GET', 'k')", "0"), null);
  assertEquals(
    c.send("EVAL", "return redis.pcall('SET', 'k', 'v').err", "0"),
    "ERR The user executing the script can't run this command or subcommand",
  );
  const ask = "return {redis.acl_check_cmd('GET', 'k'), redis.acl_check_cmd('GET', 'x')}";
  assertEquals(c.send("EVAL", ask, "0"), [1, null]);
});

Deno.test("SCRIPT FLUSH and FUNCTION FLUSH take SYNC and ASYNC", () => {
  using s = startInProcess();
  const c = s.client(), library = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
  for (const mode of ["SYNC", "ASYNC"]) {
    const hash = String(c.send("SCRIPT", "LOAD", "return 1"));
    c.send("FUNCTION", "LOAD", library);
    assertEquals([c.send("SCRIPT", "FLUSH", mode), c.send("SCRIPT", "EXISTS", hash)], ["OK", [0]]);
    assertEquals([c.send("FUNCTION", "FLUSH", mode), c.send("FUNCTION", "LIST")], ["OK", []]);
  }
  assertEquals(
    c.send("SCRIPT", "FLUSH", "LATER"),
    new ReplyFailure("ERR SCRIPT FLUSH only support SYNC|ASYNC option"),
  );
  assertEquals(
    c.send("FUNCTION", "FLUSH", "LATER"),
    new ReplyFailure("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"),
  );
});

Deno.test("FUNCTION LOAD REPLACE and RESTORE with FLUSH, APPEND or REPLACE say what becomes of libraries of that name", () => {
  using s = startInProcess();
  const c = s.client();
  const library = (name: string, answer: number) =>
    `#!lua name=${name}\nredis.register_function('${name}', function() return ${answer} end)`;
  const names = () =>
    (c.send("FUNCTION", "LIST") as [string, string][]).map(([, name]) => name).sort().join(" ");
  c.send("FUNCTION", "LOAD", library("one", 1));
  assertEquals(
    c.send("FUNCTION", "LOAD", library("one", 2)),
    new ReplyFailure("ERR Library 'one' already exists"),
  );
  assertEquals([c.send("FUNCTION", "LOAD", "REPLACE", library("one", 2)), c.send("FCALL", "one", "0")], [
    "one",
    2,
  ]);
  const dump = String(c.send("FUNCTION", "DUMP"));
  c.send("FUNCTION", "LOAD", "REPLACE", library("one", 3));
  c.send("FUNCTION", "LOAD", library("two", 4));
  const taken = new ReplyFailure("ERR Library one already exists");
  assertEquals([c.send("FUNCTION", "RESTORE", dump), c.send("FUNCTION", "RESTORE", dump, "APPEND")], [
    taken,
    taken,
  ]);
  assertEquals([c.send("FCALL", "one", "0"), names()], [3, "one two"]);
  assertEquals([c.send("FUNCTION", "RESTORE", dump, "REPLACE"), c.send("FCALL", "one", "0")], ["OK", 2]);
  assertEquals([names(), c.send("FUNCTION", "RESTORE", dump, "FLUSH"), names()], ["one two", "OK", "one"]);
});

Deno.test("500 scripts known from EVAL only are kept, including those called again", () => {
  using s = startInProcess();
  const c = s.client(), scriptOf = (i: number) => `return ${i}`;
  const loaded = String(c.send("SCRIPT", "LOAD", "return 'loaded'"));
  const first = String(c.send("EVAL", "return redis.sha1hex(ARGV[1])", "0", scriptOf(0)));
  for (let i = 0; i < 2000; i++) {
    assertEquals(c.send("EVAL", scriptOf(i), "0"), i);
    assertEquals(c.send("EVALSHA", first, "0"), 0);
  }
  const { scripts } = Scripting.of(s.engine);
  assertEquals([scripts.size, s.engine.stats.evictedScripts], [501, 1501]);
  assertEquals(c.send("EVALSHA", loaded, "0"), "loaded");
  const before = scripts.memoryBytes;
  assertEquals(c.send("EVAL", scriptOf(1), "0"), 1, "who comes again is compiled again");
  assertEquals([scripts.size, before >= scripts.memoryBytes], [501, true]);
  assertEquals([c.send("SCRIPT", "FLUSH"), scripts.size, scripts.memoryBytes], ["OK", 0, 0]);
});
