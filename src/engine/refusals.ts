/**
 * Reasons to refuse a command now. Most batches have none, so the reasons are bits: `guards` of the
 * engine for those that concern all clients, `guards` of a client for its own. While both are 0
 * nothing is checked. The order is Redis's, since a client sees only the first reason. Calls from
 * scripts have a ladder of their own: Redis asks them less, in another order.
 */
import {
  BUSY_FUNCTION,
  BUSY_SCRIPT,
  HEAP_FULL,
  LOADING,
  MASTERDOWN,
  NOAUTH,
  NOREPLICAS,
  NOT_IN_SCRIPTS,
  OUT_OF_MEMORY,
  READ_ONLY_SCRIPT,
  READONLY,
  REPLICA_ASKS,
  ReplyError,
  STALE_IN_SCRIPT,
} from "../protocol/errors.ts";
import type { Args } from "./args.ts";
import { type Client, ClientFlag } from "./client.ts";
import { type Command, Flag } from "./command.ts";
import type { Engine } from "./engine.ts";

/** Reasons that concern all clients: bits of `Engine.guards`. */
export const EngineGuard = {
  Loading: 1 << 0,
  /** `maxmemory` is set. */
  Memory: 1 << 1,
  /** The append only file or the snapshot cannot be written. */
  Disk: 1 << 2,
  /** A read-only replica. */
  ReadOnly: 1 << 3,
  /** A script runs longer than `busy-reply-threshold`. */
  Busy: 1 << 4,
  /** CLIENT PAUSE. */
  Paused: 1 << 5,
  /** A replica without a link to its primary, and `replica-serve-stale-data no`. */
  Stale: 1 << 6,
  /** `min-replicas-to-write` is not met. */
  TooFewReplicas: 1 << 7,
  /** Other data are being loaded while the present data are served. */
  LoadingBeside: 1 << 8,
  /** The JavaScript heap is nearly full. */
  Heap: 1 << 9,
} as const;

/** Reasons of one client: bits of `Client.guards`. */
export const ClientGuard = {
  NotAuthenticated: 1 << 0,
  /** The client's user is restricted. */
  Restricted: 1 << 1,
  /** Subscribed in RESP2. */
  PubSub: 1 << 2,
  /** A replica: it is sent the data and may not query them. */
  Replica: 1 << 3,
} as const;

/** The error for commands that arrive while a script is over its time. */
export function busyError({ busyWithFunction }: Engine): ReplyError {
  return busyWithFunction ? BUSY_FUNCTION : BUSY_SCRIPT;
}

/** The reason why `client` may not run `cmd` now, or null. Called only while a guard is set. */
export function refusal(engine: Engine, client: Client, cmd: Command, args: Args): ReplyError | null {
  if (client.has(ClientFlag.Silent)) return null;
  if (client.has(ClientFlag.Primary)) return refusalOfPrimary(engine, cmd);
  return refusalOfClient(engine, client, cmd, args) ?? refusalOfServer(engine, client, cmd, args);
}

/**
 * Refuses a command of the primary only for lack of memory; a disk error is ignored or ends the
 * server.
 */
function refusalOfPrimary(engine: Engine, cmd: Command): ReplyError | null {
  const { guards } = engine, { replicaIgnoreDiskWriteErrors } = engine.config.values;
  if (
    (guards & EngineGuard.Memory) !== 0 && !engine.memory.makeRoom() && (cmd.flags & Flag.DenyOom) !== 0
  ) {
    return OUT_OF_MEMORY;
  }
  if ((guards & EngineGuard.Disk) !== 0 && (cmd.flags & Flag.Write) !== 0 && engine.disk.diskError !== null) {
    if (!replicaIgnoreDiskWriteErrors) engine.server.crash("Replica was unable to write command to disk.");
  }
  return null;
}

function refusalOfClient(engine: Engine, client: Client, cmd: Command, args: Args): ReplyError | null {
  if ((client.guards & ClientGuard.NotAuthenticated) !== 0 && (cmd.flags & Flag.NoAuth) === 0) return NOAUTH;
  if ((client.guards & ClientGuard.Restricted) !== 0) {
    const denied = engine.access.check(client, cmd, args);
    if (denied !== null) return denied;
  }
  return null;
}

