/**
 * Numbers and text, parsed as strictly as in Redis and printed exactly as Redis prints them.
 *
 * Integers are `number` while they are safe and `bigint` beyond, within the range of int64. Doubles
 * follow C's `strtod` and `printf("%.17g")`. Decimal additions of INCRBYFLOAT are in
 * `long_double.ts`.
 */

import { latin1 } from "./bytes.ts";

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;

const INT64_MAX = 9223372036854775807n;
const INT64_MIN = -9223372036854775808n;

/** More digits than any int64 has, with its sign: 20 characters at most. */
const MAX_INTEGER_CHARS = 20;

/** An integer of at most this many digits is safe, whatever the digits are. */
const SAFE_DIGITS = 15;

/**
 * Parses an integer in the only form Redis accepts: an optional `-`, no leading zeros, no `-0`, no
 * spaces, int64 range.
 *
 * @example
 * ```ts
 * import { parseInteger } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseInteger("-42"), -42);
 * assertEquals(parseInteger("9223372036854775807"), 9223372036854775807n);
 * assertEquals(parseInteger("042"), undefined);
 * ```
 */
export function parseInteger(text: string): number | bigint | undefined {
  const length = text.length;
  if (length === 0 || length > MAX_INTEGER_CHARS) return undefined;
  const first = text.charCodeAt(0);
  const negative = first === MINUS;
  const start = negative ? 1 : 0;
  const lead = text.charCodeAt(start);
  if (lead === ZERO && length === 1) return 0;
  if (!(lead > ZERO && lead <= NINE)) return undefined;
  let value = 0;
  for (let i = start; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c < ZERO || c > NINE) return undefined;
    value = value * 10 + (c - ZERO);
  }
  if (length - start <= SAFE_DIGITS) return negative ? -value : value;
  return checkedInteger(text);
}

/**
 * {@linkcode parseInteger} of the bytes `start` to `end` of `buf`; creates no string for a short
 * integer.
 */
export function parseIntegerBytes(buf: Uint8Array, start: number, end: number): number | bigint | undefined {
  const length = end - start;
  if (length <= 0 || length > MAX_INTEGER_CHARS) return undefined;
  const negative = buf[start] === MINUS;
  const digits = negative ? start + 1 : start;
  if (length === 1 && buf[start] === ZERO) return 0;
  if (digits === end || buf[digits]! === ZERO) return undefined;
  let value = 0;
  for (let i = digits; i < end; i++) {
    const c = buf[i]!;
    if (c < ZERO || c > NINE) return undefined;
    value = value * 10 + (c - ZERO);
  }
  if (end - digits <= SAFE_DIGITS) return negative ? -value : value;
  return checkedInteger(String.fromCharCode(...buf.subarray(start, end)));
}

/** The value of an int64 as a number if that is exact, else as a bigint. */
export function narrowInteger(value: bigint): number | bigint {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

/** True if `value` fits in an int64. */
export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}

function checkedInteger(text: string): number | bigint | undefined {
  const value = BigInt(text);
  return isInt64(value) ? narrowInteger(value) : undefined;
}

/**
 * Parses a double as C's `strtod` does and Redis allows: decimal or hexadecimal (`0x1p3`), `inf`
 * and `infinity` in any case and with a sign. No spaces, no NaN, nothing that overflows or
 * underflows to zero.
 */
export function parseDouble(text: string): number | undefined {
  if (!isDecimal(text)) return parseSpecialDouble(text);
  const value = Number(text);
  if (value === 0 ? hasNonZeroDigit(text) : !Number.isFinite(value)) return undefined;
  return value;
}

/** Powers of ten that doubles hold exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: SAFE_DIGITS + 1 }, (_, i) => 10 ** i);

/**
 * {@linkcode parseDouble} of the bytes [start, end) of `buf`. A sign and up to 15 digits, a point
 * among them, are read without a string: both the digits and the power of ten are exact then, so
 * that one division rounds right.
 */
export function parseDoubleBytes(buf: Uint8Array, start: number, end: number): number | undefined {
  const negative = buf[start] === MINUS;
  let digits = 0, value = 0, point = -1;
  for (let i = negative ? start + 1 : start; i < end; i++) {
    const c = buf[i]!;
    if (c === DOT && point < 0) point = digits;
    else if (c < ZERO || c > NINE || ++digits > SAFE_DIGITS) return parseDouble(latin1(buf, start, end));
    else value = value * 10 + (c - ZERO);
  }
  if (digits === 0) return parseDouble(latin1(buf, start, end));
  if (point >= 0) value /= POWERS_OF_TEN[digits - point]!;
  return negative ? -value : value;
}

/**
 * Prints a double as `printf("%.17g")` does, which is how Redis 7.0 sends scores: 17 significant
 * digits, no trailing zeros, an exponent of two or more digits below 1e-4 and from 1e17 on, `inf`,
 * `-inf`, `-0`.
 *
 * @example
 * ```ts
 * import { formatDouble } from "./numbers.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatDouble(3), "3");
 * assertEquals(formatDouble(0.1), "0.10000000000000001");
 * assertEquals(formatDouble(1e-7), "9.9999999999999995e-08");
 * ```
 */
export function formatDouble(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (isShortDecimal(value)) return String(value);
  const sign = value < 0 ? "-" : "";
  const [digits, exponent] = seventeenDigits(Math.abs(value));
  return sign + layOut(trimZeros(digits), exponent);
}

/**
 * True if a double, such as 1.5, is exactly a decimal of at most 15 digits, at most four of them
 * behind the point: C and JavaScript then print it alike, for no two decimals of 15 digits are the
 * same double.
 */
