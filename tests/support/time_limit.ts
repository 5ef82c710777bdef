/**
 * The time limit of every test: a module that `deno test --preload` runs before each test file. Deno fails a test that
 * has a `timeout` and goes past it, be it waiting or in a loop, by its name, and goes on with the next one; here every
 * test gets one that does not name its own. The limit is for what hangs: a test that works takes a few seconds on a
 * quiet machine and has room to take ten times as long on a busy one.
 *
 * REDENO_TEST_LIMIT_MS sets another limit.
 */
import { runInThisContext } from "node:vm";

const limitMs = Number(Deno.env.get("REDENO_TEST_LIMIT_MS") ?? 60_000);

type Words = [unknown, ...unknown[]];

/** The words of a call of `Deno.test`, in any of its forms, with a time limit among the options. */
function withTimeLimit(words: Words): Words {
  const at = words.findIndex((word) => typeof word === "object" && word !== null);
  if (at >= 0) return words.with(at, { timeout: limitMs, ...words[at] as object }) as Words;
  return typeof words[0] === "string"
    ? [words[0], { timeout: limitMs }, ...words.slice(1)]
    : [{ timeout: limitMs }, ...words];
}

/**
 * Deno takes the nearest caller that is no file of its own for the place of a test. The function that stands between
 * is given a name like those files have, so that the place stays the one in the test file.
 */
const between = runInThisContext("(register, change) => (...words) => register(...change(words))", {
  filename: "ext:time_limit.js",
});

const { test } = Deno;
Object.defineProperty(Deno, "test", { value: Object.assign(between(test, withTimeLimit), test) });
