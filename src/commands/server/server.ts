/** The server itself: TIME, SHUTDOWN, LOLWUT. */
import { ArgReader } from "../../engine/arg_reader.ts";
import type { Args } from "../../engine/args.ts";
import { ClientFlag } from "../../engine/client.ts";
import { type Command, command, Flag, integerArg, oneOf, tokenArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import type { ShutdownOptions } from "../../engine/ports.ts";
import { busyError, EngineGuard } from "../../engine/refusals.ts";
import { NO_SHUTDOWN, SHUTDOWN_FAILED, SHUTDOWN_IN_UNIT, SYNTAX } from "../../protocol/errors.ts";
import { Scripting } from "../../scripting/scripting.ts";
import { lolwut } from "./lolwut.ts";

function time(ctx: CommandContext): void {
  const inScript = ctx.client.has(ClientFlag.Script);
  const nowUs = inScript ? Scripting.of(ctx.engine).timeUs : ctx.engine.clock.nowUs();
  ctx.reply.array(2);
  ctx.reply.bulkInteger(Math.floor(nowUs / 1e6));
  ctx.reply.bulkInteger(nowUs % 1e6);
}

interface ShutdownWords extends ShutdownOptions {
  abort: boolean;
}

function shutdownWords(args: Args): ShutdownWords {
  const words: ShutdownWords = { now: false, force: false, abort: false };
  const options = new ArgReader(args, 1);
  let saves = 0;
  while (options.more) {
    if (options.take("SAVE")) words.save = true, saves |= 1;
    else if (options.take("NOSAVE")) words.save = false, saves |= 2;
    else if (options.take("NOW")) words.now = true;
    else if (options.take("FORCE")) words.force = true;
    else if (options.take("ABORT")) words.abort = true;
    else throw SYNTAX;
  }
  const others = saves !== 0 || words.now || words.force;
  if (saves === 3 || (words.abort && others)) throw SYNTAX;
  return words;
}

function shutdown(ctx: CommandContext, args: Args): void {
  const { abort, ...how } = shutdownWords(args);
  if (abort) {
    if (!ctx.engine.server.abortShutdown()) throw NO_SHUTDOWN;
    return ctx.reply.ok();
  }
  const isBusy = (ctx.engine.guards & EngineGuard.Busy) !== 0;
  if (isBusy && how.save !== false) throw busyError(ctx.engine);
  if (!how.now && ctx.client.has(ClientFlag.DenyBlocking)) throw SHUTDOWN_IN_UNIT;
  if (!ctx.engine.server.shutDown(how)) throw SHUTDOWN_FAILED;
  // The end of the connection is the reply, unless the shutdown is aborted first.
  if (ctx.canBlock) ctx.engine.waiting.hold(ctx.client, ctx.cmd, args.copy());
}

/** The commands of this group; `table.ts` joins the groups. */
export const serverCommands: readonly Command[] = [
  command({
    name: "time",
    group: "server",
    since: "2.6.0",
    arity: 1,
    flags: Flag.Loading | Flag.Stale | Flag.Fast,
    summary: "Tells the server's time in seconds and microseconds.",
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    handler: time,
  }),
  command({
    name: "shutdown",
    group: "server",
    since: "1.0.0",
    arity: -1,
    flags: Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale | Flag.NoMulti | Flag.AllowBusy,
    args: [
      oneOf("save-selector", [tokenArg("NOSAVE"), tokenArg("SAVE")], { optional: true }),
      tokenArg("NOW", { optional: true, since: "7.0.0" }),
      tokenArg("FORCE", { optional: true, since: "7.0.0" }),
      tokenArg("ABORT", { optional: true, since: "7.0.0" }),
    ],
    summary: "Makes the data safe and ends the server.",
    complexity: "O(N) for N keys if a snapshot is written, else O(1)",
    history: [["7.0.0", "Options `NOW`, `FORCE` and `ABORT`."]],
    handler: shutdown,
  }),
  command({
    name: "lolwut",
    group: "server",
    since: "5.0.0",
    arity: -1,
    flags: Flag.ReadOnly | Flag.Fast,
    args: [integerArg("version", { token: "VERSION", optional: true })],
    summary: "Draws something, for joy.",
    complexity: "O(1)",
    handler: lolwut,
  }),
];
