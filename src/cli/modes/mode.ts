/** The basis of the modes, the uses of a connection other than commands typed by a user. */
import { ConnectionError } from "../connection.ts";
import type { CliOptions } from "../options.ts";
import { type Reply, replyItems, replyText } from "../reply.ts";
import type { Output, Session } from "../session.ts";

/** The environment of a mode. */
export interface ModeContext {
  readonly options: CliOptions;
  /** Connected, except for modes that need no server. */
  readonly session: Session;
  readonly output: Output;
}

/**
 * Runs a mode to its end; resolves with the exit status.
 * @throws {ModeError}
 * @throws {ConnectionError}
 */
export type Mode = (context: ModeContext) => Promise<number>;

/** A mode that cannot continue; the message, a latin1 string, is for the user. */
export class ModeError extends Error {
  override readonly name = "ModeError";
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Catches Ctrl-C during its lifetime as a request to stop early. */
export class Interruption implements Disposable {
  isAsked = false;
  readonly #ask = () => {
    this.isAsked = true;
  };

  constructor() {
    Deno.addSignalListener("SIGINT", this.#ask);
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGINT", this.#ask);
  }
}

const RECONNECT_PAUSE_MS = 1000;
const CLEAR_LINE = "\r\x1b[0K";

/** Sends a command repeatedly until it is answered, waiting for a lost server. */
export async function askPatiently(
  { session, output }: ModeContext,
  args: readonly string[],
): Promise<Reply> {
  for (let tries = 0;; tries++) {
    try {
      const reply = await session.ask(args);
      if (tries > 0) output.print(CLEAR_LINE);
      return reply;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      output.print(`${CLEAR_LINE}Reconnecting... ${tries + 1}\r`);
      await session.connect({ quiet: true });
      await pause(RECONNECT_PAUSE_MS);
    }
  }
}

/** Sends commands in one go; resolves with their replies. */
export async function askAll(session: Session, commands: readonly (readonly string[])[]): Promise<Reply[]> {
  const replies: Reply[] = [];
  await session.connection.sendAll(commands);
  for (let i = 0; i < commands.length; i++) replies.push(await session.connection.receive());
  return replies;
}

/** The server's number of keys. */
export async function countKeys(session: Session): Promise<number> {
  const reply = await session.ask(["DBSIZE"]);
  if (reply.type === "error") throw new ModeError(`Couldn't determine DBSIZE: ${reply.text}`);
  return Number(replyText(reply));
}

/** Scans the keyspace: the keys of each SCAN reply, as selected by the options. */
export async function* scanKeys({ session, options }: ModeContext): AsyncGenerator<string[]> {
  const { pattern, scanCount } = options;
  const match = pattern === undefined ? [] : ["MATCH", pattern];
  const count = scanCount === undefined ? [] : ["COUNT", String(scanCount)];
  let cursor = "0";
  do {
    const reply = await session.ask(["SCAN", cursor, ...match, ...count]);
    if (reply.type === "error") throw new ModeError(`SCAN error: ${reply.text}`);
    const [next, keys] = replyItems(reply);
    if (next === undefined || keys === undefined) throw new ModeError("Invalid element count from SCAN!");
    cursor = replyText(next) ?? "0";
    yield replyItems(keys).map((key) => replyText(key) ?? "");
  } while (cursor !== "0");
}

/** `percentage` with two digits behind the point and at least two before. */
export function percent(percentage: number): string {
  return `${percentage.toFixed(2).padStart(5, "0")}%`;
}
