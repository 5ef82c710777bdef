/**
 * Arguments too long to be texts, which keys and the parts of most collections are. A command that
 * writes refuses them before it has changed anything; values of strings and elements of lists stay
 * bytes and may have any length.
 */
import { ELEMENT_TOO_LONG } from "../protocol/errors.ts";
import { longestText } from "../util/bytes.ts";
import type { Args } from "./args.ts";
import type { Command } from "./command.ts";

/** Which arguments of a command stay bytes. */
const staysBytes = new Map<string, (i: number) => boolean>([
  ...["set", "setnx", "getset", "append"].map((name) => [name, (i: number) => i === 2] as const),
  ...["setex", "psetex", "setrange", "restore", "restore-asking"].map((name) =>
    [name, (i: number) => i === 3] as const
  ),
  ...["lpush", "rpush", "lpushx", "rpushx", "linsert", "lset", "lrem"].map((name) =>
    [name, (i: number) => i > 1] as const
  ),
  ...["mset", "msetnx"].map((name) => [name, (i: number) => i > 0 && i % 2 === 0] as const),
]);

/**
 * Throws ELEMENT_TOO_LONG if `cmd`, a command that writes, has an argument that is too long for it.
 */
export function refuseLongArguments(cmd: Command, args: Args): void {
  if (args.end(args.count - 1) - args.start(0) <= longestText.characters) return;
  const mayBeLong = staysBytes.get(cmd.name);
  for (let i = 0; i < args.count; i++) {
    if (args.length(i) > longestText.characters && mayBeLong?.(i) !== true) throw ELEMENT_TOO_LONG;
  }
}
