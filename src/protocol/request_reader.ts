/**
 * The stream of batches of one connection: a `ReadableStream` whose pull source reads the socket into the decoder's
 * own query buffer and yields every complete command in it. Its high-water mark is 0, so nothing is read before it is
 * asked for, and a batch's offsets stay valid until the next one is.
 */
import type { CommandBatch } from "./command_batch.ts";
import type { RequestDecoder } from "./request_decoder.ts";

/** What requests are read from; `Deno.Conn` is one. */
export interface ByteSource {
  /** Reads into `into` and returns the number of bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** Reads a source for a decoder, also ahead of the commands that wait behind a blocked one. */
export class RequestReader {
  /** Called with the number of bytes of each read. */
  onBytes: (bytes: number) => void = () => {};
  /** A read that was begun while a command was blocked, and whose bytes the next batch needs. */
  #ahead: Promise<void> | null = null;
  #ended = false;

  constructor(readonly source: ByteSource, readonly decoder: RequestDecoder) {}

  /**
   * The batches, as they come. The stream ends when the source does, or behind a batch with an error.
   *
   * The usual request takes one `await`, the read itself: every further one costs as much as a small command.
   */
  batches(): ReadableStream<CommandBatch> {
    const { decoder } = this;
    return new ReadableStream<CommandBatch>({
      pull: async (controller) => {
        while (decoder.decode() === 0 && decoder.batch.error === null) {
          if (this.#ended) return controller.close();
          if (this.#ahead !== null) await this.#ahead;
          else {
            try {
              this.#received(await this.source.read(decoder.room()));
            } catch {
              // A reset connection is an ended one.
              this.#ended = true;
            }
          }
        }
        controller.enqueue(decoder.batch);
      },
    }, { highWaterMark: 0 });
  }

  /**
   * Reads on while a command is blocked, behind the bytes not yet run, and resolves when the source has ended: so a
   * closed socket is noticed at once. Stops by itself where the buffer is full.
   */
  async watchForEnd(isWaiting: () => boolean): Promise<void> {
    while (isWaiting() && !this.#ended) {
      if (this.#ahead === null && this.decoder.tail().length === 0) return;
      await (this.#ahead ??= this.#readAhead());
    }
  }

  /** Whether the source has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  async #readAhead(): Promise<void> {
    try {
      this.#received(await this.source.read(this.decoder.tail()));
    } catch {
      this.#ended = true;
    }
    this.#ahead = null;
  }

  #received(bytes: number | null): void {
    if (bytes === null) {
      this.#ended = true;
      return;
    }
    this.decoder.received(bytes);
    this.onBytes(bytes);
  }
}
