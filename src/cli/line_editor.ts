/**
 * Editing of one line on a terminal, as a machine without input or output of its own: keys go in,
 * the text that redraws the line comes out. It knows the position of its cursor on the screen
 * relative to the first row of the prompt; every redraw goes back there, clears the rows below, and
 * writes prompt, line and hint anew, so lines longer than the terminal is wide need no special
 * case.
 */
import type { History } from "./history.ts";
import { HistorySearch } from "./history_search.ts";
import type { Key } from "./keys.ts";

/** The services and settings of the editor. */
export interface LineEditorOptions {
  readonly prompt: string;
  /** Width of the terminal in columns. */
  readonly columns: number;
  readonly history: History;
  /** A possible continuation of `line`, shown in grey behind it. */
  readonly hint: (line: string) => string;
  /** The possible completions of `line`, as whole lines. */
  readonly complete: (line: string) => readonly string[];
}

/**
 * The result of a key: the line is still being edited, is complete, or the user closed the input.
 */
export type EditState = "editing" | "line" | "closed";

interface Completion {
  readonly candidates: readonly string[];
  readonly original: string;
  index: number;
}

const BELL = "\x07";
const CLEAR_SCREEN = "\x1b[H\x1b[2J";
const GREY = "\x1b[0;90;49m";
const PLAIN = "\x1b[0m";

/** Edits one line; create a new one for the next. */
export class LineEditor {
  readonly #options: LineEditorOptions;
  #chars: string[] = [];
  #cursor = 0;
  /** Row of the screen cursor below the first row of the prompt. */
  #row = 0;
  #historyIndex: number;
  #draft = "";
  #completion: Completion | undefined;
  #search: HistorySearch | undefined;
  /** Output ahead of the next redraw: the bell, or clearing the screen. */
  #signals = "";

  constructor(options: LineEditorOptions) {
    this.#options = options;
    this.#historyIndex = options.history.length;
  }

  /** The present line. */
  get line(): string {
    return this.#chars.join("");
  }

  /** Position of the cursor in the line, in characters. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * Applies a key; {@linkcode LineEditor.draw} shows the effect of all keys since its last call.
   */
  press(key: Key): EditState {
    if (this.#completion !== undefined && this.#continueCompletion(this.#completion, key)) return "editing";
    if (this.#search !== undefined && this.#continueSearch(this.#search, key)) return "editing";
    switch (key.name) {
      case "enter":
        return "line";
      case "interrupt":
        return "closed";
      case "delete-or-eof":
        if (this.#chars.length === 0) return "closed";
        this.#removeRange(this.#cursor, this.#cursor + 1);
        break;
      case "tab":
        this.#startCompletion();
        break;
      case "search":
        this.#draft = this.#historyIndex === this.#options.history.length ? this.line : this.#draft;
        this.#search = new HistorySearch(this.#options.history);
        break;
      case "clear-screen":
        this.#row = 0;
        this.#signals += CLEAR_SCREEN;
        break;
      case "char":
        this.#insert(key.char);
        break;
      default:
        this.#move(key);
        this.#remove(key);
    }
    return "editing";
  }

  /** The text that redraws the line in its present state over the previous one. */
  draw(): string {
    return this.#redraw(true);
  }

  /** The text that draws the line one last time, without a hint, and starts a new row. */
  leave(): string {
    this.#cursor = this.#chars.length;
    return this.#redraw(false) + "\r\n";
  }

  #insert(char: string): void {
    this.#chars.splice(this.#cursor, 0, char);
    this.#cursor++;
  }

  #move(key: Key): void {
    switch (key.name) {
      case "left":
        this.#cursor = Math.max(0, this.#cursor - 1);
        break;
      case "right":
        this.#cursor = Math.min(this.#chars.length, this.#cursor + 1);
        break;
      case "home":
        this.#cursor = 0;
        break;
      case "end":
        this.#cursor = this.#chars.length;
        break;
      case "word-left":
        this.#cursor = this.#wordStart();
        break;
      case "word-right":
        this.#cursor = this.#wordEnd();
        break;
      case "up":
        this.#recall(this.#historyIndex - 1);
        break;
      case "down":
        this.#recall(this.#historyIndex + 1);
        break;
    }
  }

  #remove(key: Key): void {
    switch (key.name) {
      case "backspace":
        this.#removeRange(this.#cursor - 1, this.#cursor);
        break;
      case "delete":
        this.#removeRange(this.#cursor, this.#cursor + 1);
        break;
      case "kill-to-end":
        this.#removeRange(this.#cursor, this.#chars.length);
        break;
      case "kill-line":
        this.#removeRange(0, this.#chars.length);
        break;
      case "kill-word":
        this.#removeRange(this.#wordStart(), this.#cursor);
        break;
    }
  }

