import { assertEquals } from "@std/assert";
import {
  addLongDoubles,
  ceilProduct,
  formatLongDouble,
  parseLongDouble,
} from "../../../src/util/long_double.ts";

/** The road of INCRBYFLOAT from text to text. */
function addDecimal(a: string, b: string): string | undefined {
  const left = parseLongDouble(a), right = parseLongDouble(b);
  const sum = left && right && addLongDoubles(left, right);
  return sum && formatLongDouble(sum);
}

/** a, b and INCRBYFLOAT's reply of redis-server 7.0.15 on x86-64. */
const SUMS: [string, string, string | undefined][] = [
  ["0.1", "0.2", "0.3"],
  ["10.5", "0.1", "10.6"],
  ["3.0e3", "0", "3000"],
  ["5.0e3", "200", "5200"],
  ["1e17", "0.1", "100000000000000000.1015625"],
  ["1e20", "1", "100000000000000000000"],
  ["1e30", "1", "1000000000000000000024696061952"],
  ["1e19", "1", "10000000000000000001"],
  ["36893488147419103232", "1", "36893488147419103232"],
  ["123456789012345678", "0.123456789", "123456789012345678.125"],
  ["100000000", "0.1", "100000000.09999999999854481"],
  ["0", "3.14159265358979323846", "3.14159265358979324"],
  ["1e2", "0.333333333333333333333", "100.33333333333333334"],
  ["0", "1e-17", "0.00000000000000001"],
  ["0", "5e-18", "0"],
  ["0", "-0.0", "0"],
  ["0", "-1e-20", "0"],
  ["-0.1", "0.1", "0"],
  ["-1.5", "-2", "-3.5"],
  ["1e-4940", "0", "0"],
  ["0x10", "1", "17"],
  ["0x1p3", ".5", "8.5"],
  ["1.", "1", "2"],
  ["1e4932", "1e4932", undefined],
  ["1e5000", "0", undefined],
  ["1e-5000", "0", undefined],
  ["1e999999999999", "0", undefined],
  ["0x1p-99999999", "0", undefined],
  ["inf", "0", undefined],
  ["1", "-Infinity", undefined],
  ["nan", "1", undefined],
  [" 1", "1", undefined],
  ["1 ", "1", undefined],
  ["", "1", undefined],
  ["1e", "1", undefined],
  ["+", "1", undefined],
];

for (const [a, b, sum] of SUMS) {
  Deno.test(`addDecimal ${JSON.stringify(a)} + ${JSON.stringify(b)}`, () =>
    assertEquals(addDecimal(a, b), sum));
}

Deno.test("parseLongDouble reads infinities, which addLongDoubles refuses", () => {
  const infinite = parseLongDouble("-inf");
  const one = parseLongDouble("1");
  assertEquals(infinite?.infinite, true);
  if (infinite && one) assertEquals(addLongDoubles(infinite, one), undefined);
});

Deno.test("parseLongDouble refuses texts of 5120 chars or more", () => {
  assertEquals(parseLongDouble("0".repeat(5119))?.mantissa, 0n);
  assertEquals(parseLongDouble("0".repeat(5120)), undefined);
});

Deno.test("formatLongDouble prints the whole of a huge value", () => {
  const huge = parseLongDouble("1e300");
  assertEquals(huge && formatLongDouble(huge).slice(0, 40), "1000000000000000000008997324079559193870");
});

Deno.test("ceilProduct rounds the product to 64 bits before it rounds up", () => {
  const times1000 = (text: string) => ceilProduct(parseLongDouble(text)!, 1000n);
  assertEquals(["0.2", "0.1", "0.001", "1e-400", "0.0011"].map(times1000), [200n, 100n, 1n, 1n, 2n]);
  assertEquals(["-0.2", "-0.0001", "3", "9007199254740993"].map(times1000), [
    -200n,
    0n,
    3000n,
    9007199254740993000n,
  ]);
});
