/** The slow log: the commands that took longer than `slowlog-log-slower-than`, newest first. */

const MAX_ARGS = 32;
const MAX_ARG_CHARS = 128;

/** A slow command. */
export interface SlowlogEntry {
  id: number;
  /** Unix seconds. */
  time: number;
  microseconds: number;
  /** At most 32 arguments of at most 128 characters; a note stands for the omitted rest. */
  args: string[];
  address: string;
  clientName: string;
}

/** The arguments as the log keeps them: limited in number and length. */
function trimmed(words: readonly string[]): string[] {
  const shown = words.length > MAX_ARGS ? MAX_ARGS - 1 : words.length;
  const texts = words.slice(0, shown).map((text) =>
    text.length <= MAX_ARG_CHARS
      ? text
      : `${text.slice(0, MAX_ARG_CHARS)}... (${text.length - MAX_ARG_CHARS} more bytes)`
  );
  if (shown < words.length) texts.push(`... (${words.length - shown} more arguments)`);
  return texts;
}

/** The latest slow commands. */
export class Slowlog {
  #entries: SlowlogEntry[] = [];
  #nextId = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** The `count` newest entries (negative: all). */
  newest(count: number): readonly SlowlogEntry[] {
    return count < 0 ? this.#entries : this.#entries.slice(0, count);
  }

  /** @param maxLength `slowlog-max-len` */
  add(
    words: readonly string[],
    microseconds: number,
    nowMs: number,
    address: string,
    clientName: string,
    maxLength: number,
  ): void {
    const time = Math.floor(nowMs / 1000);
    this.#entries.unshift({
      id: this.#nextId++,
      time,
      microseconds,
      args: trimmed(words),
      address,
      clientName,
    });
    if (this.#entries.length > maxLength) this.#entries.length = maxLength;
  }

  clear(): void {
    this.#entries = [];
  }
}
