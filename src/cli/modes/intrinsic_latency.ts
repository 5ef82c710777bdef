/**
 * `--intrinsic-latency`: the pauses that this machine imposes on any process. No server is
 * involved.
 */
import { Interruption, type ModeContext, pause } from "./mode.ts";

/** Duration between two checks for Ctrl-C, which would lengthen a run. */
const RUN_MS = 100;
const BYTES = new Uint8Array(64);

/** Measures for the requested number of seconds, or until Ctrl-C. */
export async function intrinsicLatencyMode({ options, output }: ModeContext): Promise<number> {
  using interruption = new Interruption();
  const durationUs = options.durationS * 1e6;
  const endMs = performance.now() + options.durationS * 1000;
  let runs = 0, longestUs = 0;
  do {
    const sliceEndMs = Math.min(endMs, performance.now() + RUN_MS);
    let beforeMs = performance.now();
    while (beforeMs < sliceEndMs) {
      workBriefly();
      const afterMs = performance.now();
      const tookUs = Math.floor((afterMs - beforeMs) * 1000);
      beforeMs = afterMs;
      runs++;
      if (tookUs <= longestUs) continue;
      longestUs = tookUs;
      output.print(`Max latency so far: ${longestUs} microseconds.\n`);
    }
    await pause(0);
  } while (performance.now() < endMs && !interruption.isAsked);
  const averageUs = durationUs / runs;
  output.print(
    `\n${runs} total runs (avg latency: ${averageUs.toFixed(4)} microseconds / ` +
      `${(averageUs * 1000).toFixed(2)} nanoseconds per run).\n` +
      `Worst run took ${(longestUs / averageUs).toFixed(0)}x longer than the average latency.\n`,
  );
  return 0;
}

/** A short piece of work that no compiler optimises away. */
function workBriefly(): void {
  for (let i = 0; i < BYTES.length; i++) BYTES[i] = BYTES[i]! ^ i;
}
