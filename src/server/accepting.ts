/**
 * Accepting connections although some fail: a client that has reset its connection before it was accepted makes the
 * listener throw (ENOTCONN, ECONNABORTED), and each of them would hold up the clients behind it. Only a process or machine
 * with nothing left to open a socket with gains by waiting.
 */
import type { EngineLog } from "../engine/ports.ts";
import { errorText } from "../util/error_text.ts";

/** Pause before accepting again where files or memory are exhausted: something may be closed meanwhile. */
const EXHAUSTED_PAUSE_MS = 100;
const EXHAUSTED = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
/** Failures that follow at once on one another before the event loop gets a turn. */
const FAILURES_IN_A_ROW = 64;

/** The system's name for an error, such as EMFILE; undefined where it has none. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Calls `accept`, which accepts connections until its listener is closed, again each time it throws. Resolves when it
 * returns.
 *
 * @param pause lets that many milliseconds pass
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
