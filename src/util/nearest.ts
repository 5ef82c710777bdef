/** Spelling suggestions for names from a list. */

/** A suggestion changes at most one letter in this many. */
const LETTERS_PER_EDIT = 3;

/**
 * The candidate with the fewest edits from `word`: a letter added, left out or replaced, or two
 * neighbours swapped. Undefined if even the nearest one differs in more than a third of its
 * letters. Cost: the product of both lengths for each candidate.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nearest } from "./nearest.ts";
 *
 * assertEquals(nearest("maxmemroy", ["maxclients", "maxmemory"]), "maxmemory");
 * assertEquals(nearest("elephant", ["maxclients", "maxmemory"]), undefined);
 * ```
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let found: string | undefined, least = Infinity;
  for (const candidate of candidates) {
    const edits = distance(word, candidate);
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / LETTERS_PER_EDIT));
    if (edits <= allowed && edits < least) [found, least] = [candidate, edits];
  }
  return found;
}

/** Edits between two words (optimal string alignment). */
function distance(a: string, b: string): number {
  let older: number[] = [], previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) edits = Math.min(edits, older[j - 2]! + 1);
      row.push(edits);
    }
    [older, previous] = [previous, row];
  }
  return previous[b.length]!;
}
