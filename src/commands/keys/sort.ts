/**
 * SORT and SORT_RO: the elements of a list, set or sorted set, ordered by themselves or by values
 * of other keys.
 *
 * A pattern (BY, GET) names a key for each element: `*` stands for the element, `key->field` is a
 * field of a hash, and `#` is the element itself. BY with a pattern without `*` leaves the elements
 * in their present order; only sets, which have none, are still sorted where the result must be the
 * same everywhere (STORE, scripts).
 */
import { HashValue } from "../../data/hash.ts";
import { ListEnd, ListValue } from "../../data/list.ts";
import { SetValue } from "../../data/set.ts";
import { type CollectionValue, ValueType } from "../../data/value.ts";
import { ZsetValue } from "../../data/zset.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import {
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  type KeyPosition,
  oneOf,
  patternArg,
  tokenArg,
  unknownKeys,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { Notify } from "../../engine/events.ts";
import { findField } from "../../engine/field_expiry.ts";
import { Key } from "../../keyspace/key.ts";
import { Slice } from "../../keyspace/slice.ts";
import { ReplyError, SORT_SCORES, SYNTAX, WRONGTYPE } from "../../protocol/errors.ts";
import { parseDouble } from "../../util/numbers.ts";

const slice = new Slice();

// ---- Patterns -----------------------------------------------------------------------------------

/** A look-up by BY or GET for each element. */
interface Pattern {
  /** `#`: the element itself. */
  isElement: boolean;
  /** Without `*` there is no look-up. */
  hasStar: boolean;
  /** The parts of the key before and after the element. */
  before: string;
  behind: string;
  /** The field, if the key is a hash; "" otherwise. */
  field: string;
}

function parsePattern(text: string): Pattern {
  const star = text.indexOf("*");
  const arrow = star < 0 ? -1 : text.indexOf("->", star + 1);
  const field = arrow < 0 ? "" : text.slice(arrow + 2);
  return {
    isElement: text === "#",
    hasStar: star >= 0,
    before: text.slice(0, Math.max(star, 0)),
    behind: text.slice(star + 1, field === "" ? text.length : arrow),
    field,
  };
}

/**
 * The value a pattern finds for an element; undefined if the key or field does not exist or has
 * another type.
 */
function lookUp(ctx: CommandContext, pattern: Pattern, element: string): string | undefined {
  if (pattern.isElement) return element;
  if (!pattern.hasStar) return undefined;
  const key = Key.of(pattern.before + element + pattern.behind), ref = ctx.find(key);
  if (ref === 0) return undefined;
  const type = ctx.db.typeOf(ref);
  if (pattern.field === "") {
    return type === ValueType.String ? ctx.db.readString(ref, slice).text() : undefined;
  }
  const hash = type === ValueType.Hash ? ctx.db.collectionOf(ref) : undefined;
  return hash instanceof HashValue ? findField(ctx, key, hash, pattern.field) : undefined;
}

// ---- Options ------------------------------------------------------------------------------------

interface SortOptions {
  by: Pattern | undefined;
  /** True if a BY without `*` was given. */
  unsorted: boolean;
  descending: boolean;
  alpha: boolean;
  offset: number;
  /** Negative: all. */
  count: number;
  gets: Pattern[];
  /** The argument with the destination, or 0. */
  storeAt: number;
}

function parseOptions(ctx: CommandContext, args: Args, mayStore: boolean): SortOptions {
  const sort: SortOptions = {
    by: undefined,
    unsorted: false,
    descending: false,
    alpha: false,
    offset: 0,
    count: -1,
    gets: [],
    storeAt: 0,
  };
  const options = new ArgReader(args, 2);
  while (options.more) {
    if (options.take("ASC")) sort.descending = false;
    else if (options.take("DESC")) sort.descending = true;
    else if (options.take("ALPHA")) sort.alpha = true;
    else if (options.take("LIMIT", 2)) {
      sort.offset = options.int();
      sort.count = options.int();
    } else if (mayStore && options.take("STORE", 1)) sort.storeAt = options.at++;
    else if (options.take("BY", 1)) {
      sort.by = parsePattern(options.string());
      if (sort.by.hasStar) requireEveryKey(ctx, args, "BY");
      else sort.unsorted = true;
    } else if (options.take("GET", 1)) {
      requireEveryKey(ctx, args, "GET");
      sort.gets.push(parsePattern(options.string()));
    } else throw SYNTAX;
  }
  return sort;
}

