/**
 * The command object. Each command is declared once, at the end of its group's file; dispatch,
 * COMMAND INFO/DOCS/GETKEYS, arity errors, access control, tracking and the refusals under memory
 * shortage, loading or read-only all read this object.
 */
import { ReplyError } from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import type { CommandContext } from "./context.ts";
import type { Engine } from "./engine.ts";

/** Properties of a command, as bits; the names are COMMAND INFO's. */
export const Flag = {
  Write: 1 << 0,
  ReadOnly: 1 << 1,
  DenyOom: 1 << 2,
  Admin: 1 << 3,
  PubSub: 1 << 4,
  NoScript: 1 << 5,
  Blocking: 1 << 6,
  Loading: 1 << 7,
  Stale: 1 << 8,
  SkipMonitor: 1 << 9,
  SkipSlowlog: 1 << 10,
  Asking: 1 << 11,
  Fast: 1 << 12,
  NoAuth: 1 << 13,
  MayReplicate: 1 << 14,
  NoMulti: 1 << 15,
  AllowBusy: 1 << 16,
  NoMandatoryKeys: 1 << 17,
  Protected: 1 << 18,
  MovableKeys: 1 << 19,
  NoAsyncLoading: 1 << 20,
  Dangerous: 1 << 21,
  /**
   * Not fast in Redis's classification, yet done as soon as its arguments are read: timed in runs,
   * as fast ones are.
   */
  Brief: 1 << 22,
  /**
   * May delete expired keys its arguments do not name (SCAN, RANDOMKEY); each deletion propagates
   * singly.
   */
  ArbitraryKeys: 1 << 23,
  /** Acts on a transaction instead of being queued by it. */
  InMulti: 1 << 24,
  /** Runs all that its client has queued: EXEC. */
  RunsQueue: 1 << 25,
  /** Allowed to a client that is subscribed in RESP2. */
  WhileSubscribed: 1 << 26,
  /** Refused with the reason while the disk refuses writes, although it writes nothing: PING. */
  ReportsDisk: 1 << 27,
  /** Reads only through the commands it calls: read-only scripts. */
  ReadsByCalls: 1 << 28,
  /**
   * On a container: its sub-commands leave a CLIENT CACHING in force for the command after them.
   */
  KeepsCaching: 1 << 29,
} as const;

/** COMMAND INFO's flag names, in its order. The others are not shown. */
export const flagNames: readonly (readonly [number, string])[] = [
  [Flag.Write, "write"],
  [Flag.ReadOnly, "readonly"],
  [Flag.DenyOom, "denyoom"],
  [Flag.Admin, "admin"],
  [Flag.PubSub, "pubsub"],
  [Flag.NoScript, "noscript"],
  [Flag.Blocking, "blocking"],
  [Flag.Loading, "loading"],
  [Flag.Stale, "stale"],
  [Flag.SkipMonitor, "skip_monitor"],
  [Flag.SkipSlowlog, "skip_slowlog"],
  [Flag.Asking, "asking"],
  [Flag.Fast, "fast"],
  [Flag.NoAuth, "no_auth"],
  [Flag.NoMandatoryKeys, "no_mandatory_keys"],
  [Flag.NoAsyncLoading, "no_async_loading"],
  [Flag.NoMulti, "no_multi"],
  [Flag.MovableKeys, "movablekeys"],
  [Flag.AllowBusy, "allow_busy"],
];

/**
 * Uses of a key by a command, as bits; the names are those of COMMAND INFO's key specifications.
 */
export const KeyFlag = {
  ReadOnly: 1 << 0,
  ReadWrite: 1 << 1,
  Overwrite: 1 << 2,
  Remove: 1 << 3,
  Access: 1 << 4,
  Update: 1 << 5,
  Insert: 1 << 6,
  Delete: 1 << 7,
  NotKey: 1 << 8,
  Incomplete: 1 << 9,
  VariableFlags: 1 << 10,
} as const;

/** Place of a command's keys: the start, and the steps from there. */
export interface KeySpec {
  flags: number;
  /**
   * At an index, or behind a keyword searched from an index on (negative: from the end
   * backwards), or at an unknown place.
   */
  begin: { index: number } | { keyword: string; from: number } | "unknown";
  /**
   * Either up to `last` (relative to the begin; negative: from the end of the arguments) in steps,
   * or as many as the argument `numKeysAt` places behind the begin says, the first being `firstAt`
   * places behind it.
   */
  find: { last: number; step: number; limit: number } | { numKeysAt: number; firstAt: number; step: number };
}

