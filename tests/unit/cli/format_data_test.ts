import { assertEquals } from "@std/assert";
import { formatCsv, formatJson, jsonQuoted, jsonText } from "../../../src/cli/format_data.ts";
import type { Reply } from "../../../src/cli/reply.ts";

const bulk = (text: string): Reply => ({ type: "bulk", text });
const list = (type: "array" | "map", ...items: Reply[]): Reply => ({ type, items });
const scalars: Reply[] = [
  { type: "integer", text: "-1" },
  { type: "double", text: "1.5" },
  { type: "boolean", value: true },
  { type: "null" },
  { type: "status", text: "OK" },
  { type: "error", text: "ERR no" },
];

Deno.test("formatCsv quotes texts and flattens what is nested", () => {
  assertEquals(
    formatCsv(list("array", bulk('a"\n'), list("map", bulk("k"), list("array", bulk("v"))), ...scalars)),
    '"a\\"\\n","k","v",-1,1.5,true,NULL,"OK",ERROR,"ERR no"',
  );
});

Deno.test("formatJson keeps bytes beyond ASCII, or escapes them in Redis's form", () => {
  const reply = list("array", bulk('a"\\\x01\n\xc3\xa9'), ...scalars);
  assertEquals(
    formatJson(reply, jsonText),
    '["a\\"\\\\\\u0001\\n\xc3\xa9",-1,1.5,true,null,"OK",error:"ERR no"]',
  );
  assertEquals(formatJson(bulk("\xc3\xa9\n"), jsonQuoted), '"\\\\xc3\\\\xa9\\\\n"');
});

Deno.test("formatJson makes texts of a map's keys", () => {
  const map = list("map", bulk("k"), bulk("v"), { type: "integer", text: "1" }, { type: "null" });
  assertEquals(formatJson(map, jsonText), '{"k":"v","1":null}');
});
