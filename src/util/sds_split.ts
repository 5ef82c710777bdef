/**
 * Redis's quoting rules: how an inline command, a line of redis.conf or redis-cli's input is split
 * into words, and how a word is quoted so that the same rules restore it. All strings are latin1
 * strings (one char per byte).
 */

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };
const ESCAPED: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

/**
 * Splits `line` into words. Double quotes understand `\xHH`, `\n \r \t \b \a` and take any other
 * escaped char as it is; single quotes understand only `\'`. Quotes may open in the middle of a
 * word, but must be followed by a space or the end.
 *
 * @returns the words, none for a blank line, or `undefined` if quotes are unbalanced
 *
 * @example
 * ```ts
 * import { splitArgs } from "./sds_split.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(splitArgs(String.raw`set key "a\x20b" 'it\'s'`), ["set", "key", "a b", "it's"]);
 * assertEquals(splitArgs('set "key'), undefined);
 * ```
 */
export function splitArgs(line: string): string[] | undefined {
  const cursor = { line, at: 0 };
  const words: string[] = [];
  for (;;) {
    while (isSpace(line.charCodeAt(cursor.at))) cursor.at++;
    if (atEnd(cursor)) return words;
    const word = readWord(cursor);
    if (word === undefined) return undefined;
    words.push(word);
  }
}

/**
 * Writes `text` in double quotes with everything unprintable escaped, in a form that `splitArgs`
 * restores.
 */
export function quoteArg(text: string): string {
  let quoted = '"';
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const code = text.charCodeAt(i);
    const escaped = ESCAPED[char];
    if (escaped !== undefined) quoted += escaped;
    else if (code >= 0x20 && code < 0x7f) quoted += char;
    else quoted += "\\x" + code.toString(16).padStart(2, "0");
  }
  return quoted + '"';
}

/** True if a config file must quote `text` to keep it one word. */
export function needsQuotes(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x22 || code === 0x27 || code === 0x5c) return true;
  }
  return text.length === 0;
}

interface Cursor {
  readonly line: string;
  at: number;
}

/** Like a C string, a line ends at its first NUL. */
function atEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.line.length || cursor.line.charCodeAt(cursor.at) === 0;
}

function readWord(cursor: Cursor): string | undefined {
  let word = "";
  while (!atEnd(cursor)) {
    const char = cursor.line.charAt(cursor.at);
    if (char === " " || char === "\n" || char === "\r" || char === "\t") break;
    cursor.at++;
    if (char === '"' || char === "'") {
      const quoted = char === '"' ? readDoubleQuoted(cursor) : readSingleQuoted(cursor);
      if (quoted === undefined || !endsWord(cursor)) return undefined;
      return word + quoted;
    }
    word += char;
  }
  return word;
}

function readDoubleQuoted(cursor: Cursor): string | undefined {
  let text = "";
  while (!atEnd(cursor)) {
    const char = cursor.line.charAt(cursor.at++);
    if (char === '"') return text;
    text += char === "\\" && !atEnd(cursor) ? readEscape(cursor) : char;
  }
  return undefined;
}

function readSingleQuoted(cursor: Cursor): string | undefined {
  let text = "";
  while (!atEnd(cursor)) {
    const char = cursor.line.charAt(cursor.at++);
    if (char === "'") return text;
    if (char === "\\" && cursor.line.charAt(cursor.at) === "'") {
      text += "'";
      cursor.at++;
    } else text += char;
  }
  return undefined;
}

function readEscape(cursor: Cursor): string {
  const hex = cursor.line.slice(cursor.at, cursor.at + 3);
  if (/^x[0-9a-fA-F]{2}$/.test(hex)) {
    cursor.at += 3;
    return String.fromCharCode(parseInt(hex.slice(1), 16));
  }
  const char = cursor.line.charAt(cursor.at++);
  return ESCAPES[char] ?? char;
}

function endsWord(cursor: Cursor): boolean {
  return atEnd(cursor) || isSpace(cursor.line.charCodeAt(cursor.at));
}

/** C's isspace: space, tab, newline, vertical tab, form feed, carriage return. */
function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}
