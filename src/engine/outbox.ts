/** The end of a batch: first the changes become as safe as promised, then replies leave. */
import { type Client, ClientFlag } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { PropagationSink } from "./propagation.ts";

/** The clients with replies to leave at the end of the batch. See the head of this file. */
export class Outbox {
  readonly #engine: Engine;
  #clients: Client[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Queues the output of `client` to be sent at the end of the batch. */
  add(client: Client): void {
    if (client.inOutbox || client.closed) return;
    client.inOutbox = true;
    this.#clients.push(client);
  }

  /**
   * Makes the contents of the sinks durable, then sends the replies; on failure closes the clients
   * without them.
   */
  leave(): void {
    const { propagation, clientMemory } = this.#engine;
    let isSafe = true;
    for (const sink of propagation.sinks) isSafe = this.#makeSafe(sink) && isSafe;
    const clients = this.#clients;
    if (clients.length === 0) return;
    this.#clients = [];
    for (const client of clients) {
      client.inOutbox = false;
      if (!isSafe) client.transport.close(false);
      else client.transport.flush();
      if (client.has(ClientFlag.CloseAfterReply)) client.transport.close(true);
      if (clientMemory.isWatched) clientMemory.measure(client);
    }
    if (clientMemory.isWatched) clientMemory.evict();
  }

  #makeSafe(sink: PropagationSink): boolean {
    const { latency } = this.#engine;
    if (!latency.active) return sink.endOfBatch();
    return latency.timed("aof-write", () => sink.endOfBatch());
  }
}