  #removeRange(from: number, to: number): void {
    if (from < 0) return;
    this.#chars.splice(from, to - from);
    this.#cursor = from;
  }

  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#chars[at - 1] === " ") at--;
    while (at > 0 && this.#chars[at - 1] !== " ") at--;
    return at;
  }

  #wordEnd(): number {
    let at = this.#cursor;
    while (at < this.#chars.length && this.#chars[at] === " ") at++;
    while (at < this.#chars.length && this.#chars[at] !== " ") at++;
    return at;
  }

  /** Shows the history's line at `index`; the one past the newest is the line being edited. */
  #recall(index: number): void {
    const { history } = this.#options;
    if (index < 0 || index > history.length) return;
    if (this.#historyIndex === history.length) this.#draft = this.line;
    this.#historyIndex = index;
    this.#setLine(history.at(index) ?? this.#draft);
  }

  #setLine(line: string): void {
    this.#chars = [...line];
    this.#cursor = this.#chars.length;
  }

  #startCompletion(): void {
    const original = this.line;
    const candidates = this.#options.complete(original);
    const first = candidates[0];
    if (first === undefined) {
      this.#signals += BELL;
      return;
    }
    this.#completion = { candidates, original, index: 0 };
    this.#setLine(first);
  }

  /**
   * Tab shows the next candidate, and after the last one the original line; Escape returns to it at
   * once. Any other key accepts the candidate shown and then has its own effect.
   */
  #continueCompletion(completion: Completion, key: Key): boolean {
    const { candidates, original } = completion;
    if (key.name === "tab") {
      completion.index = (completion.index + 1) % (candidates.length + 1);
      if (completion.index === candidates.length) this.#signals += BELL;
      this.#setLine(candidates[completion.index] ?? original);
      return true;
    }
    this.#completion = undefined;
    if (key.name === "escape") this.#setLine(original);
    return key.name === "escape";
  }

  /**
   * Characters extend the search text, Backspace shortens it, the search key moves to an older
   * line, Ctrl-G cancels the search. Any other key accepts the line found and then has its own
   * effect; Escape only accepts.
   */
  #continueSearch(search: HistorySearch, key: Key): boolean {
    if (key.name === "char") search.add(key.char);
    else if (key.name === "search") search.next();
    else if (key.name === "backspace") search.shorten();
    else return this.#endSearch(search, key);
    if (search.hasFailed) this.#signals += BELL;
    this.#setLine(search.line ?? "");
    this.#cursor = search.column;
    return true;
  }

  #endSearch(search: HistorySearch, key: Key): boolean {
    this.#search = undefined;
    const isCancelled = key.name === "abort" || key.name === "interrupt";
    const isGivenUp = isCancelled || search.line === undefined;
    this.#historyIndex = isGivenUp ? this.#options.history.length : search.index;
    if (isGivenUp) this.#setLine(this.#draft);
    return isCancelled || key.name === "escape";
  }

  #redraw(withHint: boolean): string {
    const { columns } = this.#options;
    const prompt = this.#search?.prompt ?? this.#options.prompt;
    const shown = prompt + this.line;
    const hint = withHint && this.#search === undefined ? this.#fittingHint(textWidth(shown)) : "";
    const endsAt = textWidth(shown) + textWidth(hint);
    const cursorAt = textWidth(prompt + this.#chars.slice(0, this.#cursor).join(""));
    const cursorRow = Math.floor(cursorAt / columns);
    const signals = this.#signals;
    this.#signals = "";
    const output = signals + (this.#row > 0 ? `\x1b[${this.#row}A` : "") + "\r\x1b[J" + shown +
      (hint === "" ? "" : GREY + hint + PLAIN) +
      // After a row filled to its last column the screen cursor has not yet wrapped: make it wrap.
      (endsAt > 0 && endsAt % columns === 0 ? "\r\n" : "") +
      moveTo(Math.floor(endsAt / columns) - cursorRow, cursorAt % columns);
    this.#row = cursorRow;
    return output;
  }

  /** The part of the hint that fits in the last row. */
  #fittingHint(used: number): string {
    const room = this.#options.columns - (used % this.#options.columns) - 1;
    let hint = "";
    let width = 0;
    for (const char of this.#options.hint(this.line)) {
      width += charWidth(char);
      if (width > room) break;
      hint += char;
    }
    return hint;
  }
}

function moveTo(rowsUp: number, column: number): string {
  return (rowsUp > 0 ? `\x1b[${rowsUp}A` : "") + "\r" + (column > 0 ? `\x1b[${column}C` : "");
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /\p{Mark}|\u200d/u;

/** Number of columns a character occupies on a terminal. */
function charWidth(char: string): number {
  if (char < "\u0300") return 1;
  if (NO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}
