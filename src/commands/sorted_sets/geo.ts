/**
 * Geographic positions: sorted sets whose scores encode positions on Earth (data/geohash.ts).
 * GEOADD is a ZADD of encoded positions, and the other commands decode scores back into positions.
 *
 * One file: searches share units, replies and keys with the commands for single places.
 */
import {
  bounds,
  decodeScore,
  distance,
  distanceWithin,
  encodeScore,
  geohashText,
  type Position,
  searchSpans,
  type Shape,
} from "../../data/geohash.ts";
import { AddFlag, ZsetValue } from "../../data/zset.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import {
  type ArgSpec,
  blockArg,
  type Command,
  command,
  doubleArg,
  Flag,
  integerArg,
  keyArg,
  keyAt,
  KeyFlag,
  type KeyPosition,
  type KeySpec,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Key } from "../../keyspace/key.ts";
import {
  ANY_WITHOUT_COUNT,
  BOX_NEGATIVE,
  COUNT_OPTION_NOT_POSITIVE,
  HEIGHT_NOT_NUMERIC,
  NO_SUCH_PLACE,
  NOT_INTEGER,
  RADIUS_NEGATIVE,
  RADIUS_NOT_NUMERIC,
  ReplyError,
  SYNTAX,
  UNKNOWN_UNIT,
  WIDTH_NOT_NUMERIC,
} from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";
import { formatDouble } from "../../util/numbers.ts";
import { addMembers, scoreAt } from "./zset.ts";
import { storeResult } from "./zset_reply.ts";

/** Metres in a unit of length. */
const metersPer: Readonly<Record<string, number>> = { M: 1, KM: 1000, FT: 0.3048, MI: 1609.34 };

function unitAt(args: Args, at: number): number {
  const meters = metersPer[args.string(at).toUpperCase()];
  if (meters === undefined) throw UNKNOWN_UNIT;
  return meters;
}

/** A double in the format of C's `%f`. */
function sixDecimals(value: number): string {
  if (!Number.isFinite(value)) return formatDouble(value);
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  return Object.is(value, -0) ? "-0.000000" : value.toFixed(6);
}

/** Arguments `at` and `at + 1`, longitude and latitude. */
function positionAt(args: Args, at: number): Position {
  const longitude = args.double(at), latitude = args.double(at + 1);
  const inside = longitude >= bounds.minLongitude && longitude <= bounds.maxLongitude &&
    latitude >= bounds.minLatitude && latitude <= bounds.maxLatitude;
  if (inside) return { longitude, latitude };
  const pair = `${sixDecimals(longitude)},${sixDecimals(latitude)}`;
  throw new ReplyError(`ERR invalid longitude,latitude pair ${pair}`);
}

/** Where the member at argument `i` is. */
function placeOf(zset: ZsetValue | undefined, args: Args, i: number): Position | undefined {
  const score = scoreAt(zset, args, i);
  return score === undefined ? undefined : decodeScore(score);
}

// ---- Replies ------------------------------------------------------------------------------------

/** Rounds to the nearest whole number, halves to even. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value), rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** A distance with four decimals. */
function replyDistance(reply: ReplyWriter, length: number): void {
  const digits = String(roundHalfEven(length * 10000)).padStart(5, "0");
  reply.bulk(`${digits.slice(0, -4)}.${digits.slice(-4)}`);
}

/** Seventeen decimals without trailing zeros. */
function coordinateText(degrees: number): string {
  return degrees.toFixed(17).replace(/\.?0+$/, "");
}

function replyPosition(reply: ReplyWriter, { longitude, latitude }: Position): void {
  reply.array(2);
  reply.double(coordinateText(longitude));
  reply.double(coordinateText(latitude));
}

// ---- Single places ------------------------------------------------------------------------------

