import { assertEquals } from "@std/assert";
import { startInProcess } from "../../../support/in_process.ts";
import { ReplyFailure } from "../../../../src/protocol/reply_values.ts";

const SYNTAX = new ReplyFailure("ERR syntax error");
const BAD_OFFSET = new ReplyFailure("ERR bit offset is not an integer or out of range");

Deno.test("SETBIT lengthens the value, replies the old bit, and is silent when nothing changes", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("SETBIT", "k", "1", "1"), 0);
  assertEquals(c.send("SETBIT", "k", "23", "0"), 0);
  assertEquals(c.send("SETBIT", "k", "1", "1"), 1);
  assertEquals(c.send("GET", "k"), "\x40\x00\x00");
  assertEquals(s.propagated(), ["SETBIT k 1 1", "SETBIT k 23 0"]);
  assertEquals([c.send("GETBIT", "k", "1"), c.send("GETBIT", "k", "999"), c.send("GETBIT", "none", "0")], [
    1,
    0,
    0,
  ]);
  for (const offset of ["-1", "x", "4294967296"]) {
    assertEquals(c.send("SETBIT", "k", offset, "1"), BAD_OFFSET);
  }
  assertEquals(
    c.send("SETBIT", "k", "0", "2"),
    new ReplyFailure("ERR bit is not an integer or out of range"),
  );
});

Deno.test("SETBIT works on a value that looks like an integer", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "1");
  assertEquals(c.send("SETBIT", "k", "6", "1"), 0);
  assertEquals(c.send("GET", "k"), "3");
});

Deno.test("BITCOUNT counts bytes or bits between two ends, either of which may be negative", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "k", "foobar");
  const calls: [string, number][] = [
    ["k", 26],
    ["k 0 0", 4],
    ["k 1 1 BYTE", 6],
    ["k 5 30 BIT", 17],
    ["k -2 -1", 7],
    ["k 4 2", 0],
    ["k -1 -2", 0],
    ["k 0 -1000", 4],
    ["none 0 1", 0],
  ];
  for (const [call, count] of calls) assertEquals(c.send("BITCOUNT", ...call.split(" ")), count, call);
  assertEquals(c.send("BITCOUNT", "k", "0"), SYNTAX);
  assertEquals(c.send("BITCOUNT", "k", "0", "1", "WORD"), SYNTAX);
});

Deno.test("BITPOS sees zeros behind the value only if no end is given", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "ones", "\xff\xff\xff");
  c.send("SET", "k", "\x00\xff\xf0");
  const calls: [string, number][] = [
    ["ones 0", 24],
    ["ones 0 1", 24],
    ["ones 0 0 -1", -1],
    ["ones 0 3", -1],
    ["k 1", 8],
    ["k 0 1", 20],
    ["k 1 2 -1 BYTE", 16],
    ["k 1 10 20 BIT", 10],
    ["k 0 8 19 BIT", -1],
    ["none 0", 0],
    ["none 1", -1],
  ];
  for (const [call, position] of calls) assertEquals(c.send("BITPOS", ...call.split(" ")), position, call);
  assertEquals(c.send("BITPOS", "k", "2"), new ReplyFailure("ERR The bit argument must be 1 or 0."));
  assertEquals(c.send("BITPOS", "k", "1", "0", "1", "WORD"), SYNTAX);
});

Deno.test("BITOP combines and stores, and removes the target when all sources are missing", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("SET", "a", "\xf0\x0f\xff");
  c.send("SET", "b", "\xff\x00");
  s.propagated();
  const calls: [string, string][] = [["AND", "\xf0\x00\x00"], ["OR", "\xff\x0f\xff"], [
    "xor",
    "\x0f\x0f\xff",
  ]];
  for (const [name, result] of calls) {
    assertEquals(c.send("BITOP", name, "t", "a", "b", ...(name === "AND" ? [] : ["none"])), 3);
    assertEquals(c.send("GET", "t"), result, name);
  }
  assertEquals(c.send("BITOP", "NOT", "a", "a"), 3);
  assertEquals(c.send("GET", "a"), "\x0f\xf0\x00");
  assertEquals(c.send("BITOP", "AND", "t", "none", "none"), 0);
  assertEquals(c.send("GET", "t"), null);
  assertEquals(s.propagated().length, 5);
  assertEquals(c.send("BITOP", "NAND", "t", "a"), SYNTAX);
  assertEquals(
    c.send("BITOP", "NOT", "t", "a", "b"),
    new ReplyFailure("ERR BITOP NOT must be called with a single source key."),
  );
});

