import { assertEquals } from "@std/assert";
import {
  elementEnd,
  elementFits,
  elementInteger,
  elementStart,
  elementText,
  integerElementBytes,
  integerOfText,
  isIntegerElement,
  writeIntegerElement,
  writeTextElement,
} from "../../../src/data/listpack.ts";

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

function element(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length + 10);
  return bytes.subarray(0, writeTextElement(bytes, 0, text));
}

Deno.test("integers take the smallest encoding that holds them", () => {
  const expected: [string, string][] = [
    ["0", "00 01"],
    ["127", "7f 01"],
    ["128", "c0 80 02"],
    ["-1", "df ff 02"],
    ["-4096", "d0 00 02"],
    ["4096", "f1 00 10 03"],
    ["-32768", "f1 00 80 03"],
    ["32768", "f2 00 80 00 04"],
    ["-8388608", "f2 00 00 80 04"],
    ["8388608", "f3 00 00 80 00 05"],
    ["2147483648", "f4 00 00 00 80 00 00 00 00 09"],
    ["-9223372036854775808", "f4 00 00 00 00 00 00 00 80 09"],
    ["9223372036854775807", "f4 ff ff ff ff ff ff ff 7f 09"],
  ];
  for (const [text, bytes] of expected) {
    assertEquals(hex(element(text)), bytes, text);
    assertEquals(elementText(element(text), 0), text);
    assertEquals(integerElementBytes(BigInt(text)), element(text).length);
  }
});

Deno.test("only canonical 64-bit integers are stored as integers", () => {
  for (
    const text of ["", "-", "-0", "01", "+1", "1.0", "9223372036854775808", "-9223372036854775809", " 1"]
  ) {
    assertEquals(integerOfText(text), undefined, text);
    assertEquals(isIntegerElement(element(text), 0), false);
    assertEquals(elementText(element(text), 0), text);
  }
  assertEquals(integerOfText("9007199254740993"), 9007199254740993n);
  assertEquals(integerOfText("-42"), -42);
});

Deno.test("texts of every length class are read back, forwards and backwards", () => {
  const bytes = new Uint8Array(80_000), ends: number[] = [];
  const texts = [0, 1, 63, 64, 125, 126, 4095, 4096, 16_377, 16_378, 20_000].map((length) =>
    "\xff".repeat(length)
  );
  let end = 0;
  for (const text of texts) ends.push(end = writeTextElement(bytes, end, text));
  let at = 0;
  for (const [i, text] of texts.entries()) {
    assertEquals(elementText(bytes, at), text);
    assertEquals(elementFits(bytes, at, end), true);
    assertEquals(elementFits(bytes, at, ends[i]! - 1), false);
    assertEquals(elementEnd(bytes, at), ends[i]);
    assertEquals(elementStart(bytes, ends[i]!), at);
    at = ends[i]!;
  }
});

Deno.test("elementInteger is exact over the whole range", () => {
  const bytes = new Uint8Array(10);
  for (let bits = 0n; bits < 64n; bits++) {
    for (const value of [(1n << bits) - 1n, -(1n << bits)]) {
      const exact = BigInt.asIntN(64, value);
      writeIntegerElement(bytes, 0, exact);
      assertEquals(BigInt(elementInteger(bytes, 0)), exact);
    }
  }
});

Deno.test("elementFits refuses bytes that are no element", () => {
  assertEquals(elementFits(new Uint8Array([0xf5, 1]), 0, 2), false);
  assertEquals(elementFits(new Uint8Array([0xff]), 0, 1), false);
  assertEquals(elementFits(new Uint8Array([0x01, 2]), 0, 2), false);
  assertEquals(elementFits(new Uint8Array([0xf0, 0xff, 0xff, 0xff, 0xff, 1]), 0, 6), false);
  assertEquals(elementFits(new Uint8Array([0xe1]), 0, 1), false);
  assertEquals(elementFits(new Uint8Array([0x01, 1]), 0, 2), true);
});
