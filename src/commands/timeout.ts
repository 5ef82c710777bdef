/** The time-outs of blocking commands. */
import type { Args } from "../engine/args.ts";
import { TIMEOUT_NEGATIVE, TIMEOUT_NOT_FLOAT, TIMEOUT_OUT_OF_RANGE } from "../protocol/errors.ts";

/** Where Redis's 64-bit milliseconds end. */
const MAX_TIMEOUT_MS = 2 ** 63;

/** Argument `at`, seconds with a fraction, in whole milliseconds, rounded up; 0 means without end. */
export function timeoutArgument(args: Args, at: number): number {
  const ms = args.double(at, TIMEOUT_NOT_FLOAT) * 1000;
  if (ms >= MAX_TIMEOUT_MS) throw TIMEOUT_OUT_OF_RANGE;
  if (ms < 0) throw TIMEOUT_NEGATIVE;
  return Math.ceil(ms);
}
