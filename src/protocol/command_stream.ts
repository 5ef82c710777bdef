/**
 * The stream of batches of one connection: a `ReadableStream` whose pull source reads the socket into the decoder's
 * own query buffer and yields every complete command in it. Its high-water mark is 0, so nothing is read before it is
 * asked for, and a batch's offsets stay valid until the next one is.
 */
import type { CommandBatch, RequestDecoder } from "./request_decoder.ts";

/** What requests are read from; `Deno.Conn` is one. */
export interface ByteSource {
  /** Reads into `into` and returns the number of bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** Reads a source for a decoder, also ahead of the commands that wait behind a blocked one. */
export class RequestReader {
  /** Called with the number of bytes of each read. */
  onBytes: (bytes: number) => void = () => {};
  #underWay: Promise<number | null> | null = null;
  #ended = false;

  constructor(readonly source: ByteSource, readonly decoder: RequestDecoder) {}

  /** The batches, as they come. The stream ends when the source does, or behind a batch with an error. */
  batches(): ReadableStream<CommandBatch> {
    return new ReadableStream<CommandBatch>({
      pull: async (controller) => {
        const batch = await this.#nextBatch();
        if (batch === null) controller.close();
        else controller.enqueue(batch);
      },
    }, { highWaterMark: 0 });
  }

  /**
   * Reads on while a command is blocked, behind the bytes not yet run, and resolves when the source has ended: so a
   * closed socket is noticed at once. Stops by itself where the buffer is full.
   */
  async watchForEnd(isWaiting: () => boolean): Promise<void> {
    while (isWaiting() && !this.#ended) {
      const room = this.decoder.tail();
      if (room.length === 0 && this.#underWay === null) return;
      await this.#read(room);
    }
  }

  /** Whether the source has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  async #nextBatch(): Promise<CommandBatch | null> {
    const { decoder } = this;
    while (decoder.decode() === 0 && decoder.batch.error === null) {
      if (this.#ended) return null;
      await this.#read(this.#underWay === null ? decoder.room() : decoder.tail());
    }
    return decoder.batch;
  }

  /** One read, or the one under way: never two at a time. */
  async #read(room: Uint8Array): Promise<void> {
    this.#underWay ??= this.source.read(room);
    const reading = this.#underWay;
    let bytes: number | null = null;
    try {
      bytes = await reading;
    } catch {
      // A reset connection is an ended one.
    }
    if (this.#underWay !== reading) return;
    this.#underWay = null;
    if (bytes === null) {
      this.#ended = true;
      return;
    }
    this.decoder.received(bytes);
    this.onBytes(bytes);
  }
}
