/** `--latency` and `--latency-history`: the duration of a PING, in milliseconds. */
import type { OutputFormat } from "../options.ts";
import { askPatiently, type ModeContext, pause } from "./mode.ts";

const SAMPLE_PAUSE_MS = 10;
const DEFAULT_HISTORY_MS = 15_000;
const DEFAULT_SINGLE_MS = 1000;
const BACK_TO_START = "\x1b[0G\x1b[2K";

/** Samples of one interval. */
class LatencySamples {
  readonly startedMs = performance.now();
  #least = Infinity;
  #most = 0;
  #sum = 0;
  #count = 0;

  add(ms: number): void {
    this.#least = Math.min(this.#least, ms);
    this.#most = Math.max(this.#most, ms);
    this.#sum += ms;
    this.#count++;
  }

  text(format: OutputFormat): string {
    const [least, most, count] = [this.#least, this.#most, this.#count];
    const average = (this.#sum / count).toFixed(2);
    switch (format) {
      case "people":
        return `min: ${least}, max: ${most}, avg: ${average} (${count} samples)`;
      case "csv":
        return `${least},${most},${average},${count}\n`;
      case "raw":
        return `${least} ${most} ${average} ${count}\n`;
      default:
        return `{"min": ${least}, "max": ${most}, "avg": ${average}, "count": ${count}}\n`;
    }
  }
}

/**
 * Measures: for people forever, for a pipe until the interval is over; with history, prints every
 * sample.
 */
export async function latencyMode(context: ModeContext): Promise<number> {
  const { options: { format, latencyHistory, intervalMs }, output } = context;
  const rangeMs = intervalMs || (latencyHistory ? DEFAULT_HISTORY_MS : DEFAULT_SINGLE_MS);
  let samples = new LatencySamples();
  for (;;) {
    samples.add(await pingMs(context));
    const rangeSoFarMs = performance.now() - samples.startedMs;
    const isOver = rangeSoFarMs > rangeMs;
    if (format === "people") output.print(BACK_TO_START + samples.text(format));
    else if (latencyHistory || isOver) output.print(samples.text(format));
    if (isOver && format !== "people" && !latencyHistory) return 0;
    if (isOver && latencyHistory) {
      output.print(` -- ${(rangeSoFarMs / 1000).toFixed(2)} seconds range\n`);
      samples = new LatencySamples();
    }
    await pause(SAMPLE_PAUSE_MS);
  }
}

/** The duration of one PING in whole milliseconds. */
async function pingMs(context: ModeContext): Promise<number> {
  const start = Math.floor(performance.now());
  await askPatiently(context, ["PING"]);
  return Math.floor(performance.now()) - start;
}
