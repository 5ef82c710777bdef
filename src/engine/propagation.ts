/**
 * Changes of the data on their way to the append-only file and to replicas. Both are
 * sinks ({@linkcode PropagationSink}); nothing in the engine or in a handler names them.
 *
 * A unit (a command, an EXEC, a script, an expiry) collects its commands here and hands them over
 * when its outermost level ends, inside MULTI/EXEC if there is more than one, so that a unit is
 * seen whole or not at all.
 */
import { ReplyWriter } from "../protocol/reply_writer.ts";

/** Kinds of sinks, as bits. */
export const SinkKind = { File: 1, Replicas: 2, All: 3 } as const;

/** Takes the stream of commands that changed the data. */
export interface PropagationSink {
  /** Kind of the sink; a sink without one takes everything. */
  readonly kind?: number;
  /**
   * One command in RESP, to be run in database `databaseId`.
   * @param buf holds it in [start, end); valid only during the call
   */
  feed(databaseId: number, buf: Uint8Array, start: number, end: number): void;
  /**
   * A batch of commands has ended and its replies are about to leave. False if the commands fed
   * could not be made as safe as the configuration promises: then no reply may leave that says
   * otherwise.
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

/** The commands of the unit that is running, on their way to the sinks. */
export class PropagationQueue {
  readonly sinks: PropagationSink[] = [];
  readonly #bytes = new ReplyWriter();
  readonly #databaseIds: number[] = [];
  readonly #ends: number[] = [];
  /** Which kinds of sinks each command is for. */
  readonly #kinds: number[] = [];
  /** A unit's first command stays in the request it came in: most units have no other. */
  #heldFrom: Uint8Array | null = null;
  #heldStart = 0;
  #heldEnd = 0;
  #heldDatabaseId = 0;
  #heldKinds = 0;

  /** True if any sink listens. */
  get active(): boolean {
    return this.sinks.length > 0;
  }

  /** Commands collected in this unit. */
  get count(): number {
    return this.#heldFrom === null ? this.#ends.length : 1;
  }

  /**
   * Adds a command that is RESP bytes already. They may be looked at until the unit's end, or until
   * {@linkcode keep}.
   * @param kinds which sinks it is for
   */
  addRaw(
    databaseId: number,
    buf: Uint8Array,
    start: number,
    end: number,
    kinds: number = SinkKind.All,
  ): void {
    if (!this.active) return;
    if (this.count === 0) {
      this.#heldFrom = buf;
      this.#heldStart = start;
      this.#heldEnd = end;
      this.#heldDatabaseId = databaseId;
      this.#heldKinds = kinds;
      return;
    }
    this.keep();
    this.#bytes.raw(buf, start, end);
    this.#close(databaseId, kinds);
  }

  /** Adds a command by its words. @param kinds which sinks it is for */
  add(databaseId: number, words: readonly string[], kinds: number = SinkKind.All): void {
    if (!this.active) return;
    this.keep();
    this.#bytes.bulkArray(words);
    this.#close(databaseId, kinds);
  }

  /** Copies commands that still lie in a request, which is about to be overwritten. */
  keep(): void {
    const held = this.#heldFrom;
    if (held === null) return;
    this.#heldFrom = null;
    this.#bytes.raw(held, this.#heldStart, this.#heldEnd);
    this.#close(this.#heldDatabaseId, this.#heldKinds);
  }

  /**
   * Hands the unit over.
   *
   * @param asTransaction inside MULTI/EXEC if it holds more than one command
   */
  flush(asTransaction: boolean): void {
    const held = this.#heldFrom;
    if (held !== null) {
      this.#heldFrom = null;
      for (const sink of this.sinks) {
        if ((this.#heldKinds & (sink.kind ?? SinkKind.All)) === 0) continue;
        sink.feed(this.#heldDatabaseId, held, this.#heldStart, this.#heldEnd);
      }
      return;
    }
    if (this.#ends.length === 0) return;
    for (const sink of this.sinks) this.#flushTo(sink, asTransaction);
    this.#bytes.rewind(0);
    this.#ends.length = 0;
    this.#databaseIds.length = 0;
    this.#kinds.length = 0;
  }

  #flushTo(sink: PropagationSink, asTransaction: boolean): void {
    const bytes = this.#bytes.view(), kind = sink.kind ?? SinkKind.All, count = this.#ends.length;
    const wanted = this.#countFor(kind), wrap = asTransaction && wanted > 1;
    if (wanted === 0) return;
    if (wrap) sink.feed(this.#databaseIds[0]!, MULTI, 0, MULTI.length);
    for (let i = 0, from = 0; i < count; i++) {
      const end = this.#ends[i]!;
      if ((this.#kinds[i]! & kind) !== 0) sink.feed(this.#databaseIds[i]!, bytes, from, end);
      from = end;
    }
    if (wrap) sink.feed(this.#databaseIds[count - 1]!, EXEC, 0, EXEC.length);
  }

  #countFor(kind: number): number {
    let wanted = 0;
    for (const kinds of this.#kinds) if ((kinds & kind) !== 0) wanted++;
    return wanted;
  }

  #close(databaseId: number, kinds: number): void {
    this.#databaseIds.push(databaseId);
    this.#kinds.push(kinds);
    this.#ends.push(this.#bytes.length);
  }
}