function geoadd(ctx: CommandContext, args: Args): void {
  let flags = 0, countsChanges = false, at = 2;
  for (; at < args.count; at++) {
    if (args.is(at, "NX")) flags |= AddFlag.IfAbsent;
    else if (args.is(at, "XX")) flags |= AddFlag.IfPresent;
    else if (args.is(at, "CH")) countsChanges = true;
    else break;
  }
  const left = args.count - at, both = AddFlag.IfAbsent | AddFlag.IfPresent;
  if (left === 0 || left % 3 !== 0 || (flags & both) === both) throw SYNTAX;
  const zadd = ["ZADD", ...args.strings(1, at)];
  const scores: number[] = [], firstMember = at + 2;
  for (; at < args.count; at += 3) {
    const { longitude, latitude } = positionAt(args, at);
    scores.push(encodeScore(longitude, latitude));
    zadd.push(formatDouble(scores.at(-1)!), args.string(at + 2));
  }
  ctx.rewriteAs(zadd);
  addMembers(ctx, args, { flags, countsChanges, scores, firstMember, step: 3 });
}

function geodist(ctx: CommandContext, args: Args): void {
  if (args.count > 5) throw SYNTAX;
  const unit = args.count === 5 ? unitAt(args, 4) : 1;
  const zset = ctx.read(args.key(1), ZsetValue);
  const from = placeOf(zset, args, 2), to = placeOf(zset, args, 3);
  if (from === undefined || to === undefined) return ctx.reply.null();
  replyDistance(ctx.reply, distance(from, to) / unit);
}

function geohash(ctx: CommandContext, args: Args): void {
  const zset = ctx.read(args.key(1), ZsetValue);
  ctx.reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const place = placeOf(zset, args, i);
    ctx.reply.bulkOrNull(place === undefined ? undefined : geohashText(place));
  }
}

function geopos(ctx: CommandContext, args: Args): void {
  const zset = ctx.read(args.key(1), ZsetValue);
  ctx.reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const place = placeOf(zset, args, i);
    if (place === undefined) ctx.reply.nullArray();
    else replyPosition(ctx.reply, place);
  }
}

// ---- Searching: parameters ----------------------------------------------------------------------

/** The command of the family, as far as its arguments differ. */
interface SearchForm {
  /** Argument of the sorted set's key. */
  sourceAt: number;
  /** Argument at which the options begin. */
  optionsAt: number;
  /**
   * The form of centre and shape: options, or arguments in fixed places (a position, or a member at
   * the centre).
   */
  asks: "options" | "position" | "member";
  /** The way a destination key is given, if at all. */
  storing: "never" | "by option" | "always";
}

/**
 * The parameters of a search. Centre and shape stay unset while there is no sorted set to search.
 */
interface Search {
  hasCenter: boolean;
  center: Position;
  extent: { radius: number } | { width: number; height: number } | undefined;
  /** Metres in the unit of lengths. */
  unit: number;
  withDistance: boolean;
  withHash: boolean;
  withPosition: boolean;
  order: "none" | "ASC" | "DESC";
  /** 0: all. */
  count: number;
  any: boolean;
  storeKey: Key | undefined;
  storesDistance: boolean;
}

function emptySearch(): Search {
  return {
    hasCenter: false,
    center: { longitude: 0, latitude: 0 },
    extent: undefined,
    unit: 1,
    withDistance: false,
    withHash: false,
    withPosition: false,
    order: "none",
    count: 0,
    any: false,
    storeKey: undefined,
    storesDistance: false,
  };
}

/** Sets a circle from `radius unit` at argument `at`. */
function readCircle(search: Search, args: Args, at: number): void {
  const radius = args.double(at, RADIUS_NOT_NUMERIC);
  if (radius < 0) throw RADIUS_NEGATIVE;
  search.unit = unitAt(args, at + 1);
  search.extent = { radius };
}

/** Sets a box from `width height unit` at argument `at`. */
function readBox(search: Search, args: Args, at: number): void {
  const width = args.double(at, WIDTH_NOT_NUMERIC), height = args.double(at + 1, HEIGHT_NOT_NUMERIC);
  if (width < 0 || height < 0) throw BOX_NEGATIVE;
  search.unit = unitAt(args, at + 2);
  search.extent = { width, height };
}

