/**
 * The time limit of every test: a module that `deno test --preload` runs before each test file.
 * Deno fails a test that exceeds its `timeout`, waiting or looping, names it, and continues with
 * the next one; this module gives a limit to every test without one of its own. The limit is for
 * tests that hang: a working test takes a few seconds on a quiet machine and may take ten times as
 * long on a busy one.
 *
 * REDENO_TEST_LIMIT_MS sets another limit.
 */
import { runInThisContext } from "node:vm";

const limitMs = Number(Deno.env.get("REDENO_TEST_LIMIT_MS") ?? 60_000);

type Words = [unknown, ...unknown[]];

/**
 * The arguments of a call of `Deno.test`, in any of its forms, with a time limit among the options.
 */
function withTimeLimit(words: Words): Words {
  const at = words.findIndex((word) => typeof word === "object" && word !== null);
  if (at >= 0) return words.with(at, { timeout: limitMs, ...words[at] as object }) as Words;
  return typeof words[0] === "string"
    ? [words[0], { timeout: limitMs }, ...words.slice(1)]
    : [{ timeout: limitMs }, ...words];
}

/**
 * Deno takes the nearest caller outside its own files for the location of a test. The intermediate
 * function is given a name like those files have, so that the location remains the one in the test
 * file.
 */
const between = runInThisContext("(register, change) => (...words) => register(...change(words))", {
  filename: "ext:time_limit.js",
});

const { test } = Deno;
Object.defineProperty(Deno, "test", { value: Object.assign(between(test, withTimeLimit), test) });
