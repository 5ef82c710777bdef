/** The progress bar of `@std/cli/unstable-progress-bar`, for networks that do not reach JSR. */

/** The state that a formatter draws. */
export interface ProgressBarFormatter {
  /** Time since the start as `mm:ss`. */
  styledTime: string;
  /** Value and maximum in a binary unit. */
  styledData: string;
  /** The bar itself. */
  progressBar: string;
  /** Milliseconds since the start. */
  time: number;
  /** Milliseconds since the start at the previous call. */
  previousTime: number;
  /** The present value. */
  value: number;
  /** The value at the previous call. */
  previousValue: number;
  /** The value at the end. */
  max: number;
}

/** The appearance and destination of a {@linkcode ProgressBar}. */
export interface ProgressBarOptions {
  /** The output stream: standard error by default. */
  writable?: WritableStream<Uint8Array>;
  /** The value at the start. */
  value?: number;
  /** The value at the end. */
  max: number;
  /** Width of the bar in characters, 50 by default. */
  barLength?: number;
  /** The character for the finished part. */
  fillChar?: string;
  /** The character for the remaining part. */
  emptyChar?: string;
  /** Clears the line at the end. */
  clear?: boolean;
  /** Draws the line. */
  formatter?: (formatter: ProgressBarFormatter) => string;
  /** Leaves the stream open at the end, as by default. */
  keepOpen?: boolean;
  /** Milliseconds between two drawings, 1000 by default. */
  interval?: number;
}

const clearLine = "\r\x1b[K";
const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];

function inUnits(value: number, max: number): string {
  const exponent = Math.min(Math.max(Math.floor(Math.log2(max) / 10), 1), units.length);
  const rate = 1024 ** exponent;
  return `${(value / rate).toFixed(2)}/${(max / rate).toFixed(2)} ${units[exponent - 1]}`;
}

/** A line that shows the progress of a long task; the owner updates `value`. */
export class ProgressBar {
  /** The progress of the task. */
  value: number;
  /** The value at the end. */
  max: number;
  readonly #options: ProgressBarOptions;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #start = Date.now();
  readonly #timer: ReturnType<typeof setInterval>;
  #previousTime = 0;
  #previousValue: number;

  constructor(options: ProgressBarOptions) {
    this.#options = options;
    this.value = this.#previousValue = options.value ?? 0;
    this.max = options.max;
    this.#writer = (options.writable ?? Deno.stderr.writable).getWriter();
    this.#timer = setInterval(() => this.#draw(), options.interval ?? 1000);
    this.#draw();
  }

  #state(): ProgressBarFormatter {
    const { barLength = 50, fillChar = "#", emptyChar = "-" } = this.#options;
    const time = Date.now() - this.#start;
    const filled = Math.trunc(Math.min(Math.max(this.value / this.max, 0), 1) * barLength);
    const twoDigits = (seconds: number) => String(Math.trunc(seconds)).padStart(2, "0");
    return {
      styledTime: `${twoDigits(time / 60_000)}:${twoDigits(time / 1000 % 60)}`,
      styledData: inUnits(this.value, this.max),
      progressBar: fillChar.repeat(filled) + emptyChar.repeat(barLength - filled),
      time,
      previousTime: this.#previousTime,
      value: this.value,
      previousValue: this.#previousValue,
      max: this.max,
    };
  }

  async #write(text: string): Promise<void> {
    try {
      await this.#writer.write(new TextEncoder().encode(text));
    } catch {
      clearInterval(this.#timer); // the reader has gone
    }
  }

  #draw(): Promise<void> {
    const state = this.#state();
    const { formatter = (s) => `[${s.styledTime}] [${s.progressBar}] [${s.styledData}]` } = this.#options;
    this.#previousTime = state.time;
    this.#previousValue = state.value;
    return this.#write(clearLine + formatter(state));
  }

  /** Draws the last state (or clears the line) and releases the stream. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#options.clear) {
      await this.#write(clearLine);
    } else {
      await this.#draw();
      await this.#write("\n");
    }
    if (this.#options.keepOpen ?? true) this.#writer.releaseLock();
    else await this.#writer.close().catch(() => {});
  }
}
