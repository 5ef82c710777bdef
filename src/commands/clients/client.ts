/** CLIENT: the connected clients, and operations on them. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { type Client, ClientFlag } from "../../engine/client.ts";
import {
  blockArg,
  type Command,
  command,
  Flag,
  integerArg,
  oneOf,
  stringArg,
  tokenArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import {
  BAD_NAME,
  CLIENT_ID_NOT_POSITIVE,
  INVALID_CLIENT_ID,
  MAXAGE_NOT_INTEGER,
  NO_SUCH_CLIENT,
  NOT_INTEGER,
  PAUSE_MODE,
  ReplyError,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_INTEGER,
  UNBLOCK_REASON,
  UNBLOCKED,
} from "../../protocol/errors.ts";
import { clientLine, clientTypes, typeOfClient } from "../../engine/client_line.ts";
import { replyHelp, subcommandSyntax } from "../help.ts";
import { trackingSubcommands } from "./tracking.ts";

/** True if `text` may appear in a line of CLIENT LIST. */
function isPlain(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

/** Argument `i` as the name of a client; throws if it may not appear in CLIENT LIST. */
export function clientNameArgument(args: Args, i: number): string {
  const name = args.string(i);
  if (!isPlain(name)) throw BAD_NAME;
  return name;
}

function setinfo(ctx: CommandContext, args: Args): void {
  const value = args.string(3);
  const option = args.string(2).toLowerCase();
  if (option !== "lib-name" && option !== "lib-ver") {
    throw new ReplyError(`ERR Unrecognized option '${args.string(2)}'`);
  }
  if (!isPlain(value)) {
    throw new ReplyError(`ERR ${option} cannot contain spaces, newlines or special characters.`);
  }
  if (option === "lib-name") ctx.client.libName = value;
  else ctx.client.libVersion = value;
  ctx.reply.ok();
}

// ---- Listing ------------------------------------------------------------------------------------

function list(ctx: CommandContext, args: Args): void {
  const { clients } = ctx.engine;
  let chosen = [...clients.values()];
  const options = new ArgReader(args, 2);
  if (options.more && options.take("TYPE", 1)) {
    const type = clientType(options.string());
    chosen = chosen.filter((client) => typeOfClient(client) === type);
  } else if (options.more && options.take("ID", 1)) {
    const wanted = [];
    while (options.more) wanted.push(options.int(INVALID_CLIENT_ID));
    chosen = wanted.flatMap((id) => clients.get(id) ?? []);
  }
  if (options.more) throw SYNTAX;
  const lines = chosen.map((client) => `${clientLine(ctx.engine, client)}\n`);
  ctx.reply.verbatim("txt", lines.join(""));
}

function clientType(name: string): string {
  const type = name.toLowerCase() === "slave" ? "replica" : name.toLowerCase();
  if (!clientTypes.includes(type)) throw new ReplyError(`ERR Unknown client type '${name}'`);
  return type;
}

// ---- Killing ------------------------------------------------------------------------------------

/** The clients that CLIENT KILL closes. */
interface KillFilter {
  matches: ((client: Client) => boolean)[];
  skipMe: boolean;
}

function killFilter(ctx: CommandContext, args: Args): KillFilter {
  const filter: KillFilter = { matches: [], skipMe: true };
  const options = new ArgReader(args, 2);
  while (options.more) {
    if (options.take("ID", 1)) {
      const id = options.int(CLIENT_ID_NOT_POSITIVE, 1);
      filter.matches.push((client) => client.id === id);
    } else if (options.take("TYPE", 1)) {
      const type = clientType(options.string());
      filter.matches.push((client) => typeOfClient(client) === type);
    } else if (options.take("ADDR", 1)) {
      const address = options.string();
      filter.matches.push((client) => client.transport.address === address);
    } else if (options.take("LADDR", 1)) {
      const address = options.string();
      filter.matches.push((client) => client.transport.localAddress === address);
    } else if (options.take("USER", 1)) {
      const name = options.string();
      if (!ctx.engine.access.hasUser(name)) throw new ReplyError(`ERR No such user '${name}'`);
      filter.matches.push((client) => client.userName === name);
    } else if (options.take("MAXAGE", 1)) {
      const seconds = options.int(MAXAGE_NOT_INTEGER, 1);
      filter.matches.push((client) => ctx.nowMs - client.createdAtMs >= seconds * 1000);
    } else if (options.take("SKIPME", 1)) {
      filter.skipMe = yesOrNo(options.string());
    } else throw SYNTAX;
  }
  return filter;
}

function yesOrNo(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower !== "yes" && lower !== "no") throw SYNTAX;
  return lower === "yes";
}

