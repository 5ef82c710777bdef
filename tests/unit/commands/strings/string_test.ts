import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const NOT_INTEGER = new ReplyFailure("ERR value is not an integer or out of range");
const WRONGTYPE = new ReplyFailure("WRONGTYPE Operation against a key holding the wrong kind of value");
const SYNTAX = new ReplyFailure("ERR syntax error");

Deno.test("SET with NX, XX and GET sets only where it may, and shows what was there", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("SET", "k", "a", "XX"), c.send("SET", "k", "a", "NX")], [null, "OK"]);
  assertEquals([c.send("SET", "k", "b", "NX"), c.send("SET", "k", "b", "XX", "GET")], [null, "a"]);
  assertEquals(c.send("GET", "k"), "b");
  assertEquals(c.send("SET", "k", "c", "NX", "XX"), SYNTAX);
  assertEquals(s.propagated(), ["SET k a NX", "SET k b XX GET"]);
});

Deno.test("SET with a time propagates the moment, and KEEPTTL keeps it", () => {
  using s = startInProcess();
  const c = s.client(), atMs = s.engine.clock.nowMs() + 10_000;
  c.send("SET", "k", "v", "EX", "10");
  c.send("SET", "k", "w", "KEEPTTL");
  assertEquals(c.send("PTTL", "k"), 10_000);
  c.send("SET", "k", "x");
  assertEquals(c.send("PTTL", "k"), -1);
  assertEquals(s.propagated(), [`SET k v PXAT ${atMs}`, "SET k w KEEPTTL", "SET k x"]);
  assertEquals(
    c.send("SET", "k", "v", "EX", "0"),
    new ReplyFailure("ERR invalid expire time in 'set' command"),
  );
});

Deno.test("SETNX, SETEX, PSETEX and GETSET are SET under older names", () => {
  using s = startInProcess();
  const c = s.client(), now = s.engine.clock.nowMs();
  assertEquals([c.send("SETNX", "k", "a"), c.send("SETNX", "k", "b")], [1, 0]);
  assertEquals([c.send("SETEX", "k", "5", "b"), c.send("PTTL", "k")], ["OK", 5000]);
  assertEquals([c.send("PSETEX", "k", "70", "c"), c.send("PTTL", "k")], ["OK", 70]);
  assertEquals([c.send("GETSET", "k", "d"), c.send("PTTL", "k")], ["c", -1]);
  assertEquals(c.send("GETSET", "new", "e"), null);
  assertEquals(s.propagated(), [
    "SETNX k a",
    `SET k b PXAT ${now + 5000}`,
    `SET k c PXAT ${now + 70}`,
    "SET k d",
    "SET new e",
  ]);
});

Deno.test("GETDEL takes the value away, GETEX gives it another time", () => {
  using s = startInProcess();
  const c = s.client(), now = s.engine.clock.nowMs();
  c.send("MSET", "k", "v", "t", "w");
  s.propagated();
  assertEquals([c.send("GETDEL", "k"), c.send("GETDEL", "k")], ["v", null]);
  assertEquals([c.send("GETEX", "t"), c.send("GETEX", "t", "PX", "50")], ["w", "w"]);
  assertEquals([c.send("PTTL", "t"), c.send("GETEX", "t", "PERSIST"), c.send("PTTL", "t")], [50, "w", -1]);
  assertEquals(c.send("GETEX", "t", "PERSIST", "EX", "1"), SYNTAX);
  assertEquals(c.send("GETEX", "none", "EX", "1"), null);
  assertEquals(s.propagated(), ["DEL k", `PEXPIREAT t ${now + 50}`, "PERSIST t"]);
});

Deno.test("MGET shows null for a key that is not a string, MSET and MSETNX set all or nothing", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("MSET", "a", "1", "b", "2", "a", "3"), c.send("RPUSH", "l", "x")], ["OK", 1]);
  assertEquals(c.send("MGET", "a", "b", "l", "none"), ["3", "2", null, null]);
  assertEquals([c.send("MSETNX", "c", "1", "a", "2"), c.send("EXISTS", "c")], [0, 0]);
  assertEquals([c.send("MSETNX", "c", "1", "d", "2"), c.send("MGET", "c", "d")], [1, ["1", "2"]]);
  assertEquals(
    c.send("MSET", "a", "1", "b"),
    new ReplyFailure("ERR wrong number of arguments for 'mset' command"),
  );
});

Deno.test("GETRANGE and SUBSTR count from either end", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "Hello World");
  const ranges: [start: string, end: string, part: string][] = [
    ["0", "4", "Hello"],
    ["-5", "-1", "World"],
    ["0", "-1", "Hello World"],
    ["4", "100", "o World"],
    ["-100", "0", "H"],
    ["-1", "-5", ""],
    ["5", "3", ""],
    ["100", "200", ""],
  ];
  for (const [start, end, part] of ranges) {
    assertEquals(c.send("GETRANGE", "k", start, end), part);
    assertEquals(c.send("SUBSTR", "k", start, end), part);
  }
  assertEquals(c.send("GETRANGE", "none", "0", "-1"), "");
});

