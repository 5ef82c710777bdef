/**
 * The arithmetic of INCRBYFLOAT and HINCRBYFLOAT: Redis computes in x86's 80-bit `long double` (a
 * mantissa of 64 bits) and prints `%.17Lf` without trailing zeros, and clients see the difference:
 * 10.5 + 0.1 is 10.6, where doubles would give 10.59999999999999964, and 1e17 + 0.1 is
 * 100000000000000000.1015625.
 *
 * A value is an exact ±mantissa × 2^exponent in BigInt, rounded to 64 bits (halves to even) after
 * parsing and after adding, as the hardware does. Operations cost a few microseconds for ordinary
 * numbers.
 */
import { parseHexFloat, roundShift } from "./numbers.ts";

const PRECISION = 64;
/** The exponent of the last place of the smallest (denormal) value. */
const MIN_EXPONENT = -16445;
/** Values are below 2^MAX_TOP. */
const MAX_TOP = 16384;
/**
 * Decimal exponents beyond this cannot come back into range with the number of digits allowed here.
 */
const MAX_DECIMAL_EXPONENT = 20000;
/** As in Redis: longer texts are not numbers. */
const MAX_CHARS = 5 * 1024 - 1;
const FRACTION_DIGITS = 17;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

/** mantissa × 2^exponent, the mantissa carrying the sign; an infinity has no finite parts. */
export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly infinite: boolean;
}

const ZERO: LongDouble = { mantissa: 0n, exponent: 0, infinite: false };
const INFINITY: LongDouble = { mantissa: 1n, exponent: 0, infinite: true };
const NEGATIVE_INFINITY: LongDouble = { mantissa: -1n, exponent: 0, infinite: true };

/**
 * Reads a decimal or hexadecimal number or an infinity as C's `strtold` does; no spaces, no NaN,
 * nothing out of range.
 */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length > MAX_CHARS) return undefined;
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? NEGATIVE_INFINITY : INFINITY;
  const hex = parseHexFloat(text);
  const exact = hex === undefined ? parseDecimal(text) : round(hex.mantissa, hex.exponent, hex.negative);
  return exact === undefined || exact.infinite ? undefined : exact;
}

/** The sum in `long double` arithmetic, or `undefined` if it is infinite or not a number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.infinite || b.infinite) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  const result = round(sum < 0n ? -sum : sum, exponent, sum < 0n);
  return result === undefined || result.infinite ? undefined : result;
}

/**
 * `value` × `factor`, a finite value, rounded up to an integer. The product is rounded to 64 bits
 * first, as the hardware does: 0.2 × 1000 is 200, although 0.2 is a little more than a fifth.
 */
export function ceilProduct(value: LongDouble, factor: bigint): bigint {
  const exact = value.mantissa * factor;
  const product = round(exact < 0n ? -exact : exact, value.exponent, exact < 0n) ?? ZERO;
  const shift = BigInt(Math.abs(product.exponent));
  return product.exponent >= 0 ? product.mantissa << shift : -(-product.mantissa >> shift);
}

/** Prints a finite value as `%.17Lf` does, without trailing zeros and never as `-0`. */
export function formatLongDouble(value: LongDouble): string {
  const negative = value.mantissa < 0n;
  const scaled = (negative ? -value.mantissa : value.mantissa) * FRACTION_SCALE;
  const fixed = value.exponent >= 0 ? scaled << BigInt(value.exponent) : roundShift(scaled, -value.exponent);
  const digits = fixed.toString().padStart(FRACTION_DIGITS + 1, "0");
  const point = digits.length - FRACTION_DIGITS;
  const fraction = digits.slice(point).replace(/0+$/, "");
  const text = digits.slice(0, point) + (fraction === "" ? "" : "." + fraction);
  return negative && text !== "0" ? "-" + text : text;
}

function parseDecimal(text: string): LongDouble | undefined {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (parts === null) return undefined;
  const whole = parts[2] ?? "";
  const fraction = parts[3] ?? "";
  if (whole.length + fraction.length === 0) return undefined;
  const digits = BigInt(whole + fraction);
  const exponent = Number(parts[4] ?? "0") - fraction.length;
  const negative = parts[1] === "-";
  if (digits === 0n) return ZERO;
  if (Math.abs(exponent) > MAX_DECIMAL_EXPONENT) return undefined;
  if (exponent >= 0) return round(digits * 10n ** BigInt(exponent), 0, negative);
  return roundQuotient(digits, 10n ** BigInt(-exponent), negative);
}

/**
 * numerator / denominator, rounded once. Computed with spare bits, and with a last bit that stands
 * for any remainder of the division, so that it is never mistaken for a half.
 */
function roundQuotient(numerator: bigint, denominator: bigint, negative: boolean): LongDouble | undefined {
  const spare = PRECISION + 2 + bitLength(denominator) - bitLength(numerator);
  const shift = Math.max(spare, 0);
  const scaled = numerator << BigInt(shift);
  const quotient = scaled / denominator;
  const sticky = quotient * denominator === scaled ? 0n : 1n;
  return round((quotient << 1n) | sticky, -shift - 1, negative);
}

/**
 * The nearest value of 64 bits (fewer for denormals); `undefined` if a non-zero value would become
 * zero.
 */
function round(mantissa: bigint, exponent: number, negative: boolean): LongDouble | undefined {
  if (mantissa === 0n) return ZERO;
  const top = bitLength(mantissa) + exponent; // |value| is in [2^(top-1), 2^top)
  if (top > MAX_TOP) return INFINITY;
  if (top < MIN_EXPONENT) return undefined;
  const drop = Math.max(bitLength(mantissa) - PRECISION, MIN_EXPONENT - exponent, 0);
  const kept = drop === 0 ? mantissa : roundShift(mantissa, drop);
  if (kept === 0n) return undefined;
  if (bitLength(kept) + exponent + drop > MAX_TOP) return INFINITY;
  return { mantissa: negative ? -kept : kept, exponent: exponent + drop, infinite: false };
}

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return (hex.length - 1) * 4 + (32 - Math.clz32(parseInt(hex.charAt(0), 16)));
}
