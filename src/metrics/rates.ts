/** How fast counters grow: the mean over the last samples, as INFO's `instantaneous_` fields show it. */

const SAMPLES = 16;
/** Samples are taken at least so far apart. */
const INTERVAL_MS = 100;

/** The counters that may be followed. */
export type RateName =
  | "commands"
  | "input"
  | "output"
  | "replicationInput"
  | "replicationOutput"
  | "batches"
  | "busyUs";

/** A counter, and how it has grown of late. */
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

  /** Follows what `read` gives from now on. */
  follow(name: RateName, read: () => number): void {
    this.#followed.set(name, { read, last: read(), samples: [] });
  }

  /** Takes a sample if it is time; to be called some times a second. */
  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs < INTERVAL_MS) return;
    for (const followed of this.#followed.values()) {
      const count = followed.read();
      // CONFIG RESETSTAT sets counters back.
      followed.samples.push(Math.max(0, count - followed.last) * 1000 / elapsedMs);
      if (followed.samples.length > SAMPLES) followed.samples.shift();
      followed.last = count;
    }
    this.#lastMs = nowMs;
  }

  /** Per second; 0 of what is not followed. */
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
