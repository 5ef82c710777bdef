import { assertEquals } from "@std/assert";
import { formatForPeople, formatInvalidation, formatRaw } from "../../../src/cli/format.ts";
import type { Reply } from "../../../src/cli/reply.ts";

const bulk = (text: string): Reply => ({ type: "bulk", text });
const integer = (text: string): Reply => ({ type: "integer", text });
const list = (type: "array" | "map" | "set" | "push", ...items: Reply[]): Reply => ({ type, items });

Deno.test("formatForPeople marks scalars by type", () => {
  assertEquals(formatForPeople({ type: "status", text: "OK" }), "OK\n");
  assertEquals(formatForPeople({ type: "error", text: "ERR no" }), "(error) ERR no\n");
  assertEquals(formatForPeople(integer("-1")), "(integer) -1\n");
  assertEquals(formatForPeople({ type: "double", text: "1.5" }), "(double) 1.5\n");
  assertEquals(formatForPeople({ type: "boolean", value: true }), "(true)\n");
  assertEquals(formatForPeople({ type: "boolean", value: false }), "(false)\n");
  assertEquals(formatForPeople({ type: "null" }), "(nil)\n");
  assertEquals(formatForPeople({ type: "verbatim", format: "txt", text: "a\nb" }), "a\nb\n");
  assertEquals(formatForPeople(bulk('a"\\\x07\b\t\r\n\x00\xff')), '"a\\"\\\\\\a\\b\\t\\r\\n\\x00\\xff"\n');
});

Deno.test("formatForPeople names empty aggregates", () => {
  assertEquals(formatForPeople(list("array")), "(empty array)\n");
  assertEquals(formatForPeople(list("map")), "(empty hash)\n");
  assertEquals(formatForPeople(list("set")), "(empty set)\n");
  assertEquals(formatForPeople(list("push")), "(empty push)\n");
});

Deno.test("formatForPeople aligns indices and indents nested arrays", () => {
  const nested = list("array", bulk("a"), list("array", integer("1"), list("array", bulk("x"), bulk("y"))));
  assertEquals(
    formatForPeople(nested),
    '1) "a"\n2) 1) (integer) 1\n   2) 1) "x"\n      2) "y"\n',
  );
  const ten = list("array", ...Array.from({ length: 10 }, (_, i) => integer(String(i))));
  assertEquals(formatForPeople(ten).split("\n").slice(8, 10), [" 9) (integer) 8", "10) (integer) 9"]);
});

Deno.test("formatForPeople puts values of maps behind arrows, long ones on lines of their own", () => {
  const map = list("map", bulk("k"), bulk("v"), bulk("l"), list("set", integer("1"), integer("2")));
  assertEquals(formatForPeople(map), '1# "k" => "v"\n2# "l" => \n   1~ (integer) 1\n   2~ (integer) 2\n');
  assertEquals(formatForPeople(list("map", bulk("k"), list("array", bulk("v")))), '1# "k" => 1) "v"\n');
});

Deno.test("formatRaw gives the bytes, nothing for null, items by delimiter", () => {
  assertEquals(formatRaw(bulk("\x00\xff")), "\x00\xff");
  assertEquals(formatRaw({ type: "null" }), "");
  assertEquals(formatRaw({ type: "error", text: "ERR no" }), "ERR no\n");
  assertEquals(formatRaw(list("array", bulk("a"), list("array", bulk("b"), integer("3")))), "a\nb\n3");
  assertEquals(formatRaw(list("map", bulk("a"), bulk("1"), bulk("b"), bulk("2")), ", "), "a 1, b 2");
});

Deno.test("formatInvalidation lists the keys of an invalidation and of nothing else", () => {
  const keys = list("push", bulk("invalidate"), list("array", bulk("a"), bulk("b")));
  assertEquals(formatInvalidation(keys), "-> invalidate: 'a', 'b'\n");
  assertEquals(formatInvalidation(list("push", bulk("invalidate"), { type: "null" })), undefined);
  assertEquals(formatInvalidation(list("push", bulk("message"), bulk("c"), bulk("m"))), undefined);
});
