/**
 * Progress of a load, for INFO, the log and a progress bar, and the moments to let the event loop
 * run, so that clients get their `-LOADING` meanwhile.
 */
import type { Clock } from "../util/clock.ts";
import { socketsAreAsked } from "../util/event_loop.ts";

/** The longest a load holds the event loop, in microseconds. */
const SLICE_US = 20_000;
const KEYS_PER_STEP = 64;

/** A file that cannot be loaded; the server must not start with its data. */
export class LoadError extends Error {
  override name = "LoadError";

  /**
   * @param message the fault
   * @param file the file's name
   * @param offset place of the fault in the file, in bytes
   * @param hint a remedy
   */
  constructor(message: string, readonly file: string, readonly offset: number, readonly hint = "") {
    super(`${message} (file ${file}, at offset ${offset})${hint === "" ? "" : `. ${hint}`}`);
  }
}

/** An RDB file that cannot be loaded. */
export class RdbLoadError extends LoadError {
  override name = "RdbLoadError";
}

/** The steps of a load, and its result at the end. */
export type LoadSteps<T> = Generator<void, T, void>;

/** Runs a load with the event loop getting its turn between steps. */
export async function load<T>(steps: LoadSteps<T>, progress: LoadProgress): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (progress.isDue) await progress.pause();
  }
}

/** Runs a load in one go. */
export function loadNow<T>(steps: LoadSteps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Progress of loading, for INFO. */
export class LoadProgress {
  /** Bytes to load, and loaded so far. */
  totalBytes = 0;
  loadedBytes = 0;
  readonly startedMs: number;
  #sliceEndsUs: number;
  /** Microseconds that the keys loaded since the last pause make it wait. */
  #delayUs = 0;

  /**
   * @param onProgress called each time the event loop gets its turn
   * @param keyDelayUs `key-load-delay`: microseconds to wait for each key, for tests of events
   * meanwhile
   */
  constructor(
    readonly clock: Clock,
    readonly onProgress: (progress: LoadProgress) => void = () => {},
    readonly keyDelayUs: () => number = () => 0,
  ) {
    this.startedMs = clock.nowMs();
    this.#sliceEndsUs = clock.monotonicUs() + SLICE_US;
  }

  /** Number of keys to load between two steps. */
  get keysPerStep(): number {
    return this.keyDelayUs() > 0 ? 1 : KEYS_PER_STEP;
  }

  /** Notes that `count` keys or commands have been loaded since the last call. */
  keysLoaded(count: number): void {
    this.#delayUs += count * Math.max(0, this.keyDelayUs());
  }

  /** Seconds since the start. */
  get elapsedSeconds(): number {
    return (this.clock.nowMs() - this.startedMs) / 1000;
  }

  /** Part of the bytes loaded, in percent. */
  get percent(): number {
    return this.totalBytes === 0 ? 0 : (this.loadedBytes * 100) / this.totalBytes;
  }

  /** Seconds to go at the present speed; 1 while nothing is known, as Redis has it. */
  get etaSeconds(): number {
    if (this.loadedBytes === 0) return 1;
    return Math.floor(this.elapsedSeconds * (this.totalBytes - this.loadedBytes) / this.loadedBytes);
  }

  /** True if the load has held the event loop for long enough. */
  get isDue(): boolean {
    return this.#delayUs >= 1000 || this.clock.monotonicUs() >= this.#sliceEndsUs;
  }

  /** Lets the event loop run. */
  async pause(): Promise<void> {
    this.onProgress(this);
    const delayMs = this.#delayUs / 1000;
    this.#delayUs = 0;
    // A timer alone would leave the processor idle for a tenth of the time that loading takes.
    if (delayMs > 0) await new Promise((resume) => setTimeout(resume, delayMs));
    else await socketsAreAsked();
    this.#sliceEndsUs = this.clock.monotonicUs() + SLICE_US;
  }
}
