/** MODULE: there are no modules, and none can be loaded. Clients that list them get an answer. */
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
import { NOT_LOADED, NOT_UNLOADED, ReplyError } from "../../protocol/errors.ts";
import { helpCommand } from "../help.ts";

const NOT_ALLOWED = new ReplyError(
  'ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a local ' +
    "connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

function mustBeAllowed({ client, engine }: CommandContext): void {
  if (!mayAct(engine.config.values.enableModuleCommand, client)) throw NOT_ALLOWED;
}

function load(ctx: CommandContext, args: Args): void {
  mustBeAllowed(ctx);
  ctx.engine.log.warning(`Module ${args.string(2)} failed to load: modules are not supported`);
  throw NOT_LOADED;
}

function unload(ctx: CommandContext): void {
  mustBeAllowed(ctx);
  throw NOT_UNLOADED;
}

const help = [
  "LIST",
  "    Return the modules that are loaded: none.",
  "LOAD <path> [<arg> ...]",
  "LOADEX <path> [[CONFIG <name> <value>] ...] [ARGS ...]",
  "UNLOAD <name>",
  "    Are refused: there is nothing that modules could be loaded into.",
];

const args = stringArg("arg", { optional: true, multiple: true });

/** A sub-command that would load or unload something. */
function loading(declaration: Omit<CommandDeclaration, "group" | "flags" | "complexity">): Command {
  const flags = Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading;
  return command({ ...declaration, group: "server", flags, complexity: "O(1)" });
}

const subcommands: readonly Command[] = [
  command({
    name: "list",
    group: "server",
    since: "4.0.0",
    arity: 2,
    flags: Flag.Admin | Flag.NoScript,
    summary: "Lists the modules that are loaded.",
    complexity: "O(N) for N modules",
    tips: ["nondeterministic_output_order"],
    handler: (ctx) => ctx.reply.array(0),
  }),
  loading({
    name: "load",
    since: "4.0.0",
    arity: -3,
    args: [stringArg("path"), args],
    summary: "Loads a module; refused.",
    handler: load,
  }),
  loading({
    name: "loadex",
    since: "7.0.0",
    arity: -3,
    args: [
      stringArg("path"),
      blockArg("configs", [stringArg("name"), stringArg("value")], {
        token: "CONFIG",
        optional: true,
        multiple: true,
        multipleToken: true,
      }),
      stringArg("args", { token: "ARGS", optional: true, multiple: true }),
    ],
    summary: "Loads a module with settings; refused.",
    handler: load,
  }),
  loading({
    name: "unload",
    since: "4.0.0",
    arity: 3,
    args: [stringArg("name")],
    summary: "Unloads a module; refused.",
    handler: unload,
  }),
  helpCommand("MODULE", help, { group: "server", since: "5.0.0" }),
];

/** The commands of this group; `table.ts` joins the groups. */
export const moduleCommands: readonly Command[] = [
  command({
    name: "module",
    group: "server",
    since: "4.0.0",
    arity: -2,
    flags: 0,
    summary: "Container of the commands about modules.",
    complexity: "Depends on the sub-command",
    subcommands,
  }),
];