/** Closes a client; the calling client only after its reply. */
function kill(ctx: CommandContext, client: Client): void {
  if (client === ctx.client) client.set(ClientFlag.CloseAfterReply);
  else client.transport.close(false);
}

function killCommand(ctx: CommandContext, args: Args): void {
  const clients = [...ctx.engine.clients.values()];
  if (args.count === 3) {
    const address = args.string(2);
    const found = clients.find((client) => client.transport.address === address);
    if (found === undefined) throw NO_SUCH_CLIENT;
    kill(ctx, found);
    return ctx.reply.ok();
  }
  if (args.count % 2 !== 0) throw SYNTAX;
  const { matches, skipMe } = killFilter(ctx, args);
  let killed = 0;
  for (const client of clients) {
    if ((skipMe && client === ctx.client) || !matches.every((isMatch) => isMatch(client))) continue;
    kill(ctx, client);
    killed++;
  }
  ctx.reply.integer(killed);
}

// ---- States -------------------------------------------------------------------------------------

/** CLIENT NO-EVICT and NO-TOUCH. */
function switchFlag(ctx: CommandContext, args: Args, flag: number): void {
  if (args.is(2, "ON")) ctx.client.set(flag);
  else if (args.is(2, "OFF")) ctx.client.unset(flag);
  else throw SYNTAX;
  ctx.reply.ok();
}

function replyMode(ctx: CommandContext, args: Args): void {
  const { client } = ctx;
  if (args.is(2, "ON")) {
    client.unset(ClientFlag.ReplyOff | ClientFlag.ReplySkip);
    ctx.reply.ok();
  } else if (args.is(2, "OFF")) client.set(ClientFlag.ReplyOff);
  else if (args.is(2, "SKIP")) {
    if (!client.has(ClientFlag.ReplyOff)) client.set(ClientFlag.ReplySkipNext);
  } else throw SYNTAX;
}

function pause(ctx: CommandContext, args: Args): void {
  if (args.count > 4) throw subcommandSyntax(args);
  const isWrite = args.count === 4 && args.is(3, "WRITE");
  if (args.count === 4 && !isWrite && !args.is(3, "ALL")) {
    throw PAUSE_MODE;
  }
  const timeoutMs = args.int(2, TIMEOUT_NOT_INTEGER);
  if (timeoutMs < 0) throw TIMEOUT_NEGATIVE;
  ctx.engine.pause.start(ctx.engine.steadyMs + timeoutMs, !isWrite);
  ctx.reply.ok();
}

function unblock(ctx: CommandContext, args: Args): void {
  let withError = false;
  if (args.count === 4) {
    if (args.is(3, "ERROR")) withError = true;
    else if (!args.is(3, "TIMEOUT")) {
      throw UNBLOCK_REASON;
    }
  }
  const client = ctx.engine.clients.get(args.int(2, NOT_INTEGER));
  ctx.reply.integer(
    client !== undefined && ctx.engine.waiting.endWait(client, withError ? UNBLOCKED : null) ? 1 : 0,
  );
}

// ---- Declarations -------------------------------------------------------------------------------

