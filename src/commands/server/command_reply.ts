/** The descriptions of commands: the arrays of COMMAND INFO and the maps of COMMAND DOCS. */
import { categoriesOf } from "../../engine/categories.ts";
import { type ArgSpec, type Command, Flag, flagNames, KeyFlag, type KeySpec } from "../../engine/command.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";

const keyFlagNames: readonly (readonly [number, string])[] = [
  [KeyFlag.ReadOnly, "RO"],
  [KeyFlag.ReadWrite, "RW"],
  [KeyFlag.Overwrite, "OW"],
  [KeyFlag.Remove, "RM"],
  [KeyFlag.Access, "access"],
  [KeyFlag.Update, "update"],
  [KeyFlag.Insert, "insert"],
  [KeyFlag.Delete, "delete"],
  [KeyFlag.NotKey, "not_key"],
  [KeyFlag.Incomplete, "incomplete"],
  [KeyFlag.VariableFlags, "variable_flags"],
];

function replyNames(
  reply: ReplyWriter,
  flags: number,
  names: readonly (readonly [number, string])[],
): void {
  const set = names.filter(([flag]) => (flags & flag) !== 0);
  reply.set(set.length);
  for (const [, name] of set) reply.simple(name);
}

/** The uses of a key, as a set of words. */
export function replyKeyFlags(reply: ReplyWriter, flags: number): void {
  replyNames(reply, flags, keyFlagNames);
}

// ---- COMMAND INFO -------------------------------------------------------------------------------

/**
 * First key, last key and step, from the time before key specifications; all 0 if they do not
 * apply.
 */
interface KeyRange {
  first: number;
  last: number;
  step: number;
}

const NO_KEYS: KeyRange = { first: 0, last: 0, step: 0 };

/** The range of one specification, or null if it is not a plain range. */
function plainRange({ begin, find }: KeySpec): KeyRange | null {
  if (begin === "unknown" || !("index" in begin) || !("last" in find)) return null;
  const last = find.last < 0 ? find.last : begin.index + find.last;
  return { first: begin.index, last, step: find.step };
}

/** The range that all plain specifications form together. */
function keyRange(cmd: Command): KeyRange {
  const ranges = cmd.keys.flatMap((spec) => plainRange(spec) ?? []);
  if (ranges.length === 0) return NO_KEYS;
  if (cmd.keys.length === 1) return ranges[0]!;
  let { first, last } = NO_KEYS;
  for (const range of ranges) {
    if (range.step !== 1 || (last !== 0 && last !== range.first - 1)) break;
    first = first === 0 ? range.first : Math.min(first, range.first);
    last = last < 0 || range.last < 0 ? Math.min(last, range.last) : Math.max(last, range.last);
  }
  return first === 0 ? NO_KEYS : { first, last, step: 1 };
}

function hasMovableKeys(cmd: Command): boolean {
  return (cmd.flags & Flag.MovableKeys) !== 0 || cmd.keys.some((spec) => plainRange(spec) === null);
}

function replyBegin(reply: ReplyWriter, { begin }: KeySpec): void {
  if (begin === "unknown") replyMethod(reply, "unknown", []);
  else if ("index" in begin) replyMethod(reply, "index", [["index", begin.index]]);
  else replyMethod(reply, "keyword", [["keyword", begin.keyword], ["startfrom", begin.from]]);
}

function replyFind(reply: ReplyWriter, { begin, find }: KeySpec): void {
  if (begin === "unknown") return replyMethod(reply, "unknown", []);
  if ("last" in find) {
    const { last, step, limit } = find;
    return replyMethod(reply, "range", [["lastkey", last], ["keystep", step], ["limit", limit]]);
  }
  const { numKeysAt, firstAt, step } = find;
  replyMethod(reply, "keynum", [["keynumidx", numKeysAt], ["firstkey", firstAt], ["keystep", step]]);
}

function replyMethod(reply: ReplyWriter, type: string, spec: readonly [string, string | number][]): void {
  reply.map(2);
  reply.bulk("type");
  reply.bulk(type);
  reply.bulk("spec");
  reply.map(spec.length);
  for (const [name, value] of spec) {
    reply.bulk(name);
    if (typeof value === "string") reply.bulk(value);
    else reply.integer(value);
  }
}

