/** Transactions: MULTI, EXEC, DISCARD, WATCH, UNWATCH. */
import type { Args } from "../../engine/args.ts";
import { type Client, ClientFlag, type QueuedCommand } from "../../engine/client.ts";
import { type Command, command, Flag, keyArg, KeyFlag, keyRange } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { Engine } from "../../engine/engine.ts";
import { ClientGuard } from "../../engine/refusals.ts";
import {
  DISCARD_WITHOUT_MULTI,
  EXEC_ABORT,
  EXEC_WITHOUT_MULTI,
  NESTED_MULTI,
  WATCH_IN_MULTI,
} from "../../protocol/errors.ts";

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

/** True if a watched key has changed, or has expired since. */
function isDirty(ctx: CommandContext): boolean {
  const { client, engine, nowMs } = ctx;
  return client.has(ClientFlag.DirtyCas) || engine.watchers.hasExpired(client, engine.databases, nowMs);
}

function exec(ctx: CommandContext, args: Args): void {
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
  const transaction = new Transaction(ctx, args);
  engine.discard(client);
  reply.array(transaction.queue.length);
  transaction.run();
  // The commands it called are propagated; EXEC itself is only their frame.
  ctx.propagateNothing();
}

/**
 * An EXEC under way. If a script among its commands is suspended, the rest waits for the script's
 * end.
 */
class Transaction {
  readonly #engine: Engine;
  readonly #client: Client;
  readonly #exec: Command;
  readonly #mayBlock: boolean;
  readonly #startedAtUs: number;
  readonly queue: readonly QueuedCommand[];
  #next = 0;

  constructor({ engine, client, cmd }: CommandContext, private args: Args) {
    this.#engine = engine;
    this.#client = client;
    this.#exec = cmd;
    this.#mayBlock = !client.has(ClientFlag.DenyBlocking);
    this.#startedAtUs = engine.clock.monotonicUs();
    this.queue = client.queue;
  }

  run(): void {
    const { queue } = this, client = this.#client;
    client.set(ClientFlag.DenyBlocking);
    while (this.#next < queue.length) {
      this.#call(queue[this.#next++]!);
      if (client.blocked !== null) {
        this.args = this.args.copy();
        client.blocked.afterwards = () => this.#resume();
        return;
      }
    }
    if (this.#mayBlock) client.unset(ClientFlag.DenyBlocking);
  }

  #call({ cmd, args }: QueuedCommand): void {
    const engine = this.#engine, client = this.#client;
    // Permissions may have been revoked since the command was queued.
    const isRestricted = (client.guards & ClientGuard.Restricted) !== 0;
    const refused = isRestricted ? engine.access.checkQueued(client, cmd, args) : null;
    if (refused === null) engine.call(client, cmd, args);
    else engine.replyError(client, refused);
  }

  /** Continues behind a suspended script. */
  #resume(): void {
    this.run();
    if (this.#client.blocked !== null) return;
    const tookUs = this.#engine.clock.monotonicUs() - this.#startedAtUs;
    this.#engine.detachedRan(this.#client, this.#exec, this.args, true, tookUs);
  }
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

/** The commands of this group; `table.ts` joins the groups. */
export const transactionCommands: readonly Command[] = [
  command({
    name: "multi",
    group: "transactions",
    since: "1.2.0",
    arity: 1,
    flags: FLAGS | Flag.InMulti,
    summary: "Begins a transaction: commands are queued until EXEC.",
    complexity: "O(1)",
    handler: multi,
  }),
  command({
    name: "exec",
    group: "transactions",
    since: "1.2.0",
    arity: 1,
    flags: Flag.NoScript | Flag.Loading | Flag.Stale | Flag.SkipSlowlog | Flag.InMulti | Flag.RunsQueue,
    summary: "Runs all queued commands as one.",
    complexity: "That of the queued commands",
    handler: exec,
  }),
  command({
    name: "discard",
    group: "transactions",
    since: "2.0.0",
    arity: 1,
    flags: FLAGS | Flag.InMulti,
    summary: "Drops the queued commands.",
    complexity: "O(N) for N queued commands",
    handler: discard,
  }),
  command({
    name: "watch",
    group: "transactions",
    since: "2.2.0",
    arity: -2,
    flags: FLAGS | Flag.InMulti,
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
