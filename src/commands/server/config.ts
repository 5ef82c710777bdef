/** CONFIG: the parameters of the running server. */
import type { Args } from "../../engine/args.ts";
import {
  blockArg,
  type Command,
  command,
  type CommandDeclaration,
  Flag,
  stringArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { mayAct } from "../../engine/protected_action.ts";
import { redactParameters } from "../../engine/redaction.ts";
import { EngineGuard } from "../../engine/refusals.ts";
import { ReplyError, SYNTAX } from "../../protocol/errors.ts";
import { Replication } from "../../replication/replication.ts";
import { helpCommand } from "../help.ts";

function configGet(ctx: CommandContext, args: Args): void {
  const found = ctx.engine.config.match(args.strings(2));
  ctx.reply.map(found.length);
  for (const [name, value] of found) {
    ctx.reply.bulk(name);
    ctx.reply.bulk(value);
  }
}

function configSet(ctx: CommandContext, args: Args): void {
  if (args.count % 2 !== 0) throw SYNTAX;
  const { config, guards } = ctx.engine;
  const pairs: [name: string, value: string][] = [];
  for (let i = 2; i < args.count; i += 2) pairs.push([args.string(i), args.string(i + 1)]);
  config.set(pairs, {
    mayChangeProtected: mayAct(config.values.enableProtectedConfigs, ctx.client),
    isLoading: (guards & (EngineGuard.Loading | EngineGuard.LoadingBeside)) !== 0,
  });
  ctx.reply.ok();
}

function configResetStat(ctx: CommandContext): void {
  const { commands, rates, stats } = ctx.engine;
  stats.reset();
  rates.reset();
  Replication.of(ctx.engine).primary.resetCounts();
  commands.stats.reset();
  ctx.reply.ok();
}

function configRewrite(ctx: CommandContext): void {
  const { config, log } = ctx.engine;
  try {
    config.rewrite();
  } catch (error) {
    if (error instanceof ReplyError && config.filePath !== "") {
      log.warning(`CONFIG REWRITE failed: ${error.text}`);
    }
    throw error;
  }
  log.warning("CONFIG REWRITE executed with success.");
  ctx.reply.ok();
}

const help = [
  "GET <pattern>",
  "    Tell the values of the directives whose names match <pattern>.",
  "SET <directive> <value>",
  "    Change the value of <directive>.",
  "RESETSTAT",
  "    Count what INFO shows from the beginning again.",
  "REWRITE",
  "    Write what has been changed into the configuration file.",
];

/** The common declaration of all sub-commands except HELP. */
function administrative(declaration: Omit<CommandDeclaration, "group" | "flags">): Command {
  const flags = Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale;
  return command({ ...declaration, group: "server", flags });
}

const subcommands = [
  administrative({
    name: "get",
    since: "2.0.0",
    arity: -3,
    args: [blockArg("parameter", [stringArg("parameter")], { multiple: true })],
    summary: "Returns parameters and their values, by name or by pattern.",
    complexity: "O(N) for N names and patterns",
    history: [["7.0.0", "Several names and patterns in one call."]],
    handler: configGet,
  }),
  administrative({
    name: "set",
    since: "2.0.0",
    arity: -4,
    args: [blockArg("parameter_value", [stringArg("parameter"), stringArg("value")], { multiple: true })],
    summary: "Gives parameters new values while the server runs: all of them or, if one is refused, none.",
    complexity: "O(N) for N parameters",
    history: [["7.0.0", "Several parameters in one call."]],
    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
    redact: redactParameters,
    handler: configSet,
  }),
  administrative({
    name: "resetstat",
    since: "2.0.0",
    arity: 2,
    summary: "Sets the counters that INFO shows back to zero.",
    complexity: "O(1)",
    handler: configResetStat,
  }),
  administrative({
    name: "rewrite",
    since: "2.8.0",
    arity: 2,
    summary: "Writes the present values into the configuration file, keeping its comments and its order.",
    complexity: "O(1)",
    handler: configRewrite,
  }),
  helpCommand("CONFIG", help, {
    group: "server",
    since: "5.0.0",
    summary: "Replies with what the sub-commands do.",
  }),
];

/** The commands of this group; `table.ts` joins the groups. */
export const configCommands: readonly Command[] = [
  command({
    name: "config",
    group: "server",
    since: "2.0.0",
    arity: -2,
    flags: 0,
    summary: "Container of the commands for the server's parameters.",
    complexity: "Depends on the sub-command",
    subcommands,
  }),
];