const help = [
  "GETNAME",
  "    Tell what this connection is called.",
  "ID",
  "    Tell the number of this connection.",
  "INFO",
  "    Describe this connection in a line, as LIST does.",
  "KILL <ip:port>",
  "    Close the connection that comes from <ip:port>.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Close connections, chosen by ADDR, LADDR, TYPE, USER, ID, MAXAGE and SKIPME.",
  "LIST [options ...]",
  "    Describe connections, a line each; some of them by TYPE or ID.",
  "NO-EVICT (ON|OFF)",
  "    Keep this connection from being closed for the memory it takes, or no longer.",
  "NO-TOUCH (ON|OFF)",
  "    Leave the access times of keys alone that this connection uses.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Let commands, or only those that write, wait for <timeout> milliseconds.",
  "REPLY (ON|OFF|SKIP)",
  "    Send replies, or none from now on, or none to the next command.",
  "SETINFO <option> <value>",
  "    Set what the client library says of itself: LIB-NAME, LIB-VER.",
  "SETNAME <name>",
  "    Call this connection <name>.",
  "TRACKING (ON|OFF) [options ...]",
  "    Tell this connection of changes to keys that it keeps copies of.",
  "CACHING (YES|NO)",
  "    Have the keys of the next command tracked, or not.",
  "GETREDIR",
  "    Tell which connection learns of changes in place of this one.",
  "TRACKINGINFO",
  "    Tell how this connection is told of changes.",
  "UNBLOCK <clientid> [TIMEOUT|ERROR]",
  "    End the wait of a blocked client, as its time-out would, or with an error.",
  "UNPAUSE",
  "    Let the commands go on that PAUSE holds.",
];

interface SubOptions {
  arity: number;
  since: string;
  summary: string;
  admin?: boolean;
  args?: Command["args"];
  complexity?: string;
  tips?: readonly string[];
  history?: readonly (readonly [string, string])[];
}

function sub(name: string, handler: Command["handler"], options: SubOptions): Command {
  const admin = options.admin ? Flag.Admin | Flag.Dangerous : 0;
  return command({
    name,
    group: "connection",
    since: options.since,
    arity: options.arity,
    flags: Flag.NoScript | Flag.Loading | Flag.Stale | admin,
    args: options.args ?? [],
    summary: options.summary,
    complexity: options.complexity ?? "O(1)",
    history: options.history ?? [],
    tips: options.tips ?? [],
    categories: ["connection"],
    handler,
  });
}

const onOff = [oneOf("enabled", [tokenArg("ON"), tokenArg("OFF")])];

