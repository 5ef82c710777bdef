import { assertEquals } from "@std/assert";
import { mutantsOf, mutated, mutatedLine, otherNumber } from "../../tools/mutants.ts";

/** The texts that come of all mutants of one. */
const changesOf = (text: string) => mutantsOf(text).map((mutant) => mutated(text, mutant));

Deno.test("mutantsOf moves each comparison by one and turns each equality", () => {
  assertEquals(changesOf("a < b;"), ["a <= b;"]);
  assertEquals(changesOf("a <= b;"), ["a < b;"]);
  assertEquals(changesOf("a > b;"), ["a >= b;"]);
  assertEquals(changesOf("a >= b;"), ["a > b;"]);
  assertEquals(changesOf("a === b;"), ["a !== b;"]);
  assertEquals(changesOf("a !== b;"), ["a === b;"]);
});

Deno.test("mutantsOf turns && and ||, each on its own, and leaves ?? and assignments", () => {
  assertEquals(changesOf("a && b || c;"), ["a || b || c;", "a && b && c;"]);
  assertEquals(changesOf("a ??= b ?? c; d ||= e; f >>= g;"), []);
});

Deno.test("mutantsOf turns a boolean that is returned and no other", () => {
  assertEquals(changesOf("return true;"), ["return false;"]);
  assertEquals(changesOf("() => false;"), ["() => true;"]);
  assertEquals(changesOf("const a = true; f(false);"), []);
});

Deno.test("otherNumber is the next digit, and twice any larger number", () => {
  const numbers = ["0", "9", "10", "1_000", "0xff", "0.5", "1e9", "7n", "64n"];
  assertEquals(numbers.map(otherNumber), ["1", "10", "20", "2000", "510", "1", "2000000000", "8n", "128n"]);
});

Deno.test("mutantsOf passes over comments, strings and regular expressions", () => {
  assertEquals(changesOf(`// a < 1\n/* b && 2 */ f("c > 3", 'd\\' 4');`), []);
  assertEquals(changesOf('x.replace(/[/"]1 && `/g, ``);'), []);
  assertEquals(changesOf("a / 1 / b;"), ["a / 2 / b;"]);
  assertEquals(changesOf("return /1/.test(a);"), []);
});

Deno.test("mutantsOf reads the expressions inside a template and not its text", () => {
  assertEquals(changesOf("`1 ${f({ a: 2 })} 3 ${`4 ${b < c}`} 5`;"), [
    "`1 ${f({ a: 3 })} 3 ${`4 ${b < c}`} 5`;",
    "`1 ${f({ a: 2 })} 3 ${`4 ${b <= c}`} 5`;",
  ]);
  assertEquals(changesOf("`\\` \\${1} $`; a = 6;"), ["`\\` \\${1} $`; a = 7;"]);
});

Deno.test("mutantsOf passes over types", () => {
  assertEquals(changesOf("const a: Map<string, Set<number>> = new Map<string, Set<number>>();"), []);
  assertEquals(changesOf("const a: Map<\n  string,\n  number\n> = b;"), []);
  assertEquals(changesOf("export type A = { b: 0 | 1; c: (d: 2) => void } | 3;\nx = 4;"), [
    "export type A = { b: 0 | 1; c: (d: 2) => void } | 3;\nx = 5;",
  ]);
  assertEquals(changesOf("interface A {\n  b: { c: 1 };\n}\nx = 4;"), [
    "interface A {\n  b: { c: 1 };\n}\nx = 5;",
  ]);
  assertEquals(changesOf("a as 1; this.type = b; type === c;"), ["a as 1; this.type = b; type !== c;"]);
});

Deno.test("a mutant names its line and column, and its line is shown changed", () => {
  const text = "// head\nfunction f() {\n  return a <\n    12 && #b1;\n}\n";
  const places = mutantsOf(text).map((mutant) => [mutant.line, mutant.column, mutatedLine(text, mutant)]);
  assertEquals(places, [[3, 12, "return a <="], [4, 5, "24 && #b1;"], [4, 8, "12 || #b1;"]]);
});
