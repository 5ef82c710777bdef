/**
 * A relation between subscribers and names, readable from both sides. Channels, patterns and shard
 * channels are one such relation each. Both sides keep the order in which subscriptions were made;
 * a name without subscribers and a subscriber without names take no memory.
 */

/** The subscriptions of one kind. Subscribers are any values, compared by identity. */
export class Subscriptions<Subscriber> {
  readonly #byName = new Map<string, Set<Subscriber>>();
  readonly #bySubscriber = new Map<Subscriber, Set<string>>();

  /** Number of names that have a subscriber. */
  get size(): number {
    return this.#byName.size;
  }

  /** Subscribes; false if already subscribed. */
  add(subscriber: Subscriber, name: string): boolean {
    const names = setIn(this.#bySubscriber, subscriber);
    if (names.has(name)) return false;
    names.add(name);
    setIn(this.#byName, name).add(subscriber);
    return true;
  }

  /** Ends a subscription; false if there was none. */
  remove(subscriber: Subscriber, name: string): boolean {
    if (!removeFrom(this.#bySubscriber, subscriber, name)) return false;
    removeFrom(this.#byName, name, subscriber);
    return true;
  }

  /** Ends all subscriptions of a subscriber and returns their names. */
  removeAll(subscriber: Subscriber): string[] {
    const names = [...this.namesOf(subscriber)];
    for (const name of names) this.remove(subscriber, name);
    return names;
  }

  /** Number of names `subscriber` listens to. */
  countOf(subscriber: Subscriber): number {
    return this.#bySubscriber.get(subscriber)?.size ?? 0;
  }

  /** The names `subscriber` listens to, oldest first. */
  namesOf(subscriber: Subscriber): Iterable<string> {
    return this.#bySubscriber.get(subscriber) ?? [];
  }

  /** The subscribers of `name`, in order of subscription; `undefined` if there are none. */
  subscribersOf(name: string): ReadonlySet<Subscriber> | undefined {
    return this.#byName.get(name);
  }

  /** The names that have a subscriber, each with its subscribers. */
  entries(): Iterable<[string, ReadonlySet<Subscriber>]> {
    return this.#byName;
  }
}

function setIn<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  let set = map.get(key);
  if (set === undefined) {
    set = new Set();
    map.set(key, set);
  }
  return set;
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): boolean {
  const set = map.get(key);
  if (set === undefined || !set.delete(value)) return false;
  if (set.size === 0) map.delete(key);
  return true;
}