const subcommands: readonly Command[] = [
  sub("id", (ctx) => ctx.reply.integer(ctx.client.id), {
    arity: 2,
    since: "5.0.0",
    summary: "Replies with the number of the connection.",
  }),
  sub("getname", (ctx) => ctx.client.name === "" ? ctx.reply.null() : ctx.reply.bulk(ctx.client.name), {
    arity: 2,
    since: "2.6.9",
    summary: "Replies with the name of the connection.",
  }),
  sub("setname", (ctx, args) => {
    ctx.client.name = clientNameArgument(args, 2);
    ctx.reply.ok();
  }, {
    arity: 3,
    since: "2.6.9",
    summary: "Gives the connection a name.",
    args: [stringArg("connection-name")],
  }),
  sub("setinfo", setinfo, {
    arity: 4,
    since: "7.2.0",
    summary: "Says which library the client uses.",
    args: [
      oneOf("attr", [stringArg("libname", { token: "LIB-NAME" }), stringArg("libver", { token: "LIB-VER" })]),
    ],
  }),
  sub("info", (ctx) => ctx.reply.verbatim("txt", `${clientLine(ctx.engine, ctx.client)}\n`), {
    arity: 2,
    since: "6.2.0",
    summary: "Describes the connection.",
    tips: ["nondeterministic_output"],
  }),
  sub("list", list, {
    arity: -2,
    since: "2.4.0",
    admin: true,
    complexity: "O(N) for N connections",
    summary: "Describes the connections, a line each.",
    tips: ["nondeterministic_output"],
    args: [
      oneOf("client-type", clientTypes.map((type) => tokenArg(type.toUpperCase())), {
        token: "TYPE",
        optional: true,
      }),
      blockArg("id", [integerArg("client-id", { multiple: true })], { token: "ID", optional: true }),
    ],
    history: [
      ["2.8.12", "The field `id`."],
      ["5.0.0", "`TYPE`."],
      ["6.0.0", "The field `user`."],
      ["6.2.0", "`ID`, and the fields `argv-mem`, `tot-mem`, `laddr` and `redir`."],
      ["7.0.0", "The fields `resp`, `multi-mem`, `rbs` and `rbp`."],
      ["7.0.3", "The field `ssub`."],
      ["7.2.0", "The fields `lib-name` and `lib-ver`."],
      ["7.4.0", "The field `watch`."],
    ],
  }),
  sub("kill", killCommand, {
    arity: -3,
    since: "2.4.0",
    admin: true,
    complexity: "O(N) for N connections",
    summary: "Closes connections.",
    args: [
      oneOf("filter", [
        stringArg("ip:port"),
        oneOf("new-format", [
          integerArg("client-id", { token: "ID", optional: true, since: "2.8.12" }),
          oneOf("client-type", clientTypes.map((type) => tokenArg(type.toUpperCase())), {
            token: "TYPE",
            optional: true,
            since: "2.8.12",
          }),
          stringArg("username", { token: "USER", optional: true }),
          stringArg("addr", { token: "ADDR", optional: true }),
          stringArg("laddr", { token: "LADDR", optional: true, since: "6.2.0" }),
          oneOf("skipme", [tokenArg("YES"), tokenArg("NO")], { token: "SKIPME", optional: true }),
          integerArg("maxage", { token: "MAXAGE", optional: true, since: "7.4.0" }),
        ], { multiple: true }),
      ]),
    ],
    history: [
      ["2.8.12", "Filters, `ID` and `TYPE` among them."],
      ["3.2.0", "Type `master`."],
      ["5.0.0", "Type `replica`, which was `slave` before and may be so still."],
      ["6.2.0", "`LADDR`."],
      ["7.4.0", "`MAXAGE`."],
    ],
  }),
  sub("no-evict", (ctx, args) => switchFlag(ctx, args, ClientFlag.NoEvict), {
    arity: 3,
    since: "7.0.0",
    admin: true,
    summary: "Keeps the connection from being closed for the memory it takes.",
    args: onOff,
  }),
  sub("no-touch", (ctx, args) => switchFlag(ctx, args, ClientFlag.NoTouch), {
    arity: 3,
    since: "7.2.0",
    summary: "Lets the connection read keys without marking them as used.",
    args: onOff,
  }),
  sub("reply", replyMode, {
    arity: 3,
    since: "3.2.0",
    summary: "Switches replies on and off.",
    args: [oneOf("action", [tokenArg("ON"), tokenArg("OFF"), tokenArg("SKIP")])],
  }),
  sub("pause", pause, {
    arity: -3,
    since: "3.0.0",
    admin: true,
    summary: "Lets commands wait for a while.",
    args: [
      integerArg("timeout"),
      oneOf("mode", [tokenArg("WRITE"), tokenArg("ALL")], { optional: true, since: "6.2.0" }),
    ],
    history: [["6.2.0", "A pause of writes alone."]],
  }),
  sub("unpause", (ctx) => {
    ctx.engine.pause.end();
    ctx.reply.ok();
  }, { arity: 2, since: "6.2.0", admin: true, summary: "Ends a pause." }),
  sub("unblock", unblock, {
    arity: -3,
    since: "5.0.0",
    admin: true,
    summary: "Ends the wait of a blocked connection.",
    args: [
      integerArg("client-id"),
      oneOf("unblock-type", [tokenArg("TIMEOUT"), tokenArg("ERROR")], { optional: true }),
    ],
  }),
  sub("help", (ctx) => replyHelp(ctx, "CLIENT", help), {
    arity: 2,
    since: "5.0.0",
    summary: "Replies with how the sub-commands are used.",
  }),
  ...trackingSubcommands,
];

/** The commands of this group; `table.ts` joins the groups. */
export const clientCommands: readonly Command[] = [
  command({
    name: "client",
    group: "connection",
    since: "2.4.0",
    arity: -2,
    flags: Flag.KeepsCaching,
    summary: "A container for commands about connections.",
    complexity: "Depends on the sub-command",
    subcommands,
  }),
];
