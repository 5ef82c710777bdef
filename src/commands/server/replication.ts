/** Replication: the commands of replicas, the queries of operators, and WAIT. */
import type { PrimaryAddress } from "../../config/special.ts";
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { clientLine } from "../../engine/client_line.ts";
import { ClientFlag } from "../../engine/client.ts";
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
  BAD_PORT,
  BAD_TIMEOUT,
  FAILING_OVER,
  INVALID_FOR_REPLICA,
  LOCAL_OUT_OF_RANGE,
  MUST_BE_POSITIVE,
  NO_APPEND_ONLY_FILE,
  NO_FILTER_VALUES,
  NOT_A_REPLICA,
  NOT_INTEGER,
  OTHER_HISTORY,
  OUT_OF_RANGE,
  ReplyError,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_INTEGER,
  TIMEOUT_OUT_OF_RANGE,
  WAIT_ON_REPLICA,
  WAITAOF_ON_REPLICA,
} from "../../protocol/errors.ts";
import { mayConnect } from "../../replication/connect.ts";
import type { FailoverOrder } from "../../replication/failover.ts";
import type { Replica } from "../../replication/replica.ts";
import { Replication } from "../../replication/replication.ts";
import type { AckWish } from "../../replication/wait.ts";
import { splitArgs } from "../../util/sds_split.ts";

const LARGEST_TIME_MS = 2n ** 63n - 1n;
/** Maximum length of an address. */
const ADDRESS_LENGTH = 255;

// ---- Synchronisation ----------------------------------------------------------------------------

function sync(ctx: CommandContext): void {
  if (ctx.client.has(ClientFlag.Replica)) return;
  Replication.of(ctx.engine).primary.sync(ctx.client);
}

function psync(ctx: CommandContext, args: Args): void {
  if (ctx.client.has(ClientFlag.Replica)) return;
  if (args.count > 3 && args.is(3, "FAILOVER")) takeOver(ctx, args.string(1));
  const text = args.string(2), offset = /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  Replication.of(ctx.engine).primary.psync(ctx.client, args.string(1), offset);
}

/** The primary hands its role to this replica, and asks to be its replica from now on. */
function takeOver({ engine, client }: CommandContext, replicationId: string): void {
  engine.log.warning(`Failover request received for replid ${replicationId}.`);
  if (!engine.isReplica) throw NOT_A_REPLICA;
  if (replicationId.toLowerCase() !== engine.identity.replicationId) throw OTHER_HISTORY;
  Replication.of(engine).unfollow();
  engine.log.notice(`MASTER MODE enabled (failover request from '${clientLine(engine, client)}')`);
}

// ---- REPLCONF -----------------------------------------------------------------------------------

/** Applies an option's value; false if it gets no reply. */
type ReplicaOption = (ctx: CommandContext, replica: Replica, args: Args, at: number) => boolean | void;

function capability(_ctx: CommandContext, replica: Replica, args: Args, at: number): void {
  if (args.is(at, "EOF")) replica.takesEof = true;
  else if (args.is(at, "PSYNC2")) replica.takesNewIds = true;
}

function address(_ctx: CommandContext, replica: Replica, args: Args, at: number): void {
  const length = args.length(at);
  if (length >= ADDRESS_LENGTH) {
    throw new ReplyError(`ERR REPLCONF ip-address provided by replica instance is too long: ${length} bytes`);
  }
  replica.announcedIp = args.string(at);
}

function acknowledged(ctx: CommandContext, replica: Replica, args: Args, at: number): false {
  const offset = offsetOf(args, at), saysSynced = args.count > at + 2 && args.is(at + 1, "FACK");
  if (ctx.client.has(ClientFlag.Replica) && offset >= 0) {
    const synced = saysSynced ? offsetOf(args, at + 2) : -1;
    Replication.of(ctx.engine).primary.acknowledge(replica, offset, synced);
  }
  return false;
}

function offsetOf(args: Args, at: number): number {
  const text = args.string(at);
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}

function filter(_ctx: CommandContext, replica: Replica, args: Args, at: number): void {
  const parts = splitArgs(args.string(at));
  if (parts === undefined) throw NO_FILTER_VALUES;
  replica.withoutKeys = replica.withoutLibraries = true;
  for (const part of parts) {
    if (part.toLowerCase() !== "functions") {
      throw new ReplyError(`ERR Unsupported rdb-filter-only option: ${part}`);
    }
    replica.withoutLibraries = false;
  }
}

/**
 * The primary asks for this server's offset; the answer follows once the commands sent with the
 * question have run.
 */
function askedToAcknowledge(ctx: CommandContext): false {
  const { primaryClient } = Replication.of(ctx.engine).follower;
  if (primaryClient !== null) primaryClient.isAsked = true;
  return false;
}

const replicaOptions: Readonly<Record<string, ReplicaOption>> = {
  "listening-port": (_ctx, replica, args, at) => void (replica.port = args.int(at, NOT_INTEGER)),
  "ip-address": address,
  "capa": capability,
  "ack": acknowledged,
  // The version itself makes no difference.
  "version": () => {},
  "rdb-only": (_ctx, replica, args, at) => void (replica.isRdbOnly = args.int(at, OUT_OF_RANGE, 0, 1) === 1),
  "rdb-filter-only": filter,
  "getack": askedToAcknowledge,
};

