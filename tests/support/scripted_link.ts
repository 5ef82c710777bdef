/** A connection to a primary played by the test. */
import { type LinkConnection, PrimaryLink } from "../../src/replication/link.ts";
import { bytesOf, latin1 } from "../../src/util/bytes.ts";
import { RecordedLog } from "./recorded_log.ts";

/** Returns the test's input, one piece per read, and records the output. */
export class ScriptedConnection implements LinkConnection {
  /** Everything written, as a latin1 string. */
  written = "";
  isClosed = false;
  /** Largest number of bytes one write takes. */
  largestWrite = Infinity;
  /** The failure of writes; undefined if they succeed. */
  writeError: Error | undefined;
  readonly #pieces: (string | Error | null)[] = [];
  #wake: (() => void) | null = null;

  /** Delivers pieces: text, a failure, or null for the end. */
  arrive(...pieces: (string | Error | null)[]): void {
    this.#pieces.push(...pieces);
    this.#wake?.();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#pieces.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    const piece = this.#pieces.shift()!;
    if (piece instanceof Error) throw piece;
    if (piece === null) return null;
    into.set(bytesOf(piece));
    return piece.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.writeError !== undefined) return Promise.reject(this.writeError);
    const count = Math.min(bytes.length, this.largestWrite);
    this.written += latin1(bytes, 0, count);
    return Promise.resolve(count);
  }

  close(): void {
    this.isClosed = true;
    this.arrive(null);
  }
}

/** A link over a scripted connection, its log, and its clock, which the test sets. */
export function scriptedLink() {
  const connection = new ScriptedConnection(), log = new RecordedLog(), clock = { ms: 1000 };
  const link = new PrimaryLink(() => Promise.resolve(connection), log, () => clock.ms);
  return { connection, log, clock, link };
}
