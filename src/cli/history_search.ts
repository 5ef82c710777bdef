/** Incremental backward search through the history (Ctrl-R), as in shells. */
import type { History } from "./history.ts";

/** One search; as its text grows and shrinks, its position in the history moves with it. */
export class HistorySearch {
  readonly #history: History;
  #text = "";
  /** Index of the line found; the history's length before the first match. */
  #index: number;
  #hasFailed = false;

  constructor(history: History) {
    this.#history = history;
    this.#index = history.length;
  }

  /** Shown before the line instead of the prompt. */
  get prompt(): string {
    return `(${this.#hasFailed ? "failed " : ""}reverse-i-search)'${this.#text}': `;
  }

  /** True if no line contains the text; the last match stays. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The line found, undefined if there is none. */
  get line(): string | undefined {
    return this.#history.at(this.#index);
  }

  /** Index of the line found in the history. */
  get index(): number {
    return this.#index;
  }

  /** Column of the text in the line found, in characters. */
  get column(): number {
    const line = this.line ?? "";
    return [...line.slice(0, Math.max(0, line.lastIndexOf(this.#text)))].length;
  }

  /** Adds a character to the text; the line found stays if it contains the longer text too. */
  add(char: string): void {
    this.#text += char;
    this.#searchFrom(this.#index);
  }

  /** Removes the last character and searches again from the newest line. */
  shorten(): void {
    this.#text = [...this.#text].slice(0, -1).join("");
    this.#index = this.#history.length;
    this.#hasFailed = false;
    if (this.#text !== "") this.#searchFrom(this.#history.length - 1);
  }

  /** Moves to an older match. */
  next(): void {
    if (this.#text !== "") this.#searchFrom(this.#index - 1);
  }

  #searchFrom(start: number): void {
    for (let index = Math.min(start, this.#history.length - 1); index >= 0; index--) {
      if (!this.#history.at(index)!.includes(this.#text)) continue;
      this.#index = index;
      this.#hasFailed = false;
      return;
    }
    this.#hasFailed = true;
  }
}