function replconf(ctx: CommandContext, args: Args): void {
  if (args.count % 2 === 0) throw SYNTAX;
  const replica = Replication.of(ctx.engine).primary.replicaOf(ctx.client);
  for (let i = 1; i < args.count; i += 2) {
    const name = args.string(i).toLowerCase();
    const option = Object.hasOwn(replicaOptions, name) ? replicaOptions[name] : undefined;
    if (option === undefined) throw new ReplyError(`ERR Unrecognized REPLCONF option: ${args.string(i)}`);
    if (option(ctx, replica, args, i + 1) === false) return;
  }
  ctx.reply.ok();
}

// ---- Queries of operators and clients -----------------------------------------------------------

function role(ctx: CommandContext): void {
  if (ctx.engine.isReplica) return replicaRole(ctx);
  const { reply } = ctx, { primary } = Replication.of(ctx.engine);
  const online = primary.replicas.filter(({ state }) => state === "online");
  reply.array(3);
  reply.bulk("master");
  reply.integer(primary.stream.end);
  reply.array(online.length);
  for (const { ip, port, ackedOffset } of online) reply.bulkArray([ip, String(port), String(ackedOffset)]);
}

/** The role of a replica, and its primary. */
function replicaRole({ engine, reply }: CommandContext): void {
  const { follower, primary } = Replication.of(engine), { address, state } = follower;
  reply.array(5);
  reply.bulk("slave");
  reply.bulk(address?.host ?? "");
  reply.integer(address?.port ?? 0);
  reply.bulk(state);
  reply.integer(follower.primaryClient === null ? -1 : primary.stream.end);
}

function replicaof(ctx: CommandContext, args: Args): void {
  const { engine, client, reply } = ctx, replication = Replication.of(engine);
  if (replication.failover.isActive) throw FAILING_OVER;
  if (args.is(1, "NO") && args.is(2, "ONE")) {
    if (replication.unfollow()) {
      engine.log.notice(`MASTER MODE enabled (user request from '${clientLine(engine, client)}')`);
    }
    return reply.ok();
  }
  if (client.has(ClientFlag.Replica)) throw INVALID_FOR_REPLICA;
  const host = args.string(1), port = args.int(2, BAD_PORT, 0, 65_535), { address } = replication.follower;
  if (address !== null && address.host.toLowerCase() === host.toLowerCase() && address.port === port) {
    engine.log.notice(
      "REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.",
    );
    return reply.simple("OK Already connected to specified master");
  }
  if (!mayConnect(host, port)) {
    throw new ReplyError(`ERR the server was started without the permission to connect to ${host}:${port}`);
  }
  replication.follow({ host, port });
  engine.log.notice(
    `REPLICAOF ${host}:${port} enabled (user request from '${clientLine(engine, client)}')`,
  );
  reply.ok();
}

function failoverOrder(args: Args): FailoverOrder {
  const options = new ArgReader(args, 1);
  let target: PrimaryAddress | null = null, timeoutMs = 0, isForced = false;
  while (options.more) {
    if (timeoutMs === 0 && options.take("TIMEOUT", 1)) {
      timeoutMs = options.int();
      if (timeoutMs <= 0) throw BAD_TIMEOUT;
    } else if (target === null && options.take("TO", 2)) {
      target = { host: options.string(), port: options.int() };
    } else if (!isForced && options.take("FORCE")) isForced = true;
    else throw SYNTAX;
  }
  return { target, timeoutMs, isForced };
}

function failover(ctx: CommandContext, args: Args): void {
  const { failover } = Replication.of(ctx.engine);
  if (args.count === 2 && args.is(1, "ABORT")) failover.abort();
  else failover.begin(failoverOrder(args));
  ctx.reply.ok();
}

function timeoutOf({ nowMs }: CommandContext, args: Args, at: number): number {
  const timeoutMs = args.integer(at, TIMEOUT_NOT_INTEGER);
  if (timeoutMs < 0) throw TIMEOUT_NEGATIVE;
  if (BigInt(timeoutMs) > LARGEST_TIME_MS - BigInt(Math.floor(nowMs))) throw TIMEOUT_OUT_OF_RANGE;
  return Number(timeoutMs);
}

/** Replies at once if the condition is already met, or if blocking is forbidden. */
function awaitServers(ctx: CommandContext, wish: AckWish, timeoutMs: number): void {
  if (wish.isMet() || !ctx.canBlock) return wish.answer(ctx.reply);
  Replication.of(ctx.engine).primary.waiters.add(ctx, wish, timeoutMs);
}

function wait(ctx: CommandContext, args: Args): void {
  if (ctx.engine.isReplica) throw WAIT_ON_REPLICA;
  const replicas = args.int(1), timeoutMs = timeoutOf(ctx, args, 2);
  const { primary } = Replication.of(ctx.engine), offset = ctx.client.writeOffset;
  const wish: AckWish = {
    isMet: () => primary.acknowledged(offset) >= replicas,
    refusal: () => null,
    answer: (reply) => reply.integer(primary.acknowledged(offset)),
  };
  awaitServers(ctx, wish, timeoutMs);
}