/** A pattern may name any key: it is only for users who may read all keys. */
function requireEveryKey(ctx: CommandContext, args: Args, option: string): void {
  if (ctx.engine.access.mayReadEveryKey(ctx.client, ctx.cmd, args)) return;
  throw new ReplyError(`ERR ${option} option of SORT denied due to insufficient ACL permissions.`);
}

/** The bounds [from, to) of `size` elements that LIMIT keeps. */
function limited({ offset, count }: SortOptions, size: number): [number, number] {
  const from = Math.min(Math.max(offset, 0), size);
  return [from, count < 0 ? size : Math.min(from + count, size)];
}

// ---- Elements -----------------------------------------------------------------------------------

type Sortable = ListValue | SetValue | ZsetValue;

/** The value at a key for reading, undefined if there is none. */
function sortable(ctx: CommandContext, key: Key): Sortable | undefined {
  const ref = ctx.find(key);
  if (ref === 0) return undefined;
  const type = ctx.db.typeOf(ref);
  const value: CollectionValue | undefined = type === ValueType.String ? undefined : ctx.db.collectionOf(ref);
  if (value instanceof ListValue || value instanceof SetValue || value instanceof ZsetValue) return value;
  throw WRONGTYPE;
}

/**
 * Elements `from` … `to - 1` in the value's own order, lists and sorted sets optionally backwards.
 */
function elementsOf(value: Sortable, from: number, to: number, backwards: boolean): string[] {
  const texts: string[] = [];
  if (value instanceof SetValue) return value.members().slice(from, to);
  if (value instanceof ZsetValue) {
    value.each(
      backwards ? value.size - 1 - from : from,
      to - from,
      backwards,
      (member) => void texts.push(member),
    );
    return texts;
  }
  const cursor = value.cursor(backwards ? value.size - 1 - from : from, backwards);
  for (let i = from; i < to; i++) texts.push(cursor.next() ?? "");
  return texts;
}

// ---- Order --------------------------------------------------------------------------------------

/** An element and its sort key: a number, or a text that may be missing. */
interface Item {
  text: string;
  score: number;
  by: string | undefined;
}

/**
 * Parses a number as in C: leading white space is skipped, a NUL ends the text, an empty text is
 * zero.
 */
function scoreOf(text: string): number {
  const nul = text.indexOf("\0");
  const cut = nul < 0 ? text : text.slice(0, nul);
  const score = cut === "" ? 0 : parseDouble(cut.replace(/^[ \t-\r]+/, ""));
  if (score === undefined) throw SORT_SCORES;
  return score;
}

function weigh(ctx: CommandContext, text: string, by: Pattern | undefined, alpha: boolean): Item {
  const weight = by === undefined ? text : lookUp(ctx, by, text);
  return { text, score: alpha || weight === undefined ? 0 : scoreOf(weight), by: alpha ? weight : undefined };
}

/** Compares by bytes, which is the order of latin1 strings. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: Item, b: Item): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return compareTexts(a.text, b.text);
}

function compareAlpha(a: Item, b: Item): number {
  if (a.by === undefined || b.by === undefined) {
    return (a.by === undefined ? 0 : 1) - (b.by === undefined ? 0 : 1);
  }
  return compareTexts(a.by, b.by);
}

/** The elements to sort, in SORT's order, cut by LIMIT. */
function sorted(ctx: CommandContext, value: Sortable, options: SortOptions): string[] {
  const [from, to] = limited(options, value.size);
  const mustBeSame = options.storeAt > 0 || ctx.client.has(ClientFlag.Script);
  const forced = options.unsorted && value instanceof SetValue && mustBeSame;
  if (options.unsorted && !forced) return elementsOf(value, from, to, options.descending);
  const by = forced ? undefined : options.by, alpha = forced || options.alpha;
  const items = elementsOf(value, 0, value.size, false).map((text) => weigh(ctx, text, by, alpha));
  const compare = alpha ? compareAlpha : compareNumbers;
  items.sort(options.descending ? (a, b) => -compare(a, b) : compare);
  return items.slice(from, to).map((item) => item.text);
}

// ---- Result -------------------------------------------------------------------------------------

