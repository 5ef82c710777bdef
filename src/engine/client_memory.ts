/**
 * Memory of clients: buffers, queued commands, watched keys, subscriptions. All of it counts
 * against `maxmemory`; with `maxmemory-clients` there is a limit for all of them, and beyond it
 * those that take most are closed.
 *
 * A client is measured when bytes come from it and when it has been sent something, while either
 * limit is set, and all are measured once in a while. Replicas and the primary have limits of their
 * own.
 */
import { type Client, ClientFlag } from "./client.ts";
import type { Engine } from "./engine.ts";

/**
 * A watched key, a subscription, a tracked prefix: an entry in two tables and its name, estimated.
 */
const NAME_BYTES = 96;

/** Replies up to this size lie in shared buffers that clients use in turn. */
const POOLED_BYTES = 16_384;

/** Bytes of a client beside the object itself. */
export function clientMemory(engine: Engine, client: Client): number {
  const { transport, reply } = client;
  const output = transport.outputBytes - reply.length + reply.capacity;
  const names = (client.watched?.size ?? 0) + engine.pubsub.totalOf(client) +
    (engine.tracking.stateOf(client)?.prefixes.size ?? 0);
  const ownOutput = output > POOLED_BYTES ? output : 0;
  return transport.queryCapacity + ownOutput + client.queueBytes + names * NAME_BYTES;
}

function isCounted(client: Client): boolean {
  return !client.has(ClientFlag.Replica | ClientFlag.Primary);
}

/** See the head of this file. */
export class ClientMemory {
  /** Bytes of all clients that count, as they were last measured. */
  total = 0;
  /** `maxmemory-clients` in bytes; 0 = none. */
  #limit = 0;
  /** True if clients are measured at each batch. */
  isWatched = false;

  constructor(readonly engine: Engine) {}

  /** Takes over the limits; to be called when the configuration has changed. */
  configure(): void {
    const { maxmemory, maxmemoryClients } = this.engine.config.values;
    this.#limit = maxmemoryClients < 0 ? Math.floor(maxmemory * -maxmemoryClients / 100) : maxmemoryClients;
    this.isWatched = this.#limit > 0 || maxmemory > 0;
    if (!this.isWatched) return;
    this.measureAll();
    this.evict();
  }

  /** Brings the count of a client's bytes up to date. */
  measure(client: Client): void {
    const bytes = client.closed || !isCounted(client) ? 0 : clientMemory(this.engine, client);
    this.total += bytes - client.memoryBytes;
    client.memoryBytes = bytes;
  }

  measureAll(): void {
    for (const client of this.engine.clients.values()) this.measure(client);
  }

  /** Closes the largest clients until the sum of all is within the limit. */
  evict(): void {
    while (this.#limit > 0 && this.total > this.#limit) {
      const victim = this.#largest();
      if (victim === undefined) return;
      const { address } = victim.transport;
      this.engine.log.notice(
        `Evicting client: id=${victim.id} addr=${address} tot-mem=${victim.memoryBytes}`,
      );
      this.engine.stats.evictedClients++;
      victim.transport.close(false);
      this.measure(victim);
    }
  }

  #largest(): Client | undefined {
    let largest: Client | undefined;
    for (const client of this.engine.clients.values()) {
      if (client.has(ClientFlag.NoEvict) || client.memoryBytes <= (largest?.memoryBytes ?? 0)) continue;
      largest = client;
    }
    return largest;
  }
}
