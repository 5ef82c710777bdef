/**
 * What has changed the data, on its way to those who must know: the append only file, replicas. They implement
 * {@linkcode PropagationSink}; nothing in the engine or in a handler names them.
 *
 * A unit (a command, an EXEC, a script, an expiry) collects its commands here and hands them over when its outermost
 * level ends, inside MULTI/EXEC if there is more than one, so that a unit is seen whole or not at all.
 */
import { ReplyWriter } from "../protocol/reply_writer.ts";

/** Takes the stream of commands that changed the data. */
export interface PropagationSink {
  /**
   * One command in RESP, to be run in database `databaseId`.
   * @param buf holds it in [start, end); valid only during the call
   */
  feed(databaseId: number, buf: Uint8Array, start: number, end: number): void;
  /**
   * A batch of commands has ended and its replies are about to leave. False if what was fed could not be made as safe
   * as the configuration promises: then no reply may leave that says otherwise.
   */
  endOfBatch(): boolean;
}

function encoded(text: string): Uint8Array {
  const writer = new ReplyWriter();
  writer.bulkArray([text]);
  return writer.take();
}

const MULTI = encoded("MULTI");
const EXEC = encoded("EXEC");

export class PropagationQueue {
  readonly sinks: PropagationSink[] = [];
  readonly #bytes = new ReplyWriter();
  readonly #databaseIds: number[] = [];
  readonly #ends: number[] = [];

  /** Whether anybody listens. */
  get active(): boolean {
    return this.sinks.length > 0;
  }

  /** Commands collected in this unit. */
  get count(): number {
    return this.#ends.length;
  }

  /** Adds a command that is RESP bytes already. */
  addRaw(databaseId: number, buf: Uint8Array, start: number, end: number): void {
    if (!this.active) return;
    this.#bytes.raw(buf, start, end);
    this.#close(databaseId);
  }

  /** Adds a command by its words. */
  add(databaseId: number, words: readonly string[]): void {
    if (!this.active) return;
    this.#bytes.bulkArray(words);
    this.#close(databaseId);
  }

  /** Hands the unit over. @param asTransaction inside MULTI/EXEC if it holds more than one command */
  flush(asTransaction: boolean): void {
    const count = this.#ends.length;
    if (count === 0) return;
    const bytes = this.#bytes.view();
    const wrap = asTransaction && count > 1;
    for (const sink of this.sinks) {
      if (wrap) sink.feed(this.#databaseIds[0]!, MULTI, 0, MULTI.length);
      for (let i = 0, from = 0; i < count; i++) {
        const end = this.#ends[i]!;
        sink.feed(this.#databaseIds[i]!, bytes, from, end);
        from = end;
      }
      if (wrap) sink.feed(this.#databaseIds[count - 1]!, EXEC, 0, EXEC.length);
    }
    this.#bytes.rewind(0);
    this.#ends.length = 0;
    this.#databaseIds.length = 0;
  }

  #close(databaseId: number): void {
    this.#databaseIds.push(databaseId);
    this.#ends.push(this.#bytes.length);
  }
}
