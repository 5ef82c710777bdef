/** Function libraries: FUNCTION and its sub-commands, FCALL, FCALL_RO. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { type Command, command, Flag, oneOf, stringArg, tokenArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Engine } from "../../engine/engine.ts";
import {
  BAD_KEY_COUNT,
  FUNCTION_FLUSH_MODE,
  LIBRARY_NOT_FOUND,
  NAME_MISSING,
  NOT_FOUND,
  ReplyError,
  WRONG_POLICY,
} from "../../protocol/errors.ts";
import { scriptFlagNames } from "../../scripting/flags.ts";
import { dumpLibraries, readDump } from "../../scripting/function_dump.ts";
import type { Library, RestorePolicy } from "../../scripting/function_libraries.ts";
import { scriptEngines } from "../../scripting/script_engines.ts";
import { keyCount, type Runnable, Scripting } from "../../scripting/scripting.ts";
import { globMatch } from "../../util/glob.ts";
import { helpCommand, subcommandSyntax } from "../help.ts";
import { flushModeArg, isFlushMode, runDeclaration } from "./scripting.ts";

const HELP = [
  "LOAD [REPLACE] <FUNCTION CODE>",
  "    Loads a library.",
  "DELETE <LIBRARY NAME>",
  "    Deletes a library.",
  "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
  "    Tells about libraries: name, engine, functions and, if asked for, the code.",
  "STATS",
  "    Tells which function runs, by which command and for how long, and how many there are.",
  "KILL",
  "    Ends the function that runs, if it has written nothing.",
  "FLUSH [ASYNC|SYNC]",
  "    Deletes all libraries.",
  "DUMP",
  "    Returns all libraries in a form for FUNCTION RESTORE.",
  "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
  "    Loads dumped libraries: in the place of all, besides those there are, or in the place of namesakes.",
];

function call(ctx: CommandContext, args: Args, isReadOnly: boolean): void {
  const scripting = Scripting.of(ctx.engine);
  const fn = scripting.libraries.find(args.string(1));
  if (fn === undefined) throw NOT_FOUND;
  scripting.run(ctx, args, fn, keyCount(args, BAD_KEY_COUNT), isReadOnly);
}

function load(ctx: CommandContext, args: Args): void {
  const code = args.count - 1;
  for (let i = 2; i < code; i++) {
    if (!args.is(i, "REPLACE")) throw new ReplyError(`ERR Unknown option given: ${args.string(i)}`);
  }
  const name = Scripting.of(ctx.engine).libraries.load(args.string(code), code > 2);
  ctx.engine.dirty++;
  ctx.reply.bulk(name);
}

function remove(ctx: CommandContext, args: Args): void {
  if (!Scripting.of(ctx.engine).libraries.delete(args.string(2))) throw LIBRARY_NOT_FOUND;
  ctx.engine.dirty++;
  ctx.reply.ok();
}

function flush(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw subcommandSyntax(args);
  if (!isFlushMode(args)) throw FUNCTION_FLUSH_MODE;
  Scripting.of(ctx.engine).libraries.clear();
  ctx.engine.dirty++;
  ctx.reply.ok();
}

function kill(ctx: CommandContext): void {
  Scripting.of(ctx.engine).kill(true);
  ctx.reply.ok();
}

function dump(ctx: CommandContext): void {
  const { libraries } = Scripting.of(ctx.engine);
  ctx.reply.bulkBytes(dumpLibraries(Array.from(libraries.all(), ({ code }) => code)));
}

function restore(ctx: CommandContext, args: Args): void {
  if (args.count > 4) throw subcommandSyntax(args);
  const policy = restorePolicy(args);
  const codes = readDump(args.buf.subarray(args.start(2), args.end(2)));
  Scripting.of(ctx.engine).libraries.restore(codes, policy);
  ctx.engine.dirty++;
  ctx.reply.ok();
}

function restorePolicy(args: Args): RestorePolicy {
  if (args.count < 4 || args.is(3, "APPEND")) return "append";
  if (args.is(3, "REPLACE")) return "replace";
  if (args.is(3, "FLUSH")) return "flush";
  throw WRONG_POLICY;
}

function list(ctx: CommandContext, args: Args): void {
  const options = new ArgReader(args, 2);
  let withCode = false, pattern: string | undefined;
  while (options.more) {
    if (!withCode && options.take("WITHCODE")) withCode = true;
    else if (pattern === undefined && options.take("LIBRARYNAME")) {
      if (!options.more) throw NAME_MISSING;
      pattern = options.string();
    } else throw new ReplyError(`ERR Unknown argument ${options.string()}`);
  }
  const { libraries } = Scripting.of(ctx.engine);
  const from = ctx.reply.length;
  let count = 0;
  for (const library of libraries.all()) {
    if (pattern !== undefined && !globMatch(pattern, library.name, true)) continue;
    replyLibrary(ctx, library, withCode);
    count++;
  }
  ctx.reply.arrayBefore(from, count);
}

function replyLibrary(
  { reply }: CommandContext,
  { engine, name, code, functions }: Library,
  withCode: boolean,
): void {
  reply.map(withCode ? 4 : 3);
  reply.bulk("library_name");
  reply.bulk(name);
  reply.bulk("engine");
  reply.bulk(engine.name);
  reply.bulk("functions");
  reply.array(functions.size);
  for (const fn of functions.values()) {
    reply.map(3);
    reply.bulk("name");
    reply.bulk(fn.name);
    reply.bulk("description");
    reply.bulkOrNull(fn.description ?? undefined);
    reply.bulk("flags");
    const names = scriptFlagNames(fn.flags);
    reply.set(names.length);
    for (const flag of names) reply.simple(flag);
  }
  if (!withCode) return;
  reply.bulk("library_code");
  reply.bulk(code);
}

function stats(ctx: CommandContext): void {
  const { reply, engine } = ctx;
  const scripting = Scripting.of(engine);
  scripting.refuseWhileEvalRuns();
  const { current, libraries } = scripting;
  reply.map(2);
  reply.bulk("running_script");
  if (current === null) reply.null();
  else {
    reply.map(3);
    reply.bulk("name");
    reply.bulk(current.name);
    reply.bulk("command");
    reply.bulkArray(current.args.strings());
    reply.bulk("duration_ms");
    reply.integer(Math.floor((engine.clock.monotonicUs() - current.startedAtUs) / 1000));
  }
  reply.bulk("engines");
  const engines = scriptEngines();
  reply.map(engines.length);
  for (const { name } of engines) {
    const own = [...libraries.all()].filter((library) => library.engine.name === name);
    reply.bulk(name);
    reply.map(2);
    reply.bulk("libraries_count");
    reply.integer(own.length);
    reply.bulk("functions_count");
    reply.integer(own.reduce((sum, { functions }) => sum + functions.size, 0));
  }
}

const ALL_SHARDS = ["request_policy:all_shards", "response_policy:all_succeeded"];

const subcommands = [
  command({
    name: "delete",
    group: "scripting",
    since: "7.0.0",
    arity: 3,
    flags: Flag.NoScript | Flag.Write,
    tips: ALL_SHARDS,
    args: [stringArg("library-name")],
    summary: "Deletes a library and its functions.",
    complexity: "O(1)",
    handler: remove,
  }),
  command({
    name: "dump",
    group: "scripting",
    since: "7.0.0",
    arity: 2,
    flags: Flag.NoScript,
    summary: "Returns all libraries in a form for FUNCTION RESTORE.",
    complexity: "O(N) for N functions",
    handler: dump,
  }),
  command({
    name: "flush",
    group: "scripting",
    since: "7.0.0",
    arity: -2,
    flags: Flag.NoScript | Flag.Write,
    tips: ALL_SHARDS,
    args: [flushModeArg],
    summary: "Deletes all libraries.",
    complexity: "O(N) for N functions that go",
    handler: flush,
  }),
  helpCommand("FUNCTION", HELP, {
    group: "scripting",
    since: "7.0.0",
    summary: "Describes the sub-commands.",
  }),
  command({
    name: "kill",
    group: "scripting",
    since: "7.0.0",
    arity: 2,
    flags: Flag.NoScript | Flag.AllowBusy,
    tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
    summary: "Ends the function that runs, if it has written nothing.",
    complexity: "O(1)",
    handler: kill,
  }),
  command({
    name: "list",
    group: "scripting",
    since: "7.0.0",
    arity: -2,
    flags: Flag.NoScript,
    tips: ["nondeterministic_output_order"],
    args: [
      stringArg("library-name-pattern", { token: "LIBRARYNAME", optional: true }),
      tokenArg("WITHCODE", { optional: true }),
    ],
    summary: "Tells about libraries and their functions.",
    complexity: "O(N) for N functions",
    handler: list,
  }),
  command({
    name: "load",
    group: "scripting",
    since: "7.0.0",
    arity: -3,
    flags: Flag.NoScript | Flag.Write | Flag.DenyOom,
    tips: ALL_SHARDS,
    args: [tokenArg("REPLACE", { optional: true }), stringArg("function-code")],
    summary: "Loads a library.",
    complexity: "O(1), beside the compilation",
    handler: load,
  }),
  command({
    name: "restore",
    group: "scripting",
    since: "7.0.0",
    arity: -3,
    flags: Flag.NoScript | Flag.Write | Flag.DenyOom,
    tips: ALL_SHARDS,
    args: [
      stringArg("serialized-value"),
      oneOf("policy", [tokenArg("FLUSH"), tokenArg("APPEND"), tokenArg("REPLACE")], { optional: true }),
    ],
    summary: "Loads libraries that FUNCTION DUMP has returned.",
    complexity: "O(N) for N functions in the payload",
    handler: restore,
  }),
  command({
    name: "stats",
    group: "scripting",
    since: "7.0.0",
    arity: 2,
    flags: Flag.NoScript | Flag.AllowBusy,
    tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    summary: "Tells which function runs and how many there are.",
    complexity: "O(1)",
    handler: stats,
  }),
];

function byName(engine: Engine, args: Args): Runnable | undefined {
  return Scripting.of(engine).libraries.find(args.string(1));
}

/** The commands of this group; `table.ts` joins the groups. */
export const functionCommands: readonly Command[] = [
  command({
    ...runDeclaration(false, "function", byName),
    name: "fcall",
    since: "7.0.0",
    summary: "Runs a function.",
    handler: (ctx, args) => call(ctx, args, false),
  }),
  command({
    ...runDeclaration(true, "function", byName),
    name: "fcall_ro",
    since: "7.0.0",
    summary: "Runs a function that may only read.",
    handler: (ctx, args) => call(ctx, args, true),
  }),
  command({
    name: "function",
    group: "scripting",
    since: "7.0.0",
    arity: -2,
    flags: 0,
    summary: "A container for commands about function libraries.",
    complexity: "Depends on the sub-command",
    subcommands,
  }),
];
