/**
 * Publish and subscribe: SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites, PUBLISH, SPUBLISH,
 * PUBSUB.
 *
 * Subscribing replies once per channel, as a push message in RESP3. In RESP2, where replies and
 * messages cannot be told apart, a subscribed client may do little else until its last subscription
 * has ended.
 */
import { type Client, ClientFlag } from "../../engine/client.ts";
import {
  type Command,
  command,
  Flag,
  type Handler,
  keyAt,
  KeyFlag,
  keyRange,
  patternArg,
  stringArg,
} from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Engine } from "../../engine/engine.ts";
import { publish, publishToShard } from "../../engine/publishing.ts";
import { ClientGuard } from "../../engine/refusals.ts";
import { SSUBSCRIBE_DENIED } from "../../protocol/errors.ts";
import type { PubSub } from "../../pubsub/pubsub.ts";
import type { Subscriptions } from "../../pubsub/subscriptions.ts";
import { globMatch } from "../../util/glob.ts";
import { helpCommand, subcommandSyntax } from "../help.ts";

/** The differences between channels, patterns and shard channels, for their common commands. */
interface Kind {
  readonly subscribe: string;
  readonly unsubscribe: string;
  readonly of: (pubsub: PubSub<Client>) => Subscriptions<Client>;
  /** The number at the end of confirmations. */
  readonly count: (pubsub: PubSub<Client>, client: Client) => number;
}

const CHANNELS: Kind = {
  subscribe: "subscribe",
  unsubscribe: "unsubscribe",
  of: (pubsub) => pubsub.channels,
  count: (pubsub, client) => pubsub.countOf(client),
};
const PATTERNS: Kind = {
  subscribe: "psubscribe",
  unsubscribe: "punsubscribe",
  of: (pubsub) => pubsub.patterns,
  count: (pubsub, client) => pubsub.countOf(client),
};
const SHARD_CHANNELS: Kind = {
  subscribe: "ssubscribe",
  unsubscribe: "sunsubscribe",
  of: (pubsub) => pubsub.shardChannels,
  count: (pubsub, client) => pubsub.shardChannels.countOf(client),
};

function subscriber(kind: Kind): Handler {
  return (ctx, args) => {
    const { client, engine } = ctx;
    if (kind === SHARD_CHANNELS && client.has(ClientFlag.DenyBlocking)) throw SSUBSCRIBE_DENIED;
    for (const name of args.strings(1)) {
      kind.of(engine.pubsub).add(client, name);
      confirm(ctx, kind, kind.subscribe, name);
    }
    showMode(engine, client);
  };
}

function unsubscriber(kind: Kind): Handler {
  return (ctx, args) => {
    const { client, engine } = ctx;
    const subscriptions = kind.of(engine.pubsub);
    const names = args.count > 1 ? args.strings(1) : [...subscriptions.namesOf(client)];
    for (const name of names) {
      subscriptions.remove(client, name);
      confirm(ctx, kind, kind.unsubscribe, name);
    }
    if (names.length === 0) confirm(ctx, kind, kind.unsubscribe, undefined);
    showMode(engine, client);
  };
}

function confirm(ctx: CommandContext, kind: Kind, event: string, name: string | undefined): void {
  const { client, engine } = ctx;
  // CLIENT REPLY OFF silences replies; a confirmation is a message.
  const reply = client.isSilenced ? engine.pushes.to(client) : ctx.reply;
  reply.push(3);
  reply.bulk(event);
  reply.bulkOrNull(name);
  reply.integer(kind.count(engine.pubsub, client));
}

/** Updates flag and guard of a client to match its subscriptions. */
function showMode(engine: Engine, client: Client): void {
  if (engine.pubsub.totalOf(client) > 0) {
    client.set(ClientFlag.PubSub);
    client.guards |= ClientGuard.PubSub;
  } else {
    client.unset(ClientFlag.PubSub);
    client.guards &= ~ClientGuard.PubSub;
  }
}

