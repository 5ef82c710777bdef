import { assertEquals } from "@std/assert";
import { globMatch } from "../../../src/util/glob.ts";

/** Pattern, text, whether redis-server 7.0.15 lists the key `text` for KEYS `pattern`. */
const CASES: [string, string, boolean][] = [
  ["hello", "hello", true],
  ["hello", "hell", false],
  ["h?llo", "hallo", true],
  ["h?llo", "hllo", false],
  ["h*llo", "hllo", true],
  ["h*llo", "heeeello", true],
  ["*", "", false],
  ["**", "", false],
  ["", "", true],
  ["", "a", false],
  ["a**", "a", true],
  ["*a*b*c*", "xxaxxbxxcxx", true],
  ["*a*b*c", "abcab", false],
  ["h[ae]llo", "hello", true],
  ["h[ae]llo", "hillo", false],
  ["h[^e]llo", "hallo", true],
  ["h[^e]llo", "hello", false],
  ["h[a-c]llo", "hbllo", true],
  ["h[c-a]llo", "hbllo", true],
  ["h[a-c]llo", "hdllo", false],
  ["[a-]", "_", true],
  ["[]a]", "a]", false],
  ["[\\]]", "]", true],
  ["[", "[", false],
  ["[^", "x", true],
  ["[abc", "b", true],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
  ["a\\", "a\\", true],
  ["[a-\xff]", "0", true],
  ["[a-\xff]", "b", false],
  ["\xe9?", "\xe9\x00", true],
];

for (const [pattern, text, expected] of CASES) {
  Deno.test(`globMatch ${JSON.stringify(pattern)} ${JSON.stringify(text)} is ${expected}`, () => {
    assertEquals(globMatch(pattern, text), expected);
  });
}

Deno.test("globMatch can ignore the case of letters, escaped class members excepted", () => {
  assertEquals(globMatch("MAXMemory*", "maxmemory-policy", true), true);
  assertEquals(globMatch("[A-C]x", "bX", true), true);
  assertEquals(globMatch("[\\A]", "a", true), false);
  assertEquals(globMatch("A", "a"), false);
});

Deno.test("globMatch takes bounded time on a pattern of many stars", () => {
  assertEquals(globMatch("a*".repeat(2000) + "b", "a".repeat(4000)), false);
  assertEquals(globMatch("a*".repeat(2000) + "b", "a".repeat(4000) + "b"), true);
});
