/** The expiry of keys: EXPIRE, TTL, PERSIST and related commands. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  oneOf,
  tokenArg,
  unixTimeArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { type Moment, NO_EXPIRY, timeLeft } from "../../keyspace/database.ts";
import { GT_AND_LT, invalidExpire, NX_WITH_OTHERS, ReplyError } from "../../protocol/errors.ts";
import { narrowInteger } from "../../util/numbers.ts";

/** Largest number of seconds whose milliseconds fit into a signed 64-bit integer. */
const MAX_SECONDS = 9223372036854775n;
const MAX_INT64 = (1n << 63n) - 1n;

/** The form in which a command takes or replies a time. */
export interface TimeForm {
  inSeconds: boolean;
  /** True if counted from now, false from 1970. */
  isRelative: boolean;
}

/** The conditions for setting a time: NX, XX, GT, LT. */
export interface ExpiryConditions {
  onlyNone: boolean;
  onlySome: boolean;
  onlyLater: boolean;
  onlyEarlier: boolean;
}

function conditions(args: Args): ExpiryConditions {
  const found = { onlyNone: false, onlySome: false, onlyLater: false, onlyEarlier: false };
  const options = new ArgReader(args, 3);
  while (options.more) {
    if (options.take("NX")) found.onlyNone = true;
    else if (options.take("XX")) found.onlySome = true;
    else if (options.take("GT")) found.onlyLater = true;
    else if (options.take("LT")) found.onlyEarlier = true;
    else throw new ReplyError(`ERR Unsupported option ${options.string()}`);
  }
  if (found.onlyNone && (found.onlySome || found.onlyLater || found.onlyEarlier)) {
    throw NX_WITH_OTHERS;
  }
  if (found.onlyLater && found.onlyEarlier) {
    throw GT_AND_LT;
  }
  return found;
}

/**
 * Argument `at` as a time in Unix milliseconds; it may be in the past. Throws if it is out of
 * range.
 */
export function timeArgument(
  ctx: CommandContext,
  args: Args,
  at: number,
  { inSeconds, isRelative }: TimeForm,
): Moment {
  const value = BigInt(args.integer(at));
  const error = invalidExpire(ctx.cmd.fullName);
  if (inSeconds && (value > MAX_SECONDS || value < -MAX_SECONDS)) throw error;
  const timeMs = (inSeconds ? value * 1000n : value) + (isRelative ? BigInt(ctx.nowMs) : 0n);
  if (timeMs > MAX_INT64) throw error;
  return narrowInteger(timeMs);
}

/** True if `conditions` let `nextMs` replace `currentMs`; no expiry counts as infinitely late. */
function isAllowed(currentMs: Moment, nextMs: Moment, conditions: ExpiryConditions): boolean {
  const expires = currentMs !== NO_EXPIRY;
  if (conditions.onlyNone && expires) return false;
  if (conditions.onlySome && !expires) return false;
  if (conditions.onlyLater && (!expires || nextMs <= currentMs)) return false;
  return !(conditions.onlyEarlier && expires && nextMs >= currentMs);
}

function expire(ctx: CommandContext, args: Args, form: TimeForm): void {
  const wanted = conditions(args);
  const timeMs = timeArgument(ctx, args, 2, form);
  const key = args.key(1), ref = ctx.findForWrite(key);
  if (ref === 0 || !isAllowed(ctx.db.expiryOf(ref), timeMs, wanted)) return ctx.reply.integer(0);
  if (ctx.isOver(timeMs)) {
    ctx.deleteRecord(ref);
    ctx.changed(key, Notify.Generic, "del");
    ctx.rewrite("DEL", key.text);
  } else {
    // Any time before 1970 counts as 0; -1 would mean no expiry.
    ctx.setExpiry(key, ref, timeMs < 0 ? 0 : timeMs);
    ctx.changed(key, Notify.Generic, "expire");
    ctx.rewrite("PEXPIREAT", key.text, String(timeMs));
  }
  ctx.reply.integer(1);
}

