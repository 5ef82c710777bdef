/** Publishing: from a channel and a message to what its subscribers read. */
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";
import { Notify } from "./events.ts";

/** Publishes to the subscribers of `channel` and of patterns that match it; returns how often it was delivered. */
export function publish(engine: Engine, channel: string, message: string): number {
  return engine.pubsub.publish(channel, (client, pattern) => {
    const reply = engine.pushes.to(client);
    if (pattern === undefined) {
      reply.push(3);
      reply.bulk("message");
    } else {
      reply.push(4);
      reply.bulk("pmessage");
      reply.bulk(pattern);
    }
    reply.bulk(channel);
    reply.bulk(message);
  });
}

/** Publishes to the subscribers of a shard channel. */
export function publishToShard(engine: Engine, channel: string, message: string): number {
  return engine.pubsub.publishToShard(
    channel,
    (client) => writeShardMessage(engine, client, channel, message),
  );
}

function writeShardMessage(engine: Engine, client: Client, channel: string, message: string): void {
  const reply = engine.pushes.to(client);
  reply.push(3);
  reply.bulk("smessage");
  reply.bulk(channel);
  reply.bulk(message);
}

/**
 * Publishes a keyspace event on the channels that `notify-keyspace-events` has switched on: the event under the key's
 * name, the key under the event's.
 */
export function publishKeyspaceEvent(engine: Engine, databaseId: number, event: string, key: string): void {
  if ((engine.keys.notifyFlags & Notify.Keyspace) !== 0) {
    publish(engine, `__keyspace@${databaseId}__:${key}`, event);
  }
  if ((engine.keys.notifyFlags & Notify.Keyevent) !== 0) {
    publish(engine, `__keyevent@${databaseId}__:${event}`, key);
  }
}
