/**
 * The growth of counters: the mean over the last samples, as INFO's `instantaneous_` fields show
 * it.
 */

const SAMPLES = 16;
/** Minimum interval between samples. */
const INTERVAL_MS = 100;

/** The counters that can be followed. */
export type RateName =
  | "commands"
  | "input"
  | "output"
  | "replicationInput"
  | "replicationOutput"
  | "batches"
  | "busyUs";

/** A counter and its recent growth. */
interface Followed {
  read: () => number;
  last: number;
  /** Per second. */
  samples: number[];
}

/** See the head of this file. */
export class Rates {
  readonly #followed = new Map<RateName, Followed>();
  #lastMs = -Infinity;

  /** Follows the counter that `read` returns. */
  follow(name: RateName, read: () => number): void {
    this.#followed.set(name, { read, last: read(), samples: [] });
  }

  /** Takes a sample if one is due; call it a few times a second. */
  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs < INTERVAL_MS) return;
    for (const followed of this.#followed.values()) {
      const count = followed.read();
      // CONFIG RESETSTAT may have set the counter back.
      followed.samples.push(Math.max(0, count - followed.last) * 1000 / elapsedMs);
      if (followed.samples.length > SAMPLES) followed.samples.shift();
      followed.last = count;
    }
    this.#lastMs = nowMs;
  }

  /** Rate per second; 0 for a counter that is not followed. */
  of(name: RateName): number {
    const samples = this.#followed.get(name)?.samples ?? [];
    return samples.length === 0 ? 0 : samples.reduce((sum, rate) => sum + rate, 0) / samples.length;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    for (const followed of this.#followed.values()) {
      followed.samples.length = 0;
      followed.last = followed.read();
    }
    this.#lastMs = -Infinity;
  }
}