function refusalOfServer(engine: Engine, client: Client, cmd: Command, args: Args): ReplyError | null {
  const { guards } = engine, flags = flagsOfCall(engine, client, cmd, args);
  if ((guards & EngineGuard.Memory) !== 0 && !engine.memory.makeRoom()) {
    if ((flags & Flag.DenyOom) !== 0) return OUT_OF_MEMORY;
  }
  if ((guards & EngineGuard.Heap) !== 0 && (flags & Flag.DenyOom) !== 0) return HEAP_FULL;
  const writes = (flags & Flag.Write) !== 0;
  if ((guards & EngineGuard.Disk) !== 0 && (writes || (flags & Flag.ReportsDisk) !== 0)) {
    const failed = engine.disk.diskError;
    if (failed !== null) return failed;
  }
  if ((guards & EngineGuard.TooFewReplicas) !== 0 && writes) return NOREPLICAS;
  if ((guards & EngineGuard.ReadOnly) !== 0 && writes) return READONLY;
  if (
    (client.guards & ClientGuard.PubSub) !== 0 && client.reply.resp === 2 &&
    (flags & Flag.WhileSubscribed) === 0
  ) {
    return new ReplyError(
      `ERR Can't execute '${cmd.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
    );
  }
  if ((guards & EngineGuard.Stale) !== 0 && (flags & Flag.Stale) === 0) return MASTERDOWN;
  if ((guards & EngineGuard.Loading) !== 0 && (flags & Flag.Loading) === 0) return LOADING;
  if ((guards & EngineGuard.LoadingBeside) !== 0 && (flags & Flag.NoAsyncLoading) !== 0) return LOADING;
  if ((guards & EngineGuard.Busy) !== 0 && (flags & Flag.AllowBusy) === 0) {
    return busyError(engine);
  }
  const touchesData = (flags & (Flag.Write | Flag.ReadOnly | Flag.MayReplicate)) !== 0;
  if ((client.guards & ClientGuard.Replica) !== 0 && touchesData) return REPLICA_ASKS;
  return null;
}

/**
 * Flags an EXEC has only if all its commands have them, and flags it has if any command has them.
 */
const ALLOWANCES = Flag.Stale | Flag.Loading, DEEDS = Flag.Write | Flag.DenyOom | Flag.NoAsyncLoading;

/** The flags of a call: those of the command, of the queue of an EXEC, or of the script to run. */
function flagsOfCall(engine: Engine, client: Client, cmd: Command, args: Args): number {
  if (cmd.flagsOf !== undefined) return cmd.flagsOf(engine, args);
  if ((cmd.flags & Flag.RunsQueue) === 0) return cmd.flags;
  let { flags } = cmd;
  for (const { cmd, args } of client.queue) {
    const queued = flagsOfCall(engine, client, cmd, args);
    flags = (flags & (queued | ~ALLOWANCES)) | (queued & DEEDS);
  }
  return flags;
}

/** Clients whose commands have been accepted before: a file being replayed, the primary. */
export const OBEYED = ClientFlag.Silent | ClientFlag.Primary;

/** The facts about a running script that its calls are refused by. */
export interface ScriptState {
  /** The client that runs the script. */
  readonly caller: Client;
  /** It must not write. */
  readonly isReadOnly: boolean;
  /** It has called a command that writes. */
  readonly hasWritten: boolean;
  /** It may write although memory is short. */
  readonly mayExceedMemory: boolean;
  /** Memory was short when it began. */
  readonly wasOutOfMemory: boolean;
}

/**
 * The reason why a script may not call `cmd` now, or null.
 *
 * @param client the client through which the script calls
 */
export function refusalInScript(
  engine: Engine,
  client: Client,
  script: ScriptState,
  cmd: Command,
  args: Args,
): ReplyError | null {
  const { guards } = engine, { flags } = cmd;
  if ((flags & Flag.NoScript) !== 0 && !engine.debug.allowAllInScripts) return NOT_IN_SCRIPTS;
  if ((guards & EngineGuard.Stale) !== 0 && (flags & Flag.Stale) === 0) return STALE_IN_SCRIPT;
  if (client.guards !== 0) {
    const denied = engine.access.checkScript(script.caller, cmd, args);
    if (denied !== null) return denied;
  }
  if (script.isReadOnly && (flags & (Flag.Write | Flag.MayReplicate)) !== 0) return READ_ONLY_SCRIPT;
  // Once it has written, a script is not stopped half-way.
  if (guards === 0 || script.hasWritten || client.has(OBEYED)) return null;
  if ((flags & Flag.Write) !== 0) {
    const refused = refusalOfFirstWrite(engine);
    if (refused !== null) return refused;
  }
  const needsMemory = (flags & Flag.DenyOom) !== 0 && !script.mayExceedMemory;
  return needsMemory && script.wasOutOfMemory ? OUT_OF_MEMORY : null;
}

function refusalOfFirstWrite(engine: Engine): ReplyError | null {
  const { guards } = engine;
  if ((guards & EngineGuard.ReadOnly) !== 0) return READONLY;
  const failed = (guards & EngineGuard.Disk) !== 0 ? engine.disk.diskError : null;
  if (failed !== null) return failed;
  return (guards & EngineGuard.TooFewReplicas) !== 0 ? NOREPLICAS : null;
}