/** Ends all of a client's subscriptions without confirmations, as RESET does. */
export function unsubscribeSilently(engine: Engine, client: Client): void {
  engine.pubsub.removeAll(client);
  showMode(engine, client);
}

function publishing(send: typeof publish): Handler {
  return (ctx, args) => {
    // Subscribers on replicas receive it too.
    ctx.forceToReplicas();
    ctx.reply.integer(send(ctx.engine, args.string(1), args.string(2)));
  };
}

function listNames(kind: Kind): Handler {
  return (ctx, args) => {
    if (args.count > 3) throw subcommandSyntax(args);
    const pattern = args.count > 2 ? args.string(2) : undefined;
    const names: string[] = [];
    for (const [name] of kind.of(ctx.engine.pubsub).entries()) {
      if (pattern === undefined || globMatch(pattern, name)) names.push(name);
    }
    ctx.reply.bulkArray(names);
  };
}

function countSubscribers(kind: Kind): Handler {
  return (ctx, args) => {
    const subscriptions = kind.of(ctx.engine.pubsub);
    ctx.reply.array((args.count - 2) * 2);
    for (const name of args.strings(2)) {
      ctx.reply.bulk(name);
      ctx.reply.integer(subscriptions.subscribersOf(name)?.size ?? 0);
    }
  };
}

function countPatterns(ctx: CommandContext): void {
  ctx.reply.integer(ctx.engine.pubsub.patterns.size);
}

const SUBSCRIBING = Flag.PubSub | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.WhileSubscribed;
const PUBLISHING = Flag.PubSub | Flag.Loading | Flag.Stale | Flag.Fast | Flag.MayReplicate;
const ASKING = Flag.PubSub | Flag.Loading | Flag.Stale;

const HELP = [
  "CHANNELS [<pattern>]",
  "    List the channels that somebody is subscribed to, all or those that match <pattern>.",
  "NUMPAT",
  "    Count the patterns that somebody is subscribed to.",
  "NUMSUB [<channel> ...]",
  "    Count the subscribers of each channel; those who came by a pattern do not count.",
  "SHARDCHANNELS [<pattern>]",
  "    List the shard channels that somebody is subscribed to, all or those that match <pattern>.",
  "SHARDNUMSUB [<shardchannel> ...]",
  "    Count the subscribers of each shard channel.",
];

const pubsubSubcommands: readonly Command[] = [
  command({
    name: "channels",
    group: "pubsub",
    since: "2.8.0",
    arity: -2,
    flags: ASKING,
    args: [patternArg("pattern", { optional: true })],
    summary: "Lists the channels that have subscribers.",
    complexity: "O(N) for N channels",
    handler: listNames(CHANNELS),
  }),
  command({
    name: "numpat",
    group: "pubsub",
    since: "2.8.0",
    arity: 2,
    flags: ASKING,
    summary: "Counts the patterns that have subscribers.",
    complexity: "O(1)",
    handler: countPatterns,
  }),
  command({
    name: "numsub",
    group: "pubsub",
    since: "2.8.0",
    arity: -2,
    flags: ASKING,
    args: [stringArg("channel", { optional: true, multiple: true })],
    summary: "Counts the subscribers of channels.",
    complexity: "O(N) for N channels asked for",
    handler: countSubscribers(CHANNELS),
  }),
  command({
    name: "shardchannels",
    group: "pubsub",
    since: "7.0.0",
    arity: -2,
    flags: ASKING,
    args: [patternArg("pattern", { optional: true })],
    summary: "Lists the shard channels that have subscribers.",
    complexity: "O(N) for N shard channels",
    handler: listNames(SHARD_CHANNELS),
  }),
  command({
    name: "shardnumsub",
    group: "pubsub",
    since: "7.0.0",
    arity: -2,
    flags: ASKING,
    args: [stringArg("shardchannel", { optional: true, multiple: true })],
    summary: "Counts the subscribers of shard channels.",
    complexity: "O(N) for N shard channels asked for",
    handler: countSubscribers(SHARD_CHANNELS),
  }),
  helpCommand("PUBSUB", HELP, {
    group: "pubsub",
    since: "6.2.0",
    summary: "Replies with a text about the sub-commands.",
  }),
];

