/**
 * Lists: pushing and popping, access by index, searching and editing. Queues are in
 * list_blocking.ts.
 */
import { ListEnd, ListValue } from "../../data/list.ts";
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
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import {
  COUNT_NEGATIVE,
  INDEX_OUT_OF_RANGE,
  MAXLEN_NEGATIVE,
  MUST_BE_POSITIVE,
  NO_SUCH_KEY,
  RANK_ZERO,
  SYNTAX,
  wrongArity,
} from "../../protocol/errors.ts";
import { popElements, pushEvent } from "./list_ends.ts";

// ---- Ends ---------------------------------------------------------------------------------------

function push(ctx: CommandContext, args: Args, end: ListEnd): void {
  const key = args.key(1), list = ctx.writeOrCreate(key, ListValue);
  for (let i = 2; i < args.count; i++) list.push(end, args.buf, args.start(i), args.end(i));
  ctx.changed(key, Notify.List, pushEvent(end), args.count - 2);
  ctx.reply.integer(list.size);
}

function pushIfExists(ctx: CommandContext, args: Args, end: ListEnd): void {
  if (ctx.write(args.key(1), ListValue) === undefined) ctx.reply.integer(0);
  else push(ctx, args, end);
}

function pop(ctx: CommandContext, args: Args, end: ListEnd): void {
  if (args.count > 3) throw wrongArity(ctx.cmd.fullName);
  const wanted = args.count === 3 ? args.int(2, MUST_BE_POSITIVE, 0) : undefined;
  const key = args.key(1), list = ctx.write(key, ListValue);
  if (wanted === undefined) {
    if (list === undefined) ctx.reply.null();
    else popElements(ctx, key, list, end, 1);
  } else if (list === undefined) {
    ctx.reply.nullArray();
  } else {
    const count = Math.min(wanted, list.size);
    ctx.reply.array(count);
    if (count > 0) popElements(ctx, key, list, end, count);
  }
}

// ---- Indexes ------------------------------------------------------------------------------------

function llen(ctx: CommandContext, args: Args): void {
  ctx.reply.integer(ctx.read(args.key(1), ListValue)?.size ?? 0);
}

function lindex(ctx: CommandContext, args: Args): void {
  const list = ctx.read(args.key(1), ListValue);
  if (list === undefined) return ctx.reply.null();
  const element = list.at(args.int(2));
  if (element === undefined) ctx.reply.null();
  else ctx.reply.bulkBytes(element.buf, element.start, element.end);
}

function lset(ctx: CommandContext, args: Args): void {
  const key = args.key(1), list = ctx.write(key, ListValue);
  if (list === undefined) throw NO_SUCH_KEY;
  if (!list.set(args.int(2), args.buf, args.start(3), args.end(3))) throw INDEX_OUT_OF_RANGE;
  ctx.changed(key, Notify.List, "lset");
  ctx.reply.ok();
}

function lrange(ctx: CommandContext, args: Args): void {
  const first = args.int(2), last = args.int(3);
  const list = ctx.read(args.key(1), ListValue);
  if (list === undefined) return ctx.reply.array(0);
  const start = Math.max(first < 0 ? first + list.size : first, 0);
  const stop = Math.min(last < 0 ? last + list.size : last, list.size - 1);
  const count = Math.max(stop - start + 1, 0);
  ctx.reply.array(count);
  const cursor = list.cursor(start);
  for (let i = 0; i < count && cursor.advance(); i++) {
    ctx.reply.bulkBytes(cursor.buf, cursor.start, cursor.end);
  }
}

/** A range outside the list leaves nothing; the event is sent even if nothing was cut off. */
function ltrim(ctx: CommandContext, args: Args): void {
  const first = args.int(2), last = args.int(3);
  const key = args.key(1), list = ctx.write(key, ListValue);
  if (list !== undefined) {
    const size = list.size;
    list.trim(first < 0 ? first + size : first, last < 0 ? last + size : last);
    ctx.changed(key, Notify.List, "ltrim", size - list.size);
    ctx.deleteIfEmpty(key, list);
  }
  ctx.reply.ok();
}

// ---- Elements -----------------------------------------------------------------------------------

function linsert(ctx: CommandContext, args: Args): void {
  const before = args.is(2, "BEFORE");
  if (!before && !args.is(2, "AFTER")) throw SYNTAX;
  const key = args.key(1), list = ctx.write(key, ListValue);
  if (list === undefined) return ctx.reply.integer(0);
  const [pivot] = list.positions(args.buf, args.start(3), args.end(3), 1, 1, 0);
  if (pivot === undefined) return ctx.reply.integer(-1);
  list.insert(before ? pivot : pivot + 1, args.buf, args.start(4), args.end(4));
  ctx.changed(key, Notify.List, "linsert");
  ctx.reply.integer(list.size);
}

function lrem(ctx: CommandContext, args: Args): void {
  const count = args.int(2);
  const key = args.key(1), list = ctx.write(key, ListValue);
  if (list === undefined) return ctx.reply.integer(0);
  const removed = list.remove(count, args.buf, args.start(3), args.end(3));
  if (removed > 0) {
    ctx.changed(key, Notify.List, "lrem", removed);
    ctx.deleteIfEmpty(key, list);
  }
  ctx.reply.integer(removed);
}

