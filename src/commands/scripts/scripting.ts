/** Scripts: EVAL and its variants, SCRIPT. */
import type { Args } from "../../engine/args.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import { ClientFlag } from "../../engine/client.ts";
import {
  type ArgSpec,
  type Command,
  command,
  type CommandDeclaration,
  Flag,
  integerArg,
  keyArg,
  KeyFlag,
  keysCountedAt,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Engine } from "../../engine/engine.ts";
import { NO_DEBUGGER, NOSCRIPT, SCRIPT_DEBUG_MODE, SCRIPT_FLUSH_MODE } from "../../protocol/errors.ts";
import { flagsOfRun, ScriptFlag } from "../../scripting/flags.ts";
import { keyCount, type Runnable, Scripting } from "../../scripting/scripting.ts";
import { helpCommand } from "../help.ts";

const HELP = [
  "DEBUG (YES|SYNC|NO)",
  "    Not supported, but for NO.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Tells for each SHA1 whether the script is known.",
  "FLUSH [ASYNC|SYNC]",
  "    Forgets all scripts.",
  "KILL",
  "    Ends the script that runs, if it has written nothing.",
  "LOAD <script>",
  "    Makes a script known without running it.",
];

/** True if a script or function may write: it has not declared otherwise. */
function mayWrite({ flags }: Runnable): boolean {
  return (flags & ScriptFlag.NoWrites) === 0;
}

/** Compile errors are reported when the script is run. */
function byText(engine: Engine, args: Args): Runnable | undefined {
  try {
    return Scripting.of(engine).scripts.byText(args.string(1));
  } catch {
    return undefined;
  }
}

function bySha(engine: Engine, args: Args): Runnable | undefined {
  return Scripting.of(engine).scripts.bySha(args, 1);
}

/**
 * `redis-cli --ldb` ignores the reply to SCRIPT DEBUG YES and sends the script regardless. A
 * debugged script would not have changed the data; run normally it would.
 */
function refuseDebugging({ client }: CommandContext): void {
  if (!client.has(ClientFlag.DebuggerRefused)) return;
  client.unset(ClientFlag.DebuggerRefused);
  throw NO_DEBUGGER;
}

function evaluate(ctx: CommandContext, args: Args, isReadOnly: boolean): void {
  refuseDebugging(ctx);
  const keys = keyCount(args), scripting = Scripting.of(ctx.engine);
  scripting.run(ctx, args, scripting.scripts.byText(args.string(1)), keys, isReadOnly);
}

function evaluateSha(ctx: CommandContext, args: Args, isReadOnly: boolean): void {
  refuseDebugging(ctx);
  const scripting = Scripting.of(ctx.engine);
  if (args.length(1) !== 40) throw NOSCRIPT;
  const keys = keyCount(args);
  const script = scripting.scripts.bySha(args, 1);
  if (script === undefined) throw NOSCRIPT;
  scripting.run(ctx, args, script, keys, isReadOnly);
}

function load(ctx: CommandContext, args: Args): void {
  ctx.reply.bulk(Scripting.of(ctx.engine).scripts.load(args.string(2)).name);
}

function exists(ctx: CommandContext, args: Args): void {
  const { scripts } = Scripting.of(ctx.engine);
  ctx.reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) ctx.reply.integer(scripts.has(args.string(i)) ? 1 : 0);
}

/** True if the options of a FLUSH are none, SYNC or ASYNC; nothing is deferred in either case. */
export function isFlushMode(args: Args): boolean {
  const reader = new ArgReader(args, 2);
  return !reader.more || ((reader.take("SYNC") || reader.take("ASYNC")) && !reader.more);
}

function flush(ctx: CommandContext, args: Args): void {
  if (!isFlushMode(args)) throw SCRIPT_FLUSH_MODE;
  Scripting.of(ctx.engine).scripts.clear();
  ctx.reply.ok();
}

function debug(ctx: CommandContext, args: Args): void {
  if (args.is(2, "YES") || args.is(2, "SYNC")) {
    ctx.client.set(ClientFlag.DebuggerRefused);
    throw NO_DEBUGGER;
  }
  if (!args.is(2, "NO")) throw SCRIPT_DEBUG_MODE;
  ctx.client.unset(ClientFlag.DebuggerRefused);
  ctx.reply.ok();
}

function kill(ctx: CommandContext): void {
  Scripting.of(ctx.engine).kill(false);
  ctx.reply.ok();
}

const RUN_FLAGS = Flag.NoScript | Flag.Stale | Flag.SkipMonitor | Flag.NoMandatoryKeys | Flag.MovableKeys;

