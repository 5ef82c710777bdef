/**
 * What clients may leave unread: those of a class that `client-output-buffer-limit` names are cut off beyond it; from the
 * others nothing more is read until they have caught up, so that nobody can grow the server's memory by asking.
 */
import type { OutputLimit } from "../config/special.ts";
import { type Client, ClientFlag } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";

/** What someone may leave unread who has not said yet who he is. */
const UNAUTHENTICATED_BYTES = 17_408;

/** `client-output-buffer-limit` for all clients. */
export class OutputLimits {
  /** Since when a client has been over its soft limit: seconds of the clock, for Redis counts whole ones. */
  readonly #overSince = new WeakMap<Client, number>();

  constructor(readonly engine: Engine) {}

  #limitOf(client: Client) {
    const limits = this.engine.config.values.clientOutputBufferLimit;
    if (client.has(ClientFlag.Replica)) return this.#replicaLimit(limits.replica);
    return client.has(ClientFlag.PubSub) ? limits.pubsub : limits.normal;
  }

  /** A replica that returns may be sent the whole backlog. */
  #replicaLimit(limit: OutputLimit): OutputLimit {
    const { replBacklogSize } = this.engine.config.values;
    if (limit.hardBytes === 0 || limit.hardBytes >= replBacklogSize) return limit;
    return { ...limit, hardBytes: replBacklogSize };
  }

  /** Whether any limit is set for this client's class. */
  applies(client: Client): boolean {
    // What a replica is sent does not depend on what it asks: there is nothing to slow down.
    if (client.has(ClientFlag.Replica)) return true;
    const { hardBytes, softBytes } = this.#limitOf(client);
    return hardBytes > 0 || softBytes > 0;
  }

  /** Why a client with `outputBytes` unsent must go, or null. */
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

  /** Looks at all clients; those over a limit are closed when their connection is flushed. */
  check(clients: Iterable<Client>): void {
    for (const client of clients) {
      if (client.transport.outputBytes > 0) this.engine.queueReplies(client);
    }
  }
}

/** What one client may leave unread while few do: more than the replies of a usual pipeline, which are read at its end. */
const MOST_BYTES = 1 << 25;
/** What everyone may leave unread, however many do. */
const LEAST_BYTES = 1 << 14;
/** What all may leave unread together, beside that least of each. */
const TOTAL_BYTES = 1 << 28;
/** The share of what is left of the total that the next client may take. */
const SHARE = 1 / 8;
/**
 * Replies of one client that are made in one go. A buffer that grows to so much leaves as much garbage again behind, and all
 * clients may have theirs at once.
 */
const MOST_BATCH_BYTES = 1 << 18;

/**
 * How much a client may leave unread before it is not read from: less, the more all have left. It is told of every change, and
 * not asked now and then, for a hundred clients can ask for gigabytes within one round of the loop.
 */
export class UnreadLimit {
  #total = 0;
  /** Bytes of replies. */
  bytes = MOST_BYTES;

  constructor(readonly engine: Engine) {
    this.add(0);
  }

  /** So much more has been left unread by a client; less, where it is below 0. */
  add(bytes: number): void {
    this.#total += bytes;
    this.bytes = Math.max(LEAST_BYTES, Math.min(MOST_BYTES, (TOTAL_BYTES - this.#total) * SHARE));
    this.engine.largestBatchReply = Math.min(MOST_BATCH_BYTES, this.bytes);
  }
}
