/**
 * The stream of batches of one connection: a `ReadableStream` whose pull source reads the socket
 * into the decoder's own query buffer and yields every complete command in it. Its high-water mark
 * is 0, so reads happen only on demand, and a batch's offsets stay valid until the next one is
 * requested.
 */
import type { CommandBatch } from "./command_batch.ts";
import type { RequestDecoder } from "./request_decoder.ts";

/** A source of requests; `Deno.Conn` is one. */
export interface ByteSource {
  /** Reads into `into` and returns the number of bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** Reads a source into a decoder; it also reads ahead, behind a blocked command. */
export class RequestReader {
  /** Called with the number of bytes of each read. */
  onBytes: (bytes: number) => void = () => {};
  /** A read begun while a command was blocked; the next batch needs its bytes. */
  #ahead: Promise<void> | null = null;
  #ended = false;

  constructor(readonly source: ByteSource, readonly decoder: RequestDecoder) {}

  /**
   * The batches, as they arrive. The stream ends with its source, or behind a batch with an error.
   *
   * The usual request takes one `await`, the read itself: every further one costs as much as a
   * small command.
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
              // A reset connection counts as ended.
              this.#ended = true;
            }
          }
        }
        controller.enqueue(decoder.batch);
      },
    }, { highWaterMark: 0 });
  }

  /**
   * Reads ahead while a command is blocked, behind the bytes not yet run, and resolves when the
   * source has ended, so that a closed socket is noticed at once. Stops on its own if the buffer is
   * full.
   */
  async watchForEnd(isWaiting: () => boolean): Promise<void> {
    while (isWaiting() && !this.#ended) {
      if (this.#ahead === null && this.decoder.tail().length === 0) return;
      await (this.#ahead ??= this.#readAhead());
    }
  }

  /** True if the source has ended. */
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
