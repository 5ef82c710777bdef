/** A sleep that blocks the whole process, for tests only. */

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Stops the whole process for `ms` milliseconds, event loop included. */
export function sleepSync(ms: number): void {
  if (ms > 0) Atomics.wait(nobody, 0, 0, ms);
}
