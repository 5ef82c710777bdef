/** Operations on whole databases: SELECT, DBSIZE, FLUSHDB, FLUSHALL, SWAPDB. */
import type { Args } from "../../engine/args.ts";
import { type Command, command, Flag, integerArg, oneOf, tokenArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import {
  DB_OUT_OF_RANGE,
  FIRST_DB_INDEX,
  NOT_INT32,
  ReplyError,
  SECOND_DB_INDEX,
  SYNTAX,
} from "../../protocol/errors.ts";

/** Argument `at` as a 32-bit integer; `error` replaces both of the usual errors. */
function int32(args: Args, at: number, error?: ReplyError): number {
  const value = args.integer(at, error);
  if (typeof value === "bigint" || value !== (value | 0)) throw error ?? NOT_INT32;
  return value;
}

function checkDatabase(ctx: CommandContext, id: number): void {
  if (id < 0 || id >= ctx.engine.databases.length) throw DB_OUT_OF_RANGE;
}

/** Argument `at` as the number of a database; throws if there is none with that number. */
export function databaseArgument(ctx: CommandContext, args: Args, at: number): number {
  const id = int32(args, at);
  checkDatabase(ctx, id);
  return id;
}

function select(ctx: CommandContext, args: Args): void {
  ctx.engine.selectDatabase(ctx.client, databaseArgument(ctx, args, 1));
  ctx.reply.ok();
}

/** FLUSHDB and FLUSHALL. @param databaseId -1 for all */
function flush(ctx: CommandContext, args: Args, databaseId: number): void {
  if (args.count > 2 || (args.count === 2 && !args.is(1, "SYNC") && !args.is(1, "ASYNC"))) throw SYNTAX;
  const { databases } = ctx.engine;
  // Counted first: if FLUSHALL saves the empty data, nothing has changed since the last save.
  const flushed = databaseId < 0 ? databases : [databases[databaseId]!];
  for (const database of flushed) ctx.engine.dirty += database.size;
  const removed = ctx.engine.keys.flush(databaseId);
  if (args.count === 2 && args.is(1, "ASYNC")) ctx.engine.stats.lazilyFreed += removed;
  // Propagated even if nothing was removed: a replica may hold data lost here.
  ctx.forcePropagation();
  ctx.reply.ok();
}

function swapdb(ctx: CommandContext, args: Args): void {
  const a = int32(args, 1, FIRST_DB_INDEX);
  const b = int32(args, 2, SECOND_DB_INDEX);
  checkDatabase(ctx, a);
  checkDatabase(ctx, b);
  if (a !== b) {
    ctx.engine.keys.swap(a, b);
    ctx.selectAgain();
  }
  ctx.engine.dirty++;
  ctx.reply.ok();
}

const modes = [oneOf("flush-type", [tokenArg("ASYNC"), tokenArg("SYNC")], { optional: true })];

const flushHistory = [["4.0.0", "`ASYNC`."], ["6.2.0", "`SYNC`."]] as const;

/** The commands of this group; `table.ts` joins the groups. */
export const databaseCommands: readonly Command[] = [
  command({
    name: "select",
    group: "connection",
    since: "1.0.0",
    arity: 2,
    flags: Flag.Loading | Flag.Stale | Flag.Fast,
    args: [integerArg("index")],
    summary: "Chooses the database the connection works in.",
    complexity: "O(1)",
    handler: select,
  }),
  command({
    name: "dbsize",
    group: "server",
    since: "1.0.0",
    arity: 1,
    flags: Flag.ReadOnly | Flag.Fast,
    summary: "Counts the keys in the database.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:agg_sum"],
    categories: ["keyspace"],
    handler: (ctx) => ctx.reply.integer(ctx.db.size),
  }),
  command({
    name: "flushdb",
    group: "server",
    since: "1.0.0",
    arity: -1,
    flags: Flag.Write | Flag.Dangerous,
    args: modes,
    summary: "Removes all keys of the database.",
    complexity: "O(1); the garbage collector frees the memory",
    history: flushHistory,
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    categories: ["keyspace"],
    handler: (ctx, args) => flush(ctx, args, ctx.databaseId),
  }),
  command({
    name: "flushall",
    group: "server",
    since: "1.0.0",
    arity: -1,
    flags: Flag.Write | Flag.Dangerous,
    args: modes,
    summary: "Removes all keys of all databases.",
    complexity: "O(1); the garbage collector frees the memory",
    history: flushHistory,
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    categories: ["keyspace"],
    handler: (ctx, args) => flush(ctx, args, -1),
  }),
  command({
    name: "swapdb",
    group: "server",
    since: "4.0.0",
    arity: 3,
    flags: Flag.Write | Flag.Fast | Flag.Dangerous,
    args: [integerArg("index1"), integerArg("index2")],
    summary: "Exchanges two databases.",
    complexity: "O(N) for N clients that watch or wait for keys of either database",
    categories: ["keyspace"],
    handler: swapdb,
  }),
];
