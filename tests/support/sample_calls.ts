/** A call of each declared command that reaches the permission check. */
import { createCommandTable } from "../../src/commands/table.ts";
import type { Command } from "../../src/engine/command.ts";

/** Calls whose keys follow words of their own. */
const written: Readonly<Record<string, string>> = {
  georadius: "GEORADIUS key1 1 2 3 m STORE key2",
  georadiusbymember: "GEORADIUSBYMEMBER key1 x 3 m STORE key2",
  migrate: "MIGRATE host 1 key1 0 1",
  sort: "SORT key1 STORE key2",
  xread: "XREAD STREAMS key1 0",
  xreadgroup: "XREADGROUP GROUP g c STREAMS key1 0",
};

/** The words of a call; its keys, if any, are called `key1`, `key2` and so on. */
export function sampleCall(cmd: Command): string[] {
  const ready = written[cmd.name];
  if (ready !== undefined) return ready.split(" ");
  const words = cmd.fullName.toUpperCase().split("|");
  while (words.length < Math.abs(cmd.arity)) words.push(`${words.length}`);
  let keys = 0;
  for (const { begin, find } of cmd.keys) {
    if (begin === "unknown" || !("index" in begin)) continue;
    let at = begin.index;
    if ("numKeysAt" in find) {
      words[at + find.numKeysAt] = "1";
      at += find.firstAt;
    }
    words[at] = `key${++keys}`;
  }
  return words;
}

/** Commands and their sub-commands, without those that only contain others. */
export function callableCommands(): Command[] {
  return [...createCommandTable().entries()]
    .flatMap(([, cmd]) => cmd.subcommands ?? [cmd])
    .filter((cmd) => cmd.subcommands === undefined);
}
