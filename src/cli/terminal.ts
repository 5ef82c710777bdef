/** Standard input and output of the client: lines from a terminal or a pipe, bytes to either. */
import { bytesOf, latin1 } from "../util/bytes.ts";
import { type Key, KeyDecoder } from "./keys.ts";
import { LineEditor, type LineEditorOptions } from "./line_editor.ts";
import type { Output } from "./session.ts";
import { latin1FromText } from "./text.ts";

const CHUNK = 4096;
const FALLBACK_COLUMNS = 80;

/** Writes to the process's standard output and error. */
export const standardOutput: Output = {
  print: (text) => writeAll(Deno.stdout, text),
  complain: (text) => writeAll(Deno.stderr, text),
};

function writeAll(file: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest: Uint8Array = bytesOf(text);
  while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
}

/** Reads edited lines from a terminal, in raw mode only while it waits for a line. */
export class TerminalReader {
  readonly #decoder = new KeyDecoder();
  readonly #chunk = new Uint8Array(CHUNK);
  /**
   * Keys that arrived behind the end of the previous line, as in a pasted text of several lines.
   */
  #keys: Key[] = [];

  /**
   * The next line, or `undefined` if the user closed the input (Ctrl-C, Ctrl-D on an empty line).
   */
  async readLine(options: Omit<LineEditorOptions, "columns">): Promise<string | undefined> {
    const editor = new LineEditor({ ...options, columns: terminalColumns() });
    Deno.stdin.setRaw(true);
    try {
      return await this.#edit(editor) ? editor.line : undefined;
    } finally {
      Deno.stdin.setRaw(false);
    }
  }

  async #edit(editor: LineEditor): Promise<boolean> {
    for (;;) {
      const key = this.#keys.shift();
      const state = key === undefined ? "editing" : editor.press(key);
      if (state !== "editing") {
        show(editor.leave());
        return state === "line";
      }
      if (this.#keys.length > 0) continue;
      show(editor.draw());
      if (!(await this.#readKeys())) return false;
    }
  }

  async #readKeys(): Promise<boolean> {
    const length = await Deno.stdin.read(this.#chunk);
    if (length === null) return false;
    this.#keys = this.#decoder.decode(this.#chunk.subarray(0, length));
    return true;
  }
}

function show(text: string): void {
  standardOutput.print(latin1FromText(text));
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || FALLBACK_COLUMNS;
  } catch {
    return FALLBACK_COLUMNS; // output is not a terminal
  }
}

/** The lines of standard input as latin1 strings, without their line feeds, as they arrive. */
export async function* inputLines(): AsyncGenerator<string> {
  let rest = "";
  for await (const text of inputChunks()) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** All of standard input as one latin1 string. */
export async function wholeInput(): Promise<string> {
  const parts: string[] = [];
  for await (const text of inputChunks()) parts.push(text);
  return parts.join("");
}

async function* inputChunks(): AsyncGenerator<string> {
  const chunk = new Uint8Array(CHUNK);
  for (;;) {
    const length = await Deno.stdin.read(chunk);
    if (length === null) return;
    yield latin1(chunk, 0, length);
  }
}
