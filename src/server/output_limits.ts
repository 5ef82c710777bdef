/**
 * Limits on unread output: clients of a class that `client-output-buffer-limit` names are cut off
 * beyond their limit; any other client is not read from until it has caught up, so that requests
 * cannot grow the server's memory without bound.
 */
import type { OutputLimit } from "../config/special.ts";
import { type Client, ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";

/** Output limit of an unauthenticated client, bytes. */
const UNAUTHENTICATED_BYTES = 17_408;

/** `client-output-buffer-limit` for all clients. */
export class OutputLimits {
  /** Time at which a client exceeded its soft limit: whole seconds of the clock, as in Redis. */
  readonly #overSince = new WeakMap<Client, number>();

  constructor(readonly engine: Engine) {}

  #limitOf(client: Client) {
    const limits = this.engine.config.values.clientOutputBufferLimit;
    if (client.has(ClientFlag.Replica)) return this.#replicaLimit(limits.replica);
    return client.has(ClientFlag.PubSub) ? limits.pubsub : limits.normal;
  }

  /** A returning replica may be sent the whole backlog. */
  #replicaLimit(limit: OutputLimit): OutputLimit {
    const { replBacklogSize } = this.engine.config.values;
    if (limit.hardBytes === 0 || limit.hardBytes >= replBacklogSize) return limit;
    return { ...limit, hardBytes: replBacklogSize };
  }

  /** True if a limit is set for this client's class. */
  applies(client: Client): boolean {
    // A replica's output does not depend on its requests: slowing it down is pointless.
    if (client.has(ClientFlag.Replica)) return true;
    const { hardBytes, softBytes } = this.#limitOf(client);
    return hardBytes > 0 || softBytes > 0;
  }

  /** The reason why a client with `outputBytes` unsent must be disconnected, or null. */
  exceeded(client: Client, outputBytes: number): string | null {
    if (!client.authenticated && outputBytes > UNAUTHENTICATED_BYTES) return "hard limit";
    const { hardBytes, softBytes, softSeconds } = this.#limitOf(client);
    if (hardBytes > 0 && outputBytes >= hardBytes) return "hard limit";
    if (softBytes === 0 || outputBytes < softBytes) {
      this.#overSince.delete(client);
      return null;
    }
    const since = this.#overSince.get(client), second = Math.floor(this.engine.nowMs / 1000);
    if (since === undefined) this.#overSince.set(client, second);
    else if (second - since > softSeconds) return "soft limit";
    return null;
  }

  /** Checks all clients; those over a limit are closed when their connection is flushed. */
  check(clients: Iterable<Client>): void {
    for (const client of clients) {
      if (client.transport.outputBytes > 0) this.engine.queueReplies(client);
    }
  }
}

/**
 * Unread output allowed to one client while few have any: more than the replies of a usual
 * pipeline, which are read at its end.
 */
const MOST_BYTES = 1 << 25;
/** Unread output allowed to every client, regardless of their number. */
const LEAST_BYTES = 1 << 14;
/** Unread output allowed to all clients together, beyond that minimum for each. */
const TOTAL_BYTES = 1 << 28;
/** The fraction of the remaining total that the next client may take. */
const SHARE = 1 / 8;
/**
 * Replies produced for one client in one go. A buffer that grows to this size leaves as much
 * garbage behind, and all clients may have one at once.
 */
const MOST_BATCH_BYTES = 1 << 18;

/**
 * The unread output at which reading from a client stops: the more all clients have unread, the
 * lower. Every change is reported, rather than polled at intervals, because a hundred clients can
 * request gigabytes within one turn of the event loop.
 */
export class UnreadLimit {
  #total = 0;
  /** Bytes of replies. */
  bytes = MOST_BYTES;

  constructor(readonly engine: Engine) {
    this.add(0);
  }

  /** Adds to the unread bytes of all clients; negative values subtract. */
  add(bytes: number): void {
    this.#total += bytes;
    this.bytes = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, (TOTAL_BYTES - this.#total) * SHARE));
    this.engine.largestBatchReply = Math.min(MOST_BATCH_BYTES, this.bytes);
  }
}