function replyKeySpecs(reply: ReplyWriter, specs: readonly KeySpec[]): void {
  reply.set(specs.length);
  for (const spec of specs) {
    reply.map(3);
    reply.bulk("flags");
    replyKeyFlags(reply, spec.flags);
    reply.bulk("begin_search");
    replyBegin(reply, spec);
    reply.bulk("find_keys");
    replyFind(reply, spec);
  }
}

/** A command in the form of COMMAND and COMMAND INFO. */
export function replyCommandInfo(reply: ReplyWriter, cmd: Command): void {
  const { first, last, step } = keyRange(cmd);
  const flags = hasMovableKeys(cmd) ? cmd.flags | Flag.MovableKeys : cmd.flags;
  reply.array(10);
  reply.bulk(cmd.fullName);
  reply.integer(cmd.arity);
  replyNames(reply, flags, flagNames);
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  const categories = categoriesOf(cmd);
  reply.set(categories.length);
  for (const name of categories) reply.simple(`@${name}`);
  const tips = cmd.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulk(tip);
  replyKeySpecs(reply, cmd.keys);
  const subcommands = cmd.subcommands ?? [];
  if (subcommands.length === 0) return reply.set(0);
  reply.array(subcommands.length);
  for (const sub of subcommands) replyCommandInfo(reply, sub);
}

// ---- COMMAND DOCS -------------------------------------------------------------------------------

/** A map whose pairs are counted while they are written. */
function replyMap(reply: ReplyWriter, write: (put: (name: string) => void) => void): void {
  const from = reply.length;
  let pairs = 0;
  write((name) => {
    reply.bulk(name);
    pairs++;
  });
  reply.mapBefore(from, pairs);
}

function replyArguments(reply: ReplyWriter, args: readonly ArgSpec[]): void {
  reply.array(args.length);
  for (const arg of args) {
    replyMap(reply, (put) => {
      const text = (name: string, value: string) => {
        put(name);
        reply.bulk(value);
      };
      text("name", arg.name);
      text("type", arg.type);
      if (arg.keySpecIndex !== undefined) {
        put("key_spec_index");
        reply.integer(arg.keySpecIndex);
      }
      if (arg.token !== undefined) text("token", arg.token);
      if (arg.since !== undefined) text("since", arg.since);
      replyArgumentFlags(reply, put, arg);
      if (arg.args !== undefined) {
        put("arguments");
        replyArguments(reply, arg.args);
      }
    });
  }
}

function replyArgumentFlags(reply: ReplyWriter, put: (name: string) => void, arg: ArgSpec): void {
  const words: string[] = [];
  if (arg.optional) words.push("optional");
  if (arg.multiple) words.push("multiple");
  if (arg.multipleToken) words.push("multiple_token");
  if (words.length === 0) return;
  put("flags");
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

/** A command in the form of COMMAND DOCS, without its name. */
export function replyCommandDocs(reply: ReplyWriter, cmd: Command): void {
  replyMap(reply, (put) => {
    const text = (name: string, value: string | undefined) => {
      if (value === undefined) return;
      put(name);
      reply.bulk(value);
    };
    text("summary", cmd.summary);
    text("since", cmd.since);
    text("group", cmd.group);
    text("complexity", cmd.complexity);
    const flags: string[] = [];
    if (cmd.deprecatedSince !== undefined) flags.push("deprecated");
    if (cmd.isInternal) flags.push("syscmd");
    if (flags.length > 0) {
      put("doc_flags");
      reply.set(flags.length);
      for (const flag of flags) reply.simple(flag);
    }
    text("deprecated_since", cmd.deprecatedSince);
    text("replaced_by", cmd.replacedBy);
    if (cmd.history !== undefined && cmd.history.length > 0) {
      put("history");
      reply.set(cmd.history.length);
      for (const [version, change] of cmd.history) reply.bulkArray([version, change]);
    }
    if (cmd.args.length > 0) {
      put("arguments");
      replyArguments(reply, cmd.args);
    }
    if (cmd.subcommands !== undefined) {
      put("subcommands");
      reply.map(cmd.subcommands.length);
      for (const sub of cmd.subcommands) {
        reply.bulk(sub.fullName);
        replyCommandDocs(reply, sub);
      }
    }
  });
}
