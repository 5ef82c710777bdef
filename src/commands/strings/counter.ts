/** Counters: INCR, DECR and related commands, INCRBYFLOAT. */
import type { Args } from "../../engine/args.ts";
import {
  type Command,
  command,
  doubleArg,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import { StringMark } from "../../keyspace/record.ts";
import { Slice } from "../../keyspace/slice.ts";
import {
  DECREMENT_OVERFLOW,
  NAN_OR_INFINITY,
  NOT_FLOAT,
  NOT_INTEGER,
  OVERFLOW,
} from "../../protocol/errors.ts";
import { allocateBytes, writeInteger } from "../../util/bytes.ts";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../../util/long_double.ts";
import { isInt64, narrowInteger, parseIntegerBytes } from "../../util/numbers.ts";
import { findString } from "./string.ts";

const scratch = new Slice();

/** INCR and related commands: adds `by` to the integer at argument 1 and replies with the sum. */
function increment(ctx: CommandContext, args: Args, by: number | bigint): void {
  const key = args.key(1), ref = findString(ctx, key);
  let old: number | bigint = 0;
  if (ref !== 0) {
    const value = ctx.db.readString(ref, scratch);
    const parsed = parseIntegerBytes(value.buf, value.start, value.end);
    if (parsed === undefined) throw NOT_INTEGER;
    old = parsed;
  }
  const sum = addIntegers(old, by);
  setInteger(ctx, key, ref, sum);
  ctx.changed(key, Notify.String, "incrby");
  ctx.reply.integer(sum);
}

/** Scratch space for decimal digits. */
const digits = allocateBytes(20);

/** Stores an integer under `key`, whose record is `ref`, or 0; its expiry time stays. */
function setInteger(ctx: CommandContext, key: Key, ref: number, value: number | bigint): void {
  if (ref === 0 || typeof value === "bigint") return ctx.setString(key, String(value), true);
  ctx.replaceString(key, ref, digits, 0, writeInteger(digits, 0, value));
}

/** The sum of two signed 64-bit integers; throws OVERFLOW if it is out of range. */
export function addIntegers(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  if (!isInt64(sum)) throw OVERFLOW;
  return narrowInteger(sum);
}

function decrby(ctx: CommandContext, args: Args): void {
  const by = args.integer(2);
  if (by === -(2n ** 63n)) throw DECREMENT_OVERFLOW;
  increment(ctx, args, -by);
}

function incrbyfloat(ctx: CommandContext, args: Args): void {
  const key = args.key(1), ref = findString(ctx, key);
  const old = ref === 0 ? "0" : ctx.db.readString(ref, scratch).text();
  const value = parseLongDouble(old), increment = parseLongDouble(args.string(2));
  if (value === undefined || increment === undefined) throw NOT_FLOAT;
  const sum = addLongDoubles(value, increment);
  if (sum === undefined) throw NAN_OR_INFINITY;
  const text = formatLongDouble(sum);
  ctx.setString(key, text, true);
  ctx.markString(key, StringMark.Text);
  ctx.changed(key, Notify.String, "incrbyfloat");
  ctx.rewrite("SET", key.text, text, "KEEPTTL");
  ctx.reply.bulk(text);
}

// ---- Declarations -------------------------------------------------------------------------------

/** The common declaration of all counters. */
function counter(
  name: string,
  since: string,
  summary: string,
  handler: Command["handler"],
  amount?: Command["args"],
) {
  return command({
    name,
    group: "string",
    since,
    arity: amount === undefined ? 2 : 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    args: [keyArg(), ...(amount ?? [])],
    summary,
    complexity: "O(1)",
    handler,
  });
}

/** The commands of this group; `table.ts` joins the groups. */
export const counterCommands: readonly Command[] = [
  counter(
    "incr",
    "1.0.0",
    "Adds one to the integer at a key, which counts as 0 if it does not exist.",
    (ctx, args) => {
      increment(ctx, args, 1);
    },
  ),
  counter(
    "decr",
    "1.0.0",
    "Takes one from the integer at a key, which counts as 0 if it does not exist.",
    (ctx, args) => {
      increment(ctx, args, -1);
    },
  ),
  counter("incrby", "1.0.0", "Adds an integer to the one at a key.", (ctx, args) => {
    increment(ctx, args, args.integer(2));
  }, [integerArg("increment")]),
  counter("decrby", "1.0.0", "Takes an integer from the one at a key.", decrby, [integerArg("decrement")]),
  counter("incrbyfloat", "2.6.0", "Adds a floating-point number to the one at a key.", incrbyfloat, [
    doubleArg("increment"),
  ]),
];
