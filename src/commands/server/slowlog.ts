/** SLOWLOG: the slow commands. */
import type { Args } from "../../engine/args.ts";
import { type Command, command, Flag, integerArg } from "../../engine/command.ts";
import type { CommandContext } from "../../engine/context.ts";
import { BAD_COUNT } from "../../protocol/errors.ts";
import { helpCommand, subcommandSyntax } from "../help.ts";

const USUAL_COUNT = 10;

function get(ctx: CommandContext, args: Args): void {
  if (args.count > 3) throw subcommandSyntax(args);
  const count = args.count > 2 ? args.int(2, BAD_COUNT) : USUAL_COUNT;
  if (count < -1) throw BAD_COUNT;
  const entries = ctx.engine.slowlog.newest(count), { reply } = ctx;
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.time);
    reply.integer(Math.floor(entry.microseconds));
    reply.bulkArray(entry.args);
    reply.bulk(entry.address);
    reply.bulk(entry.clientName);
  }
}

const help = [
  "GET [<count>]",
  "    Return the <count> newest entries (10 if left out, all for -1). An entry is:",
  "    id, timestamp, microseconds, array of arguments, client's address, client's name",
  "LEN",
  "    Return the number of entries.",
  "RESET",
  "    Forget all entries.",
];

const shared = { group: "server", since: "2.2.12", flags: Flag.Admin | Flag.Loading | Flag.Stale } as const;

/** The commands of this group; `table.ts` joins the groups. */
export const slowlogCommands: readonly Command[] = [
  command({
    name: "slowlog",
    group: "server",
    since: "2.2.12",
    arity: -2,
    flags: 0,
    summary: "A container for commands about the slow log.",
    complexity: "Depends on the sub-command",
    subcommands: [
      command({
        ...shared,
        name: "get",
        arity: -2,
        args: [integerArg("count", { optional: true })],
        summary: "Replies with the newest entries of the slow log.",
        complexity: "O(N) for N entries",
        history: [["4.0.0", "The client's address and name."]],
        tips: ["request_policy:all_nodes", "nondeterministic_output"],
        handler: get,
      }),
      command({
        ...shared,
        name: "len",
        arity: 2,
        summary: "Counts the entries of the slow log.",
        complexity: "O(1)",
        tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        handler: (ctx) => ctx.reply.integer(ctx.engine.slowlog.length),
      }),
      command({
        ...shared,
        name: "reset",
        arity: 2,
        summary: "Forgets all entries of the slow log.",
        complexity: "O(N) for N entries",
        tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
        handler(ctx) {
          ctx.engine.slowlog.clear();
          ctx.reply.ok();
        },
      }),
      helpCommand("SLOWLOG", help, { group: "server", since: "6.2.0" }),
    ],
  }),
];
