/** The event loop of the process. */

/** Keeps the thread pool at it for about as long as the loop takes to find that it has nothing else to do. */
const SOMETHING = new Uint8Array(4096);

let underWay: Promise<void> | null = null;

/**
 * Resolves when the loop has looked for sockets that have become ready, within some 20 µs.
 *
 * A read or write that can be done at once is done without a turn of the loop (128 in a row), and while callbacks keep
 * the loop busy it asks for ready sockets only once in 61 turns: `setImmediate` would not do, and a timer takes more than
 * a millisecond. While the thread pool has something of ours to do, and nobody else has, the loop is idle, and an idle
 * loop asks. So all who wait meanwhile wait for the same.
 */
export function socketsAreAsked(): Promise<void> {
  return underWay ??= ask();
}

async function ask(): Promise<void> {
  await crypto.subtle.digest("SHA-1", SOMETHING);
  underWay = null;
}