/** TTL and related commands: -2 without the key, -1 without an expiry time. */
function timeToLive(ctx: CommandContext, args: Args, { inSeconds, isRelative }: TimeForm): void {
  const ref = ctx.find(args.key(1), false);
  if (ref === 0) return ctx.reply.integer(-2);
  const expiresAtMs = ctx.db.expiryOf(ref);
  if (expiresAtMs === NO_EXPIRY) return ctx.reply.integer(-1);
  const timeMs = isRelative ? timeLeft(expiresAtMs, ctx.nowMs) : expiresAtMs;
  ctx.reply.integer(inSeconds ? wholeSeconds(timeMs) : timeMs);
}

/** The nearest number of whole seconds, halves up. */
function wholeSeconds(ms: Moment): Moment {
  return typeof ms === "bigint" ? narrowInteger((ms + 500n) / 1000n) : Math.floor((ms + 500) / 1000);
}

function persist(ctx: CommandContext, args: Args): void {
  const key = args.key(1), ref = ctx.findForWrite(key);
  if (ref === 0 || ctx.db.expiryOf(ref) === NO_EXPIRY) return ctx.reply.integer(0);
  ctx.setExpiry(key, ref, NO_EXPIRY);
  ctx.changed(key, Notify.Generic, "persist");
  ctx.reply.integer(1);
}

const condition = oneOf(
  "condition",
  [tokenArg("NX"), tokenArg("XX"), tokenArg("GT"), tokenArg("LT")],
  { optional: true, since: "7.0.0" },
);

function expireCommand(name: string, since: string, what: string, form: TimeForm): Command {
  return command({
    name,
    group: "generic",
    since,
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [
      keyArg(),
      form.isRelative
        ? integerArg(form.inSeconds ? "seconds" : "milliseconds")
        : unixTimeArg(form.inSeconds ? "unix-time-seconds" : "unix-time-milliseconds"),
      condition,
    ],
    summary: `Lets a key expire ${what}.`,
    complexity: "O(1)",
    history: [["7.0.0", "Options `NX`, `XX`, `GT` and `LT`."]],
    handler: (ctx, args) => expire(ctx, args, form),
  });
}

function ttlCommand(name: string, since: string, what: string, form: TimeForm): Command {
  return command({
    name,
    group: "generic",
    since,
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [keyArg()],
    summary: `Tells when a key expires, ${what}.`,
    complexity: "O(1)",
    ...(form.isRelative ? { history: [["2.8.0", "-2 for a key that does not exist."]] } : {}),
    tips: form.isRelative ? ["nondeterministic_output"] : [],
    handler: (ctx, args) => timeToLive(ctx, args, form),
  });
}

const seconds = { inSeconds: true, isRelative: true }, milliseconds = { inSeconds: false, isRelative: true };
const unixSeconds = { inSeconds: true, isRelative: false },
  unixMilliseconds = { inSeconds: false, isRelative: false };

/** The commands of this group; `table.ts` joins the groups. */
export const expireCommands: readonly Command[] = [
  expireCommand("expire", "1.0.0", "after some seconds", seconds),
  expireCommand("pexpire", "2.6.0", "after some milliseconds", milliseconds),
  expireCommand("expireat", "1.2.0", "at a Unix time in seconds", unixSeconds),
  expireCommand("pexpireat", "2.6.0", "at a Unix time in milliseconds", unixMilliseconds),
  ttlCommand("ttl", "1.0.0", "in seconds from now", seconds),
  ttlCommand("pttl", "2.6.0", "in milliseconds from now", milliseconds),
  ttlCommand("expiretime", "7.0.0", "as a Unix time in seconds", unixSeconds),
  ttlCommand("pexpiretime", "7.0.0", "as a Unix time in milliseconds", unixMilliseconds),
  command({
    name: "persist",
    group: "generic",
    since: "2.2.0",
    arity: 2,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [keyArg()],
    summary: "Lets a key no longer expire.",
    complexity: "O(1)",
    handler: persist,
  }),
];
