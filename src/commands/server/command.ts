/** COMMAND: the list of commands, for clients that ask. */
import { Args } from "../../engine/args.ts";
import { categories, categoriesOf } from "../../engine/categories.ts";
import {
  acceptsCount,
  type Command,
  command,
  findKeys,
  Flag,
  KeyFlag,
  type KeyPosition,
  oneOf,
  patternArg,
  stringArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import {
  INVALID_ARGUMENTS,
  INVALID_COMMAND,
  INVALID_COUNT,
  NO_KEY_ARGUMENTS,
  SYNTAX,
} from "../../protocol/errors.ts";
import { globMatch } from "../../util/glob.ts";
import { replyCommandDocs, replyCommandInfo, replyKeyFlags } from "./command_reply.ts";
import { replyHelp } from "../help.ts";

function all(ctx: CommandContext): Command[] {
  return [...ctx.engine.commands.entries()].map(([, cmd]) => cmd);
}

function everyCommand(ctx: CommandContext): void {
  const commands = all(ctx);
  ctx.reply.array(commands.length);
  for (const cmd of commands) replyCommandInfo(ctx.reply, cmd);
}

function count(ctx: CommandContext): void {
  ctx.reply.integer(ctx.engine.commands.size);
}

function info(ctx: CommandContext, args: Args): void {
  if (args.count === 2) return everyCommand(ctx);
  ctx.reply.array(args.count - 2);
  for (const name of args.strings(2)) {
    const cmd = ctx.engine.commands.getFull(name.toLowerCase());
    if (cmd === undefined) ctx.reply.null();
    else replyCommandInfo(ctx.reply, cmd);
  }
}

function docs(ctx: CommandContext, args: Args): void {
  const { commands } = ctx.engine;
  const asked = args.count === 2
    ? all(ctx)
    : args.strings(2).flatMap((name) => commands.getFull(name.toLowerCase()) ?? []);
  ctx.reply.map(asked.length);
  for (const cmd of asked) {
    ctx.reply.bulk(cmd.fullName);
    replyCommandDocs(ctx.reply, cmd);
  }
}

// ---- COMMAND LIST -------------------------------------------------------------------------------

/** The filter of FILTERBY. */
function filterOf(args: Args): (cmd: Command) => boolean {
  if (args.count === 2) return () => true;
  if (args.count !== 5 || !args.is(2, "FILTERBY")) throw SYNTAX;
  const wanted = args.string(4);
  if (args.is(3, "PATTERN")) return (cmd) => globMatch(wanted, cmd.fullName, true);
  if (args.is(3, "ACLCAT")) {
    const category = wanted.toLowerCase();
    return categories.includes(category) ? (cmd) => categoriesOf(cmd).includes(category) : () => false;
  }
  if (args.is(3, "MODULE")) return () => false;
  throw SYNTAX;
}

function list(ctx: CommandContext, args: Args): void {
  const isWanted = filterOf(args);
  const names: string[] = [];
  for (const cmd of all(ctx)) {
    for (const one of [cmd, ...cmd.subcommands ?? []]) {
      if (isWanted(one)) names.push(one.fullName);
    }
  }
  ctx.reply.bulkArray(names);
}

// ---- COMMAND GETKEYS ----------------------------------------------------------------------------

/** The keys among the arguments of a command given as arguments. */
function keysOf(ctx: CommandContext, given: Args): KeyPosition[] {
  const cmd = ctx.engine.commands.resolve(given);
  if (cmd === undefined) throw INVALID_COMMAND;
  const hasKeys = cmd.keysOf !== undefined || cmd.keys.some(({ flags }) => (flags & KeyFlag.NotKey) === 0);
  if (!hasKeys) throw NO_KEY_ARGUMENTS;
  if (!acceptsCount(cmd, given.count)) throw INVALID_COUNT;
  const found = findKeys(cmd, given) ?? [];
  if (found.length === 0 && (cmd.flags & Flag.NoMandatoryKeys) === 0) throw INVALID_ARGUMENTS;
  return found;
}

function getKeys(ctx: CommandContext, args: Args): void {
  const given = Args.of(args.strings(2));
  ctx.reply.bulkArray(keysOf(ctx, given).map(({ index }) => given.string(index)));
}

function getKeysAndFlags(ctx: CommandContext, args: Args): void {
  const given = Args.of(args.strings(2)), { reply } = ctx;
  const found = keysOf(ctx, given);
  reply.array(found.length);
  for (const { index, flags } of found) {
    reply.array(2);
    reply.bulk(given.string(index));
    replyKeyFlags(reply, flags);
  }
}

// ---- Declarations -------------------------------------------------------------------------------

const help = [
  "(no subcommand)",
  "    Describe all commands.",
  "COUNT",
  "    Return how many commands there are.",
  "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
  "    Return the names of commands.",
  "INFO [<command-name> ...]",
  "    Describe commands as their callers see them, all if none is named.",
  "DOCS [<command-name> ...]",
  "    Return the documentation of commands, of all if none is named.",
  "GETKEYS <full-command>",
  "    Return the keys in a call of a command.",
  "GETKEYSANDFLAGS <full-command>",
  "    Return the keys in a call of a command, and what is done with them.",
];

const shared = {
  group: "server",
  flags: Flag.Loading | Flag.Stale,
  categories: ["connection"],
} as const;

const names = [stringArg("command-name", { optional: true, multiple: true })];
const fullCommand = [stringArg("command"), stringArg("arg", { optional: true, multiple: true })];

const subcommands = [
  command({
    ...shared,
    name: "count",
    since: "2.8.13",
    arity: 2,
    summary: "Counts the commands.",
    complexity: "O(1)",
    handler: count,
  }),
  command({
    ...shared,
    name: "list",
    since: "7.0.0",
    arity: -2,
    args: [
      oneOf("filterby", [
        stringArg("module-name", { token: "MODULE" }),
        stringArg("category", { token: "ACLCAT" }),
        patternArg("pattern", { token: "PATTERN" }),
      ], { token: "FILTERBY", optional: true }),
    ],
    summary: "Lists the names of commands.",
    complexity: "O(N) for N commands",
    tips: ["nondeterministic_output_order"],
    handler: list,
  }),
  command({
    ...shared,
    name: "info",
    since: "2.8.13",
    arity: -2,
    args: names,
    summary: "Describes commands as their callers see them.",
    complexity: "O(N) for N commands",
    history: [["7.0.0", "All commands if none is named."]],
    tips: ["nondeterministic_output_order"],
    handler: info,
  }),
  command({
    ...shared,
    name: "docs",
    since: "7.0.0",
    arity: -2,
    args: names,
    summary: "Replies with the documentation of commands.",
    complexity: "O(N) for N commands",
    tips: ["nondeterministic_output_order"],
    handler: docs,
  }),
  command({
    ...shared,
    name: "getkeys",
    since: "2.8.13",
    arity: -4,
    args: fullCommand,
    summary: "Finds the keys in a call of a command.",
    complexity: "O(N) for N arguments",
    handler: getKeys,
  }),
  command({
    ...shared,
    name: "getkeysandflags",
    since: "7.0.0",
    arity: -4,
    args: fullCommand,
    summary: "Finds the keys in a call of a command, and what is done with them.",
    complexity: "O(N) for N arguments",
    handler: getKeysAndFlags,
  }),
  command({
    ...shared,
    name: "help",
    since: "5.0.0",
    arity: 2,
    summary: "Replies with how the sub-commands are used.",
    complexity: "O(1)",
    handler: (ctx) => replyHelp(ctx, "COMMAND", help),
  }),
];

/** The commands of this group; `table.ts` joins the groups. */
export const commandCommands: readonly Command[] = [
  command({
    ...shared,
    name: "command",
    since: "2.8.13",
    arity: -1,
    summary: "Describes all commands.",
    complexity: "O(N) for N commands",
    tips: ["nondeterministic_output_order"],
    handler: everyCommand,
    subcommands,
  }),
];
