/** Reads what `redis-benchmark` prints. */
import type { HistogramStep } from "./statistics.ts";

/** Requests per second, from the last line of `redis-benchmark --csv`; NaN if it is none. */
export function parseThroughput(csv: string): number {
  const fields = csv.trimEnd().split("\n").at(-1)?.split('","') ?? [];
  return Number(fields[1] ?? NaN);
}

/** The latencies of a run in milliseconds, from what `redis-benchmark` prints when it is not told to be quiet. */
export function parseLatencies(text: string): HistogramStep[] {
  const [, byPercentile = ""] = text.split("Latency by percentile distribution:");
  const [steps = ""] = byPercentile.split("Cumulative distribution of latencies:");
  const line = /<= ([\d.]+) milliseconds \(cumulative count (\d+)\)/g;
  return [...steps.matchAll(line)].map(([, value, count]) => ({
    value: Number(value),
    count: Number(count),
  }));
}

/** The lines `redis-benchmark` warned with: what it could not do at this server. */
export function warnings(text: string): string[] {
  return text.split("\n").filter((line) => /^(WARN|Error|ERROR)/.test(line.trim()));
}
