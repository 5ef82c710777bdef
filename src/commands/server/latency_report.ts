/** LATENCY GRAPH's picture and LATENCY DOCTOR's report. */
import type { Engine } from "../../engine/engine.ts";
import type { LatencySeries } from "../../metrics/latency.ts";

// ---- The graph ----------------------------------------------------------------------------------

const COLUMNS = 80;
const ROWS = 4;
/** The fill of a cell, from empty to full. */
const FILLS = [" ", "_", "o", "#"] as const;

/** The age of an event, in two or three characters. */
function ageLabel(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Bars `ROWS` high, the tallest for `high` and a thin one for `low`. */
function bars(values: readonly number[], low: number, high: number): string[] {
  const steps = ROWS * (FILLS.length - 1);
  const heights = values.map((value) =>
    high === low ? steps : 1 + Math.round((value - low) / (high - low) * (steps - 1))
  );
  const lines: string[] = [];
  for (let row = ROWS - 1; row >= 0; row--) {
    const cells = heights.map((height) => {
      const fill = height - row * (FILLS.length - 1);
      return FILLS[Math.max(0, Math.min(FILLS.length - 1, fill))]!;
    });
    lines.push(cells.join("").trimEnd());
  }
  return lines;
}

/** Labels written downwards, one under each bar. */
function labelLines(labels: readonly string[]): string[] {
  const height = Math.max(...labels.map((label) => label.length));
  return Array.from(
    { length: height },
    (_, row) => labels.map((label) => label[row] ?? " ").join("").trimEnd(),
  );
}

/** A graph of the last events of a kind, with the age of each. */
export function latencyGraph(event: string, series: LatencySeries, nowMs: number): string {
  const shown = series.samples.slice(-COLUMNS);
  const values = shown.map(({ latency }) => latency);
  const low = Math.min(...values), high = Math.max(...values);
  const now = Math.floor(nowMs / 1000);
  const lines = [
    `${event} - high ${high} ms, low ${low} ms (all time high ${series.longest} ms)`,
    "-".repeat(COLUMNS),
    ...bars(values, low, high),
    "",
    ...labelLines(shown.map(({ time }) => ageLabel(Math.max(0, now - time)))),
  ];
  return `${lines.join("\n")}\n`;
}

// ---- The doctor ---------------------------------------------------------------------------------

/** Mean, mean deviation and mean distance of the samples. */
function measure({ samples }: LatencySeries, nowMs: number) {
  const count = samples.length;
  const mean = samples.reduce((sum, { latency }) => sum + latency, 0) / count;
  const deviation = samples.reduce((sum, { latency }) => sum + Math.abs(latency - mean), 0) / count;
  const seconds = Math.max(1, Math.floor(nowMs / 1000) - samples[0]!.time);
  return { count, mean, deviation, period: seconds / count };
}

function adviceFor(engine: Engine, event: string): string[] {
  const { slowlogLogSlowerThan } = engine.config.values;
  const thresholdUs = engine.latency.threshold * 1000;
  const largeKeys = "Look for large keys: commands that read or write a whole collection hold up all others.";
  switch (event) {
    case "command": {
      const misses = slowlogLogSlowerThan < 0 || slowlogLogSlowerThan > thresholdUs;
      const enable =
        `Let the slow log see these commands: CONFIG SET slowlog-log-slower-than ${thresholdUs}.`;
      return [
        ...misses ? [enable] : [],
        "Look at SLOWLOG GET for the commands that took so long.",
        largeKeys,
      ];
    }
    case "fast-command":
      return [
        "Commands that take no time in themselves were held up: by garbage collection, which a smaller heap makes " +
        "shorter, or by a machine that is too busy. `redis-cli --intrinsic-latency 100` tells what the machine adds.",
      ];
    case "expire-cycle":
      return ["Many keys expire at once: spread their times, or raise `hz` so that less is done at a time."];
    case "eviction-cycle":
      return ["Much is evicted at once: leave more room below `maxmemory`."];
    case "aof-write":
      return [
        "Writing the append only file is slow: use a local disk, and `appendfsync everysec` unless every write must be " +
        "on the disk before it is acknowledged.",
      ];
    default:
      return [];
  }
}

/** The monitor's findings, with advice. */
export function latencyReport(engine: Engine): string {
  const nowMs = engine.clock.nowMs(), lines: string[] = [], advice = new Set<string>();
  for (const [event, series] of engine.latency.entries()) {
    const { count, mean, deviation, period } = measure(series, nowMs);
    lines.push(
      `${lines.length + 1}. ${event}: ${count} latency spikes (average ${
        Math.floor(mean)
      }ms, mean deviation ` +
        `${Math.floor(deviation)}ms, period ${
          period.toFixed(2)
        } sec). Worst all time event ${series.longest}ms.`,
    );
    for (const words of adviceFor(engine, event)) advice.add(words);
  }
  if (lines.length === 0) {
    return engine.latency.active
      ? "No latency spike has been seen since the server was started or LATENCY RESET was called.\n"
      : "Latency is not monitored. CONFIG SET latency-monitor-threshold <milliseconds> begins with it.\n";
  }
  const advices = advice.size === 0
    ? ""
    : `\nWhat may help:\n\n${[...advice].map((a) => `- ${a}\n`).join("")}`;
  return `Latency spikes have been seen:\n\n${lines.join("\n")}\n${advices}`;
}
