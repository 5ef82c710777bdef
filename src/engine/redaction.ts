/**
 * Keeps passwords out of MONITOR and the slow log. A command with secrets among its words declares
 * one of these functions as `redact`; each takes the words of a call and returns the words to show.
 */
import { Flag } from "../config/kinds.ts";
import { findParameter } from "../config/registry.ts";
import type { Args } from "./args.ts";
import type { Command } from "./command.ts";

const REDACTED = "(redacted)";

/** The words of a call as latin1 strings, its passwords replaced. */
export function shownWords(cmd: Command, args: Args): string[] {
  const words = args.strings();
  return cmd.redact === undefined ? words : cmd.redact(words);
}

/** Hides all words from number `from` on. */
export function redactFrom(from: number): (words: readonly string[]) => string[] {
  return (words) => words.map((word, i) => i >= from ? REDACTED : word);
}

/** Hides the values of secret parameters in `config set name value …`. */
export function redactParameters(words: readonly string[]): string[] {
  return words.map((word, i) => i > 2 && i % 2 === 1 && isSecret(words[i - 1]!) ? REDACTED : word);
}

function isSecret(parameter: string): boolean {
  return ((findParameter(parameter)?.flags ?? 0) & Flag.Sensitive) !== 0;
}

/**
 * Hides the words after an option, from word `from` on, as far as the word KEYS.
 * @param secrets how many words follow each option, by its name in lower case
 */
export function redactOptions(
  from: number,
  secrets: Readonly<Record<string, number>>,
): (words: readonly string[]) => string[] {
  return (words) => {
    const shown = [...words];
    for (let i = from; i < words.length; i++) {
      const word = words[i]!.toLowerCase();
      if (word === "keys") break;
      const count = Object.hasOwn(secrets, word) ? secrets[word]! : 0;
      shown.fill(REDACTED, i + 1, Math.min(i + 1 + count, words.length));
      i += count;
    }
    return shown;
  };
}
