/** HELP of container commands, and the error that points to it. */
import type { Args } from "../engine/args.ts";
import { type Command, command, type CommandDeclaration, Flag } from "../engine/command.ts";
import type { CommandContext } from "../engine/context.ts";
import { ReplyError } from "../protocol/errors.ts";

/**
 * The reply to a container's HELP.
 * @param lines for each sub-command its usage, followed by lines of explanation, indented by four
 * spaces
 */
export function replyHelp(ctx: CommandContext, container: string, lines: readonly string[]): void {
  const { reply } = ctx;
  reply.array(lines.length + 3);
  reply.simple(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Prints this help.");
}

/** The sub-command HELP of a container, which replies as {@linkcode replyHelp} does. */
export function helpCommand(
  container: string,
  lines: readonly string[],
  { group, since, summary = "Replies with how the sub-commands are used." }:
    & Pick<CommandDeclaration, "group" | "since">
    & Partial<Pick<CommandDeclaration, "summary">>,
): Command {
  return command({
    name: "help",
    group,
    since,
    arity: 2,
    flags: Flag.Loading | Flag.Stale,
    summary,
    complexity: "O(1)",
    handler: (ctx) => replyHelp(ctx, container, lines),
  });
}

/** The error for invalid arguments of a sub-command, `args[1]`. */
export function subcommandSyntax(args: Args): ReplyError {
  const name = args.string(1).slice(0, 128), container = args.string(0).toUpperCase();
  return new ReplyError(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${container} HELP.`,
  );
}
