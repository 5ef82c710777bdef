/**
 * SNAPSHOT: saves all data as readable JSON in the data directory, and loads them. Redeno's own.
 */
import type { Args } from "../../engine/args.ts";
import { type Client, ClientFlag } from "../../engine/client.ts";
import { type Command, command, Flag, stringArg, tokenArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { READONLY, type ReplyError, wrongArity } from "../../protocol/errors.ts";
import { persistenceOf } from "./persistence.ts";

function snapshot(ctx: CommandContext, args: Args): void {
  if (args.count === 3 && args.is(1, "LOAD")) return load(ctx, args.string(2));
  if (args.count > 2 || (args.count === 2 && args.is(1, "LOAD"))) throw wrongArity("snapshot");
  const name = args.count === 2 ? args.string(1) : undefined;
  const persistence = persistenceOf(ctx);
  if (ctx.client.has(ClientFlag.DenyBlocking)) {
    persistence.saveReadableNow(name);
    return ctx.reply.ok();
  }
  const { client, engine } = ctx;
  persistence.saveReadable(name, (error) => {
    if (client.closed) return;
    answer(client, error);
    engine.waiting.unblock(client);
    engine.endBatch();
  });
  // The client waits until its snapshot is on disk; other clients are served meanwhile.
  engine.waiting.hold(client, ctx.cmd, args.copy());
}

function answer(client: Client, error: ReplyError | null): void {
  if (error === null) client.reply.ok();
  else client.reply.error(error);
}

function load(ctx: CommandContext, name: string): void {
  // The data of a replica are its primary's, and its own replicas follow only the stream.
  if (ctx.engine.isReplica) throw READONLY;
  const keys = persistenceOf(ctx).loadReadable(name);
  // The append-only file restarts with the loaded data as its base.
  ctx.propagateNothing();
  ctx.reply.integer(keys);
}

/** The commands of this group; `table.ts` joins the groups. */
export const snapshotCommands: readonly Command[] = [
  command({
    name: "snapshot",
    group: "server",
    since: "7.4.0",
    arity: -1,
    flags: Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading,
    args: [tokenArg("LOAD", { optional: true }), stringArg("file", { optional: true })],
    summary:
      "Writes all data as readable JSON to a file in the data directory, or replaces it by that of such a file.",
    complexity: "O(N) for N keys in all databases",
    handler: snapshot,
  }),
];
