/** Search backwards through the history while its text is typed (Ctrl-R), as shells have it. */
import type { History } from "./history.ts";

/** One search; its text grows and shrinks, and its place in the history moves with it. */
export class HistorySearch {
  readonly #history: History;
  #text = "";
  /** Index of the line found, the history's length before the first. */
  #index: number;
  #hasFailed = false;

  constructor(history: History) {
    this.#history = history;
    this.#index = history.length;
  }

  /** Stands before the line instead of the prompt. */
  get prompt(): string {
    return `(${this.#hasFailed ? "failed " : ""}reverse-i-search)'${this.#text}': `;
  }

  /** True when no line holds the text; the one found last stays. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The line found, undefined while there is none. */
  get line(): string | undefined {
    return this.#history.at(this.#index);
  }

  /** Index of the line found in the history. */
  get index(): number {
    return this.#index;
  }

  /** Where the text stands in the line found, in characters. */
  get column(): number {
    const line = this.line ?? "";
    return [...line.slice(0, Math.max(0, line.lastIndexOf(this.#text)))].length;
  }

  /** Adds a character to the text; the line found stays if it holds that too. */
  add(char: string): void {
    this.#text += char;
    this.#searchFrom(this.#index);
  }

  /** Takes the last character back and searches again from the newest line. */
  shorten(): void {
    this.#text = [...this.#text].slice(0, -1).join("");
    this.#index = this.#history.length;
    this.#hasFailed = false;
    if (this.#text !== "") this.#searchFrom(this.#history.length - 1);
  }

  /** Goes to an older line. */
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
