/**
 * Publish and subscribe: channels, glob patterns over channels, and shard channels, which are
 * separate and out of reach of patterns. This room knows no clients and no protocol: subscribers
 * are opaque, and the caller delivers the messages.
 */
import { globMatch } from "../util/glob.ts";
import { Subscriptions } from "./subscriptions.ts";

/** Delivers a message to one subscriber; `pattern` is the one that matched, or undefined. */
export type Deliver<Subscriber> = (subscriber: Subscriber, pattern: string | undefined) => void;

/** All subscriptions of a server. */
export class PubSub<Subscriber> {
  readonly channels: Subscriptions<Subscriber> = new Subscriptions();
  readonly patterns: Subscriptions<Subscriber> = new Subscriptions();
  readonly shardChannels: Subscriptions<Subscriber> = new Subscriptions();

  /**
   * Number of channels and patterns of a subscriber: the number in the replies of SUBSCRIBE and
   * PSUBSCRIBE.
   */
  countOf(subscriber: Subscriber): number {
    return this.channels.countOf(subscriber) + this.patterns.countOf(subscriber);
  }

  /**
   * Number of subscriptions of every kind: while there is one, a RESP2 client may do little else.
   */
  totalOf(subscriber: Subscriber): number {
    return this.countOf(subscriber) + this.shardChannels.countOf(subscriber);
  }

  /** Removes a subscriber that has left. */
  removeAll(subscriber: Subscriber): void {
    this.channels.removeAll(subscriber);
    this.patterns.removeAll(subscriber);
    this.shardChannels.removeAll(subscriber);
  }

  /**
   * Delivers a message on `channel`: first to its subscribers, then once more for every pattern
   * that matches it. Costs O(subscribers + all patterns).
   * @returns the number of deliveries
   */
  publish(channel: string, deliver: Deliver<Subscriber>): number {
    let receivers = deliverTo(this.channels.subscribersOf(channel), undefined, deliver);
    if (this.patterns.size === 0) return receivers;
    for (const [pattern, subscribers] of this.patterns.entries()) {
      if (globMatch(pattern, channel)) receivers += deliverTo(subscribers, pattern, deliver);
    }
    return receivers;
  }

  /**
   * Delivers a message on a shard channel.
   * @returns the number of deliveries
   */
  publishToShard(channel: string, deliver: Deliver<Subscriber>): number {
    return deliverTo(this.shardChannels.subscribersOf(channel), undefined, deliver);
  }
}

function deliverTo<Subscriber>(
  subscribers: ReadonlySet<Subscriber> | undefined,
  pattern: string | undefined,
  deliver: Deliver<Subscriber>,
): number {
  if (subscribers === undefined) return 0;
  let receivers = 0;
  for (const subscriber of subscribers) {
    deliver(subscriber, pattern);
    receivers++;
  }
  return receivers;
}