/** Channels among the arguments: the first one, or all with `takesMore`. */
export interface ChannelSpec {
  takesMore: boolean;
  isPattern: boolean;
}

/** One key, at argument `index`. */
export function keyAt(index: number, flags: number): KeySpec {
  return { flags, begin: { index }, find: { last: 0, step: 1, limit: 0 } };
}

/**
 * Keys from argument `first` to `last` (negative: counted from the end, -1 being the last) in steps
 * of `step`.
 */
export function keyRange(first: number, last: number, step: number, flags: number): KeySpec {
  return { flags, begin: { index: first }, find: { last: last < 0 ? last : last - first, step, limit: 0 } };
}

/** Keys right behind argument `index`, which holds their number. */
export function keysCountedAt(index: number, flags: number): KeySpec {
  return { flags, begin: { index }, find: { numKeysAt: 0, firstAt: 1, step: 1 } };
}

/** Keys that cannot be found without running the command. */
export function unknownKeys(flags: number): KeySpec {
  return { flags, begin: "unknown", find: { last: 0, step: 1, limit: 0 } };
}

/** An argument as COMMAND DOCS describes it. */
export interface ArgSpec {
  name: string;
  type:
    | "string"
    | "integer"
    | "double"
    | "key"
    | "pattern"
    | "unix-time"
    | "pure-token"
    | "oneof"
    | "block";
  token?: string;
  optional?: boolean;
  multiple?: boolean;
  multipleToken?: boolean;
  keySpecIndex?: number;
  since?: string;
  args?: readonly ArgSpec[];
}

type ArgOptions = Omit<ArgSpec, "name" | "type" | "args">;

/** A key; by default the one that the first key specification finds. */
export function keyArg(name = "key", options: ArgOptions = {}): ArgSpec {
  return { name, type: "key", keySpecIndex: 0, ...options };
}
/** Any text. */
export function stringArg(name: string, options: ArgOptions = {}): ArgSpec {
  return { name, type: "string", ...options };
}
/** A whole number. */
export function integerArg(name: string, options: ArgOptions = {}): ArgSpec {
  return { name, type: "integer", ...options };
}
/** A number that may have a fraction. */
export function doubleArg(name: string, options: ArgOptions = {}): ArgSpec {
  return { name, type: "double", ...options };
}
/** A glob pattern. */
export function patternArg(name: string, options: ArgOptions = {}): ArgSpec {
  return { name, type: "pattern", ...options };
}
/** A moment, in seconds or milliseconds since 1970. */
export function unixTimeArg(name: string, options: ArgOptions = {}): ArgSpec {
  return { name, type: "unix-time", ...options };
}
/** A word that stands for itself, such as `NX`. */
export function tokenArg(token: string, options: ArgOptions = {}): ArgSpec {
  return { name: token.toLowerCase(), type: "pure-token", token, ...options };
}
/** One of several arguments. */
export function oneOf(name: string, args: readonly ArgSpec[], options: ArgOptions = {}): ArgSpec {
  return { name, type: "oneof", args, ...options };
}
/** Several arguments that come together. */
export function blockArg(name: string, args: readonly ArgSpec[], options: ArgOptions = {}): ArgSpec {
  return { name, type: "block", args, ...options };
}

/** Reads its arguments, does the work, writes exactly one reply. Must not await. */
export type Handler = (ctx: CommandContext, args: Args) => void;

/** A command as its group's file declares it. */
export interface CommandDeclaration {
  name: string;
  /**
   * COMMAND DOCS's group: string, list, set, sorted-set, hash, stream, generic, connection, server,
   * pubsub, …
   */
  group: string;
  since: string;
  /** Number of arguments including the name; negative: the least number. */
  arity: number;
  flags: number;
  keys?: readonly KeySpec[];
  /** Positions of keys that no specification can tell; see {@linkcode findKeys}. */
  keysOf?: (args: Args) => KeyPosition[] | undefined;
  /** The flags of one call, where they depend on its arguments: on the script that it runs. */
  flagsOf?: (engine: Engine, args: Args) => number;
  /** Arguments that are channels, for access control. Subscriptions end without a permission. */
  channels?: ChannelSpec;
  /**
   * The words that MONITOR and the slow log may show, where some are secret; see `redaction.ts`.
   */
  redact?: (words: readonly string[]) => string[];
  /** With `MayReplicate`: true if this call may replicate, as far as known before it is run. */
  mayReplicate?: (engine: Engine, args: Args) => boolean;
  args?: readonly ArgSpec[];
  summary: string;
  complexity: string;
  history?: readonly (readonly [string, string])[];
  /** For servers and tests among themselves: COMMAND DOCS calls it a `syscmd`. */
  isInternal?: boolean;
  deprecatedSince?: string;
  replacedBy?: string;
  /** COMMAND INFO's tips. */
  tips?: readonly string[];
  /** Access categories beside those that follow from group and flags. */
  categories?: readonly string[];
  /** `categories` stand in place of the category that follows from the group. */
  replacesGroupCategory?: boolean;
  handler?: Handler;
  subcommands?: readonly Command[];
}

