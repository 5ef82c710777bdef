/** The event loop of the process. */

/** Keeps the thread pool busy for about as long as the loop needs to become idle. */
const SOMETHING = new Uint8Array(4096);

let underWay: Promise<void> | null = null;

/**
 * Resolves when the loop has checked for sockets that have become ready, within some 20 µs.
 *
 * A read or write that can be done at once is done without a turn of the loop (128 in a row), and
 * while callbacks keep the loop busy it checks for ready sockets only once in 61 turns:
 * `setImmediate` would not help, and a timer takes more than a millisecond. While only the thread
 * pool has work, the loop is idle, and an idle loop checks. All callers that wait meanwhile
 * therefore share one wait.
 */
export function socketsAreAsked(): Promise<void> {
  return underWay ??= ask();
}

async function ask(): Promise<void> {
  await crypto.subtle.digest("SHA-1", SOMETHING);
  underWay = null;
}
