/** Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH. */
import type { Args } from "../engine/args.ts";
import { ClientFlag } from "../engine/client.ts";
import { type Command, command, Flag, keyArg, KeyFlag, keyRange } from "../engine/command.ts";
import type { CommandContext } from "../engine/context.ts";
import { ClientGuard } from "../engine/refusals.ts";
import {
  DISCARD_WITHOUT_MULTI,
  EXEC_ABORT,
  EXEC_WITHOUT_MULTI,
  NESTED_MULTI,
  WATCH_IN_MULTI,
} from "../protocol/errors.ts";

function multi(ctx: CommandContext): void {
  if (ctx.client.has(ClientFlag.Multi)) throw NESTED_MULTI;
  ctx.client.set(ClientFlag.Multi);
  ctx.reply.ok();
}

function discard(ctx: CommandContext): void {
  if (!ctx.client.has(ClientFlag.Multi)) throw DISCARD_WITHOUT_MULTI;
  ctx.engine.discard(ctx.client);
  ctx.reply.ok();
}

/** Whether a watched key has changed, or has expired since. */
function isDirty(ctx: CommandContext): boolean {
  const { client, engine, nowMs } = ctx;
  return client.has(ClientFlag.DirtyCas) || engine.watchers.hasExpired(client, engine.databases, nowMs);
}

function exec(ctx: CommandContext): void {
  const { client, engine, reply } = ctx;
  if (!client.has(ClientFlag.Multi)) throw EXEC_WITHOUT_MULTI;
  if (client.has(ClientFlag.DirtyExec)) {
    engine.discard(client);
    throw EXEC_ABORT;
  }
  if (isDirty(ctx)) {
    engine.discard(client);
    return reply.nullArray();
  }
  const { queue } = client;
  engine.discard(client);
  const mayBlock = !client.has(ClientFlag.DenyBlocking);
  client.set(ClientFlag.DenyBlocking);
  reply.array(queue.length);
  for (const { cmd, args } of queue) {
    // Access may have been taken away since the command was queued.
    const isRestricted = (client.guards & ClientGuard.Restricted) !== 0;
    const refused = isRestricted ? engine.access.checkQueued(client, cmd, args) : null;
    if (refused === null) engine.call(client, cmd, args);
    else engine.replyError(client, refused);
  }
  if (mayBlock) client.unset(ClientFlag.DenyBlocking);
  // What it called has been propagated; EXEC itself is only its frame.
  ctx.propagateNothing();
}

function watch(ctx: CommandContext, args: Args): void {
  const { client, engine } = ctx;
  if (client.has(ClientFlag.Multi)) throw WATCH_IN_MULTI;
  if (!client.has(ClientFlag.DirtyCas)) {
    for (let i = 1; i < args.count; i++) {
      engine.watchers.watch(client, ctx.db, ctx.databaseId, args.key(i), ctx.nowMs);
    }
  }
  ctx.reply.ok();
}

function unwatch(ctx: CommandContext): void {
  ctx.engine.watchers.unwatchAll(ctx.client);
  ctx.client.unset(ClientFlag.DirtyCas);
  ctx.reply.ok();
}

const FLAGS = Flag.NoScript | Flag.Loading | Flag.Stale | Flag.Fast | Flag.AllowBusy;

export const transactionCommands: readonly Command[] = [
  command({
    name: "multi",
    group: "transactions",
    since: "1.2.0",
    arity: 1,
    flags: FLAGS,
    summary: "Begins a transaction: commands are queued until EXEC.",
    complexity: "O(1)",
    handler: multi,
  }),
  command({
    name: "exec",
    group: "transactions",
    since: "1.2.0",
    arity: 1,
    flags: Flag.NoScript | Flag.Loading | Flag.Stale | Flag.SkipSlowlog,
    summary: "Runs all queued commands as one.",
    complexity: "That of the queued commands",
    handler: exec,
  }),
  command({
    name: "discard",
    group: "transactions",
    since: "2.0.0",
    arity: 1,
    flags: FLAGS,
    summary: "Drops the queued commands.",
    complexity: "O(N) for N queued commands",
    handler: discard,
  }),
  command({
    name: "watch",
    group: "transactions",
    since: "2.2.0",
    arity: -2,
    flags: FLAGS,
    keys: [keyRange(1, -1, 1, KeyFlag.ReadOnly)],
    args: [keyArg("key", { multiple: true })],
    summary: "Lets the next transaction run only if the keys do not change before it.",
    complexity: "O(1) for each key",
    handler: watch,
  }),
  command({
    name: "unwatch",
    group: "transactions",
    since: "2.2.0",
    arity: 1,
    flags: FLAGS,
    summary: "Forgets all watched keys.",
    complexity: "O(1)",
    handler: unwatch,
  }),
];