function waitaof(ctx: CommandContext, args: Args): void {
  const local = args.int(1);
  if (local !== 0 && local !== 1) throw LOCAL_OUT_OF_RANGE;
  const replicas = args.int(2, MUST_BE_POSITIVE, 0), timeoutMs = timeoutOf(ctx, args, 3);
  if (ctx.engine.isReplica) throw WAITAOF_ON_REPLICA;
  const { primary } = Replication.of(ctx.engine), { aof } = primary, offset = ctx.client.writeOffset;
  // Changes made by others meanwhile are waited for as well: they reach the disk no later.
  const position = aof?.position ?? 0;
  const refusal = () => local === 1 && (aof === null || aof.state === "off") ? NO_APPEND_ONLY_FILE : null;
  const countLocal = () => aof !== null && aof.state !== "off" && aof.durablePosition >= position ? 1 : 0;
  const refused = refusal();
  if (refused !== null) throw refused;
  const wish: AckWish = {
    isMet: () => countLocal() >= local && primary.synced(offset) >= replicas,
    refusal,
    answer: (reply) => {
      reply.array(2);
      reply.integer(countLocal());
      reply.integer(primary.synced(offset));
    },
  };
  awaitServers(ctx, wish, timeoutMs);
}

/** REPLICAOF, and its old name. */
const replicaofCommands = (["replicaof", "slaveof"] as const).map((name) =>
  command({
    name,
    group: "server",
    since: name === "replicaof" ? "5.0.0" : "1.0.0",
    arity: 3,
    flags: Flag.Admin | Flag.NoScript | Flag.Stale | Flag.NoAsyncLoading,
    args: [
      oneOf("args", [
        blockArg("host-port", [stringArg("host"), integerArg("port")]),
        blockArg("no-one", [tokenArg("NO"), tokenArg("ONE")]),
      ]),
    ],
    summary: "Makes the server a replica of another one, or a primary.",
    complexity: "O(1)",
    ...(name === "slaveof" ? { deprecatedSince: "5.0.0", replacedBy: "`REPLICAOF`" } : {}),
    handler: replicaof,
  })
);

/** The commands of this group; `table.ts` joins the groups. */
export const replicationCommands: readonly Command[] = [
  command({
    name: "sync",
    group: "server",
    since: "1.0.0",
    arity: 1,
    flags: Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading | Flag.NoMulti,
    summary: "Sends all data and then the stream of changes; for replicas of old.",
    complexity: "O(N) for N keys, beside other commands",
    handler: sync,
  }),
  command({
    name: "psync",
    group: "server",
    since: "2.8.0",
    arity: -3,
    flags: Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading | Flag.NoMulti,
    args: [stringArg("replicationid"), integerArg("offset")],
    summary: "Sends the stream of changes from an offset on, or all data before it; for replicas.",
    complexity: "O(1), or O(N) for N keys, beside other commands",
    handler: psync,
  }),
  command({
    name: "replconf",
    group: "server",
    since: "3.0.0",
    arity: -1,
    flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.AllowBusy,
    summary: "Tells a primary about its replica, and how far that has come.",
    complexity: "O(1)",
    handler: replconf,
  }),
  ...replicaofCommands,
  command({
    name: "failover",
    group: "server",
    since: "6.2.0",
    arity: -1,
    flags: Flag.Admin | Flag.NoScript | Flag.Stale,
    args: [
      blockArg("target", [stringArg("host"), integerArg("port"), tokenArg("FORCE", { optional: true })], {
        token: "TO",
        optional: true,
      }),
      tokenArg("ABORT", { optional: true }),
      integerArg("milliseconds", { token: "TIMEOUT", optional: true }),
    ],
    summary: "Hands this primary's place over to one of its replicas, without losing writes.",
    complexity: "O(1)",
    handler: failover,
  }),
  command({
    name: "role",
    group: "server",
    since: "2.8.12",
    arity: 1,
    flags: Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Fast,
    summary: "Tells whether the server is a primary or a replica, and of whom.",
    complexity: "O(1)",
    categories: ["admin", "dangerous"],
    handler: role,
  }),
  command({
    name: "wait",
    group: "generic",
    since: "3.0.0",
    arity: 3,
    flags: Flag.NoScript,
    args: [integerArg("numreplicas"), integerArg("timeout")],
    summary: "Waits until so many replicas have the client's changes, and tells how many have.",
    complexity: "O(1)",
    categories: ["connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    replacesGroupCategory: true,
    handler: wait,
  }),
  command({
    name: "waitaof",
    group: "generic",
    since: "7.2.0",
    arity: 4,
    flags: Flag.Blocking,
    args: [integerArg("numlocal"), integerArg("numreplicas"), integerArg("timeout")],
    summary: "Waits until the client's changes are on this server's disk, and on those of so many replicas.",
    complexity: "O(1)",
    categories: ["connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    replacesGroupCategory: true,
    handler: waitaof,
  }),
];
