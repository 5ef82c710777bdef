/** What a script says about itself in its first line (`#!lua flags=no-writes`) or when it registers a function. */
import { Flag } from "../engine/command.ts";
import { ReplyError } from "../protocol/errors.ts";
import { splitArgs } from "../util/sds_split.ts";

/** Flags of a script, as bits. */
export const ScriptFlag = {
  NoWrites: 1 << 0,
  AllowOom: 1 << 1,
  AllowStale: 1 << 2,
  NoCluster: 1 << 3,
  /** It has no first line of that kind: what its calls may do is found out call by call. */
  Compatible: 1 << 4,
  AllowCrossSlotKeys: 1 << 5,
} as const;

const named: readonly (readonly [name: string, flag: number])[] = [
  ["no-writes", ScriptFlag.NoWrites],
  ["allow-oom", ScriptFlag.AllowOom],
  ["allow-stale", ScriptFlag.AllowStale],
  ["no-cluster", ScriptFlag.NoCluster],
  ["allow-cross-slot-keys", ScriptFlag.AllowCrossSlotKeys],
];

/** The flags of a command that runs a script with these flags of its own. */
export function flagsOfRun(commandFlags: number, flags: number): number {
  if ((flags & ScriptFlag.Compatible) !== 0) return commandFlags;
  const mayWrite = (flags & ScriptFlag.NoWrites) === 0;
  let result = commandFlags & ~(Flag.Stale | Flag.DenyOom | Flag.Write | Flag.MayReplicate);
  if (mayWrite) result |= Flag.Write;
  if (mayWrite && (flags & ScriptFlag.AllowOom) === 0) result |= Flag.DenyOom;
  if ((flags & ScriptFlag.AllowStale) !== 0) result |= Flag.Stale;
  return result;
}

/** The flag of that name, or undefined. */
export function scriptFlag(name: string): number | undefined {
  return named.find(([own]) => own === name)?.[1];
}

/** The names of the flags that are set. */
export function scriptFlagNames(flags: number): string[] {
  return named.filter(([, flag]) => (flags & flag) !== 0).map(([name]) => name);
}

/** The flags of a script for EVAL, and its text with the first line emptied, so that lines keep their numbers. */
export interface EvalHead {
  flags: number;
  source: string;
}

function scriptError(text: string): ReplyError {
  return new ReplyError(`ERR ${text}`);
}

/** Reads the first line of a script for EVAL. Throws a ReplyError. */
export function parseEvalHead(body: string): EvalHead {
  if (!body.startsWith("#!")) return { flags: ScriptFlag.Compatible, source: body };
  const end = body.indexOf("\n");
  if (end < 0) throw scriptError("Invalid script shebang");
  const parts = splitArgs(body.slice(0, end));
  const [engine, ...options] = parts ?? [];
  if (engine === undefined) throw scriptError("Invalid engine in script shebang");
  if (engine !== "#!lua") throw scriptError(`Unexpected engine in script shebang: ${engine}`);
  let flags = 0;
  for (const option of options) {
    if (!option.startsWith("flags=")) throw scriptError(`Unknown lua shebang option: ${option}`);
    flags |= parseFlagList(option.slice("flags=".length));
  }
  return { flags, source: body.slice(end) };
}

function parseFlagList(list: string): number {
  let flags = 0;
  for (const name of list === "" ? [] : list.split(",")) {
    const flag = scriptFlag(name);
    if (flag === undefined) throw scriptError(`Unexpected flag in script shebang: ${name}`);
    flags |= flag;
  }
  return flags;
}

/** The name of a function library, its engine, and its code with the first line emptied. */
export interface LibraryHead {
  engine: string;
  name: string;
  source: string;
}

/** Reads the first line of a function library. Throws a ReplyError. */
export function parseLibraryHead(code: string): LibraryHead {
  if (!code.startsWith("#!")) throw scriptError("Missing library metadata");
  const end = code.indexOf("\n");
  const [engine, ...options] = (end < 0 ? undefined : splitArgs(code.slice(0, end))) ?? [];
  if (engine === undefined) throw scriptError("Invalid library metadata");
  let name: string | undefined;
  for (const option of options) {
    if (!/^name=/i.test(option)) throw scriptError(`Invalid metadata value given: ${option}`);
    if (name !== undefined) {
      throw scriptError("Invalid metadata value, name argument was given multiple times");
    }
    name = option.slice("name=".length);
  }
  if (name === undefined) throw scriptError("Library name was not given");
  return { engine: engine.slice(2), name, source: code.slice(end) };
}

/** Whether a library or a function may be called so. */
export function isValidName(name: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(name);
}

/** The error for a name that may not be given. */
export const INVALID_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