/** Replies with each element, or with the results of its GETs. */
function replyElements(ctx: CommandContext, texts: string[], gets: Pattern[]): void {
  if (gets.length === 0) return ctx.reply.bulkArray(texts);
  ctx.reply.array(texts.length * gets.length);
  for (const text of texts) {
    for (const pattern of gets) ctx.reply.bulkOrNull(lookUp(ctx, pattern, text));
  }
}

/**
 * Stores the result as a list; an empty one removes the key. A GET without a result gives an empty
 * element.
 */
function storeElements(ctx: CommandContext, key: Key, texts: string[], gets: Pattern[]): void {
  const list = new ListValue(ctx.engine.limits);
  const found = gets.length === 0
    ? texts
    : texts.flatMap((text) => gets.map((pattern) => lookUp(ctx, pattern, text) ?? ""));
  for (const text of found) list.pushText(ListEnd.Tail, text);
  if (list.size > 0) {
    ctx.setCollection(key, list);
    ctx.changed(key, Notify.List, "sortstore", list.size);
  } else if (ctx.delete(key)) {
    ctx.changed(key, Notify.Generic, "del");
  }
  ctx.reply.integer(list.size);
}

function sort(ctx: CommandContext, args: Args, mayStore: boolean): void {
  const options = parseOptions(ctx, args, mayStore);
  const value = sortable(ctx, args.key(1));
  const texts = value === undefined ? [] : sorted(ctx, value, options);
  if (options.storeAt === 0) replyElements(ctx, texts, options.gets);
  else storeElements(ctx, args.key(options.storeAt), texts, options.gets);
}

// ---- Declarations -------------------------------------------------------------------------------

/** Number of words after an option, none of which is a key. */
const valuesBehind = [["LIMIT", 2], ["GET", 1], ["BY", 1]] as const;

/** The sorted key and the last destination. */
function sortKeys(args: Args): KeyPosition[] {
  let storeAt = 0;
  for (let i = 2; i < args.count - 1; i++) {
    if (args.is(i, "STORE")) storeAt = ++i;
    else i += valuesBehind.find(([word]) => args.is(i, word))?.[1] ?? 0;
  }
  const keys = [{ index: 1, flags: KeyFlag.ReadOnly | KeyFlag.Access }];
  if (storeAt > 0) keys.push({ index: storeAt, flags: KeyFlag.Overwrite | KeyFlag.Update });
  return keys;
}

const sortArgs = [
  keyArg(),
  patternArg("by-pattern", { token: "BY", optional: true }),
  blockArg("limit", [integerArg("offset"), integerArg("count")], { token: "LIMIT", optional: true }),
  patternArg("get-pattern", { token: "GET", optional: true, multiple: true, multipleToken: true }),
  oneOf("order", [tokenArg("ASC"), tokenArg("DESC")], { optional: true }),
  tokenArg("ALPHA", { optional: true }),
];

/** The keys of BY and GET depend on the content of the sorted key. */
const BY_AND_GET = unknownKeys(KeyFlag.ReadOnly | KeyFlag.Access);

const shared = {
  group: "generic",
  arity: -2,
  keys: [keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access)],
  complexity: "O(N*log(N)+M), N being the number of elements and M of those returned; O(N) if not sorted.",
  categories: ["set", "sortedset", "list", "dangerous"],
  replacesGroupCategory: true,
};

/** The commands of this group; `table.ts` joins the groups. */
export const sortCommands: readonly Command[] = [
  command({
    ...shared,
    name: "sort",
    since: "1.0.0",
    flags: Flag.Write | Flag.DenyOom | Flag.MovableKeys,
    keys: [...shared.keys, BY_AND_GET, unknownKeys(KeyFlag.Overwrite | KeyFlag.Update)],
    keysOf: sortKeys,
    args: [...sortArgs, keyArg("destination", { token: "STORE", keySpecIndex: 2, optional: true })],
    summary: "Sorts the elements of a list, set or sorted set, and returns or stores them.",
    handler: (ctx, args) => sort(ctx, args, true),
  }),
  command({
    ...shared,
    name: "sort_ro",
    since: "7.0.0",
    flags: Flag.ReadOnly | Flag.MovableKeys,
    keys: [...shared.keys, BY_AND_GET],
    args: sortArgs,
    summary: "Sorts the elements of a list, set or sorted set and returns them.",
    handler: (ctx, args) => sort(ctx, args, false),
  }),
];
