/** Client-side caching: CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO; and MONITOR. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import { type Command, command, Flag, integerArg, oneOf, stringArg, tokenArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { TrackingOptions, TrackingState } from "../../engine/tracking.ts";
import {
  CACHING_NO,
  CACHING_WITHOUT_TRACKING,
  CACHING_YES,
  MONITOR_DENIED,
  NO_REDIRECT_TARGET,
  ONE_REDIRECT,
  SYNTAX,
} from "../../protocol/errors.ts";

function tracking(ctx: CommandContext, args: Args): void {
  const { engine, client } = ctx;
  const [options, prefixes] = readTrackingOptions(ctx, args);
  if (args.is(2, "ON")) engine.tracking.enable(client, options, prefixes);
  else if (args.is(2, "OFF")) engine.tracking.disable(client);
  else throw SYNTAX;
  ctx.reply.ok();
}

function readTrackingOptions(ctx: CommandContext, args: Args): [TrackingOptions, string[]] {
  const options = { broadcast: false, optIn: false, optOut: false, noLoop: false, redirect: 0 };
  const prefixes: string[] = [];
  const reader = new ArgReader(args, 3);
  while (reader.more) {
    if (reader.take("REDIRECT", 1)) {
      if (options.redirect !== 0) throw ONE_REDIRECT;
      options.redirect = reader.int();
      if (!ctx.engine.clients.has(options.redirect)) throw NO_REDIRECT_TARGET;
    } else if (reader.take("BCAST")) options.broadcast = true;
    else if (reader.take("OPTIN")) options.optIn = true;
    else if (reader.take("OPTOUT")) options.optOut = true;
    else if (reader.take("NOLOOP")) options.noLoop = true;
    else if (reader.take("PREFIX", 1)) prefixes.push(reader.string());
    else throw SYNTAX;
  }
  return [options, prefixes];
}

function caching(ctx: CommandContext, args: Args): void {
  const state = ctx.engine.tracking.stateOf(ctx.client);
  if (state === undefined) throw CACHING_WITHOUT_TRACKING;
  if (args.is(2, "YES")) {
    if (!state.optIn) throw CACHING_YES;
  } else if (args.is(2, "NO")) {
    if (!state.optOut) throw CACHING_NO;
  } else throw SYNTAX;
  state.caching = true;
  ctx.reply.ok();
}

function getredir(ctx: CommandContext): void {
  ctx.reply.integer(ctx.engine.tracking.stateOf(ctx.client)?.redirect ?? -1);
}

function trackinginfo(ctx: CommandContext): void {
  const { reply } = ctx;
  const state = ctx.engine.tracking.stateOf(ctx.client);
  const flags = state === undefined ? ["off"] : trackingFlags(state);
  reply.map(3);
  reply.bulk("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.bulk(flag);
  reply.bulk("redirect");
  reply.integer(state?.redirect ?? -1);
  reply.bulk("prefixes");
  reply.bulkArray([...state?.prefixes ?? []].sort());
}

function trackingFlags(state: TrackingState): string[] {
  const flags = ["on"];
  if (state.broadcast) flags.push("bcast");
  if (state.optIn) flags.push("optin");
  if (state.optIn && state.caching) flags.push("caching-yes");
  if (state.optOut) flags.push("optout");
  if (state.optOut && state.caching) flags.push("caching-no");
  if (state.noLoop) flags.push("noloop");
  if (state.isBroken) flags.push("broken_redirect");
  return flags;
}

function monitor(ctx: CommandContext): void {
  const { client, engine } = ctx;
  if (client.has(ClientFlag.DenyBlocking)) throw MONITOR_DENIED;
  // Redis does not reply to a client that already monitors
  if (client.has(ClientFlag.Monitor)) return;
  engine.monitors.add(client);
  ctx.reply.ok();
}

const FLAGS = Flag.NoScript | Flag.Loading | Flag.Stale;

/** The sub-commands of CLIENT about caching. */
export const trackingSubcommands: readonly Command[] = [
  command({
    name: "tracking",
    group: "connection",
    since: "6.0.0",
    arity: -3,
    flags: FLAGS,
    args: [
      oneOf("status", [tokenArg("ON"), tokenArg("OFF")]),
      integerArg("client-id", { token: "REDIRECT", optional: true }),
      stringArg("prefix", { token: "PREFIX", optional: true, multiple: true, multipleToken: true }),
      tokenArg("BCAST", { optional: true }),
      tokenArg("OPTIN", { optional: true }),
      tokenArg("OPTOUT", { optional: true }),
      tokenArg("NOLOOP", { optional: true }),
    ],
    summary: "Switches on or off that the server tells which cached keys are out of date.",
    complexity: "O(1); some options take O(N) for N prefixes",
    handler: tracking,
  }),
  command({
    name: "caching",
    group: "connection",
    since: "6.0.0",
    arity: 3,
    flags: FLAGS,
    args: [oneOf("mode", [tokenArg("YES"), tokenArg("NO")])],
    summary: "Says whether the keys of the next command are tracked.",
    complexity: "O(1)",
    handler: caching,
  }),
  command({
    name: "getredir",
    group: "connection",
    since: "6.0.0",
    arity: 2,
    flags: FLAGS,
    summary: "Replies with the id of the client that gets this one's invalidation messages.",
    complexity: "O(1)",
    handler: getredir,
  }),
  command({
    name: "trackinginfo",
    group: "connection",
    since: "6.2.0",
    arity: 2,
    flags: FLAGS,
    summary: "Replies with the state of this connection's tracking.",
    complexity: "O(1)",
    handler: trackinginfo,
  }),
];

/** MONITOR. */
export const monitorCommands: readonly Command[] = [
  command({
    name: "monitor",
    group: "server",
    since: "1.0.0",
    arity: 1,
    flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale,
    summary: "Shows every command the server runs.",
    complexity: "O(1)",
    handler: monitor,
  }),
];
