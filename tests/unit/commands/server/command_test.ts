import { assert, assertEquals } from "@std/assert";
import { type InProcessClient, startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

function inResp3(c: InProcessClient): InProcessClient {
  c.client.reply.resp = 3;
  return c;
}

function infoOf(c: InProcessClient, name: string): unknown[] {
  const [info] = c.send("COMMAND", "INFO", name) as unknown[];
  assert(Array.isArray(info));
  return info;
}

Deno.test("COMMAND INFO describes a command by name, arity, flags, keys, categories, tips and specifications", () => {
  using s = startInProcess();
  assertEquals(infoOf(s.client(), "GET"), [
    "get",
    2,
    ["readonly", "fast"],
    1,
    1,
    1,
    ["@read", "@string", "@fast"],
    [],
    [[
      "flags",
      ["RO", "access"],
      "begin_search",
      ["type", "index", "spec", ["index", 1]],
      "find_keys",
      ["type", "range", "spec", ["lastkey", 0, "keystep", 1, "limit", 0]],
    ]],
    [],
  ]);
});

Deno.test("COMMAND INFO gives the first and last key of ranges, and movablekeys where there are none", () => {
  using s = startInProcess();
  const c = s.client();
  const range = (name: string) => infoOf(c, name).slice(3, 6);
  assertEquals(range("del"), [1, -1, 1]);
  assertEquals(range("mset"), [1, -1, 2]);
  assertEquals(range("rename"), [1, 2, 1]);
  assertEquals(range("sort"), [1, 1, 1]);
  assertEquals(range("bitop"), [2, -1, 1]);
  assertEquals(range("xread"), [0, 0, 0]);
  assertEquals((infoOf(c, "xread")[2] as string[]).includes("movablekeys"), true);
  assertEquals((infoOf(c, "mset")[2] as string[]).includes("movablekeys"), false);
});

Deno.test("COMMAND INFO replies null for what does not exist and sub-commands by their full name", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("COMMAND", "INFO", "nosuch"), [null]);
  assertEquals(infoOf(c, "CONFIG|GET")[0], "config|get");
  const subcommands = infoOf(c, "config")[9] as unknown[][];
  assertEquals(subcommands.map(([name]) => name).sort(), [
    "config|get",
    "config|help",
    "config|resetstat",
    "config|rewrite",
    "config|set",
  ]);
});

Deno.test("COMMAND, COMMAND COUNT and COMMAND DOCS agree on how many commands there are; LIST has sub-commands too", () => {
  using s = startInProcess();
  const c = s.client(), count = c.send("COMMAND", "COUNT");
  assertEquals((c.send("COMMAND") as unknown[]).length, count);
  assertEquals((c.send("COMMAND", "INFO") as unknown[]).length, count);
  const names = c.send("COMMAND", "LIST") as string[];
  assertEquals(names.filter((name) => !name.includes("|")).length, count);
  assert(names.includes("client|list"));
  assertEquals((inResp3(c).send("COMMAND", "DOCS") as Map<string, unknown>).size, count);
});

Deno.test("COMMAND LIST FILTERBY chooses by category, by pattern and by module", () => {
  using s = startInProcess();
  const c = s.client();
  const list = (...words: string[]) => c.send("COMMAND", "LIST", ...words);
  assertEquals(list("FILTERBY", "PATTERN", "XR*"), ["xrange", "xrevrange", "xread", "xreadgroup"]);
  assertEquals((list("FILTERBY", "ACLCAT", "Geo") as string[]).includes("geoadd"), true);
  assertEquals((list("FILTERBY", "ACLCAT", "admin") as string[]).includes("config|set"), true);
  assertEquals(list("FILTERBY", "ACLCAT", "nosuch"), []);
  assertEquals(list("FILTERBY", "MODULE", "x"), []);
  assertEquals(list("FILTERBY", "NOSUCH", "x"), new ReplyFailure("ERR syntax error"));
  assertEquals(list("FILTERBY"), new ReplyFailure("ERR syntax error"));
});

Deno.test("COMMAND GETKEYS finds keys, with flags by what the call does", () => {
  using s = startInProcess();
  const c = s.client();
  const keys = (...words: string[]) => c.send("COMMAND", "GETKEYS", ...words);
  const flags = (...words: string[]) => c.send("COMMAND", "GETKEYSANDFLAGS", ...words);
  assertEquals(keys("MSET", "a", "1", "b", "2"), ["a", "b"]);
  assertEquals(keys("XREAD", "COUNT", "5", "STREAMS", "s", "t", "0", "0"), ["s", "t"]);
  assertEquals(keys("ZUNIONSTORE", "dst", "2", "a", "b", "WEIGHTS", "1", "2"), ["dst", "a", "b"]);
  assertEquals(keys("SORT", "l", "BY", "x*", "STORE", "dst"), ["l", "dst"]);
  assertEquals(flags("SET", "k", "v"), [["k", ["OW", "update"]]]);
  assertEquals(flags("SET", "k", "v", "GET"), [["k", ["RW", "access", "update"]]]);
  assertEquals(flags("BITFIELD", "k", "GET", "u8", "0"), [["k", ["RO", "access"]]]);
  assertEquals(flags("BITFIELD", "k", "SET", "u8", "0", "1"), [["k", ["RW", "access", "update"]]]);
  assertEquals(keys("PING", "x"), new ReplyFailure("ERR The command has no key arguments"));
  assertEquals(keys("NOSUCH", "x"), new ReplyFailure("ERR Invalid command specified"));
  assertEquals(
    keys("GET", "a", "b"),
    new ReplyFailure("ERR Invalid number of arguments specified for command"),
  );
  assertEquals(
    keys("ZUNIONSTORE", "dst", "9", "a"),
    new ReplyFailure("ERR Invalid arguments specified for command"),
  );
});

Deno.test("COMMAND DOCS gives summary, history, arguments and sub-commands", () => {
  using s = startInProcess();
  const c = inResp3(s.client());
  const docs = c.send("COMMAND", "DOCS", "SET", "config", "nosuch") as Map<string, Map<string, unknown>>;
  assertEquals([...docs.keys()], ["set", "config"]);
  const set = docs.get("set")!;
  assertEquals(set.get("since"), "1.0.0");
  assertEquals(set.get("group"), "string");
  const [key] = set.get("arguments") as Map<string, unknown>[];
  assertEquals(key, new Map<string, unknown>([["name", "key"], ["type", "key"], ["key_spec_index", 0]]));
  const subcommands = docs.get("config")!.get("subcommands") as Map<string, unknown>;
  assert(subcommands.has("config|get"));
});

Deno.test("every command says what it does, since when, and what it costs", () => {
  using s = startInProcess();
  const groups = new Set<string>();
  for (const [, cmd] of s.engine.commands.entries()) {
    for (const one of [cmd, ...cmd.subcommands ?? []]) {
      assert(one.summary.length > 10, one.fullName);
      assert(/^\d+\.\d+\.\d+$/.test(one.since), one.fullName);
      assert(one.complexity.length > 0, one.fullName);
      groups.add(one.group);
    }
  }
  assertEquals([...groups].filter((group) => !/^[a-z-]+$/.test(group)), []);
});

Deno.test("COMMAND GETKEYS does not take a channel for a key", () => {
  using s = startInProcess();
  const c = s.client(), none = new ReplyFailure("ERR The command has no key arguments");
  assertEquals(c.send("COMMAND", "GETKEYS", "SPUBLISH", "channel", "message"), none);
  assertEquals(c.send("COMMAND", "GETKEYSANDFLAGS", "SSUBSCRIBE", "a", "b"), none);
});
