/** `--latency-dist`: the durations of PINGs as a spectrum on a terminal with 256 colours. */
import type { Output } from "../session.ts";
import { askPatiently, type ModeContext, pause } from "./mode.ts";

const SAMPLE_PAUSE_MS = 10;
const DEFAULT_INTERVAL_MS = 1000;
const LINES_BETWEEN_LEGENDS = 20;

const COLOURS = [0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 144, 143, 142, 184, 226, 214, 208, 202, 196];
const GREYS = [0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253];

/** The longest time of each bucket in microseconds, and its character. */
const BUCKETS: readonly (readonly [maxUs: number, character: string])[] = [
  [10, "."],
  [125, "-"],
  [250, "*"],
  [500, "#"],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((ms) => [ms * 1000, String(ms)] as const),
  ...[10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 60_000].map(
    (ms, i) => [ms * 1000, "ABCDEFGHIJKLMNOPQ".charAt(i)] as const,
  ),
  [Infinity, "?"],
];

/** Measures and draws forever. */
export async function latencyDistributionMode(context: ModeContext): Promise<number> {
  const { options, output } = context;
  const palette = options.isMonochrome ? GREYS : COLOURS;
  const intervalMs = options.intervalMs || DEFAULT_INTERVAL_MS;
  for (let line = 0;; line++) {
    const counts = await sample(context, intervalMs);
    if (line % LINES_BETWEEN_LEGENDS === 0) drawLegend(output, palette);
    drawSpectrum(output, palette, counts);
  }
}

/** Counts the PINGs of an interval by bucket. */
async function sample(context: ModeContext, intervalMs: number): Promise<number[]> {
  const counts = new Array<number>(BUCKETS.length).fill(0);
  const startMs = performance.now();
  do {
    const sentMs = performance.now();
    await askPatiently(context, ["PING"]);
    counts[bucketOf((performance.now() - sentMs) * 1000)]!++;
    await pause(SAMPLE_PAUSE_MS);
  } while (performance.now() - startMs <= intervalMs);
  return counts;
}

function bucketOf(us: number): number {
  return BUCKETS.findIndex(([maxUs]) => us <= maxUs);
}

function background(colour: number): string {
  return `\x1b[48;5;${colour}m`;
}

function drawSpectrum(output: Output, palette: readonly number[], counts: readonly number[]): void {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const cells = BUCKETS.map(([, character], i) =>
    background(palette[Math.ceil(counts[i]! / total * (palette.length - 1))]!) + character
  );
  output.print(`\x1b[38;5;0m${cells.join("")}\x1b[0m\n`);
}

function drawLegend(output: Output, palette: readonly number[]): void {
  output.print(
    "---------------------------------------------\n" +
      ". - * #          .01 .125 .25 .5 milliseconds\n" +
      "1,2,3,...,9      from 1 to 9     milliseconds\n" +
      "A,B,C,D,E        10,20,30,40,50  milliseconds\n" +
      "F,G,H,I,J        .1,.2,.3,.4,.5       seconds\n" +
      "K,L,M,N,O,P,Q,?  1,2,4,8,16,30,60,>60 seconds\n" +
      `From 0 to 100%: ${palette.map((colour) => background(colour) + " ").join("")}\x1b[0m\n` +
      "---------------------------------------------\n",
  );
}
