/**
 * The first line of a script (`#!lua flags=no-writes`) or of a function library (`#!lua
 * name=mine`).
 */
import { ReplyError } from "../protocol/errors.ts";
import { splitArgs } from "../util/sds_split.ts";
import { ScriptFlag, scriptFlag } from "./flags.ts";
import { DEFAULT_ENGINE, engineNamed } from "./script_engines.ts";
import type { ScriptEngine } from "./script_host.ts";

/**
 * The engine and flags of a script for EVAL, and its text with the first line emptied, so that
 * lines keep their numbers.
 */
export interface EvalHead {
  engine: ScriptEngine;
  flags: number;
  source: string;
}

function scriptError(text: string): ReplyError {
  return new ReplyError(`ERR ${text}`);
}

/** Parses the first line of a script for EVAL. Throws a ReplyError. */
export function parseEvalHead(body: string): EvalHead {
  if (!body.startsWith("#!")) return { engine: DEFAULT_ENGINE, flags: ScriptFlag.Compatible, source: body };
  const end = body.indexOf("\n");
  if (end < 0) throw scriptError("Invalid script shebang");
  const parts = splitArgs(body.slice(0, end));
  const [word, ...options] = parts ?? [];
  if (word === undefined) throw scriptError("Invalid engine in script shebang");
  const name = word.slice(2), engine = name === name.toLowerCase() ? engineNamed(name) : undefined;
  if (engine === undefined) throw scriptError(`Unexpected engine in script shebang: ${word}`);
  let flags = 0;
  for (const option of options) {
    if (!option.startsWith("flags=")) throw scriptError(`Unknown ${name} shebang option: ${option}`);
    flags |= parseFlagList(option.slice("flags=".length));
  }
  return { engine, flags, source: body.slice(end) };
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
  /** As it is written. */
  engine: string;
  name: string;
  source: string;
}

/** Parses the first line of a function library. Throws a ReplyError. */
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
