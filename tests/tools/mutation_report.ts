/** The words and the choices of the mutation tool: which mutants are tried, and how one is printed. */
import type { Random } from "../../src/util/random.ts";
import type { RepositoryFile } from "../support/repository.ts";
import { type Mutant, mutatedLine } from "./mutants.ts";

/** `path:line:column: before → after | the changed line`. */
export function outcomeLine({ path, text }: RepositoryFile, mutant: Mutant): string {
  const { line, column, from, to } = mutant;
  return `${path}:${line}:${column}: ${from} → ${to} | ${mutatedLine(text, mutant)}`;
}

/**
 * The path and the changed line, with a tab between, of each mutant that a list excuses.
 *
 * @throws {Error} for a line that gives no reason
 */
export function equivalentsOf(list: string): Set<string> {
  const keys = new Set<string>();
  for (const line of list.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [path, changed, reason] = line.split("\t");
    if (!reason) throw new Error(`no reason: ${line}`);
    keys.add(`${path}\t${changed}`);
  }
  return keys;
}

/** `count` of the items, each equally likely, in their order. */
export function sampled<T>(items: readonly T[], count: number, random: Random): T[] {
  const indexes = items.map((_, index) => index);
  for (let at = 0; at < Math.min(count, indexes.length); at++) {
    const other = at + random.below(indexes.length - at);
    [indexes[at], indexes[other]] = [indexes[other]!, indexes[at]!];
  }
  return indexes.slice(0, count).sort((a, b) => a - b).map((index) => items[index]!);
}
