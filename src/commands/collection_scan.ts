/** The common parts of HSCAN, SSCAN and ZSCAN: the cursor, the options, the shape of the reply. */
import { ArgReader } from "../engine/arg_reader.ts";
import type { Args } from "../engine/args.ts";
import { type ArgSpec, integerArg, keyArg, patternArg } from "../engine/command.ts";
import type { CommandContext } from "../engine/context.ts";
import { INVALID_CURSOR, NOVALUES_OUTSIDE_HSCAN, SYNTAX } from "../protocol/errors.ts";
import { globMatch } from "../util/glob.ts";

const defaultCount = 10;

/** The arguments as COMMAND DOCS shows them. */
export const scanArgs: readonly ArgSpec[] = [
  keyArg(),
  integerArg("cursor"),
  patternArg("pattern", { token: "MATCH", optional: true }),
  integerArg("count", { token: "COUNT", optional: true }),
];

/** The complexity of the scan commands as COMMAND DOCS shows it. */
export const scanComplexity =
  "O(1) for a call. O(N) for a whole iteration of as many calls as bring the cursor back to 0, N being the number of elements.";

/** A scan's options. */
export interface ScanOptions {
  count: number;
  /** True if an element passes MATCH. */
  matches: (element: string) => boolean;
  noValues: boolean;
}

/**
 * A scan's cursor, parsed as in C: an unsigned 64-bit integer that ends at a zero byte; an empty
 * one is 0, and a sign is allowed. Anything else throws "invalid cursor".
 */
export function parseCursor(text: string): number {
  const [digits = ""] = text.split("\0", 1), cursor = Number(digits);
  if (!/^([+-]?\d+)?$/.test(digits)) throw INVALID_CURSOR;
  if (Math.abs(cursor) >= 2 ** 64 && BigInt(digits.replace(/^[+-]/, "")) >= 2n ** 64n) throw INVALID_CURSOR;
  // A cursor this server never returned: nothing follows it.
  return cursor > 0 && Number.isSafeInteger(cursor) ? cursor : 0;
}

/** Parses the options from argument 3 on. @param isHash true if NOVALUES is allowed */
export function parseScanOptions(args: Args, isHash: boolean): ScanOptions {
  const options: ScanOptions = { count: defaultCount, matches: () => true, noValues: false };
  const reader = new ArgReader(args, 3);
  while (reader.more) {
    if (reader.take("COUNT", 1)) {
      options.count = reader.int();
      if (options.count < 1) throw SYNTAX;
    } else if (reader.take("MATCH", 1)) {
      const pattern = reader.string();
      if (pattern !== "*") options.matches = (element) => globMatch(pattern, element);
    } else if (reader.take("NOVALUES")) {
      if (!isHash) throw NOVALUES_OUTSIDE_HSCAN;
      options.noValues = true;
    } else throw SYNTAX;
  }
  return options;
}

/** Replies with the next cursor and the elements (and values) found. */
export function replyScan(ctx: CommandContext, cursor: number, found: readonly string[]): void {
  ctx.reply.array(2);
  ctx.reply.bulkInteger(cursor);
  ctx.reply.bulkArray(found);
}
