/** Keeps passwords out of what others may see of a command: MONITOR and the slow log. */
import { Flag } from "../config/kinds.ts";
import { findParameter } from "../config/registry.ts";
import type { Args } from "./args.ts";
import type { Command } from "./command.ts";

const REDACTED = "(redacted)";

/** The words of a command as latin1 strings, its passwords replaced. */
export function shownWords(cmd: Command, args: Args): string[] {
  const words = args.strings();
  switch (cmd.fullName) {
    case "auth":
      return words.map((word, i) => i > 0 ? REDACTED : word);
    case "acl|setuser":
      return words.map((word, i) => i > 1 ? REDACTED : word);
    case "config|set":
      return words.map((word, i) => i > 2 && isSecret(words[i - 1]!) && i % 2 === 1 ? REDACTED : word);
    case "hello":
      return redactBehind(words, 2);
    case "migrate":
      return redactBehind(words, 6);
    default:
      return words;
  }
}

function isSecret(parameter: string): boolean {
  return ((findParameter(parameter)?.flags ?? 0) & Flag.Sensitive) !== 0;
}

/** Replaces what follows AUTH and AUTH2 from word `from` on; keys of MIGRATE are left alone. */
function redactBehind(words: string[], from: number): string[] {
  const shown = [...words];
  for (let i = from; i < words.length; i++) {
    const word = words[i]!.toLowerCase();
    if (word === "keys") break;
    const isPair = word === "auth2" || (word === "auth" && from === 2);
    const count = isPair ? 2 : word === "auth" ? 1 : 0;
    shown.fill(REDACTED, i + 1, Math.min(i + 1 + count, words.length));
    i += count;
  }
  return shown;
}
