/**
 * Casts of doubles to 64-bit integers as C compiled for x86-64 performs them, out of range too:
 * scripts can see the results. The WebAssembly of the Lua library would cast to 32 bits.
 */

const INT64_MIN = -(2n ** 63n);

/** `(int64_t)value`. */
export function toInt64(value: number): bigint {
  const whole = Math.trunc(value);
  return whole >= -(2 ** 63) && whole < 2 ** 63 ? BigInt(whole) : INT64_MIN;
}

/** `(uint64_t)value`; values too large become 0. */
export function toUint64(value: number): bigint {
  if (value >= 2 ** 64) return 0n;
  return value >= 2 ** 63 ? BigInt(value) : BigInt.asUintN(64, toInt64(value));
}
