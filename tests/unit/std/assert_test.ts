/** The same tests pass with the real `@std/assert` and with the stand-in of src/std/. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertFalse,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertNotStrictEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";

class Box {
  #content: number;
  constructor(content: number) {
    this.#content = content;
  }
  get content(): number {
    return this.#content;
  }
}

class OffsetError extends Error {
  constructor(readonly offset: number) {
    super(`at ${offset}`);
  }
}

const fails = (check: () => unknown) => assertThrows(check, AssertionError);
const throwOffset = (): never => {
  throw new OffsetError(3);
};

Deno.test("assertEquals compares plain data by content", () => {
  assertEquals([0, NaN], [-0, NaN]);
  assertEquals({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 });
  assertEquals(Object.create(null), {});
  assertEquals([null, ["x", 1n]], [null, ["x", 1n]]);
  fails(() => assertEquals<unknown>(1n, 1));
  fails(() => assertEquals<unknown>({ a: undefined }, {}));
  fails(() => assertEquals<unknown>([undefined], []));
  fails(() => assertEquals({ a: [1, 2] }, { a: [2, 1] }));
});

Deno.test("assertEquals compares bytes, sets, maps and objects of a class by content", () => {
  assertEquals(new Uint8Array([1, 2]), Uint8Array.of(1, 2));
  assertEquals(new Set(["a", "b"]), new Set(["b", "a"]));
  assertEquals(new Map([["a", 0]]), new Map([["a", -0]]));
  assertEquals(new Box(1), new Box(1));
  fails(() => assertEquals(new Uint8Array([1, 2]), Uint8Array.of(1, 3)));
  fails(() => assertEquals<unknown>([1], Uint8Array.of(1)));
  fails(() => assertEquals(new Set(["a"]), new Set(["b", "a"])));
  fails(() => assertEquals(new Map([["a", 1]]), new Map([["a", 2]])));
  fails(() => assertEquals(new Box(1), new Box(2)));
});

Deno.test("assertNotEquals and the identity checks fail on what they forbid", () => {
  assertNotEquals([1], [2]);
  assertStrictEquals(1, 1);
  assertNotStrictEquals({}, {});
  fails(() => assertNotEquals([1], [1]));
  fails(() => assertStrictEquals(0, -0));
  fails(() => assertNotStrictEquals(1, 1));
});

Deno.test("assertThrows returns the error and checks its class and message", () => {
  assertEquals(assertThrows(throwOffset, OffsetError, "at 3").offset, 3);
  fails(() => assertThrows(throwOffset, OffsetError, "at 4"));
  fails(() => assertThrows(throwOffset, RangeError));
  fails(() => assertThrows(() => 1));
});

Deno.test("assertRejects returns the error and refuses what does not reject", async () => {
  assertEquals((await assertRejects(() => Promise.reject(new OffsetError(4)), OffsetError)).offset, 4);
  await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError);
  await assertRejects(() => assertRejects(throwOffset), AssertionError);
  await assertRejects(
    () => assertRejects(() => Promise.reject(new OffsetError(4)), OffsetError, "at 5"),
    AssertionError,
  );
});

Deno.test("assertExists and assertInstanceOf narrow the type", () => {
  const first: string | undefined = ["x"][0];
  assertExists(first);
  assertEquals(first.length, 1);
  const thing: unknown = new Box(2);
  assertInstanceOf(thing, Box);
  assertEquals(thing.content, 2);
  fails(() => assertExists(null));
  fails(() => assertInstanceOf(thing, OffsetError));
});

Deno.test("the checks of order, text and truth fail on the other side of their border", () => {
  assertGreater(2, 1);
  assertGreaterOrEqual(1, 1);
  assertLess(1n, 2n);
  assertLessOrEqual("a", "b");
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(1, 1.1, 0.2);
  assertStringIncludes("abc", "bc");
  assertMatch("abc", /b./);
  assertNotMatch("abc", /d/);
  assertFalse(0);
  fails(() => assertGreater(1, 1));
  fails(() => assertGreaterOrEqual(1, 2));
  fails(() => assertLess(1, 1));
  fails(() => assertLessOrEqual(2, 1));
  fails(() => assertAlmostEquals(1, 1.1));
  fails(() => assertStringIncludes("abc", "x"));
  fails(() => assertMatch("abc", /x/));
  fails(() => assertNotMatch("abc", /a/));
  fails(() => assertFalse(1));
  fails(() => assert(0, "a reason"));
  fails(() => fail("a reason"));
});
