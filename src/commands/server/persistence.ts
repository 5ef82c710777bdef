/** SAVE, BGSAVE, BGREWRITEAOF and LASTSAVE. */
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import { type Command, command, Flag, tokenArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { PersistenceControl } from "../../engine/ports.ts";
import { NO_DISK, SYNTAX } from "../../protocol/errors.ts";

/** The persistence of the server a command runs on. */
export function persistenceOf(ctx: CommandContext): PersistenceControl {
  if (ctx.engine.persistence === null) throw NO_DISK;
  return ctx.engine.persistence;
}

/** True if the command is part of a transaction or a script, which a snapshot must not split. */
function isInsideUnit(ctx: CommandContext): boolean {
  return ctx.client.has(ClientFlag.DenyBlocking);
}

function save(ctx: CommandContext): void {
  persistenceOf(ctx).save();
  // It changes the count of changes, but not the data.
  ctx.propagateNothing();
  ctx.reply.ok();
}

function backgroundSave(ctx: CommandContext, args: Args): void {
  const isScheduled = args.count > 1;
  if (args.count > 2 || (isScheduled && !args.is(1, "SCHEDULE"))) throw SYNTAX;
  ctx.reply.simple(persistenceOf(ctx).saveInBackground(isScheduled, isInsideUnit(ctx)));
}

function rewriteAppendOnlyFile(ctx: CommandContext): void {
  ctx.reply.simple(persistenceOf(ctx).rewriteAppendOnlyFile(isInsideUnit(ctx)));
}

function lastSave(ctx: CommandContext): void {
  ctx.reply.integer(persistenceOf(ctx).lastSaveSeconds);
}

/** The commands of this group; `table.ts` joins the groups. */
export const persistenceCommands: readonly Command[] = [
  command({
    name: "save",
    group: "server",
    since: "1.0.0",
    arity: 1,
    flags: Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading | Flag.NoMulti,
    summary: "Writes the data to the RDB file and replies when it is on the disk.",
    complexity: "O(N) for N keys in all databases",
    handler: save,
  }),
  command({
    name: "bgsave",
    group: "server",
    since: "1.0.0",
    arity: -1,
    flags: Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading,
    args: [tokenArg("SCHEDULE", { optional: true, since: "3.2.2" })],
    summary: "Begins to write the data to the RDB file in the background.",
    complexity: "O(1)",
    history: [["3.2.2", "`SCHEDULE`."]],
    handler: backgroundSave,
  }),
  command({
    name: "bgrewriteaof",
    group: "server",
    since: "1.0.0",
    arity: 1,
    flags: Flag.Admin | Flag.NoScript | Flag.NoAsyncLoading,
    summary: "Begins to rewrite the append-only file in the background.",
    complexity: "O(1)",
    handler: rewriteAppendOnlyFile,
  }),
  command({
    name: "lastsave",
    group: "server",
    since: "1.0.0",
    arity: 1,
    flags: Flag.Loading | Flag.Stale | Flag.Fast,
    summary: "Tells when the data was last written to the disk, in seconds since the epoch.",
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    categories: ["admin", "dangerous"],
    handler: lastSave,
  }),
];
