import { assertEquals } from "@std/assert";
import {
  formatDouble,
  isInt64,
  narrowInteger,
  parseDouble,
  parseDoubleBytes,
  parseInteger,
  parseIntegerBytes,
  parseMemory,
} from "../../../src/util/numbers.ts";
import { bytesOf } from "../../../src/util/bytes.ts";
import { Random } from "../../../src/util/random.ts";

const INTEGERS: [string, number | bigint | undefined][] = [
  ["0", 0],
  ["7", 7],
  ["-7", -7],
  ["123456789012345", 123456789012345],
  ["-123456789012345", -123456789012345],
  ["9007199254740991", 9007199254740991],
  ["9007199254740993", 9007199254740993n],
  ["9223372036854775807", 9223372036854775807n],
  ["9223372036854775808", undefined],
  ["-9223372036854775808", -9223372036854775808n],
  ["-9223372036854775809", undefined],
  ["", undefined],
  ["-", undefined],
  ["-0", undefined],
  ["+1", undefined],
  ["01", undefined],
  [" 1", undefined],
  ["1 ", undefined],
  ["1.0", undefined],
  ["1e3", undefined],
  ["0x1", undefined],
  ["111111111111111111111", undefined],
];

for (const [text, value] of INTEGERS) {
  Deno.test(`parseInteger and parseIntegerBytes of ${JSON.stringify(text)}`, () => {
    assertEquals(parseInteger(text), value);
    const bytes = Uint8Array.from(`1${text}1`, (c) => c.charCodeAt(0));
    assertEquals(parseIntegerBytes(bytes, 1, bytes.length - 1), value);
  });
}

Deno.test("narrowInteger gives a number where it is exact, isInt64 knows the range", () => {
  assertEquals(narrowInteger(-5n), -5);
  assertEquals(narrowInteger(1n << 60n), 1n << 60n);
  assertEquals(isInt64((1n << 63n) - 1n), true);
  assertEquals(isInt64(1n << 63n), false);
});

/** Text, value as ZADD of redis-server 7.0.15 takes it, and its ZSCORE. */
const DOUBLES: [string, number | undefined, string?][] = [
  ["0.1", 0.1, "0.10000000000000001"],
  ["3.0", 3, "3"],
  ["1.", 1, "1"],
  [".5", 0.5, "0.5"],
  ["+5", 5, "5"],
  ["-0", -0, "-0"],
  ["1e20", 1e20, "1e+20"],
  ["1e17", 1e17, "1e+17"],
  ["12345678901234567", 12345678901234568, "12345678901234568"],
  ["17179869184", 17179869184, "17179869184"],
  ["9223372036854775807", 2 ** 63, "9.2233720368547758e+18"],
  ["1e-7", 1e-7, "9.9999999999999995e-08"],
  ["1e-5", 1e-5, "1.0000000000000001e-05"],
  ["0.0001", 1e-4, "0.0001"],
  ["123456789.123", 123456789.123, "123456789.123"],
  ["4.94e-324", 5e-324, "4.9406564584124654e-324"],
  ["1.7976931348623157e308", Number.MAX_VALUE, "1.7976931348623157e+308"],
  ["0e-999", 0, "0"],
  ["inf", Infinity, "inf"],
  ["+Inf", Infinity, "inf"],
  ["-INFINITY", -Infinity, "-inf"],
  ["0x10", 16, "16"],
  ["-0x1.8p3", -12, "-12"],
  ["0x1p-1074", 5e-324, "4.9406564584124654e-324"],
  ["0x1p1023", 2 ** 1023, "8.9884656743115795e+307"],
  ["0x20000000000001p0", 2 ** 53, "9007199254740992"],
  ["0x0", 0, "0"],
  ["0x1p1024", undefined],
  ["0x1p-1080", undefined],
  ["1e309", undefined],
  ["-1e-400", undefined],
  ["nan", undefined],
  ["", undefined],
  [".", undefined],
  ["+", undefined],
  ["1e", undefined],
  ["1e+", undefined],
  ["0x", undefined],
  ["0x1p", undefined],
  [" 1", undefined],
  ["1 ", undefined],
  ["1_0", undefined],
  ["infin", undefined],
  ["1\0", undefined],
];

for (const [text, value, printed] of DOUBLES) {
  Deno.test(`parseDouble of ${JSON.stringify(text)} and formatDouble of its value`, () => {
    assertEquals(parseDouble(text), value);
    if (value !== undefined) assertEquals(formatDouble(value), printed);
  });
}

Deno.test("formatDouble rounds an exact half at the 18th digit to even, as C does", () => {
  assertEquals(formatDouble(1 + 2 ** -17), "1.0000076293945312");
  assertEquals(formatDouble(1 + 3 * 2 ** -17), "1.0000228881835938");
  assertEquals(formatDouble(2 ** -25), "2.9802322387695312e-08");
  assertEquals(formatDouble(1700000000 + 3 / 256), "1700000000.0117188");
  assertEquals(formatDouble(1700000000 + 1 / 256), "1700000000.0039062");
});

Deno.test("formatDouble of short decimals and of times with milliseconds", () => {
  const cases: [number, string][] = [
    [1.5, "1.5"],
    [-0.0625, "-0.0625"],
    [99999999999.9375, "99999999999.9375"],
    [100000000000.5, "100000000000.5"],
    [1700000000.007, "1700000000.007"],
    [1700000000.123, "1700000000.1229999"],
  ];
  for (const [value, printed] of cases) assertEquals(formatDouble(value), printed);
});

Deno.test("formatDouble of seeded random doubles reads back as the same double", () => {
  let seed = 99;
  for (let i = 0; i < 2000; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    const value = (seed - 2 ** 31) * 2 ** ((i % 400) - 200);
    assertEquals(Number(formatDouble(value)), value, `value ${value}`);
  }
});

Deno.test("parseMemory knows decimal and binary units in any case", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["100", 100],
    ["100b", 100],
    ["5k", 5000],
    ["5kb", 5120],
    ["2M", 2_000_000],
    ["2mB", 2 * 1024 ** 2],
    ["1g", 1_000_000_000],
    ["1GB", 1024 ** 3],
    ["", 0],
    ["-1", undefined],
    ["1.5gb", undefined],
    ["1tb", undefined],
    ["1 gb", undefined],
  ];
  for (const [text, bytes] of cases) assertEquals(parseMemory(text), bytes, text);
});

Deno.test("parseDoubleBytes reads what parseDouble reads", () => {
  const random = new Random(15);
  const texts = [
    "",
    "-",
    ".",
    "-.",
    "5.",
    ".5",
    "-0",
    "-0.0",
    "1.2.3",
    "+1",
    "1e5",
    "inf",
    "-inf",
    "nan",
    "0x10",
    " 1",
    "1 ",
  ];
  texts.push(
    "9007199254740993",
    "999999999999999",
    "0.00000000000001",
    "123456.789012345",
    "1234567890.12345678",
    "1a",
  );
  for (let i = 0; i < 3000; i++) {
    const length = 1 + random.below(18), point = random.below(2 * length);
    const digits = Array.from({ length }, (_, at) => at === point ? "." : String(random.below(10))).join("");
    texts.push(random.below(3) === 0 ? `-${digits}` : digits);
  }
  for (const text of texts) {
    const buf = bytesOf(`7${text}7`);
    assertEquals(parseDoubleBytes(buf, 1, 1 + text.length), parseDouble(text), text);
  }
});
