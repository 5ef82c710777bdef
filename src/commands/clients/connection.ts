/** The connection itself: PING, ECHO, HELLO, AUTH, RESET, QUIT. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { type Client, ClientFlag } from "../../engine/client.ts";
import { blockArg, type Command, command, Flag, integerArg, stringArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { redactFrom, redactOptions } from "../../engine/redaction.ts";
import { ClientGuard } from "../../engine/refusals.ts";
import {
  HELLO_NOAUTH,
  NO_PASSWORD_CONFIGURED,
  NOPROTO,
  PROTOVER_NOT_INTEGER,
  ReplyError,
  SYNTAX,
  wrongArity,
} from "../../protocol/errors.ts";
import { REDIS_VERSION } from "../../util/version.ts";
import { clientNameArgument } from "./client.ts";
import { unsubscribeSilently } from "./pubsub.ts";

function ping(ctx: CommandContext, args: Args): void {
  if (args.count > 2) throw wrongArity("ping");
  const isSubscribed = (ctx.client.guards & ClientGuard.PubSub) !== 0 && ctx.reply.resp === 2;
  if (isSubscribed) return ctx.reply.bulkArray(["pong", args.count === 2 ? args.string(1) : ""]);
  if (args.count === 2) ctx.reply.bulkBytes(args.buf, args.start(1), args.end(1));
  else ctx.reply.pong();
}

/** Authenticates the client as a user; throws if name and password do not match. */
function authenticate(ctx: CommandContext, name: string, password: string): void {
  const denied = ctx.engine.access.authenticate(ctx.client, name, password, ctx.args.string(0));
  if (denied !== null) throw denied;
}

function auth(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw SYNTAX;
  if (args.count === 3) authenticate(ctx, args.string(1), args.string(2));
  else {
    if (ctx.engine.access.users.defaultUser.needsNoPassword) {
      throw NO_PASSWORD_CONFIGURED;
    }
    authenticate(ctx, "default", args.string(1));
  }
  ctx.reply.ok();
}

/** HELLO's options. */
interface HelloOptions {
  version: 2 | 3 | undefined;
  user: [name: string, password: string] | undefined;
  name: string | undefined;
}

function helloOptions(args: Args): HelloOptions {
  const found: HelloOptions = { version: undefined, user: undefined, name: undefined };
  if (args.count === 1) return found;
  const version = args.int(1, PROTOVER_NOT_INTEGER);
  if (version !== 2 && version !== 3) throw NOPROTO;
  found.version = version;
  const options = new ArgReader(args, 2);
  while (options.more) {
    if (options.take("AUTH", 2)) found.user = [options.string(), options.string()];
    else if (options.take("SETNAME", 1)) found.name = clientNameArgument(args, options.at++);
    else throw new ReplyError(`ERR Syntax error in HELLO option '${options.string()}'`);
  }
  return found;
}

function hello(ctx: CommandContext, args: Args): void {
  const { version, user, name } = helloOptions(args);
  const { client, reply } = ctx;
  if (user !== undefined) authenticate(ctx, ...user);
  if ((client.guards & ClientGuard.NotAuthenticated) !== 0) {
    throw HELLO_NOAUTH;
  }
  if (name !== undefined) client.name = name;
  if (version !== undefined) reply.resp = version;
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(REDIS_VERSION);
  reply.bulk("proto");
  reply.integer(reply.resp);
  reply.bulk("id");
  reply.integer(client.id);
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk(ctx.engine.isReplica ? "replica" : "master");
  reply.bulk("modules");
  reply.array(0);
}

/** Resets a client to the state of a new connection. */
function resetClient(ctx: CommandContext, client: Client): void {
  const { engine } = ctx;
  engine.discard(client);
  unsubscribeSilently(engine, client);
  engine.tracking.disable(client);
  engine.monitors.remove(client);
  engine.selectDatabase(client, 0);
  client.unset(
    ClientFlag.NoEvict | ClientFlag.NoTouch | ClientFlag.ReplyOff | ClientFlag.ReplySkipNext,
  );
  client.guards = 0;
  client.name = "";
  client.reply.resp = 2;
  engine.access.connected(client);
}

const BEFORE_AUTH = Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Fast | Flag.NoAuth | Flag.AllowBusy;

/** The commands of this group; `table.ts` joins the groups. */
export const connectionCommands: readonly Command[] = [
  command({
    name: "ping",
    group: "connection",
    since: "1.0.0",
    arity: -1,
    flags: Flag.WhileSubscribed | Flag.ReportsDisk | Flag.Fast,
    args: [stringArg("message", { optional: true })],
    summary: "Answers, or replies with the message it was given.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    handler: ping,
  }),
  command({
    name: "echo",
    group: "connection",
    since: "1.0.0",
    arity: 2,
    flags: Flag.Loading | Flag.Stale | Flag.Fast,
    args: [stringArg("message")],
    summary: "Replies with the message it was given.",
    complexity: "O(1)",
    handler: (ctx, args) => ctx.reply.bulkBytes(args.buf, args.start(1), args.end(1)),
  }),
  command({
    name: "auth",
    group: "connection",
    since: "1.0.0",
    arity: -2,
    flags: BEFORE_AUTH,
    args: [stringArg("username", { optional: true, since: "6.0.0" }), stringArg("password")],
    summary: "Makes the connection that of a user.",
    complexity: "O(N) for N passwords of the user",
    history: [["6.0.0", "Users."]],
    redact: redactFrom(1),
    handler: auth,
  }),
  command({
    name: "hello",
    group: "connection",
    since: "6.0.0",
    arity: -1,
    flags: BEFORE_AUTH,
    args: [
      blockArg("arguments", [
        integerArg("protover"),
        blockArg("auth", [stringArg("username"), stringArg("password")], { token: "AUTH", optional: true }),
        stringArg("clientname", { token: "SETNAME", optional: true }),
      ], { optional: true }),
    ],
    summary: "Chooses the protocol version and tells what server this is.",
    complexity: "O(1)",
    history: [["6.2.0", "The version may be left out."]],
    redact: redactOptions(2, { auth: 2 }),
    handler: hello,
  }),
  command({
    name: "reset",
    group: "connection",
    since: "6.2.0",
    arity: 1,
    flags: BEFORE_AUTH | Flag.InMulti | Flag.WhileSubscribed,
    summary: "Brings the connection back to the state it began in.",
    complexity: "O(1)",
    handler: (ctx) => {
      resetClient(ctx, ctx.client);
      ctx.reply.simple("RESET");
    },
  }),
  command({
    name: "quit",
    group: "connection",
    since: "1.0.0",
    arity: -1,
    flags: BEFORE_AUTH | Flag.InMulti | Flag.WhileSubscribed,
    summary: "Closes the connection.",
    complexity: "O(1)",
    deprecatedSince: "7.2.0",
    replacedBy: "just closing the connection",
    handler: (ctx) => {
      ctx.client.set(ClientFlag.CloseAfterReply);
      ctx.reply.ok();
    },
  }),
];