function isShortDecimal(value: number): boolean {
  return value < 1e11 && value > -1e11 && Number.isInteger(value * 16);
}

/**
 * Parses an amount of memory as written in redis.conf: `5k` is 5000, `5kb` 5120, likewise m, mb, g
 * and gb, in any case.
 *
 * @returns the bytes (exact up to 2^53), or `undefined` if it is not an amount
 */
export function parseMemory(text: string): number | undefined {
  const parts = /^(\d*)(b|kb?|mb?|gb?)?$/i.exec(text);
  if (parts === null) return undefined;
  const unit = MEMORY_UNITS[(parts[2] ?? "b").toLowerCase()];
  return unit === undefined ? undefined : Number(parts[1]) * unit;
}

const MEMORY_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

/** True if `text` is a plain decimal number: sign, digits with a point, exponent. */
function isDecimal(text: string): boolean {
  const end = text.length;
  const signed = text.charCodeAt(0) === MINUS || text.charCodeAt(0) === PLUS;
  let i = signed ? 1 : 0;
  const whole = skipDigits(text, i);
  let digits = whole - i;
  i = whole;
  if (text.charCodeAt(i) === DOT) {
    const fraction = skipDigits(text, i + 1);
    digits += fraction - i - 1;
    i = fraction;
  }
  if (digits === 0) return false;
  if (i === end) return true;
  if (text.charAt(i) !== "e" && text.charAt(i) !== "E") return false;
  const sign = text.charCodeAt(++i);
  if (sign === MINUS || sign === PLUS) i++;
  return i < end && skipDigits(text, i) === end;
}

function skipDigits(text: string, i: number): number {
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < ZERO || c > NINE) break;
  }
  return i;
}

/** Distinguishes `0e5` from `1e-400`, which is zero because it underflows. */
function hasNonZeroDigit(decimal: string): boolean {
  return /^[^e]*[1-9]/i.test(decimal);
}

function parseSpecialDouble(text: string): number | undefined {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  const hex = parseHexFloat(text);
  if (hex === undefined) return undefined;
  const value = ratioToDouble(hex.mantissa, hex.exponent);
  if (!Number.isFinite(value) || (value === 0 && hex.mantissa !== 0n)) return undefined;
  return hex.negative ? -value : value;
}

/** The value of a hexadecimal float such as `-0x1.8p3`: ±mantissa × 2^exponent. */
export interface HexFloat {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

/**
 * Parses C's hexadecimal floats, `0x` and digits with a point and an optional binary exponent,
 * exactly.
 */
export function parseHexFloat(text: string): HexFloat | undefined {
  const parts = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i.exec(text);
  if (parts === null) return undefined;
  const whole = parts[2] ?? "";
  const fraction = parts[3] ?? "";
  if (whole.length + fraction.length === 0) return undefined;
  return {
    negative: parts[1] === "-",
    mantissa: BigInt("0x" + whole + fraction),
    exponent: Number(parts[4] ?? "0") - 4 * fraction.length,
  };
}

/** The double nearest to mantissa × 2^exponent, halves to even, denormals and overflow included. */
function ratioToDouble(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  const top = bits + exponent; // the value is in [2^(top-1), 2^top)
  if (top > 1024) return Infinity;
  if (top < -1074) return 0;
  const drop = Math.max(bits - 53, -1074 - exponent); // bits below the double's last place
  return drop > 0
    ? Number(roundShift(mantissa, drop)) * 2 ** (exponent + drop)
    : Number(mantissa) * 2 ** exponent;
}

/** mantissa / 2^drop, rounded to the nearest integer, halves to even. */
export function roundShift(mantissa: bigint, drop: number): bigint {
  const shift = BigInt(drop);
  const kept = mantissa >> shift;
  const rest = mantissa - (kept << shift);
  const half = 1n << (shift - 1n);
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}

/**
 * The 17 significant digits of a positive finite double, halves to even, and its decimal exponent.
 */
function seventeenDigits(value: number): [string, number] {
  const text = value.toExponential(16), e = text.indexOf("e");
  const exponent = Number(text.slice(e + 1)), last = text.charCodeAt(e - 1);
  // JavaScript rounds an exact half up, C to even: for a half, an odd last digit is one too many.
  const tooMany = last & 1 && isHalf(value, 17 - exponent) ? 1 : 0;
  return [text.charAt(0) + text.slice(2, e - 1) + String.fromCharCode(last - tooMany), exponent];
}

/**
 * True if a double's exact expansion ends in the given decimal place, which is its 18th digit: an
 * expansion has as many decimal places as the double has binary ones, and its last digit is a 5. 5
 * to that power is part of the digits, so there are 25 places at most.
 */
function isHalf(value: number, places: number): boolean {
  if (places < 1 || places > 25) return false;
  const scaled = value * 2 ** places;
  return Number.isInteger(scaled) && !Number.isInteger(scaled / 2);
}

function trimZeros(digits: string): string {
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === ZERO) end--;
  return digits.slice(0, end);
}

function layOut(digits: string, exponent: number): string {
  if (exponent < -4 || exponent >= 17) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    const point = digits.length > 1 ? "." + digits.slice(1) : "";
    return digits.charAt(0) + point + "e" + (exponent < 0 ? "-" : "+") + size;
  }
  if (exponent < 0) return "0." + "0".repeat(-exponent - 1) + digits;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, "0");
  return digits.slice(0, exponent + 1) + "." + digits.slice(exponent + 1);
}