/** A declared command. */
export interface Command extends CommandDeclaration {
  readonly keys: readonly KeySpec[];
  readonly args: readonly ArgSpec[];
  readonly handler: Handler;
  /** `set`, or `config|get` for a sub-command. */
  fullName: string;
  parent: Command | null;
  readonly subcommandByName: ReadonlyMap<string, Command> | null;
  /** A number of its own, for the bit sets of access control and the counters of a server. */
  id: number;
}

let nextId = 0;

function noHandler(): never {
  throw new Error("a container command has no handler of its own");
}

/** Declares a command. */
export function command(declaration: CommandDeclaration): Command {
  const subcommands = declaration.subcommands;
  const made: Command = {
    ...declaration,
    keys: declaration.keys ?? [],
    args: declaration.args ?? [],
    handler: declaration.handler ?? noHandler,
    fullName: declaration.name,
    parent: null,
    subcommandByName: subcommands === undefined ? null : new Map(subcommands.map((sub) => [sub.name, sub])),
    id: nextId++,
  };
  for (const sub of subcommands ?? []) {
    sub.parent = made;
    sub.fullName = `${made.name}|${sub.name}`;
  }
  return made;
}

/** True if a command takes `count` arguments, its name included. */
export function acceptsCount(cmd: Command, count: number): boolean {
  return cmd.arity >= 0 ? count === cmd.arity : count >= -cmd.arity;
}

/** A key's place among the arguments and its use. */
export interface KeyPosition {
  index: number;
  flags: number;
}

/**
 * Places of the keys of a call, or undefined if its arguments make no sense: the command replies
 * with its own error. Commands whose keys no specification can tell bring `keysOf`. Never throws.
 */
export function findKeys(cmd: Command, args: Args): KeyPosition[] | undefined {
  try {
    return cmd.keysOf === undefined ? keysBySpecs(cmd, args) : cmd.keysOf(args);
  } catch (error) {
    if (error instanceof ReplyError) return undefined;
    throw error;
  }
}

function keysBySpecs(cmd: Command, args: Args): KeyPosition[] | undefined {
  const found: KeyPosition[] = [];
  for (const spec of cmd.keys) {
    if (!addKeys(spec, args, found)) return undefined;
  }
  return found;
}

function addKeys(spec: KeySpec, args: Args, found: KeyPosition[]): boolean {
  if (spec.begin === "unknown") return true;
  const begin = beginOf(spec.begin, args);
  if (begin < 0) return true;
  const find = spec.find;
  // A range that ends with the arguments may be empty: PFMERGE with a destination only.
  if (begin >= args.count) return begin === args.count && "last" in find && find.last < 0;
  let first = begin, last: number;
  if ("numKeysAt" in find) {
    const count = Number(args.integer(begin + find.numKeysAt));
    first = begin + find.firstAt;
    last = first + (count - 1) * find.step;
    if (count < 0 || last >= args.count) return false;
  } else if (find.last >= 0) last = begin + find.last;
  else if (find.limit <= 1) last = args.count + find.last;
  else last = begin + Math.floor((args.count - begin) / find.limit) + find.last;
  if (last >= args.count) return false;
  for (let index = first; index <= last; index += find.step) found.push({ index, flags: spec.flags });
  return true;
}

/** The argument a specification begins at, or -1 if its keyword is not there. */
function beginOf(begin: Exclude<KeySpec["begin"], "unknown">, args: Args): number {
  if ("index" in begin) return begin.index;
  const { keyword, from } = begin;
  const step = from < 0 ? -1 : 1;
  for (let i = from < 0 ? args.count + from : from; i > 0 && i < args.count; i += step) {
    if (args.is(i, keyword)) return i + 1;
  }
  return -1;
}
