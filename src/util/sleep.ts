/** Holding everything up, which only tests want. */

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Stops the whole process for so long; the event loop stands still too. */
export function sleepSync(ms: number): void {
  if (ms > 0) Atomics.wait(nobody, 0, 0, ms);
}
