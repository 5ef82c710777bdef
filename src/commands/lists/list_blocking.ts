/**
 * Lists as queues: moving elements between lists, popping from the first of several lists, and
 * waiting for elements.
 *
 * A waiting command is run again from its start when one of its lists may serve it; the result is
 * propagated as the corresponding non-blocking command.
 */
import { ListEnd, ListValue } from "../../data/list.ts";
import { ValueType } from "../../data/value.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type ArgSpec,
  type Command,
  command,
  doubleArg,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  keyRange,
  keysCountedAt,
  oneOf,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import type { Key } from "../../keyspace/key.ts";
import { COUNT_NOT_POSITIVE, NUMKEYS_NOT_POSITIVE, SYNTAX } from "../../protocol/errors.ts";
import { popElements, popEvent, pushEvent } from "./list_ends.ts";
import { timeoutArgument } from "../timeout.ts";

/** Argument `at`, LEFT or RIGHT. */
function listEnd(args: Args, at: number): ListEnd {
  if (args.is(at, "LEFT")) return ListEnd.Head;
  if (args.is(at, "RIGHT")) return ListEnd.Tail;
  throw SYNTAX;
}

// ---- From one list to another -------------------------------------------------------------------

/**
 * Moves an element from list 1 to list 2 of the arguments and replies with it; false if there is
 * none.
 */
function move(ctx: CommandContext, args: Args, from: ListEnd, to: ListEnd): boolean {
  const sourceKey = args.key(1), targetKey = args.key(2);
  const source = ctx.write(sourceKey, ListValue);
  if (source === undefined) return false;
  const target = ctx.writeOrCreate(targetKey, ListValue);
  source.moveEnd(from, target, to);
  ctx.changed(targetKey, Notify.List, pushEvent(to));
  ctx.changed(sourceKey, Notify.List, popEvent(from), 0);
  ctx.deleteIfEmpty(sourceKey, source);
  const element = target.peek(to);
  ctx.reply.bulkBytes(element.buf, element.start, element.end);
  return true;
}

/**
 * Blocks the client until there is an element to move, or replies that there is none if blocking is
 * forbidden.
 */
function waitToMove(ctx: CommandContext, args: Args, timeoutMs: number): void {
  if (ctx.canBlock) waitFor(ctx, [args.string(1)], timeoutMs);
  else ctx.reply.null();
}

function lmove(ctx: CommandContext, args: Args): void {
  const from = listEnd(args, 3), to = listEnd(args, 4);
  if (!move(ctx, args, from, to)) ctx.reply.null();
}

function blmove(ctx: CommandContext, args: Args): void {
  const from = listEnd(args, 3), to = listEnd(args, 4);
  const timeoutMs = timeoutArgument(args, 5);
  if (move(ctx, args, from, to)) ctx.rewrite("LMOVE", ...args.strings(1, 5));
  else waitToMove(ctx, args, timeoutMs);
}

function rpoplpush(ctx: CommandContext, args: Args): void {
  if (!move(ctx, args, ListEnd.Tail, ListEnd.Head)) ctx.reply.null();
}

function brpoplpush(ctx: CommandContext, args: Args): void {
  const timeoutMs = timeoutArgument(args, 3);
  if (move(ctx, args, ListEnd.Tail, ListEnd.Head)) ctx.rewrite("RPOPLPUSH", ...args.strings(1, 3));
  else waitToMove(ctx, args, timeoutMs);
}

// ---- From the first of several lists ------------------------------------------------------------

/** Waits for one of `keys`. Even BLMOVE's time-out replies with a null array. */
function waitFor(ctx: CommandContext, keys: string[], timeoutMs: number): void {
  ctx.block({ keys, timeoutMs, type: ValueType.List, onTimeout: (reply) => reply.nullArray() });
}

/**
 * Blocks the client on the keys `from` … `to - 1`, or replies as after a time-out if blocking is
 * forbidden.
 */
function waitForAny(ctx: CommandContext, args: Args, from: number, to: number, timeoutMs: number): void {
  if (ctx.canBlock) waitFor(ctx, args.strings(from, to), timeoutMs);
  else ctx.reply.nullArray();
}

/** The first of the keys at arguments `from` … `to - 1` that exists. */
function firstList(ctx: CommandContext, args: Args, from: number, to: number): [Key, ListValue] | undefined {
  for (let i = from; i < to; i++) {
    const key = args.key(i), list = ctx.write(key, ListValue);
    if (list !== undefined) return [key, list];
  }
  return undefined;
}

function popName(end: ListEnd): string {
  return end === ListEnd.Head ? "LPOP" : "RPOP";
}

function bpop(ctx: CommandContext, args: Args, end: ListEnd): void {
  const last = args.count - 1, timeoutMs = timeoutArgument(args, last);
  const found = firstList(ctx, args, 1, last);
  if (found === undefined) return waitForAny(ctx, args, 1, last, timeoutMs);
  const [key, list] = found;
  ctx.rewrite(popName(end), key.text);
  ctx.reply.array(2);
  ctx.reply.bulk(key.text);
  popElements(ctx, key, list, end, 1);
}

/** The arguments of LMPOP, and of BLMPOP after the time-out. */
interface ManyPop {
  firstKey: number;
  /** Index behind the last key. */
  endOfKeys: number;
  end: ListEnd;
  count: number;
}