/**
 * Puts the centre where the member at argument `at` is; without a sorted set it does not matter.
 */
function centerOnMember(search: Search, zset: ZsetValue | undefined, args: Args, at: number): void {
  search.hasCenter = true;
  if (zset === undefined) return;
  const place = placeOf(zset, args, at);
  if (place === undefined) throw NO_SUCH_PLACE;
  search.center = place;
}

/** Parses the arguments that GEORADIUS and GEORADIUSBYMEMBER have in fixed places. */
function readFixedArguments(search: Search, args: Args, form: SearchForm, zset: ZsetValue | undefined): void {
  if (form.asks === "position") search.center = positionAt(args, 2);
  else if (zset === undefined) return;
  else centerOnMember(search, zset, args, 2);
  readCircle(search, args, form.optionsAt - 2);
}

/** Parses one of the options that set the content of the reply and its limit. */
function takeReplyOption(search: Search, options: ArgReader): boolean {
  if (options.take("WITHDIST")) search.withDistance = true;
  else if (options.take("WITHHASH")) search.withHash = true;
  else if (options.take("WITHCOORD")) search.withPosition = true;
  else if (options.take("ANY")) search.any = true;
  else if (options.take("ASC")) search.order = "ASC";
  else if (options.take("DESC")) search.order = "DESC";
  else if (options.take("COUNT", 1)) {
    search.count = options.int(NOT_INTEGER);
    if (search.count <= 0) throw COUNT_OPTION_NOT_POSITIVE;
  } else return false;
  return true;
}

/** Parses STORE or STOREDIST. */
function takeStoreOption(search: Search, options: ArgReader, form: SearchForm): boolean {
  if (form.storing === "always") {
    if (!options.take("STOREDIST")) return false;
    search.storesDistance = true;
    return true;
  }
  if (form.storing === "never") return false;
  const storesDistance = options.take("STOREDIST", 1);
  if (!storesDistance && !options.take("STORE", 1)) return false;
  search.storeKey = options.key();
  search.storesDistance = storesDistance;
  return true;
}

/** Parses FROMMEMBER, FROMLONLAT, BYRADIUS or BYBOX. */
function takeShapeOption(
  search: Search,
  options: ArgReader,
  zset: ZsetValue | undefined,
  from: CenterKind,
): CenterKind | undefined {
  const { args } = options, { extent } = search;
  if (from !== "position" && options.take("FROMMEMBER", 1)) {
    centerOnMember(search, zset, args, options.at++);
    return "member";
  }
  if (from !== "member" && options.take("FROMLONLAT", 2)) {
    search.center = positionAt(args, options.at);
    search.hasCenter = true;
    options.at += 2;
    return "position";
  }
  if (!(extent !== undefined && "width" in extent) && options.take("BYRADIUS", 2)) {
    readCircle(search, args, options.at);
    options.at += 2;
    return from;
  }
  if (!(extent !== undefined && "radius" in extent) && options.take("BYBOX", 3)) {
    readBox(search, args, options.at);
    options.at += 3;
    return from;
  }
  return undefined;
}

/** The option that gave the centre. */
type CenterKind = "none" | "member" | "position";

function parseSearch(args: Args, form: SearchForm, zset: ZsetValue | undefined): Search {
  const search = emptySearch();
  if (form.asks !== "options") readFixedArguments(search, args, form, zset);
  if (form.storing === "always") search.storeKey = args.key(1);
  const options = new ArgReader(args, form.optionsAt);
  let from: CenterKind = "none";
  while (options.more) {
    if (takeReplyOption(search, options) || takeStoreOption(search, options, form)) continue;
    const kind: CenterKind | undefined = form.asks === "options"
      ? takeShapeOption(search, options, zset, from)
      : undefined;
    if (kind === undefined) throw SYNTAX;
    from = kind;
  }
  checkSearch(search, args, form);
  return search;
}

