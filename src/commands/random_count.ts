/** The count of SRANDMEMBER, HRANDFIELD and ZRANDMEMBER: negative means "with repeats". */
import type { Args } from "../engine/args.ts";
import type { CommandContext } from "../engine/context.ts";
import { OUT_OF_RANGE, REPLY_TOO_LARGE, ReplyError } from "../protocol/errors.ts";

/** The smallest integer; its negation is out of range. */
const minInt64 = -(2n ** 63n);
const maxPairs = 2n ** 62n - 1n;
const maxReplyBytes = 1 << 30;
/** Size of an empty string in a reply. */
const leastReplyBytes = 6;

/** `client-output-buffer-limit normal`, or 0. */
function hardLimit(ctx: CommandContext): number {
  return ctx.engine.config.values.clientOutputBufferLimit.normal.hardBytes;
}

function largestReply(ctx: CommandContext): number {
  return hardLimit(ctx) > 0 ? Math.min(hardLimit(ctx), maxReplyBytes) : maxReplyBytes;
}

/** Ends a client whose reply would exceed its output limit, just as the whole reply would have. */
function refuseReply(ctx: CommandContext): never {
  if (hardLimit(ctx) > 0) {
    ctx.engine.stats.outputBufferLimitDisconnections++;
    ctx.client.transport.close(false);
  }
  throw REPLY_TOO_LARGE;
}

/**
 * Argument `i` as such a count. Counts beyond 2^53 become 2^53.
 *
 * @param inPairs true if the reply holds twice the count, which must still be an integer
 */
export function randomCount(args: Args, i: number, inPairs = false): number {
  const exact = args.integer(i);
  if (exact === minInt64) {
    throw new ReplyError(`${OUT_OF_RANGE.text}, value must between ${minInt64 + 1n} and ${-minInt64 - 1n}`);
  }
  if (inPairs && (exact > maxPairs || exact < -maxPairs)) throw OUT_OF_RANGE;
  return args.int(i);
}

/** Refuses more repeats than any reply holds, before they are announced; a missing key has none. */
export function checkRepeats(ctx: CommandContext, picks: number): void {
  if (picks * leastReplyBytes > largestReply(ctx)) refuseReply(ctx);
}

/**
 * Refuses to continue a reply that has grown beyond 1 GiB or the client's output limit: with
 * repeats a count may ask for more than any memory holds, and a number in a request must not be
 * able to end the server.
 */
export function checkReplySize(ctx: CommandContext): void {
  if (ctx.reply.length > largestReply(ctx)) refuseReply(ctx);
}
