/** Parses the output of `redis-benchmark`. */
import type { HistogramStep } from "./statistics.ts";

/** Requests per second, from the last line of `redis-benchmark --csv`; NaN if it is malformed. */
export function parseThroughput(csv: string): number {
  const fields = csv.trimEnd().split("\n").at(-1)?.split('","') ?? [];
  return Number(fields[1] ?? NaN);
}

/** The latencies of a run in milliseconds, from the output of `redis-benchmark` without `-q`. */
export function parseLatencies(text: string): HistogramStep[] {
  const [, byPercentile = ""] = text.split("Latency by percentile distribution:");
  const [steps = ""] = byPercentile.split("Cumulative distribution of latencies:");
  const line = /<= ([\d.]+) milliseconds \(cumulative count (\d+)\)/g;
  return [...steps.matchAll(line)].map(([, value, count]) => ({
    value: Number(value),
    count: Number(count),
  }));
}

/** The warnings of `redis-benchmark`: features this server lacks. */
export function warnings(text: string): string[] {
  return text.split("\n").filter((line) => /^(WARN|Error|ERROR)/.test(line.trim()));
}
