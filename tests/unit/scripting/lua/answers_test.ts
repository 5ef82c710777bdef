/** Scripts on conversions, errors, the sandbox and all libraries, answered as redis-server 7.0.15 has answered them. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { ownFunctions } from "../../../../src/scripting/lua/lib_pattern.ts";
import { encodeCommand, startInProcess } from "../../../support/in_process.ts";
import { evalCommand, readScriptAnswers } from "../../../support/script_answers.ts";

for (const [i, protocol] of ["2", "3"].entries()) {
  Deno.test(`scripts get the replies that redis-server has given, in RESP${protocol}`, () => {
    using s = startInProcess({ lines: ["enable-debug-command yes"] });
    const c = s.client();
    c.send("HELLO", protocol);
    const answers = readScriptAnswers();
    assertGreater(answers.length, 900);
    const differing = answers.flatMap(({ script, replies }) => {
      c.send("FLUSHALL");
      const reply = c.raw(encodeCommand(...evalCommand(script)));
      return reply === replies[i] ? [] : [{ script, reply, expected: replies[i] }];
    });
    assertEquals(differing, []);
  });
}

/** Calls that either matcher may answer; the text is short, and the patterns are of every kind. */
function matchingCalls(): string[] {
  const texts = ["", "hello world key:123", "aXbX-%*", "((a)(b))", "THE (quick) fox", "x\\0y"];
  const patterns = [
    "",
    ".",
    "%a+",
    "(%w+):(%d+)",
    "^h",
    "o$",
    ".-l",
    "x*",
    "%b()",
    "%f[%w]%w",
    "()",
    "(.)%1",
    "[^%s]*",
  ];
  patterns.push(
    "[]%-]",
    "%",
    "(",
    "[a",
    "%1",
    "%f",
    "a?b",
    "^",
    "(a",
    ".-.-",
    "%*",
    "l",
    "^(.-)%s",
    "[%a-z]+",
    "%z",
  );
  const quoted = (text: string) => `'${text}'`;
  return texts.flatMap((text) =>
    patterns.flatMap((pattern) => {
      const both = `${quoted(text)}, ${quoted(pattern)}`;
      return [
        ...["", ", 3", ", -2", ", 99", ", 1, true"].map((rest) => `string.find, ${both}${rest}`),
        ...["", ", 2"].map((rest) => `string.match, ${both}${rest}`),
        ...["''", "'<%0>'", "'%1%1'", "7", "'%'"].map((by) => `string.gsub, ${both}, ${by}`),
      ];
    })
  );
}

Deno.test("short matches are the library's, long ones are not, and both have the same results", () => {
  using s = startInProcess();
  const c = s.client(), calls = matchingCalls(), { mostSteps } = ownFunctions;
  const answers = () =>
    calls.map((call) => String(c.send("EVAL", `return cjson.encode({pcall(${call})})`, "0")));
  const library = answers();
  try {
    ownFunctions.mostSteps = 0;
    const differing = answers().flatMap((ours, i) =>
      ours === library[i] ? [] : [[calls[i], ours, library[i]]]
    );
    assertEquals(differing, []);
  } finally {
    ownFunctions.mostSteps = mostSteps;
  }
});

Deno.test("long matches look at their text and replacement, and not at the memory behind them", () => {
  using s = startInProcess();
  const c = s.client(), { mostSteps } = ownFunctions, indexOf = Uint8Array.prototype.indexOf;
  let most = 0;
  c.send("EVAL", "return #string.rep('x', 3000000)", "0");
  try {
    ownFunctions.mostSteps = 0;
    Uint8Array.prototype.indexOf = function (this: Uint8Array, byte: number, from = 0) {
      const found = indexOf.call(this, byte, from);
      most = Math.max(most, (found < 0 ? this.length : found) - from);
      return found;
    };
    const script =
      "local a = ('ox'):rep(200):gsub('o', '') return {a, (('ab'):rep(200):find('ac', 1, true))}";
    assertEquals(c.send("EVAL", script, "0"), ["x".repeat(200)]);
  } finally {
    Uint8Array.prototype.indexOf = indexOf;
    ownFunctions.mostSteps = mostSteps;
  }
  assertLess(most, 2000);
});
