/**
 * The longest common subsequence of two strings, by the textbook table of lengths (Cormen et al.,
 * "Introduction to Algorithms", 15.4). O(n × m) time and memory.
 */

/** A stretch the two strings share, by its first index in each. */
export interface CommonStretch {
  a: number;
  b: number;
  length: number;
}

/** The common subsequence of two texts. */
export interface CommonSubsequence {
  text: string;
  /** The stretches it consists of, from the end of the strings to their beginning. */
  matches: CommonStretch[];
}

/** Bytes the table of lengths for two strings takes. */
export function tableBytes(a: string, b: string): number {
  return (a.length + 1) * (b.length + 1) * 4;
}

/** @returns the subsequence; of several of the same length, the one Redis finds */
export function longestCommonSubsequence(a: string, b: string): CommonSubsequence {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    const row = i * width, code = a.charCodeAt(i - 1);
    for (let j = 1; j <= b.length; j++) {
      lengths[row + j] = code === b.charCodeAt(j - 1)
        ? lengths[row - width + j - 1]! + 1
        : Math.max(lengths[row - width + j]!, lengths[row + j - 1]!);
    }
  }
  return traceBack(a, b, lengths, width);
}

function traceBack(a: string, b: string, lengths: Uint32Array, width: number): CommonSubsequence {
  const matches: CommonStretch[] = [];
  let i = a.length, j = b.length;
  while (i > 0 && j > 0) {
    if (a.charCodeAt(i - 1) === b.charCodeAt(j - 1)) {
      i--, j--;
      const last = matches[matches.length - 1];
      if (last !== undefined && last.a === i + 1 && last.b === j + 1) {
        last.a = i, last.b = j, last.length++;
      } else matches.push({ a: i, b: j, length: 1 });
    } else if (lengths[(i - 1) * width + j]! > lengths[i * width + j - 1]!) i--;
    else j--;
  }
  const text = matches.map(({ a: start, length }) => a.slice(start, start + length)).reverse().join("");
  return { text, matches };
}