/** The commands of this file. */
export const pubsubCommands: readonly Command[] = [
  command({
    name: "subscribe",
    group: "pubsub",
    since: "2.0.0",
    arity: -2,
    flags: SUBSCRIBING,
    args: [stringArg("channel", { multiple: true })],
    summary: "Subscribes to channels.",
    complexity: "O(N) for N channels",
    channels: { takesMore: true, isPattern: false },
    handler: subscriber(CHANNELS),
  }),
  command({
    name: "unsubscribe",
    group: "pubsub",
    since: "2.0.0",
    arity: -1,
    flags: SUBSCRIBING,
    args: [stringArg("channel", { optional: true, multiple: true })],
    summary: "Ends subscriptions to channels, to all if none is named.",
    complexity: "O(N) for N channels",
    handler: unsubscriber(CHANNELS),
  }),
  command({
    name: "psubscribe",
    group: "pubsub",
    since: "2.0.0",
    arity: -2,
    flags: SUBSCRIBING,
    args: [patternArg("pattern", { multiple: true })],
    summary: "Subscribes to all channels that match patterns.",
    complexity: "O(N) for N patterns",
    channels: { takesMore: true, isPattern: true },
    handler: subscriber(PATTERNS),
  }),
  command({
    name: "punsubscribe",
    group: "pubsub",
    since: "2.0.0",
    arity: -1,
    flags: SUBSCRIBING,
    args: [patternArg("pattern", { optional: true, multiple: true })],
    summary: "Ends subscriptions to patterns, to all if none is named.",
    complexity: "O(N) for N patterns",
    handler: unsubscriber(PATTERNS),
  }),
  command({
    name: "ssubscribe",
    group: "pubsub",
    since: "7.0.0",
    arity: -2,
    flags: SUBSCRIBING,
    keys: [keyRange(1, -1, 1, KeyFlag.NotKey)],
    args: [stringArg("shardchannel", { multiple: true })],
    summary: "Subscribes to shard channels.",
    complexity: "O(N) for N shard channels",
    channels: { takesMore: true, isPattern: false },
    handler: subscriber(SHARD_CHANNELS),
  }),
  command({
    name: "sunsubscribe",
    group: "pubsub",
    since: "7.0.0",
    arity: -1,
    flags: SUBSCRIBING,
    keys: [keyRange(1, -1, 1, KeyFlag.NotKey)],
    args: [stringArg("shardchannel", { optional: true, multiple: true })],
    summary: "Ends subscriptions to shard channels, to all if none is named.",
    complexity: "O(N) for N shard channels",
    handler: unsubscriber(SHARD_CHANNELS),
  }),
  command({
    name: "publish",
    group: "pubsub",
    since: "2.0.0",
    arity: 3,
    flags: PUBLISHING,
    args: [stringArg("channel"), stringArg("message")],
    summary: "Sends a message to the subscribers of a channel.",
    complexity: "O(N+M) for N subscribers and M patterns of all clients together",
    channels: { takesMore: false, isPattern: false },
    handler: publishing(publish),
  }),
  command({
    name: "spublish",
    group: "pubsub",
    since: "7.0.0",
    arity: 3,
    flags: PUBLISHING,
    keys: [keyAt(1, KeyFlag.NotKey)],
    args: [stringArg("shardchannel"), stringArg("message")],
    summary: "Sends a message to the subscribers of a shard channel.",
    complexity: "O(N) for N subscribers",
    channels: { takesMore: false, isPattern: false },
    handler: publishing(publishToShard),
  }),
  command({
    name: "pubsub",
    group: "pubsub",
    since: "2.8.0",
    arity: -2,
    flags: 0,
    summary: "Tells who is subscribed to what.",
    complexity: "Depends on the sub-command.",
    subcommands: pubsubSubcommands,
  }),
];