/** Parses `numkeys key … LEFT|RIGHT [COUNT count]` from argument `at` on. */
function parseManyPop(args: Args, at: number): ManyPop {
  const endOfKeys = at + 1 + args.int(at, NUMKEYS_NOT_POSITIVE, 1);
  if (endOfKeys >= args.count) throw SYNTAX;
  const end = listEnd(args, endOfKeys);
  const options = new ArgReader(args, endOfKeys + 1);
  let count: number | undefined;
  while (options.more) {
    if (count !== undefined || !options.take("COUNT", 1)) throw SYNTAX;
    count = options.int(COUNT_NOT_POSITIVE, 1);
  }
  return { firstKey: at + 1, endOfKeys, end, count: count ?? 1 };
}

function popMany(ctx: CommandContext, key: Key, list: ListValue, { end, count: wanted }: ManyPop): void {
  const count = Math.min(wanted, list.size);
  ctx.rewrite(popName(end), key.text, String(count));
  ctx.reply.array(2);
  ctx.reply.bulk(key.text);
  ctx.reply.array(count);
  popElements(ctx, key, list, end, count);
}

function lmpop(ctx: CommandContext, args: Args): void {
  const pop = parseManyPop(args, 1);
  const found = firstList(ctx, args, pop.firstKey, pop.endOfKeys);
  if (found === undefined) ctx.reply.nullArray();
  else popMany(ctx, ...found, pop);
}

function blmpop(ctx: CommandContext, args: Args): void {
  const pop = parseManyPop(args, 2), timeoutMs = timeoutArgument(args, 1);
  const found = firstList(ctx, args, pop.firstKey, pop.endOfKeys);
  if (found === undefined) waitForAny(ctx, args, pop.firstKey, pop.endOfKeys, timeoutMs);
  else popMany(ctx, ...found, pop);
}

// ---- Declarations -------------------------------------------------------------------------------

const taken = KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete;
const moved = [keyAt(1, taken), keyAt(2, KeyFlag.ReadWrite | KeyFlag.Insert)];
const movedArgs = [keyArg("source"), keyArg("destination", { keySpecIndex: 1 })];
const fractions = [["6.0.0", "The time-out takes fractions of seconds."]] as const;
const manyPopCost = "O(K+M), K being the number of keys and M the number of elements taken.";

function endArg(name: string): ArgSpec {
  return oneOf(name, [tokenArg("LEFT"), tokenArg("RIGHT")]);
}

const endArgs = [endArg("wherefrom"), endArg("whereto")];
const manyPopArgs = [
  integerArg("numkeys"),
  keyArg("key", { multiple: true }),
  endArg("where"),
  integerArg("count", { token: "COUNT", optional: true }),
];

function blockingPopper(name: string, end: ListEnd, summary: string): Command {
  return command({
    name,
    group: "list",
    since: "2.0.0",
    arity: -3,
    flags: Flag.Write | Flag.NoScript | Flag.Blocking,
    keys: [keyRange(1, -2, 1, taken)],
    args: [keyArg("key", { multiple: true }), doubleArg("timeout")],
    summary,
    complexity: "O(K), K being the number of keys.",
    history: fractions,
    handler: (ctx, args) => bpop(ctx, args, end),
  });
}

/** The commands of this group; `table.ts` joins the groups. */
export const listBlockingCommands: readonly Command[] = [
  command({
    name: "lmove",
    group: "list",
    since: "6.2.0",
    arity: 5,
    flags: Flag.Write | Flag.DenyOom,
    keys: moved,
    args: [...movedArgs, ...endArgs],
    summary: "Moves an element from an end of one list to an end of another and returns it.",
    complexity: "O(1)",
    handler: lmove,
  }),
  command({
    name: "blmove",
    group: "list",
    since: "6.2.0",
    arity: 6,
    flags: Flag.Write | Flag.DenyOom | Flag.NoScript | Flag.Blocking,
    keys: moved,
    args: [...movedArgs, ...endArgs, doubleArg("timeout")],
    summary: "Moves an element from one list to another and returns it, waiting until there is one.",
    complexity: "O(1)",
    handler: blmove,
  }),
  command({
    name: "rpoplpush",
    group: "list",
    since: "1.2.0",
    arity: 3,
    flags: Flag.Write | Flag.DenyOom,
    keys: moved,
    args: movedArgs,
    summary: "Moves the last element of a list to the head of another and returns it.",
    complexity: "O(1)",
    deprecatedSince: "6.2.0",
    replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments",
    handler: rpoplpush,
  }),
  command({
    name: "brpoplpush",
    group: "list",
    since: "2.2.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.NoScript | Flag.Blocking,
    keys: moved,
    args: [...movedArgs, doubleArg("timeout")],
    summary: "Moves the last element of a list to the head of another, waiting until there is one.",
    complexity: "O(1)",
    history: fractions,
    deprecatedSince: "6.2.0",
    replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments",
    handler: brpoplpush,
  }),
  blockingPopper("blpop", ListEnd.Head, "Takes the first element of a list, waiting until there is one."),
  blockingPopper("brpop", ListEnd.Tail, "Takes the last element of a list, waiting until there is one."),
  command({
    name: "lmpop",
    group: "list",
    since: "7.0.0",
    arity: -4,
    flags: Flag.Write,
    keys: [keysCountedAt(1, taken)],
    args: manyPopArgs,
    summary: "Takes elements from the first of several lists that exists.",
    complexity: manyPopCost,
    handler: lmpop,
  }),
  command({
    name: "blmpop",
    group: "list",
    since: "7.0.0",
    arity: -5,
    flags: Flag.Write | Flag.Blocking,
    keys: [keysCountedAt(2, taken)],
    args: [doubleArg("timeout"), ...manyPopArgs],
    summary: "Takes elements from the first of several lists that exists, waiting until there is one.",
    complexity: manyPopCost,
    handler: blmpop,
  }),
];
