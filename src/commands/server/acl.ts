/** ACL: users and their permissions. */
import type { AccessLogEntry } from "../../acl/access_log.ts";
import { hasSpace, type Selector } from "../../acl/selector.ts";
import { DEFAULT_USER, UsersError } from "../../acl/users.ts";
import { Args } from "../../engine/args.ts";
import {
  acceptsCount,
  type Command,
  command,
  type CommandDeclaration,
  Flag,
  integerArg,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { redactFrom } from "../../engine/redaction.ts";
import {
  BAD_USER_NAME,
  DEFAULT_STAYS,
  NO_FILE,
  NOT_INTEGER,
  NOT_SAVED,
  ReplyError,
  wrongArity,
} from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply_writer.ts";
import { formatDouble } from "../../util/numbers.ts";
import { helpCommand, subcommandSyntax } from "../help.ts";

const USUAL_LOG_COUNT = 10;
const USUAL_PASSWORD_BITS = 256;
const MAX_PASSWORD_BITS = 4096;

const BAD_BITS = new ReplyError(
  "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " +
    MAX_PASSWORD_BITS,
);

// ---- Users --------------------------------------------------------------------------------------

function setUser(ctx: CommandContext, args: Args): void {
  const name = args.string(2);
  if (hasSpace(name)) throw BAD_USER_NAME;
  ctx.engine.access.setUser(name, args.strings(3));
  ctx.reply.ok();
}

function deleteUsers(ctx: CommandContext, args: Args): void {
  const names = args.strings(2);
  if (names.includes(DEFAULT_USER)) throw DEFAULT_STAYS;
  ctx.reply.integer(names.filter((name) => ctx.engine.access.deleteUser(name)).length);
}

function getUser(ctx: CommandContext, args: Args): void {
  const { reply } = ctx, user = ctx.engine.access.users.get(args.string(2));
  if (user === undefined) return reply.null();
  reply.map(6);
  reply.bulk("flags");
  reply.set(user.flags.length);
  for (const flag of user.flags) reply.bulk(flag);
  reply.bulk("passwords");
  reply.bulkArray(user.passwords);
  replySelector(reply, user.root);
  reply.bulk("selectors");
  reply.array(user.otherSelectors.length);
  for (const selector of user.otherSelectors) {
    reply.map(3);
    replySelector(reply, selector);
  }
}

/** The three fields of a selector. */
function replySelector(reply: ReplyWriter, selector: Selector): void {
  reply.bulk("commands");
  reply.bulk(selector.describeCommands());
  reply.bulk("keys");
  reply.bulk(selector.describeKeys());
  reply.bulk("channels");
  reply.bulk(selector.describeChannels());
}

function dryRun(ctx: CommandContext, args: Args): void {
  const { access } = ctx.engine, name = args.string(2);
  const user = access.users.get(name);
  if (user === undefined) throw new ReplyError(`ERR User '${name}' not found`);
  const call = Args.of(args.strings(3)), cmd = commandOf(ctx, call);
  const denial = access.denialFor(user, cmd, call);
  if (denial === null) return ctx.reply.ok();
  const { reason, index } = denial;
  const what = reason === "command"
    ? `run the '${cmd.fullName}' command`
    : `access the '${call.string(index)}' ${reason}`;
  ctx.reply.bulk(`This user has no permissions to ${what}`);
}

function commandOf(ctx: CommandContext, call: Args): Command {
  const cmd = ctx.engine.commands.resolve(call);
  if (cmd === undefined) throw new ReplyError(`ERR Command '${call.string(0)}' not found`);
  if (!acceptsCount(cmd, call.count)) throw wrongArity(cmd.fullName);
  return cmd;
}

// ---- Categories, passwords, files ---------------------------------------------------------------

function listCategory(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw subcommandSyntax(args);
  const { catalog } = ctx.engine.access;
  if (args.count === 2) return ctx.reply.bulkArray(catalog.categories);
  const members = catalog.inCategory(args.string(2));
  if (members === undefined) {
    throw new ReplyError(`ERR Unknown category '${args.string(2).slice(0, 128)}'`);
  }
  ctx.reply.bulkArray(members.map(({ fullName }) => fullName));
}

function generatePassword(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw subcommandSyntax(args);
  const bits = args.count > 2 ? args.int(2, NOT_INTEGER) : USUAL_PASSWORD_BITS;
  if (bits <= 0 || bits > MAX_PASSWORD_BITS) throw BAD_BITS;
  const digits = Math.ceil(bits / 4);
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  ctx.reply.bulk(text.slice(0, digits));
}

function load(ctx: CommandContext): void {
  const { access, config } = ctx.engine;
  if (config.values.aclfile === "") throw NO_FILE;
  try {
    access.loadFile();
  } catch (error) {
    throw error instanceof UsersError ? new ReplyError(`ERR ${error.message}`) : error;
  }
  ctx.reply.ok();
}

function save(ctx: CommandContext): void {
  const { access, config } = ctx.engine;
  if (config.values.aclfile === "") throw NO_FILE;
  if (!access.saveFile()) throw NOT_SAVED;
  ctx.reply.ok();
}

// ---- The log ------------------------------------------------------------------------------------

function log(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw subcommandSyntax(args);
  const { access } = ctx.engine;
  if (args.count === 3 && args.is(2, "RESET")) {
    access.log.clear();
    return ctx.reply.ok();
  }
  const count = args.count === 3 ? args.int(2, NOT_INTEGER) : USUAL_LOG_COUNT;
  const entries = access.log.newest(Math.max(0, count));
  ctx.reply.array(entries.length);
  for (const entry of entries) replyLogEntry(ctx, entry);
}

function replyLogEntry({ engine, reply }: CommandContext, entry: AccessLogEntry): void {
  reply.map(10);
  reply.bulk("count");
  reply.integer(entry.count);
  reply.bulk("reason");
  reply.bulk(entry.reason);
  reply.bulk("context");
  reply.bulk(entry.context);
  reply.bulk("object");
  reply.bulk(entry.object);
  reply.bulk("username");
  reply.bulk(entry.userName);
  reply.bulk("age-seconds");
  reply.double(formatDouble((engine.clock.nowMs() - entry.atMs) / 1000));
  reply.bulk("client-info");
  reply.bulk(entry.clientInfo);
  reply.bulk("entry-id");
  reply.integer(entry.id);
  reply.bulk("timestamp-created");
  reply.integer(entry.createdAtMs);
  reply.bulk("timestamp-last-updated");
  reply.integer(entry.atMs);
}

// ---- Declarations -------------------------------------------------------------------------------

const help = [
  "CAT [<category>]",
  "    List the commands of <category>, or all categories if none is named.",
  "DELUSER <username> [<username> ...]",
  "    Remove users and close their connections.",
  "DRYRUN <username> <command> [<arg> ...]",
  "    Tell whether the user may run the command, without running it.",
  "GETUSER <username>",
  "    Show what is known of a user.",
  "GENPASS [<bits>]",
  "    Make up a password that nobody can guess, of 256 bits or as many as wanted.",
  "LIST",
  "    Show all users as lines of a configuration file.",
  "LOAD",
  "    Replace all users by those of the ACL file.",
  "LOG [<count> | RESET]",
  "    Show what was denied lately, or forget it.",
  "SAVE",
  "    Write all users to the ACL file.",
  "SETUSER <username> <attribute> [<attribute> ...]",
  "    Add a user or change what it may do.",
  "USERS",
  "    List the names of all users.",
  "WHOAMI",
  "    Return the name of the user this connection acts for.",
];

const EVERYBODY = Flag.NoScript | Flag.Loading | Flag.Stale;

/** A sub-command for administrators. */
function administrative(declaration: Omit<CommandDeclaration, "group" | "flags">): Command {
  return command({ ...declaration, group: "server", flags: Flag.Admin | EVERYBODY });
}

const subcommands: readonly Command[] = [
  command({
    name: "cat",
    group: "server",
    since: "6.0.0",
    arity: -2,
    flags: EVERYBODY,
    args: [stringArg("categoryname", { optional: true })],
    summary: "Lists the categories of commands, or the commands of one.",
    complexity: "O(N) for N commands",
    handler: listCategory,
  }),
  command({
    name: "genpass",
    group: "server",
    since: "6.0.0",
    arity: -2,
    flags: EVERYBODY,
    args: [integerArg("bits", { optional: true })],
    summary: "Makes up a password from a source of randomness fit for secrets.",
    complexity: "O(1)",
    handler: generatePassword,
  }),
  command({
    name: "whoami",
    group: "server",
    since: "6.0.0",
    arity: 2,
    flags: EVERYBODY,
    summary: "Tells which user the connection acts for.",
    complexity: "O(1)",
    handler: (ctx) => ctx.reply.bulkOrNull(ctx.client.user?.name),
  }),
  helpCommand("ACL", help, { group: "server", since: "6.0.0" }),
  administrative({
    name: "setuser",
    since: "6.0.0",
    arity: -3,
    args: [stringArg("username"), stringArg("rule", { optional: true, multiple: true })],
    summary: "Adds a user or changes its rules: all of them or, if one is refused, none.",
    complexity: "O(N) for N rules",
    history: [["6.2.0", "Patterns of channels."], ["7.0.0", "Selectors, and keys to read or to write only."]],
    redact: redactFrom(2),
    handler: setUser,
  }),
  administrative({
    name: "deluser",
    since: "6.0.0",
    arity: -3,
    args: [stringArg("username", { multiple: true })],
    summary: "Removes users and closes their connections.",
    complexity: "O(N) for N connections",
    handler: deleteUsers,
  }),
  administrative({
    name: "getuser",
    since: "6.0.0",
    arity: 3,
    args: [stringArg("username")],
    summary: "Replies with a user's flags, hashed passwords and rules.",
    complexity: "O(N) for N rules",
    history: [["6.2.0", "Patterns of channels."], ["7.0.0", "Selectors; keys and channels as rules."]],
    handler: getUser,
  }),
  administrative({
    name: "list",
    since: "6.0.0",
    arity: 2,
    summary: "Lists all users as lines of a configuration file.",
    complexity: "O(N) for N users",
    handler: (ctx) => ctx.reply.bulkArray(ctx.engine.access.users.lines()),
  }),
  administrative({
    name: "users",
    since: "6.0.0",
    arity: 2,
    summary: "Lists the names of all users.",
    complexity: "O(N) for N users",
    handler: (ctx) => ctx.reply.bulkArray(ctx.engine.access.users.sorted.map(({ name }) => name)),
  }),
  administrative({
    name: "dryrun",
    since: "7.0.0",
    arity: -4,
    args: [stringArg("username"), stringArg("command"), stringArg("arg", { optional: true, multiple: true })],
    summary: "Tells whether a user may run a command, without running it.",
    complexity: "O(1)",
    handler: dryRun,
  }),
  administrative({
    name: "log",
    since: "6.0.0",
    arity: -2,
    args: [oneOf("operation", [integerArg("count"), tokenArg("RESET")], { optional: true })],
    summary: "Lists what was denied lately: commands, keys, channels and passwords.",
    complexity: "O(N) for N entries",
    history: [["7.2.0", "Entries have a number and the times of their first and last denial."]],
    handler: log,
  }),
  administrative({
    name: "load",
    since: "6.0.0",
    arity: 2,
    summary: "Replaces all users by those of the ACL file.",
    complexity: "O(N) for N users",
    handler: load,
  }),
  administrative({
    name: "save",
    since: "6.0.0",
    arity: 2,
    summary: "Writes all users to the ACL file.",
    complexity: "O(N) for N users",
    handler: save,
  }),
];

/** The commands of this group; `table.ts` joins the groups. */
export const aclCommands: readonly Command[] = [
  command({
    name: "acl",
    group: "server",
    since: "6.0.0",
    arity: -2,
    flags: 0,
    summary: "Container of the commands about users and what they may do.",
    complexity: "Depends on the sub-command",
    subcommands,
  }),
];
