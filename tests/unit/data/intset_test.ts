import { assertEquals } from "@std/assert";
import {
  encodeInt,
  findInt,
  intTextAt,
  type IntWidth,
  intWidth,
  widenInts,
} from "../../../src/data/intset.ts";

/** In order: values on both sides of every width and of the exact range of a number. */
const sorted = [
  -9223372036854775808n,
  -9223372036854775807n,
  -9007199254740993n,
  -9007199254740992n,
  -9007199254740991,
  -4294967297,
  -4294967296,
  -4294967295,
  -2147483649,
  -2147483648,
  -32769,
  -32768,
  -1,
  0,
  1,
  255,
  256,
  32767,
  32768,
  2147483647,
  2147483648,
  4294967295,
  4294967296,
  9007199254740991,
  9007199254740992n,
  9223372036854775806n,
  9223372036854775807n,
];

Deno.test("intWidth is the width Redis's intset uses", () => {
  const widths = (values: readonly (number | bigint)[]) => values.map(intWidth);
  assertEquals(widths([-32769, -32768, 0, 32767, 32768]), [4, 2, 2, 2, 4]);
  assertEquals(widths([-2147483649, -2147483648, 2147483647, 2147483648, 2n ** 63n - 1n]), [8, 4, 4, 8, 8]);
});

Deno.test("encodeInt, intTextAt and findInt keep the integers and their order in every width", () => {
  for (const width of [2, 4, 8] as IntWidth[]) {
    const values = sorted.filter((value) => intWidth(value) <= width);
    const encoded = values.map((value) => encodeInt(value, width)), ints = encoded.join("");
    assertEquals(encoded.map((text) => text.length), values.map(() => width));
    values.forEach((value, index) => {
      assertEquals(intTextAt(ints, width, index), String(value));
      assertEquals(findInt(ints, width, encoded[index]!), index);
      const without = encoded.filter((_, i) => i !== index).join("");
      assertEquals(findInt(without, width, encoded[index]!), -1 - index);
    });
  }
});

Deno.test("widenInts keeps the integers", () => {
  const values = sorted.filter((value) => intWidth(value) === 2);
  const narrow = values.map((value) => encodeInt(value, 2)).join("");
  for (const width of [4, 8] as IntWidth[]) {
    assertEquals(widenInts(narrow, 2, width), values.map((value) => encodeInt(value, width)).join(""));
  }
  assertEquals(widenInts("", 2, 8), "");
});
