/**
 * Accepting connections despite failures: a client that resets its connection before it is accepted
 * makes the listener throw (ENOTCONN, ECONNABORTED), and a pause after each would hold up the
 * clients behind it. A pause helps only if the process or the machine has run out of the means to
 * open a socket.
 */
import type { EngineLog } from "../engine/ports.ts";
import { errorText } from "../util/error_text.ts";

/** Pause before accepting again when files or memory are exhausted: some may be freed meanwhile. */
const EXHAUSTED_PAUSE_MS = 100;
const EXHAUSTED = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
/** Consecutive failures before the event loop gets a turn. */
const FAILURES_IN_A_ROW = 64;

/** The system's name for an error, such as EMFILE; undefined if it has none. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Calls `accept`, which accepts connections until its listener is closed, again after each throw.
 * Resolves when it returns.
 *
 * @param pause waits that many milliseconds
 */
export async function keepAccepting(
  accept: () => Promise<void>,
  log: Pick<EngineLog, "verbose" | "warning">,
  pause: (ms: number) => Promise<unknown> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<void> {
  for (let failures = 1;; failures++) {
    try {
      return await accept();
    } catch (error) {
      const isExhausted = EXHAUSTED.has(codeOf(error) ?? "");
      const text = `Accepting client connection: ${errorText(error)}`;
      if (isExhausted) log.warning(text);
      else log.verbose(text);
      if (isExhausted) await pause(EXHAUSTED_PAUSE_MS);
      else if (failures % FAILURES_IN_A_ROW === 0) await pause(0);
    }
  }
}