function lpos(ctx: CommandContext, args: Args): void {
  let rank = 1, maxLength = 0, count: number | undefined;
  const options = new ArgReader(args, 3);
  while (options.more) {
    if (options.take("RANK", 1)) rank = options.int();
    else if (options.take("COUNT", 1)) count = options.int(COUNT_NEGATIVE, 0);
    else if (options.take("MAXLEN", 1)) maxLength = options.int(MAXLEN_NEGATIVE, 0);
    else throw SYNTAX;
    if (rank === 0) throw RANK_ZERO;
  }
  const list = ctx.read(args.key(1), ListValue);
  const found = list?.positions(args.buf, args.start(2), args.end(2), rank, count ?? 1, maxLength) ?? [];
  if (count === undefined) {
    const [position] = found;
    return position === undefined ? ctx.reply.null() : ctx.reply.integer(position);
  }
  ctx.reply.array(found.length);
  for (const position of found) ctx.reply.integer(position);
}

// ---- Declarations -------------------------------------------------------------------------------

const inserted = keyAt(1, KeyFlag.ReadWrite | KeyFlag.Insert);
const shortened = keyAt(1, KeyFlag.ReadWrite | KeyFlag.Delete);
const looked = keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access);
const pushCost = "O(M), M being the number of elements given.";
const seekCost = "O(N), N being the number of blocks of elements between the index and the nearer end.";

type Handler = (ctx: CommandContext, args: Args, end: ListEnd) => void;

function pusher(name: string, since: string, summary: string, end: ListEnd, handler: Handler): Command {
  return command({
    name,
    group: "list",
    since,
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    keys: [inserted],
    args: [keyArg(), stringArg("element", { multiple: true })],
    summary,
    complexity: pushCost,
    history: [[since === "1.0.0" ? "2.4.0" : "4.0.0", "Takes several elements."]],
    handler: (ctx, args) => handler(ctx, args, end),
  });
}

function popper(name: string, summary: string, end: ListEnd): Command {
  return command({
    name,
    group: "list",
    since: "1.0.0",
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    args: [keyArg(), integerArg("count", { optional: true, since: "6.2.0" })],
    summary,
    complexity: "O(M), M being the number of elements taken.",
    history: [["6.2.0", "Takes a count."]],
    handler: (ctx, args) => pop(ctx, args, end),
  });
}

/** The commands of this group; `table.ts` joins the groups. */
export const listCommands: readonly Command[] = [
  pusher("lpush", "1.0.0", "Puts elements at the head of a list, made if it is missing.", ListEnd.Head, push),
  pusher("rpush", "1.0.0", "Puts elements at the tail of a list, made if it is missing.", ListEnd.Tail, push),
  pusher("lpushx", "2.2.0", "Puts elements at the head of a list that exists.", ListEnd.Head, pushIfExists),
  pusher("rpushx", "2.2.0", "Puts elements at the tail of a list that exists.", ListEnd.Tail, pushIfExists),
  popper("lpop", "Takes elements from the head of a list.", ListEnd.Head),
  popper("rpop", "Takes elements from the tail of a list.", ListEnd.Tail),
  command({
    name: "llen",
    group: "list",
    since: "1.0.0",
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    keys: [keyAt(1, KeyFlag.ReadOnly)],
    args: [keyArg()],
    summary: "Counts the elements of a list.",
    complexity: "O(1)",
    handler: llen,
  }),
  command({
    name: "lindex",
    group: "list",
    since: "1.0.0",
    arity: 3,
    flags: Flag.ReadOnly,
    keys: [looked],
    args: [keyArg(), integerArg("index")],
    summary: "Returns the element at an index.",
    complexity: seekCost,
    handler: lindex,
  }),
  command({
    name: "lset",
    group: "list",
    since: "1.0.0",
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [keyArg(), integerArg("index"), stringArg("element")],
    summary: "Replaces the element at an index.",
    complexity: seekCost,
    handler: lset,
  }),
  command({
    name: "lrange",
    group: "list",
    since: "1.0.0",
    arity: 4,
    flags: Flag.ReadOnly,
    keys: [looked],
    args: [keyArg(), integerArg("start"), integerArg("stop")],
    summary: "Returns the elements between two indexes.",
    complexity: "O(S+M), S being the blocks between the start and the nearer end, M the elements returned.",
    handler: lrange,
  }),
  command({
    name: "ltrim",
    group: "list",
    since: "1.0.0",
    arity: 4,
    flags: Flag.Write,
    keys: [shortened],
    args: [keyArg(), integerArg("start"), integerArg("stop")],
    summary: "Keeps only the elements between two indexes.",
    complexity: "O(M), M being the number of elements cut off.",
    handler: ltrim,
  }),
  command({
    name: "linsert",
    group: "list",
    since: "2.2.0",
    arity: 5,
    flags: Flag.Write | Flag.DenyOom,
    keys: [inserted],
    args: [
      keyArg(),
      oneOf("where", [tokenArg("BEFORE"), tokenArg("AFTER")]),
      stringArg("pivot"),
      stringArg("element"),
    ],
    summary: "Puts an element before or behind the first one equal to another.",
    complexity: "O(N), N being the number of elements in front of the pivot.",
    handler: linsert,
  }),
  command({
    name: "lrem",
    group: "list",
    since: "1.0.0",
    arity: 4,
    flags: Flag.Write,
    keys: [shortened],
    args: [keyArg(), integerArg("count"), stringArg("element")],
    summary: "Removes the first, the last or all elements equal to a given one.",
    complexity: "O(N), N being the length of the list.",
    handler: lrem,
  }),
  command({
    name: "lpos",
    group: "list",
    since: "6.0.6",
    arity: -3,
    flags: Flag.ReadOnly,
    keys: [looked],
    args: [
      keyArg(),
      stringArg("element"),
      integerArg("rank", { token: "RANK", optional: true }),
      integerArg("num-matches", { token: "COUNT", optional: true }),
      integerArg("len", { token: "MAXLEN", optional: true }),
    ],
    summary: "Tells the indexes of elements equal to a given one.",
    complexity: "O(N), N being the number of elements looked at.",
    handler: lpos,
  }),
];
