/** The time-outs of blocking commands. */
import type { Args } from "../engine/args.ts";
import { TIMEOUT_NEGATIVE, TIMEOUT_NOT_FLOAT, TIMEOUT_OUT_OF_RANGE } from "../protocol/errors.ts";
import { ceilProduct, parseLongDouble } from "../util/long_double.ts";

const MAX_INT64 = (1n << 63n) - 1n;

/**
 * Argument `at`, seconds with a fraction, in whole milliseconds, rounded up; 0: no limit. Seconds
 * are a `long double` in Redis: 1e-400 is not zero, but rounds up to a millisecond.
 */
export function timeoutArgument(args: Args, at: number): number {
  const seconds = parseLongDouble(args.string(at));
  if (seconds === undefined) throw TIMEOUT_NOT_FLOAT;
  const isNegative = seconds.mantissa < 0n;
  if (seconds.infinite) throw isNegative ? TIMEOUT_NEGATIVE : TIMEOUT_OUT_OF_RANGE;
  const ms = ceilProduct(seconds, 1000n);
  if (ms > MAX_INT64) throw TIMEOUT_OUT_OF_RANGE;
  if (ms < 0n) throw TIMEOUT_NEGATIVE;
  return Number(ms);
}
