/**
 * The one source of time. The server reads it once per batch of commands; tests replace it by a
 * {@linkcode VirtualClock}, which they move themselves.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch, a whole number. */
  nowMs(): number;
  /** Wall-clock time in microseconds since the Unix epoch, a whole number below 2^53. */
  nowUs(): number;
  /** Microseconds on a clock that never goes back; only differences are meaningful. */
  monotonicUs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  nowUs: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
  monotonicUs: () => performance.now() * 1000,
};

/** A clock for tests: it stands still until {@linkcode VirtualClock.advance} moves it. */
export class VirtualClock implements Clock {
  #us: number;
  /** Total offset by which the wall clock has been set. */
  #setByUs = 0;

  constructor(startMs = 1_700_000_000_000) {
    this.#us = startMs * 1000;
  }

  nowMs(): number {
    return Math.floor(this.nowUs() / 1000);
  }

  nowUs(): number {
    return this.#us + this.#setByUs;
  }

  monotonicUs(): number {
    return this.#us;
  }

  /** Moves the clock forward by `ms` milliseconds (fractions count as microseconds). */
  advance(ms: number): void {
    this.#us += Math.round(ms * 1000);
  }

  /** Sets the wall clock forward, or back, by `ms` milliseconds; no time passes. */
  set(ms: number): void {
    this.#setByUs += Math.round(ms * 1000);
  }
}