Deno.test("SETRANGE fills the gap with zeros, APPEND and STRLEN follow the length", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("SETRANGE", "k", "3", "abc"), c.send("GET", "k")], [6, "\0\0\0abc"]);
  assertEquals([c.send("SETRANGE", "k", "4", "X"), c.send("GET", "k")], [6, "\0\0\0aXc"]);
  assertEquals([c.send("APPEND", "k", "de"), c.send("STRLEN", "k")], [8, 8]);
  assertEquals([c.send("SETRANGE", "none", "5", ""), c.send("EXISTS", "none")], [0, 0]);
  assertEquals(c.send("SETRANGE", "k", "-1", "x"), new ReplyFailure("ERR offset is out of range"));
  assertEquals(
    c.send("SETRANGE", "k", "536870912", "x"),
    new ReplyFailure("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
  );
});

Deno.test("INCR, INCRBY, DECR and DECRBY count in 64 bits and no further", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("INCR", "n"), c.send("INCRBY", "n", "41"), c.send("DECR", "n")], [1, 42, 41]);
  assertEquals(c.send("DECRBY", "n", "50"), -9);
  c.send("SET", "n", "9223372036854775806");
  assertEquals(c.send("INCR", "n"), 9223372036854775807n);
  const overflow = new ReplyFailure("ERR increment or decrement would overflow");
  assertEquals(c.send("INCR", "n"), overflow);
  assertEquals(c.send("DECRBY", "n", "-1"), overflow);
  assertEquals(
    c.send("DECRBY", "n", "-9223372036854775808"),
    new ReplyFailure("ERR decrement would overflow"),
  );
  for (const text of ["x", " 1", "1.0", "", "01"]) {
    c.send("SET", "n", text);
    assertEquals(c.send("INCR", "n"), NOT_INTEGER, text);
  }
  c.send("RPUSH", "l", "x");
  assertEquals(c.send("INCR", "l"), WRONGTYPE);
});

Deno.test("INCRBYFLOAT keeps short decimals short and propagates the sum", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "f", "10.50");
  s.propagated();
  assertEquals([c.send("INCRBYFLOAT", "f", "0.1"), c.send("INCRBYFLOAT", "f", "-5")], ["10.6", "5.6"]);
  assertEquals(c.send("INCRBYFLOAT", "new", "3.0e3"), "3000");
  assertEquals(s.propagated(), ["SET f 10.6 KEEPTTL", "SET f 5.6 KEEPTTL", "SET new 3000 KEEPTTL"]);
  assertEquals(c.send("INCRBYFLOAT", "f", "x"), new ReplyFailure("ERR value is not a valid float"));
});

Deno.test("LCS finds what two strings have in common, and where", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MSET", "a", "ohmytext", "b", "mynewtext");
  assertEquals([c.send("LCS", "a", "b"), c.send("LCS", "a", "b", "LEN")], ["mytext", 6]);
  const matches = [[[4, 7], [5, 8]], [[2, 3], [0, 1]]];
  assertEquals(c.send("LCS", "a", "b", "IDX"), ["matches", matches, "len", 6]);
  assertEquals(c.send("LCS", "a", "b", "IDX", "MINMATCHLEN", "4", "WITHMATCHLEN"), [
    "matches",
    [[[4, 7], [5, 8], 4]],
    "len",
    6,
  ]);
  assertEquals(c.send("LCS", "a", "none"), "");
  assertEquals(
    c.send("LCS", "a", "b", "IDX", "LEN"),
    new ReplyFailure("ERR If you want both the length and indexes, please just use IDX."),
  );
});

Deno.test("SET and GETEX take times in seconds and milliseconds, from now and from 1970, and propagate the moment", () => {
  using s = startInProcess();
  s.advance(1000 - s.engine.nowMs % 1000);
  const c = s.client(), now = s.engine.nowMs;
  const times = [["EX", "7"], ["PX", "7000"], ["EXAT", String(now / 1000 + 7)], ["PXAT", String(now + 7000)]];
  for (const [word = "", time = ""] of times) {
    assertEquals(c.send("SET", "k", "v", word, time), "OK");
    assertEquals([c.send("PEXPIRETIME", "k"), s.propagated()], [now + 7000, [`SET k v PXAT ${now + 7000}`]]);
    c.send("SET", "g", "v");
    s.propagated();
    assertEquals(c.send("GETEX", "g", word, time), "v");
    assertEquals([c.send("PEXPIRETIME", "g"), s.propagated()], [now + 7000, [`PEXPIREAT g ${now + 7000}`]]);
    assertEquals(c.send("SET", "k", "v", word, time, "KEEPTTL"), SYNTAX);
    assertEquals(c.send("SET", "k", "v", word, time, word === "PX" ? "EX" : "PX", "1"), SYNTAX);
    assertEquals(c.send("SET", "k", "v", word, "x"), NOT_INTEGER);
  }
  assertEquals([c.send("GETEX", "g", "EXAT", "1"), c.send("EXISTS", "g"), s.propagated()], ["v", 0, [
    "DEL g",
  ]]);
});

Deno.test("SET with GET answers with the old value whether or not NX or XX let it write", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals([c.send("SET", "k", "a", "XX", "GET"), c.send("EXISTS", "k")], [null, 0]);
  assertEquals([c.send("SET", "k", "a", "NX", "GET"), c.send("GET", "k")], [null, "a"]);
  assertEquals([c.send("SET", "k", "b", "NX", "GET"), c.send("GET", "k")], ["a", "a"]);
  c.send("RPUSH", "list", "x");
  assertEquals([c.send("SET", "list", "v", "GET"), c.send("TYPE", "list")], [WRONGTYPE, "list"]);
});
