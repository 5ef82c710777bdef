/**
 * The meaning of a line typed at the prompt: a command for the server, perhaps with a count in
 * front, or one of the client's own words (QUIT, EXIT, CLEAR, CONNECT, HELP, `:set`).
 */
import { splitArgs } from "../util/sds_split.ts";
import { holdsSecret } from "./history.ts";
import type { Output, Session } from "./session.ts";
import { textFromLatin1 } from "./text.ts";

/** The environment of a line besides the session. */
export interface ReplContext {
  readonly session: Session;
  readonly output: Output;
  /** True if replies are printed for people: slow commands then show their duration. */
  readonly tellsTime: boolean;
  /** Adds a line to the history. */
  readonly remember: (line: string) => void;
  /** Milliseconds on a clock that does not go back. */
  readonly nowMs: () => number;
}

const SLOW_MS = 500;
const LARGEST_COUNT = 2 ** 63;

/** Runs lines one after another. */
export class Repl {
  readonly #context: ReplContext;
  #showsHints = true;

  constructor(context: ReplContext) {
    this.#context = context;
  }

  /** The hint for a line, empty after `:set nohints`. */
  hint(line: string): string {
    return this.#showsHints ? this.#context.session.help.hint(line) : "";
  }

  /**
   * Runs one line.
   * @param line a latin1 string without its line end
   * @returns false if it asked to quit
   */
  async run(line: string): Promise<boolean> {
    const { output, remember } = this.#context;
    const words = splitArgs(line);
    if (words === undefined) {
      output.print("Invalid argument(s)\n");
      remember(line);
      return true;
    }
    const [first, ...rest] = words;
    if (first === undefined) return true;
    const count = rest.length > 0 && /^\s*[+-]?\d+$/.test(first) ? Number(first) : undefined;
    if (count !== undefined && (count <= 0 || count >= LARGEST_COUNT)) {
      output.print("Invalid redis-cli repeat command option value.\n");
      return true;
    }
    const args = count === undefined ? words : rest;
    if (!holdsSecret(args)) remember(line);
    return await this.#perform(first.toLowerCase(), args, count ?? 1);
  }

  async #perform(first: string, args: readonly string[], count: number): Promise<boolean> {
    const { session, output } = this.#context;
    if (first === "quit" || first === "exit") return false;
    if (first.startsWith(":")) this.#setPreference(args);
    else if (first === "clear" && args.length === 1) output.print("\x1b[H\x1b[2J");
    else if (first === "connect" && args.length === 3) {
      await session.connectTo({
        hostname: textFromLatin1(args[1]!),
        port: Number.parseInt(args[2]!, 10) || 0,
      });
    } else await this.#issue(args, count);
    return true;
  }

  async #issue(args: readonly string[], count: number): Promise<void> {
    const { session, output, tellsTime, nowMs } = this.#context;
    const startMs = nowMs();
    await session.issue(args, count);
    const tookMs = nowMs() - startMs;
    if (tellsTime && tookMs >= SLOW_MS) output.print(`(${(tookMs / 1000).toFixed(2)}s)\n`);
  }

  #setPreference(words: readonly string[]): void {
    const { output } = this.#context;
    const [command = "", name = ""] = words;
    const wanted = name.toLowerCase();
    if (command.toLowerCase() !== ":set" || name === "") {
      output.print(`unknown redis-cli internal command '${command}'\n`);
    } else if (wanted === "hints" || wanted === "nohints") {
      this.#showsHints = wanted === "hints";
    } else {
      output.print(`unknown redis-cli preference '${name}'\n`);
    }
  }
}
