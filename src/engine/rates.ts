/** How fast counters grow: the mean over the last samples, as INFO's `instantaneous_` fields show it. */
import type { Stats } from "./stats.ts";

const SAMPLES = 16;
/** Samples are taken at least so far apart. */
const INTERVAL_MS = 100;

/** The counters that are followed. */
const followed = ["commandsProcessed", "netInputBytes", "netOutputBytes"] as const;
type Followed = typeof followed[number];

export class Rates {
  readonly #samples = new Map<Followed, number[]>(followed.map((name) => [name, []]));
  readonly #last = new Map<Followed, number>();
  #lastMs = -Infinity;

  /** Takes a sample if it is time; to be called some times a second. */
  sample(stats: Stats, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs < INTERVAL_MS) return;
    for (const [name, samples] of this.#samples) {
      // CONFIG RESETSTAT sets counters back.
      const grown = Math.max(0, stats[name] - (this.#last.get(name) ?? stats[name]));
      this.#last.set(name, stats[name]);
      samples.push(grown * 1000 / elapsedMs);
      if (samples.length > SAMPLES) samples.shift();
    }
    this.#lastMs = nowMs;
  }

  /** Per second. */
  of(name: Followed): number {
    const samples = this.#samples.get(name) ?? [];
    return samples.length === 0 ? 0 : samples.reduce((sum, rate) => sum + rate, 0) / samples.length;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    for (const samples of this.#samples.values()) samples.length = 0;
    this.#last.clear();
    this.#lastMs = -Infinity;
  }
}
