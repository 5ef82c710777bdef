/** LATENCY: the duration of commands, and events that delayed the server. */
import type { Args } from "../../engine/args.ts";
import { type Command, command, type CommandDeclaration, Flag, stringArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { ReplyError } from "../../protocol/errors.ts";
import type { Histogram } from "../../util/histogram.ts";
import { helpCommand } from "../help.ts";
import { latencyGraph, latencyReport } from "./latency_report.ts";

// ---- Histograms ---------------------------------------------------------------------------------

/** The requested commands, a container including its sub-commands; all if none is named. */
function askedCommands(ctx: CommandContext, args: Args): Command[] {
  const { commands } = ctx.engine;
  const named = args.count === 2
    ? [...commands.entries()].map(([, cmd]) => cmd)
    : args.strings(2).flatMap((name) => commands.getFull(name.toLowerCase()) ?? []);
  return named.flatMap((cmd) => [cmd, ...cmd.subcommands ?? []]);
}

function replyHistogram(ctx: CommandContext, histogram: Histogram): void {
  const { reply } = ctx, steps = histogram.cumulative();
  reply.map(2);
  reply.bulk("calls");
  reply.integer(histogram.total);
  reply.bulk("histogram_usec");
  reply.map(steps.length);
  for (const [microseconds, count] of steps) {
    reply.integer(microseconds);
    reply.integer(count);
  }
}

function histogram(ctx: CommandContext, args: Args): void {
  const from = ctx.reply.length;
  let found = 0;
  for (const cmd of askedCommands(ctx, args)) {
    const { latency } = ctx.engine.commands.stats.of(cmd);
    if (latency === null || latency.total === 0) continue;
    ctx.reply.bulk(cmd.fullName);
    replyHistogram(ctx, latency);
    found++;
  }
  ctx.reply.mapBefore(from, found);
}

// ---- Events -------------------------------------------------------------------------------------

function history(ctx: CommandContext, args: Args): void {
  const samples = ctx.engine.latency.get(args.string(2))?.samples ?? [];
  ctx.reply.array(samples.length);
  for (const { time, latency } of samples) {
    ctx.reply.array(2);
    ctx.reply.integer(time);
    ctx.reply.integer(latency);
  }
}

function latest(ctx: CommandContext): void {
  const all = [...ctx.engine.latency.entries()];
  ctx.reply.array(all.length);
  for (const [event, { samples, longest }] of all) {
    const last = samples.at(-1)!; // a series begins with its first sample
    ctx.reply.array(4);
    ctx.reply.bulk(event);
    ctx.reply.integer(last.time);
    ctx.reply.integer(last.latency);
    ctx.reply.integer(longest);
  }
}

function reset(ctx: CommandContext, args: Args): void {
  const { latency } = ctx.engine;
  if (args.count === 2) return ctx.reply.integer(latency.reset());
  ctx.reply.integer(args.strings(2).reduce((sum, event) => sum + latency.reset(event), 0));
}

function graph(ctx: CommandContext, args: Args): void {
  const event = args.string(2), series = ctx.engine.latency.get(event);
  if (series === undefined) throw new ReplyError(`ERR No samples available for event '${event}'`);
  ctx.reply.verbatim("txt", latencyGraph(event, series, ctx.engine.clock.nowMs()));
}

// ---- Declarations -------------------------------------------------------------------------------

const help = [
  "DOCTOR",
  "    Report what held the server up, and what may help.",
  "GRAPH <event>",
  "    Draw the last events of a kind.",
  "HISTORY <event>",
  "    Return time and milliseconds of the last events of a kind.",
  "LATEST",
  "    Return the last event of each kind.",
  "RESET [<event> ...]",
  "    Forget the events of these kinds, all if none is named.",
  "HISTOGRAM [<command> ...]",
  "    Return how many calls took up to how many microseconds, for each command.",
];

const reporting = ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

function sub(
  declaration: Omit<CommandDeclaration, "group" | "flags" | "complexity" | "tips">,
  tips: readonly string[] = reporting,
): Command {
  const flags = Flag.Admin | Flag.NoScript | Flag.Loading | Flag.Stale;
  return command({ ...declaration, group: "server", flags, complexity: "O(N) for N samples", tips });
}

/** The commands of this group; `table.ts` joins the groups. */
export const latencyCommands: readonly Command[] = [
  command({
    name: "latency",
    group: "server",
    since: "2.8.13",
    arity: -2,
    flags: 0,
    summary: "A container for commands about latency.",
    complexity: "Depends on the sub-command",
    subcommands: [
      sub({
        name: "doctor",
        since: "2.8.13",
        arity: 2,
        summary: "Reports what held the server up, and what may help.",
        handler: (ctx) => ctx.reply.verbatim("txt", latencyReport(ctx.engine)),
      }),
      sub({
        name: "graph",
        since: "2.8.13",
        arity: 3,
        args: [stringArg("event")],
        summary: "Draws the last events of a kind.",
        handler: graph,
      }),
      sub({
        name: "history",
        since: "2.8.13",
        arity: 3,
        args: [stringArg("event")],
        summary: "Replies with the last events of a kind.",
        handler: history,
      }),
      sub({
        name: "latest",
        since: "2.8.13",
        arity: 2,
        summary: "Replies with the last event of each kind.",
        handler: latest,
      }),
      sub({
        name: "reset",
        since: "2.8.13",
        arity: -2,
        args: [stringArg("event", { optional: true, multiple: true })],
        summary: "Forgets events.",
        handler: reset,
      }, ["request_policy:all_nodes", "response_policy:all_succeeded"]),
      sub({
        name: "histogram",
        since: "7.0.0",
        arity: -2,
        args: [stringArg("command", { optional: true, multiple: true })],
        summary: "Replies with how many calls of each command took how long.",
        handler: histogram,
      }),
      helpCommand("LATENCY", help, { group: "server", since: "2.8.13" }),
    ],
  }),
];
