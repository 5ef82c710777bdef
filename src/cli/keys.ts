/**
 * Terminal input in raw mode as keys: printable characters, control characters, and the escape
 * sequences of the cursor keys in their common spellings (xterm, vt220, rxvt, with modifiers).
 */

/** An editing action or a character to insert. */
export type Key = { readonly name: KeyName } | { readonly name: "char"; readonly char: string };

/** The keys the line editor knows; everything else is `unknown`. */
export type KeyName =
  | "enter"
  | "tab"
  | "escape"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "up"
  | "down"
  | "home"
  | "end"
  | "word-left"
  | "word-right"
  | "kill-to-end"
  | "kill-line"
  | "kill-word"
  | "clear-screen"
  | "interrupt"
  | "search"
  | "abort"
  | "delete-or-eof"
  | "unknown";

const CONTROLS: ReadonlyMap<string, KeyName> = new Map([
  ["\x01", "home"],
  ["\x02", "left"],
  ["\x03", "interrupt"],
  ["\x04", "delete-or-eof"],
  ["\x05", "end"],
  ["\x06", "right"],
  ["\x07", "abort"],
  ["\x08", "backspace"],
  ["\t", "tab"],
  ["\n", "enter"],
  ["\x0b", "kill-to-end"],
  ["\x0c", "clear-screen"],
  ["\r", "enter"],
  ["\x0e", "down"],
  ["\x10", "up"],
  ["\x12", "search"],
  ["\x15", "kill-line"],
  ["\x17", "kill-word"],
  ["\x7f", "backspace"],
]);

/** By the last letter of `ESC [ … letter` or `ESC O letter`. */
const BY_LETTER: ReadonlyMap<string, KeyName> = new Map([
  ["A", "up"],
  ["B", "down"],
  ["C", "right"],
  ["D", "left"],
  ["H", "home"],
  ["F", "end"],
]);

/** By the number of `ESC [ number ~`. */
const BY_NUMBER: ReadonlyMap<string, KeyName> = new Map([
  ["1", "home"],
  ["3", "delete"],
  ["4", "end"],
  ["7", "home"],
  ["8", "end"],
]);

const ALT: ReadonlyMap<string, KeyName> = new Map([
  ["b", "word-left"],
  ["f", "word-right"],
  ["\x7f", "kill-word"],
]);

// deno-lint-ignore no-control-regex
const SEQUENCE = /^\x1b(?:\[([0-9;]*)([A-Za-z~])|O([A-Z]))/;
// deno-lint-ignore no-control-regex
const UNFINISHED = /^\x1b\[[0-9;]*$|^\x1bO$/;

/** Splits terminal input into keys; an incomplete sequence or character waits for the rest. */
export class KeyDecoder {
  readonly #utf8 = new TextDecoder();
  #pending = "";

  /**
   * The keys completed by `bytes`. An escape character at the very end is the Escape key itself.
   */
  decode(bytes: Uint8Array): Key[] {
    const keys: Key[] = [];
    let rest = this.#pending + this.#utf8.decode(bytes, { stream: true });
    while (rest !== "" && !UNFINISHED.test(rest)) {
      const [key, length] = rest.startsWith("\x1b") ? readEscape(rest) : readChar(rest);
      keys.push(key);
      rest = rest.slice(length);
    }
    this.#pending = rest;
    return keys;
  }
}

function readChar(text: string): [Key, number] {
  const char = String.fromCodePoint(text.codePointAt(0)!);
  const name = CONTROLS.get(char) ?? (char < " " ? "unknown" : undefined);
  return [name === undefined ? { name: "char", char } : { name }, char.length];
}

function readEscape(text: string): [Key, number] {
  const match = SEQUENCE.exec(text);
  if (match !== null) return [{ name: sequenceName(match) }, match[0].length];
  const alt = ALT.get(text.charAt(1));
  return alt === undefined ? [{ name: "escape" }, 1] : [{ name: alt }, 2];
}

function sequenceName(match: RegExpExecArray): KeyName {
  const [, numbers = "", letter = match[3] ?? ""] = match;
  if (letter === "~") return BY_NUMBER.get(numbers.split(";")[0]!) ?? "unknown";
  const isModified = numbers.includes(";");
  if (isModified && letter === "C") return "word-right";
  if (isModified && letter === "D") return "word-left";
  return BY_LETTER.get(letter) ?? "unknown";
}
