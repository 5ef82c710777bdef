/** The functions of `@std/assert` that the tests use, for networks that do not reach JSR. */
import nodeAssert from "node:assert";
import { inspect, isDeepStrictEqual, stripVTControlCharacters } from "node:util";

/** The error thrown by a failed assertion. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

type ErrorType<E extends Error> = abstract new (...args: never[]) => E;

/** Throws the failure: first the description `what`, then the caller's own message. */
function refuse(what: string, msg?: string): never {
  throw new AssertionError(what + (msg ? `: ${msg}` : "."));
}

const text = (value: unknown) => inspect(value, { depth: 20, sorted: true, breakLength: 100 });

/** Fails unless `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails if `expr` is truthy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is false {
  if (expr) throw new AssertionError(msg);
}

/** Always fails. */
export function fail(msg?: string): never {
  refuse("Failed assertion", msg);
}

/**
 * Deep equality as in `@std/assert`: 0 equals -0, a missing property differs from an undefined one.
 */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (baseOf(a) !== baseOf(b)) return false;
  if (a instanceof Map && b instanceof Map) return equalMaps(a, b);
  if (isBuiltIn(a)) return isDeepStrictEqual(a, b);
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  for (const key of keysOf(a).union(keysOf(b))) {
    if (!(key in a && key in b) || !equal(Reflect.get(a, key), Reflect.get(b, key))) return false;
  }
  return true;
}

function baseOf(value: object): unknown {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

function isBuiltIn(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof Set ||
    value instanceof Map || value instanceof Date || value instanceof RegExp || value instanceof URL;
}

/**
 * Maps with equal keys and equal values; keys that are objects are left to the platform's
 * comparison.
 */
function equalMaps(a: Map<unknown, unknown>, b: Map<unknown, unknown>): boolean {
  const sameKeys = a.size === b.size && [...a.keys()].every((key) => b.has(key));
  return sameKeys ? [...a].every(([key, value]) => equal(value, b.get(key))) : isDeepStrictEqual(a, b);
}

/** Every property a caller can read, getters of the class included. */
function keysOf(value: object): Set<string | symbol> {
  const keys = new Set<string | symbol>();
  for (let o = value; o && o !== Object.prototype && o !== Array.prototype; o = Object.getPrototypeOf(o)) {
    for (const key of Reflect.ownKeys(o)) keys.add(key);
  }
  return keys;
}

/** Fails unless both are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  let difference = "";
  try {
    nodeAssert.deepStrictEqual(actual, expected);
  } catch (error) {
    difference = error instanceof Error ? error.message.replace(/^[^\n]*\n/, "") : "";
  }
  throw new AssertionError(`Values are not equal${msg ? `: ${msg}` : "."}\n${difference}`);
}

/** Fails if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) refuse(`Expected actual: ${text(actual)} not to be: ${text(expected)}`, msg);
}

/** Fails unless both are the same value, as `Object.is` says. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  refuse(`Values are not strictly equal, ${text(actual)} and ${text(expected)}`, msg);
}

/** Fails if both are the same value, as `Object.is` says. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string): void {
  if (Object.is(actual, expected)) {
    refuse(`Expected "actual" not to be strictly equal to: ${text(actual)}`, msg);
  }
}

/** Fails if `actual` is null or undefined. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) {
    refuse(`Expected actual: "${actual}" to not be null or undefined`, msg);
  }
}

/** Fails unless `actual` is an instance of `expectedType`. */
export function assertInstanceOf<T extends abstract new (...args: never[]) => unknown>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  refuse(`Expected object to be an instance of "${expectedType.name}" but was ${text(actual)}`, msg);
}

/** Fails unless `actual` holds `expected`. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/** Fails if `actual` matches `expected`. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) refuse(`Expected actual: "${actual}" to not match: "${expected}"`, msg);
}

/** Fails unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) refuse(`Expect ${text(actual)} > ${text(expected)}`, msg);
}

/** Fails unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) refuse(`Expect ${text(actual)} >= ${text(expected)}`, msg);
}

/** Fails unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) refuse(`Expect ${text(actual)} < ${text(expected)}`, msg);
}

/** Fails unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) refuse(`Expect ${text(actual)} <= ${text(expected)}`, msg);
}

/**
 * Fails unless the numbers differ by less than `tolerance` (by default a ten-millionth of
 * `expected`).
 */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (Math.abs(expected - actual) <= allowed) return;
  refuse(`Expected actual: "${actual}" to be close to "${expected}" within "${allowed}"`, msg);
}

/** Fails unless `error` has the expected class and its message contains `part`. */
function checkError(error: unknown, type: ErrorType<Error>, part: string | undefined, msg?: string): void {
  if (!(error instanceof Error)) refuse("A non-Error object was thrown", msg);
  if (!(error instanceof type)) {
    refuse(`Expected error to be instance of "${type.name}", but was ${text(error)}`, msg);
  }
  const message = stripVTControlCharacters(error.message);
  if (part && !message.includes(stripVTControlCharacters(part))) {
    refuse(`Expected error message to include ${text(part)}, but got ${text(message)}`, msg);
  }
}

/** Fails unless `fn` throws the expected error; returns it. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  typeOrMsg?: ErrorType<Error> | string,
  part?: string,
  msg?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    if (typeof typeOrMsg === "function") checkError(error, typeOrMsg, part, msg);
    return error;
  }
  refuse("Expected function to throw", typeof typeOrMsg === "string" ? typeOrMsg : msg);
}

/** Fails unless the promise of `fn` rejects with the expected error; resolves with it. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  typeOrMsg?: ErrorType<Error> | string,
  part?: string,
  msg?: string,
): Promise<unknown> {
  const note = typeof typeOrMsg === "string" ? typeOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch {
    refuse("Function throws when expected to reject", note);
  }
  try {
    await promise;
  } catch (error) {
    if (typeof typeOrMsg === "function") checkError(error, typeOrMsg, part, msg);
    return error;
  }
  refuse("Expected function to reject", note);
}