/** Throws the error for options that exclude or require each other. */
function checkSearch(search: Search, args: Args, form: SearchForm): void {
  if (search.storeKey !== undefined && (search.withDistance || search.withHash || search.withPosition)) {
    const what = form.storing === "always" ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    throw new ReplyError(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (form.asks === "options") {
    const one = (words: string) =>
      new ReplyError(`ERR exactly one of ${words} can be specified for ${args.string(0)}`);
    if (!search.hasCenter) throw one("FROMMEMBER or FROMLONLAT");
    if (search.extent === undefined) throw one("BYRADIUS and BYBOX");
  }
  if (search.any && search.count === 0) throw ANY_WITHOUT_COUNT;
}

// ---- Searching: results -------------------------------------------------------------------------

/** A place found by a search. */
interface Found {
  /** The member is `buf[start, end)` while the sorted set does not change. */
  buf: Uint8Array;
  start: number;
  end: number;
  score: number;
  place: Position;
  meters: number;
}

/** The shape to search, in metres. */
function shapeOf({ extent = { radius: 0 }, center, unit }: Search): Shape {
  return "radius" in extent
    ? { kind: "circle", center, radius: extent.radius * unit }
    : { kind: "box", center, width: extent.width * unit, height: extent.height * unit };
}

/**
 * All places in the shape, in the order of the squares that contain them; with ANY only the
 * requested number.
 */
function placesWithin(zset: ZsetValue, search: Search): Found[] {
  const found: Found[] = [];
  const shape = shapeOf(search), enough = search.any ? search.count : Infinity;
  for (const { min, max } of searchSpans(shape)) {
    if (found.length >= enough) break;
    const start = zset.countBelow(min, false), count = zset.countBelow(max, false) - start;
    zset.eachBytes(start, count, false, (buf, start, end, score) => {
      const place = decodeScore(score), meters = distanceWithin(shape, place);
      if (meters >= 0) found.push({ buf, start, end, score, place, meters });
      return found.length < enough;
    });
  }
  return found;
}

function runSearch(zset: ZsetValue, search: Search): Found[] {
  const found = placesWithin(zset, search);
  // A count without an order asks for the nearest ones, unless ANY is given.
  const order = search.order === "none" && search.count > 0 && !search.any ? "ASC" : search.order;
  if (order === "ASC") found.sort((a, b) => a.meters - b.meters);
  if (order === "DESC") found.sort((a, b) => b.meters - a.meters);
  return search.count > 0 ? found.slice(0, search.count) : found;
}

/** A score as an integer, as C converts it. */
function replyHash(reply: ReplyWriter, score: number): void {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) reply.integer(whole);
  else reply.integer(Math.abs(whole) < 2 ** 63 ? BigInt(whole) : -(2n ** 63n));
}

function replyFound(reply: ReplyWriter, found: readonly Found[], search: Search): void {
  const details = Number(search.withDistance) + Number(search.withHash) + Number(search.withPosition);
  reply.array(found.length);
  for (const { buf, start, end, score, place, meters } of found) {
    if (details > 0) reply.array(details + 1);
    reply.bulkBytes(buf, start, end);
    if (search.withDistance) replyDistance(reply, meters / search.unit);
    if (search.withHash) replyHash(reply, score);
    if (search.withPosition) replyPosition(reply, place);
  }
}

function geosearch(ctx: CommandContext, args: Args, form: SearchForm): void {
  const zset = ctx.read(args.key(form.sourceAt), ZsetValue);
  const search = parseSearch(args, form, zset);
  const found = zset === undefined ? [] : runSearch(zset, search);
  if (search.storeKey === undefined) return replyFound(ctx.reply, found, search);
  const result = new ZsetValue(ctx.engine.limits);
  for (const { buf, start, end, score, meters } of found) {
    result.addBytes(buf, start, end, search.storesDistance ? meters / search.unit : score);
  }
  const event = form.asks === "options" ? "geosearchstore" : "georadiusstore";
  storeResult(ctx, search.storeKey, result, event, found.length);
}

// ---- Declarations -------------------------------------------------------------------------------

const readKey = keyAt(1, KeyFlag.ReadOnly | KeyFlag.Access);
const STORE_FLAGS = KeyFlag.Overwrite | KeyFlag.Update;
const unitArg = oneOf("unit", ["m", "km", "ft", "mi"].map((unit) => tokenArg(unit)));
const positionArgs = [doubleArg("longitude"), doubleArg("latitude")];
const detailArgs = ["WITHCOORD", "WITHDIST", "WITHHASH"].map((token) => tokenArg(token, { optional: true }));
const orderArg = oneOf("order", [tokenArg("ASC"), tokenArg("DESC")], { optional: true });
const countArg = blockArg("count-block", [
  integerArg("count", { token: "COUNT" }),
  tokenArg("ANY", { optional: true, since: "6.2.0" }),
], { optional: true });
const storeArgs = [
  keyArg("storekey", { token: "STORE", keySpecIndex: 1, optional: true }),
  keyArg("storedistkey", { token: "STOREDIST", keySpecIndex: 2, optional: true }),
];
const shapeArgs = [
  oneOf("from", [
    stringArg("member", { token: "FROMMEMBER" }),
    blockArg("fromlonlat", positionArgs, { token: "FROMLONLAT" }),
  ]),
  oneOf("by", [
    blockArg("circle", [doubleArg("radius", { token: "BYRADIUS" }), unitArg]),
    blockArg("box", [doubleArg("width", { token: "BYBOX" }), doubleArg("height"), unitArg]),
  ]),
];
const searchCost =
  "O(N+log(M)), N being the number of places in the squares around the shape and M the size of the sorted set.";
const memberCost = "O(1) for each member asked for.";

/** The keys of GEORADIUS and GEORADIUSBYMEMBER; the read-only variants have only the first. */
function radiusKeys(optionsAt: number, stores: boolean): KeySpec[] {
  if (!stores) return [readKey];
  const behind = (keyword: string): KeySpec => ({
    flags: STORE_FLAGS,
    begin: { keyword, from: optionsAt },
    find: { last: 0, step: 1, limit: 0 },
  });
  return [readKey, behind("STORE"), behind("STOREDIST")];
}

/**
 * The keys of one call: the last of several destinations counts, whichever word precedes it, and
 * COUNT's value is never a key.
 */
function keysOfRadius(args: Args, optionsAt: number): KeyPosition[] {
  let storeAt = 0;
  for (let i = optionsAt; i < args.count - 1; i++) {
    if (args.is(i, "STORE") || args.is(i, "STOREDIST")) storeAt = ++i;
    else if (args.is(i, "COUNT")) i++;
  }
  const source = { index: 1, flags: readKey.flags };
  return storeAt === 0 ? [source] : [source, { index: storeAt, flags: STORE_FLAGS }];
}

function radiusCommand(name: string, asks: "position" | "member", stores: boolean, summary: string): Command {
  const optionsAt = asks === "position" ? 6 : 5;
  const form: SearchForm = { sourceAt: 1, optionsAt, asks, storing: stores ? "by option" : "never" };
  const center: readonly ArgSpec[] = asks === "position" ? positionArgs : [stringArg("member")];
  return command({
    name,
    group: "geo",
    since: stores ? "3.2.0" : "3.2.10",
    arity: -optionsAt,
    flags: stores ? Flag.Write | Flag.DenyOom | Flag.MovableKeys : Flag.ReadOnly,
    keys: radiusKeys(optionsAt, stores),
    ...(stores ? { keysOf: (args: Args) => keysOfRadius(args, optionsAt) } : {}),
    args: [
      keyArg(),
      ...center,
      doubleArg("radius"),
      unitArg,
      ...detailArgs,
      countArg,
      orderArg,
      ...(stores ? storeArgs : []),
    ],
    summary,
    complexity: searchCost,
    history: [["6.2.0", "ANY."], ["7.0.0", "Units in capital letters."]],
    deprecatedSince: "6.2.0",
    replacedBy: `\`GEOSEARCH\`${stores ? " and `GEOSEARCHSTORE`" : ""} with \`BYRADIUS\``,
    handler: (ctx, args) => geosearch(ctx, args, form),
  });
}

function memberCommand(name: string, summary: string, handler: Command["handler"]): Command {
  return command({
    name,
    group: "geo",
    since: "3.2.0",
    arity: -2,
    flags: Flag.ReadOnly,
    keys: [readKey],
    args: [keyArg(), stringArg("member", { multiple: true, optional: true })],
    summary,
    complexity: memberCost,
    handler,
  });
}

const searchForm: SearchForm = { sourceAt: 1, optionsAt: 2, asks: "options", storing: "never" };
const searchStoreForm: SearchForm = { sourceAt: 2, optionsAt: 3, asks: "options", storing: "always" };

/** The commands of this group; `table.ts` joins the groups. */
export const geoCommands: readonly Command[] = [
  command({
    name: "geoadd",
    group: "geo",
    since: "3.2.0",
    arity: -5,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    args: [
      keyArg(),
      oneOf("condition", [tokenArg("NX"), tokenArg("XX")], { optional: true, since: "6.2.0" }),
      tokenArg("CH", { optional: true, since: "6.2.0" }),
      blockArg("data", [...positionArgs, stringArg("member")], { multiple: true }),
    ],
    summary: "Adds places, or moves them; creates the sorted set if needed.",
    complexity: "O(log(N)) for each place, N being the size of the sorted set.",
    history: [["6.2.0", "CH, NX and XX."]],
    handler: geoadd,
  }),
  command({
    name: "geodist",
    group: "geo",
    since: "3.2.0",
    arity: -4,
    flags: Flag.ReadOnly,
    keys: [readKey],
    args: [keyArg(), stringArg("member1"), stringArg("member2"), { ...unitArg, optional: true }],
    summary: "Returns the distance between two places.",
    complexity: "O(1)",
    handler: geodist,
  }),
  memberCommand("geohash", "Returns places as geohash texts.", geohash),
  memberCommand("geopos", "Returns the longitudes and latitudes of places.", geopos),
  radiusCommand(
    "georadius",
    "position",
    true,
    "Returns or stores the places within a circle around a position.",
  ),
  radiusCommand("georadius_ro", "position", false, "Returns the places within a circle around a position."),
  radiusCommand(
    "georadiusbymember",
    "member",
    true,
    "Returns or stores the places within a circle around a place.",
  ),
  radiusCommand(
    "georadiusbymember_ro",
    "member",
    false,
    "Returns the places within a circle around a place.",
  ),
  command({
    name: "geosearch",
    group: "geo",
    since: "6.2.0",
    arity: -7,
    flags: Flag.ReadOnly,
    keys: [readKey],
    args: [keyArg(), ...shapeArgs, orderArg, countArg, ...detailArgs],
    summary: "Returns the places within a circle or a box.",
    complexity: searchCost,
    history: [["7.0.0", "Units in capital letters."]],
    handler: (ctx, args) => geosearch(ctx, args, searchForm),
  }),
  command({
    name: "geosearchstore",
    group: "geo",
    since: "6.2.0",
    arity: -8,
    flags: Flag.Write | Flag.DenyOom,
    keys: [keyAt(1, KeyFlag.Overwrite | KeyFlag.Update), keyAt(2, KeyFlag.ReadOnly | KeyFlag.Access)],
    args: [
      keyArg("destination"),
      keyArg("source", { keySpecIndex: 1 }),
      ...shapeArgs,
      orderArg,
      countArg,
      tokenArg("STOREDIST", { optional: true }),
    ],
    summary: "Stores the places within a circle or a box as another sorted set.",
    complexity: searchCost,
    history: [["7.0.0", "Units in capital letters."]],
    handler: (ctx, args) => geosearch(ctx, args, searchStoreForm),
  }),
];
