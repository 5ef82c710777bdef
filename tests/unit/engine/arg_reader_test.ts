import { assertEquals } from "@std/assert";
import { ArgReader } from "../../../src/engine/arg_reader.ts";
import { Args } from "../../../src/engine/args.ts";
import { ReplyError, SYNTAX } from "../../../src/protocol/errors.ts";

/** The options of a made-up command, or the text of the error they are refused with. */
function options(line: string): Record<string, unknown> | string {
  const reader = new ArgReader(Args.of(line.split(" ")), 1);
  const found: Record<string, unknown> = {};
  try {
    while (reader.more) {
      if (reader.take("NX")) found["nx"] = true;
      else if (reader.take("LIMIT", 2)) found["limit"] = [reader.int(), reader.int()];
      else if (reader.take("SCORE", 1)) found["score"] = reader.double();
      else if (reader.take("BIG", 1)) found["big"] = reader.integer();
      else if (reader.take("KEY", 1)) found["key"] = reader.key().text;
      else throw SYNTAX;
    }
  } catch (error) {
    if (error instanceof ReplyError) return error.text;
    throw error;
  }
  return found;
}

Deno.test("ArgReader reads options in any order and case", () => {
  assertEquals(options("CMD"), {});
  assertEquals(options("CMD nx Limit 3 4"), { nx: true, limit: [3, 4] });
  assertEquals(options("CMD SCORE 1.5 key NX big 9223372036854775807"), {
    score: 1.5,
    key: "NX",
    big: 2n ** 63n - 1n,
  });
});

Deno.test("ArgReader takes an option only with all its values", () => {
  for (const line of ["CMD LIMIT", "CMD LIMIT 1", "CMD SCORE", "CMD other", "CMD NX NX LIMIT 1"]) {
    assertEquals(options(line), SYNTAX.text, line);
  }
  assertEquals(options("CMD LIMIT a 1"), "ERR value is not an integer or out of range");
  assertEquals(options("CMD SCORE x"), "ERR value is not a valid float");
});

Deno.test("ArgReader counts what is left and says syntax error at the end", () => {
  const reader = new ArgReader(Args.of(["CMD", "a", "b"]), 1);
  assertEquals([reader.left, reader.string(), reader.left, reader.string(), reader.more], [
    2,
    "a",
    1,
    "b",
    false,
  ]);
  let thrown: unknown;
  try {
    reader.string();
  } catch (error) {
    thrown = error;
  }
  assertEquals(thrown === SYNTAX, true);
});
