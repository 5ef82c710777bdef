import { assertEquals } from "@std/assert";
import { needsQuotes, quoteArg, splitArgs } from "../../../src/util/sds_split.ts";

const CASES: [string, string[] | undefined][] = [
  ["", []],
  ["   ", []],
  ["set key value", ["set", "key", "value"]],
  ["  set\tkey \r\n", ["set", "key"]],
  [String.raw`"a\x20\x0a\n\r\t\b\a\q\\\""`, ['a \n\n\r\t\b\x07q\\"']],
  [String.raw`"\xzz"`, ["xzz"]],
  [String.raw`'it\'s' 'a\nb'`, ["it's", "a\\nb"]],
  [`a"b c"`, ["ab c"]],
  [`"" ''`, ["", ""]],
  [`"a"b`, undefined],
  [`'a'b`, undefined],
  [`"abc`, undefined],
  [`'abc`, undefined],
  [`"abc\\`, undefined],
  ["a\vb", ["a\vb"]],
  ["\va", ["a"]],
  ["a b\0c d", ["a", "b"]],
];

for (const [line, words] of CASES) {
  Deno.test(`splitArgs of ${JSON.stringify(line)}`, () => assertEquals(splitArgs(line), words));
}

Deno.test("quoteArg writes every byte so that splitArgs reads it back", () => {
  let all = "";
  for (let i = 0; i < 256; i++) all += String.fromCharCode(i);
  assertEquals(splitArgs(quoteArg(all)), [all]);
  assertEquals(quoteArg('a"\\\n\r\t\x07\b\x00\xe9'), '"a\\"\\\\\\n\\r\\t\\a\\b\\x00\\xe9"');
});

Deno.test("needsQuotes holds for whatever splitArgs would read differently", () => {
  for (const text of ["", "a b", 'a"', "it's", "\\", "\n", "\x7f", "\xe9"]) {
    assertEquals(needsQuotes(text), true);
  }
  assertEquals(needsQuotes("plain-text_1.0:/*#"), false);
});