/** Finds the script or function of a call, if it is known. */
type Find = (engine: Engine, args: Args) => Runnable | undefined;

/**
 * The common parts of commands that run a script or function. @param what the name of its first
 * argument
 */
export function runDeclaration(isReadOnly: boolean, what: string, find: Find) {
  const flags = RUN_FLAGS | (isReadOnly ? Flag.ReadOnly | Flag.ReadsByCalls : Flag.MayReplicate);
  return {
    group: "scripting",
    arity: -3,
    flags,
    flagsOf: (engine, args) => {
      const found = find(engine, args);
      return found === undefined ? flags : flagsOfRun(flags, found.flags);
    },
    mayReplicate: (engine, args) => {
      const found = find(engine, args);
      return found === undefined || mayWrite(found);
    },
    keys: [
      keysCountedAt(
        2,
        isReadOnly ? KeyFlag.ReadOnly | KeyFlag.Access : KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update,
      ),
    ],
    args: [
      stringArg(what),
      integerArg("numkeys"),
      keyArg("key", { optional: true, multiple: true }),
      stringArg("arg", { optional: true, multiple: true }),
    ],
    complexity: "Depends on the script",
  } satisfies Partial<CommandDeclaration>;
}

/** SYNC or ASYNC. */
export const flushModeArg: ArgSpec = oneOf(
  "async",
  [tokenArg("ASYNC"), tokenArg("SYNC")],
  { optional: true, since: "6.2.0" },
);

const ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"];

const subcommands = [
  command({
    name: "debug",
    group: "scripting",
    since: "3.2.0",
    arity: 3,
    flags: Flag.NoScript,
    args: [oneOf("mode", [tokenArg("YES"), tokenArg("SYNC"), tokenArg("NO")])],
    summary: "Would begin or end the debugging of scripts; only NO is accepted.",
    complexity: "O(1)",
    handler: debug,
  }),
  command({
    name: "exists",
    group: "scripting",
    since: "2.6.0",
    arity: -3,
    flags: Flag.NoScript,
    tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
    args: [stringArg("sha1", { multiple: true })],
    summary: "Tells which scripts are known.",
    complexity: "O(N) with N being the number of scripts to check",
    handler: exists,
  }),
  command({
    name: "flush",
    group: "scripting",
    since: "2.6.0",
    arity: -2,
    flags: Flag.NoScript,
    tips: ALL_NODES,
    history: [["6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers."]],
    args: [flushModeArg],
    summary: "Forgets all scripts.",
    complexity: "O(N) for N scripts",
    handler: flush,
  }),
  helpCommand("SCRIPT", HELP, { group: "scripting", since: "5.0.0", summary: "Describes the sub-commands." }),
  command({
    name: "kill",
    group: "scripting",
    since: "2.6.0",
    arity: 2,
    flags: Flag.NoScript | Flag.AllowBusy,
    tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
    summary: "Ends the script that runs, if it has written nothing.",
    complexity: "O(1)",
    handler: kill,
  }),
  command({
    name: "load",
    group: "scripting",
    since: "2.6.0",
    arity: 3,
    flags: Flag.NoScript | Flag.Stale,
    tips: ALL_NODES,
    args: [stringArg("script")],
    summary: "Makes a script known without running it.",
    complexity: "O(N) for the bytes of the script",
    handler: load,
  }),
];

/** The commands of this group; `table.ts` joins the groups. */
export const scriptingCommands: readonly Command[] = [
  command({
    ...runDeclaration(false, "script", byText),
    name: "eval",
    since: "2.6.0",
    summary: "Runs a script.",
    handler: (ctx, args) => evaluate(ctx, args, false),
  }),
  command({
    ...runDeclaration(true, "script", byText),
    name: "eval_ro",
    since: "7.0.0",
    summary: "Runs a script that may only read.",
    handler: (ctx, args) => evaluate(ctx, args, true),
  }),
  command({
    ...runDeclaration(false, "sha1", bySha),
    name: "evalsha",
    since: "2.6.0",
    summary: "Runs a known script by its SHA1.",
    handler: (ctx, args) => evaluateSha(ctx, args, false),
  }),
  command({
    ...runDeclaration(true, "sha1", bySha),
    name: "evalsha_ro",
    since: "7.0.0",
    summary: "Runs a known script, by its SHA1, that may only read.",
    handler: (ctx, args) => evaluateSha(ctx, args, true),
  }),
  command({
    name: "script",
    group: "scripting",
    since: "2.6.0",
    arity: -2,
    flags: 0,
    summary: "A container for commands about scripts.",
    complexity: "Depends on the sub-command",
    subcommands,
  }),
];