Deno.test("BITFIELD reads, sets and increments in order, each with the overflow named before it", () => {
  using s = startInProcess();
  const c = s.client();
  const call = (text: string) => c.send("BITFIELD", "k", ...text.split(" "));
  assertEquals(call("SET u8 0 255 GET u4 4 SET i8 #1 -5 GET i16 0"), [0, 15, 0, -5]);
  assertEquals(call("INCRBY u8 0 2"), [1]);
  assertEquals(call("OVERFLOW SAT INCRBY u8 0 300 OVERFLOW FAIL INCRBY u8 0 1 INCRBY i8 8 -100"), [
    255,
    null,
    -105,
  ]);
  assertEquals(call("OVERFLOW WRAP INCRBY i8 8 -100"), [51]);
  assertEquals(call("SET i64 64 -9223372036854775808 GET i64 64"), [0, -9223372036854775808n]);
  assertEquals(c.send("STRLEN", "k"), 16);
  assertEquals(c.send("BITFIELD_RO", "k", "GET", "u8", "0", "GET", "u8", "1000"), [255, 0]);
  assertEquals(c.send("BITFIELD", "k"), []);
});

Deno.test("BITFIELD that only reads makes no key, one that fails to write changes no field", () => {
  using s = startInProcess();
  const c = s.client();
  assertEquals(c.send("BITFIELD", "k", "GET", "u8", "0"), [0]);
  assertEquals(s.propagated(), []);
  c.send("SET", "k", "\xff");
  s.propagated();
  assertEquals(c.send("BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u8", "0", "1"), [null]);
  assertEquals(c.send("BITFIELD", "k", "SET", "u8", "0", "255"), [255]);
  assertEquals(s.propagated(), []);
});

Deno.test("BITFIELD names what is wrong with its arguments", () => {
  using s = startInProcess();
  const c = s.client();
  const type =
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
  for (const name of ["u64", "i65", "u0", "x8", "u08", "i"]) {
    assertEquals(c.send("BITFIELD", "k", "GET", name, "0"), new ReplyFailure(type), name);
  }
  for (const offset of ["-1", "#-1", "#", "x"]) {
    assertEquals(c.send("BITFIELD", "k", "GET", "u8", offset), BAD_OFFSET);
  }
  assertEquals(
    c.send("BITFIELD", "k", "OVERFLOW", "BAD", "GET", "u8", "0"),
    new ReplyFailure("ERR Invalid OVERFLOW type specified"),
  );
  assertEquals(c.send("BITFIELD", "k", "SET", "u8", "0"), SYNTAX);
  assertEquals(
    c.send("BITFIELD_RO", "k", "SET", "u8", "0", "1"),
    new ReplyFailure("ERR BITFIELD_RO only supports the GET subcommand"),
  );
});

Deno.test("BITOP AND, OR, XOR and NOT combine bit by bit, shorter sources as if filled with zeros", () => {
  using s = startInProcess();
  const c = s.client();
  c.send("MSET", "a", "\xf0\x0f\xff", "b", "\xff\x01");
  const results: [string[], string][] = [
    [["AND", "d", "a", "b"], "\xf0\x01\x00"],
    [["OR", "d", "a", "b"], "\xff\x0f\xff"],
    [["XOR", "d", "a", "b"], "\x0f\x0e\xff"],
    [["XOR", "d", "a", "b", "none"], "\x0f\x0e\xff"],
    [["NOT", "d", "a"], "\x0f\xf0\x00"],
  ];
  for (const [words, expected] of results) {
    assertEquals([c.send("BITOP", ...words), c.send("GET", "d")], [3, expected], words.join(" "));
  }
});
