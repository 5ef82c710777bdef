/**
 * The latency monitor: events that took at least `latency-monitor-threshold` milliseconds, each
 * kind with its last {@linkcode SAMPLES} and the longest ever. It costs nothing while the threshold
 * is 0: nothing is measured then.
 */
import type { Clock } from "../util/clock.ts";

/** Number of samples kept per kind. */
const SAMPLES = 160;

/** The longest event of its kind in one second. */
export interface LatencySample {
  /** Unix seconds. */
  time: number;
  /** Milliseconds. */
  latency: number;
}

/** The events of one kind, oldest first. */
export interface LatencySeries {
  samples: LatencySample[];
  /** Milliseconds of the longest event since the kind was reset. */
  longest: number;
}

/** See the head of this file. */
export class LatencyMonitor {
  readonly #series = new Map<string, LatencySeries>();
  /** Milliseconds; 0: nothing is watched. */
  threshold = 0;

  constructor(readonly clock: Clock) {}

  /** True if durations should be measured. */
  get active(): boolean {
    return this.threshold > 0;
  }

  /** Records an event of `microseconds` if it reaches the threshold. */
  observe(event: string, microseconds: number): void {
    const latency = Math.floor(microseconds / 1000);
    if (!this.active || latency < this.threshold) return;
    let series = this.#series.get(event);
    if (series === undefined) this.#series.set(event, series = { samples: [], longest: 0 });
    series.longest = Math.max(series.longest, latency);
    const time = Math.floor(this.clock.nowMs() / 1000), last = series.samples.at(-1);
    if (last?.time === time) {
      last.latency = Math.max(last.latency, latency);
      return;
    }
    series.samples.push({ time, latency });
    if (series.samples.length > SAMPLES) series.samples.shift();
  }

  /** Runs `work` and records it as an event of that kind. */
  timed<T>(event: string, work: () => T): T {
    if (!this.active) return work();
    const startedAtUs = this.clock.monotonicUs();
    const result = work();
    this.observe(event, this.clock.monotonicUs() - startedAtUs);
    return result;
  }

  /** The events of one kind. */
  get(event: string): LatencySeries | undefined {
    return this.#series.get(event);
  }

  /** All kinds. */
  entries(): Iterable<[event: string, series: LatencySeries]> {
    return this.#series;
  }

  /** Resets one kind, its name in any case, or all; returns how many existed. */
  reset(event?: string): number {
    const names = [...this.#series.keys()].filter((name) =>
      event === undefined || name.toLowerCase() === event.toLowerCase()
    );
    for (const name of names) this.#series.delete(name);
    return names.length;
  }
}
