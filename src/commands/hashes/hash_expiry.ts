/** The expiry of hash fields: HEXPIRE and related commands, as in Redis 7.4. */
import { HashValue } from "../../data/hash.ts";
import type { Args } from "../../engine/args.ts";
import {
  type ArgSpec,
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  oneOf,
  stringArg,
  tokenArg,
  unixTimeArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { expireField, fieldClock } from "../../engine/field_expiry.ts";
import type { Key } from "../../keyspace/key.ts";
import {
  EXPIRY_NEGATIVE,
  FIELD_COUNT_MISMATCH,
  FIELD_COUNT_NOT_POSITIVE,
  invalidExpire,
  NO_FIELDS,
  NUMFIELDS_NOT_POSITIVE,
  ReplyError,
} from "../../protocol/errors.ts";

/** The latest expiry time of a field, in milliseconds since the epoch. */
const maxExpiryMs = 2 ** 46 - 1;

/** HEXPIRE's replies for a field. */
const Outcome = { NoField: -2, ConditionNotMet: 0, Set: 1, Deleted: 2 } as const;
/** Reply of HTTL and HPERSIST for a field without an expiry, besides `Outcome.NoField`. */
const noExpiry = -1;

/** The names after `FIELDS numfields`, which begin at argument `at` and come last. */
function fieldsFrom(args: Args, at: number, countError: ReplyError): string[] {
  if (at >= args.count || !args.is(at, "FIELDS")) throw NO_FIELDS;
  if (args.int(at + 1, countError, 1) !== args.count - at - 2) throw FIELD_COUNT_MISMATCH;
  return args.strings(at + 2);
}

function replyIntegers(ctx: CommandContext, values: readonly number[]): void {
  ctx.reply.array(values.length);
  for (const value of values) ctx.reply.integer(value);
}

// ---- HEXPIRE ------------------------------------------------------------------------------------

/** The form of an expiry: in seconds or milliseconds, from now or from the epoch. */
interface TimeForm {
  unitMs: number;
  isRelative: boolean;
}

/**
 * Conditions by option: true if a field that expires at `oldMs` (Infinity: never) may get `newMs`.
 */
const conditions: ReadonlyMap<string, (oldMs: number, newMs: number) => boolean> = new Map([
  ["NX", (oldMs: number) => oldMs === Infinity],
  ["XX", (oldMs: number) => oldMs < Infinity],
  ["GT", (oldMs: number, newMs: number) => oldMs < newMs],
  ["LT", (oldMs: number, newMs: number) => newMs < oldMs],
]);

function expiryArgument(ctx: CommandContext, args: Args, form: TimeForm): number {
  const value = args.integer(2);
  if (value < 0) throw EXPIRY_NEGATIVE;
  const atMs = Number(value) * form.unitMs + (form.isRelative ? ctx.nowMs : 0);
  if (atMs > maxExpiryMs) throw invalidExpire(ctx.cmd.fullName);
  return atMs;
}

function expireFields(ctx: CommandContext, args: Args, form: TimeForm): void {
  const key = args.key(1);
  const hash = ctx.write(key, HashValue);
  const atMs = expiryArgument(ctx, args, form);
  const word = args.string(3).toUpperCase(), condition = conditions.get(word);
  const fields = fieldsFrom(args, condition === undefined ? 3 : 4, NUMFIELDS_NOT_POSITIVE);
  if (hash === undefined) return replyIntegers(ctx, fields.map(() => Outcome.NoField));
  const deletes = ctx.isOver(atMs);
  const changed: string[] = [];
  const outcomes = fields.map((field) => {
    if (!isVisible(ctx, key, hash, field)) return Outcome.NoField;
    if (condition !== undefined && !condition(hash.expiryOf(field), atMs)) return Outcome.ConditionNotMet;
    if (deletes) hash.delete(field);
    else hash.setExpiry(field, atMs);
    changed.push(field);
    return deletes ? Outcome.Deleted : Outcome.Set;
  });
  const words = [String(atMs), ...args.strings(3, args.count - fields.length - 2)];
  if (changed.length > 0) announce(ctx, key, hash, changed, deletes ? null : words);
  replyIntegers(ctx, outcomes);
}

/** True if a field exists and has not expired; an expired one is removed. */
function isVisible(ctx: CommandContext, key: Key, hash: HashValue, field: string): boolean {
  if (hash.has(field, fieldClock(ctx))) return true;
  if (hash.hasExpiringParts) expireField(ctx, key, hash, field);
  return false;
}

/**
 * Announces that fields have been given an expiry or, if that is already past, have been deleted.
 *
 * @param words time and condition with which the change is propagated; null: the fields have been
 * deleted
 */
function announce(
  ctx: CommandContext,
  key: Key,
  hash: HashValue,
  fields: readonly string[],
  words: readonly string[] | null,
): void {
  ctx.changed(key, Notify.Hash, words === null ? "hdel" : "hexpire", fields.length);
  if (words === null) {
    for (const field of fields) ctx.rewrite("HDEL", key.text, field);
    ctx.deleteIfEmpty(key, hash);
  } else {
    const options = [...words, "FIELDS", String(fields.length), ...fields];
    ctx.rewriteAs(["HPEXPIREAT", key.text, ...options]);
  }
}

// ---- HTTL, HEXPIRETIME, HPERSIST ----------------------------------------------------------------

/** A handler that replies, for each field, `show` of its expiry time. */
function showExpiry(show: (atMs: number, nowMs: number) => number) {
  return (ctx: CommandContext, args: Args): void => {
    const hash = ctx.read(args.key(1), HashValue);
    const fields = fieldsFrom(args, 2, FIELD_COUNT_NOT_POSITIVE);
    const nowMs = fieldClock(ctx);
    replyIntegers(
      ctx,
      fields.map((field) => {
        if (hash === undefined || !hash.has(field, nowMs)) return Outcome.NoField;
        const atMs = hash.expiryOf(field);
        return atMs === Infinity ? noExpiry : show(atMs, ctx.nowMs);
      }),
    );
  };
}

function hpersist(ctx: CommandContext, args: Args): void {
  const key = args.key(1);
  const hash = ctx.write(key, HashValue);
  const fields = fieldsFrom(args, 2, FIELD_COUNT_NOT_POSITIVE);
  let persisted = 0;
  const outcomes = fields.map((field) => {
    if (hash === undefined || !isVisible(ctx, key, hash, field)) return Outcome.NoField;
    if (!hash.persist(field)) return noExpiry;
    persisted++;
    return Outcome.Set;
  });
  if (hash !== undefined && persisted > 0) {
    ctx.changed(key, Notify.Hash, "hpersist", persisted);
  }
  replyIntegers(ctx, outcomes);
}

// ---- Declarations -------------------------------------------------------------------------------

const group = "hash";
const since = "7.4.0";
const complexity = "O(N), N being the number of fields given.";
const fieldsBlock = blockArg(
  "fields",
  [integerArg("numfields"), stringArg("field", { multiple: true })],
  { token: "FIELDS" },
);
const conditionArg = oneOf(
  "condition",
  [tokenArg("NX"), tokenArg("XX"), tokenArg("GT"), tokenArg("LT")],
  { optional: true },
);

function expiring(name: string, time: ArgSpec, form: TimeForm, summary: string): Command {
  return command({
    name,
    group,
    since,
    arity: -6,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [keyArg(), time, conditionArg, fieldsBlock],
    summary,
    complexity,
    handler: (ctx, args) => expireFields(ctx, args, form),
  });
}

function showing(
  name: string,
  show: (atMs: number, nowMs: number) => number,
  summary: string,
  tips: readonly string[] = [],
): Command {
  return command({
    name,
    group,
    since,
    arity: -5,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [keyArg(), fieldsBlock],
    summary,
    complexity,
    tips,
    handler: showExpiry(show),
  });
}

const dependsOnTime = ["nondeterministic_output"];

/** The commands of this group; `table.ts` joins the groups. */
export const hashExpiryCommands: readonly Command[] = [
  expiring(
    "hexpire",
    integerArg("seconds"),
    { unitMs: 1000, isRelative: true },
    "Lets fields of a hash expire in some seconds.",
  ),
  expiring(
    "hpexpire",
    integerArg("milliseconds"),
    { unitMs: 1, isRelative: true },
    "Lets fields of a hash expire in some milliseconds.",
  ),
  expiring(
    "hexpireat",
    unixTimeArg("unix-time-seconds"),
    { unitMs: 1000, isRelative: false },
    "Lets fields of a hash expire at a Unix time in seconds.",
  ),
  expiring(
    "hpexpireat",
    unixTimeArg("unix-time-milliseconds"),
    { unitMs: 1, isRelative: false },
    "Lets fields of a hash expire at a Unix time in milliseconds.",
  ),
  showing(
    "httl",
    (atMs, nowMs) => Math.floor((atMs - nowMs + 999) / 1000),
    "Gives the seconds until fields of a hash expire.",
    dependsOnTime,
  ),
  showing(
    "hpttl",
    (atMs, nowMs) => atMs - nowMs,
    "Gives the milliseconds until fields of a hash expire.",
    dependsOnTime,
  ),
  showing(
    "hexpiretime",
    (atMs) => Math.floor((atMs + 999) / 1000),
    "Gives the Unix time in seconds at which fields of a hash expire.",
  ),
  showing(
    "hpexpiretime",
    (atMs) => atMs,
    "Gives the Unix time in milliseconds at which fields of a hash expire.",
  ),
  command({
    name: "hpersist",
    group,
    since,
    arity: -5,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [keyArg(), fieldsBlock],
    summary: "Lets fields of a hash stay for good.",
    complexity,
    handler: hpersist,
  }),
];
