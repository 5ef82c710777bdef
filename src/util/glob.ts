/**
 * Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules understand them, on
 * latin1 strings.
 *
 * `*` any run, `?` one byte, `[a-z]` `[^abc]` classes, `\x` the byte x. A failed match only ever
 * goes back to the latest `*`: any match that an earlier one could still find, the latest would
 * have found too. The cost is therefore bounded by pattern length × text length, for any pattern.
 *
 * The odd corners are Redis's: only an empty pattern matches the empty text, an unclosed class ends
 * with the pattern, and class ranges compare bytes as signed numbers.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const DASH = 0x2d;

/**
 * True if the whole of `text` matches the glob `pattern`.
 *
 * @example
 * ```ts
 * import { globMatch } from "./glob.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(globMatch("user:[0-9]*", "user:1000"), true);
 * assertEquals(globMatch("h?llo", "HELLO", true), true);
 * ```
 */
export function globMatch(pattern: string, text: string, ignoreCase = false): boolean {
  const patternEnd = pattern.length;
  const textEnd = text.length;
  let p = 0;
  let t = 0;
  let afterStar = -1; // the position in the pattern behind the latest star, and
  let starText = 0; // the text position last tried for it
  while (t < textEnd) {
    if (p < patternEnd) {
      if (pattern.charCodeAt(p) === STAR) {
        p = skipStars(pattern, p);
        if (p === patternEnd) return true;
        afterStar = p;
        starText = t;
        continue;
      }
      const next = matchOne(pattern, p, text.charCodeAt(t), ignoreCase);
      if (next >= 0) {
        p = next;
        t++;
        continue;
      }
    }
    if (afterStar < 0) return false;
    p = afterStar;
    t = ++starText;
  }
  return textEnd === 0 ? patternEnd === 0 : skipStars(pattern, p) === patternEnd;
}

function skipStars(pattern: string, p: number): number {
  while (p < pattern.length && pattern.charCodeAt(p) === STAR) p++;
  return p;
}

/**
 * Matches the one-byte pattern element at `p` against `c`: the position behind the element, or -1.
 */
function matchOne(pattern: string, p: number, c: number, ignoreCase: boolean): number {
  let wanted = pattern.charCodeAt(p);
  if (wanted === QUESTION) return p + 1;
  if (wanted === OPEN) return matchClass(pattern, p + 1, c, ignoreCase);
  if (wanted === BACKSLASH && p + 1 < pattern.length) wanted = pattern.charCodeAt(++p);
  if (wanted === c || (ignoreCase && lower(wanted) === lower(c))) return p + 1;
  return -1;
}

/**
 * Matches the class whose content starts at `p` against `c`: the position behind its `]`, or -1.
 */
function matchClass(pattern: string, p: number, c: number, ignoreCase: boolean): number {
  const end = pattern.length;
  const negated = p < end && pattern.charCodeAt(p) === CARET;
  if (negated) p++;
  let found = false;
  while (p < end && pattern.charCodeAt(p) !== CLOSE) {
    const first = pattern.charCodeAt(p);
    if (first === BACKSLASH && p + 1 < end) {
      if (pattern.charCodeAt(p + 1) === c) found = true;
      p += 2;
    } else if (p + 2 < end && pattern.charCodeAt(p + 1) === DASH) {
      if (inRange(first, pattern.charCodeAt(p + 2), c, ignoreCase)) found = true;
      p += 3;
    } else {
      if (first === c || (ignoreCase && lower(first) === lower(c))) found = true;
      p++;
    }
  }
  if (found === negated) return -1;
  return p < end ? p + 1 : end;
}

function inRange(a: number, b: number, c: number, ignoreCase: boolean): boolean {
  let low = signed(a);
  let high = signed(b);
  if (low > high) [low, high] = [high, low];
  if (!ignoreCase) return signed(c) >= low && signed(c) <= high;
  const folded = lower(signed(c));
  return folded >= lower(low) && folded <= lower(high);
}

function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte;
}

function lower(c: number): number {
  return c >= 0x41 && c <= 0x5a ? c + 32 : c;
}
