/** The functions of `@std/assert` that the tests use, for networks that do not reach JSR. */
import nodeAssert from "node:assert";

export { AssertionError } from "node:assert";

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new nodeAssert.AssertionError({ message: msg || "Expected a truthy value" });
}

/** Deep equality, as in `@std/assert`. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, msg);
}
