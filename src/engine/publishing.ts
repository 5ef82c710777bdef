/** Publishing: from a channel and a message to the pushes its subscribers read. */
import type { Engine } from "./engine.ts";
import { Notify } from "./events.ts";
import { SharedMessage } from "./pushes.ts";

/**
 * Publishes to the subscribers of `channel` and of patterns that match it; returns how often it was
 * delivered.
 */
export function publish(engine: Engine, channel: string, message: string): number {
  let shared: SharedMessage | undefined, lastPattern: string | undefined;
  return engine.pubsub.publish(channel, (client, pattern) => {
    if (shared === undefined || pattern !== lastPattern) {
      shared = new SharedMessage(
        pattern === undefined ? ["message", channel, message] : ["pmessage", pattern, channel, message],
      );
      lastPattern = pattern;
    }
    engine.pushes.share(client, shared);
  });
}

/** Publishes to the subscribers of a shard channel. */
export function publishToShard(engine: Engine, channel: string, message: string): number {
  const shared = new SharedMessage(["smessage", channel, message]);
  return engine.pubsub.publishToShard(channel, (client) => engine.pushes.share(client, shared));
}

/**
 * Publishes a keyspace event on the channels that `notify-keyspace-events` has switched on: the
 * event under the key's name, the key under the event's.
 */
export function publishKeyspaceEvent(engine: Engine, databaseId: number, event: string, key: string): void {
  if ((engine.keys.notifyFlags & Notify.Keyspace) !== 0) {
    publish(engine, `__keyspace@${databaseId}__:${key}`, event);
  }
  if ((engine.keys.notifyFlags & Notify.Keyevent) !== 0) {
    publish(engine, `__keyevent@${databaseId}__:${event}`, key);
  }
}
