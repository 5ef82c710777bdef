/**
 * Consumer groups of a stream: how far a group has read, and which entries were delivered and not acknowledged yet.
 *
 * Every such pending entry is one object in two indexes, that of its group and that of the consumer who has it, and the
 * two change together: {@linkcode ConsumerGroup} alone inserts, hands over and removes.
 */
import { IdIndex } from "./stream_index.ts";
import type { StreamId } from "./stream_id.ts";

/** What a group's read counter is while nobody can tell. */
export const UNKNOWN_ENTRIES_READ = -1;

/** Measured heap of a pending entry (with its id and both indexes), a consumer and a group without their names. */
const PENDING_BYTES = 148, CONSUMER_BYTES = 230, GROUP_BYTES = 490;

/** Bytes of heap in use, shared by all parts of a stream. */
export interface HeapMeter {
  bytes: number;
}

/** An entry that was delivered to a consumer and not acknowledged. */
export interface PendingEntry {
  readonly id: StreamId;
  readonly consumer: Consumer;
  /** When it was delivered last, in milliseconds since the epoch. */
  deliveryTimeMs: number;
  deliveryCount: number;
}

/** The consumer is the group's to change. */
interface OwnedEntry extends PendingEntry {
  consumer: Consumer;
}

/** A reader of a group. */
export interface Consumer {
  readonly name: string;
  /** When it last asked for or claimed something, in milliseconds since the epoch. */
  seenTimeMs: number;
  /** When it last got something; -1 if never. */
  activeTimeMs: number;
  readonly pending: PendingIndex;
}

/** The part of an {@linkcode IdIndex} that reads. */
export type PendingIndex = Omit<IdIndex<PendingEntry>, "insert" | "delete">;

interface OwnedConsumer extends Consumer {
  readonly pending: IdIndex<OwnedEntry>;
}

/** By name, in the order Redis's radix tree lists them: that of their bytes. */
export function byName<T extends { readonly name: string }>(items: Iterable<T>): T[] {
  return [...items].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** A group of consumers: what it has been given, and who has not acknowledged what. */
export class ConsumerGroup {
  readonly name: string;
  /** The last id that was delivered to any consumer. */
  lastId: StreamId;
  /** How many entries of the stream's whole history lie at or before `lastId`, or {@linkcode UNKNOWN_ENTRIES_READ}. */
  entriesRead: number;
  readonly #pending = new IdIndex<OwnedEntry>();
  readonly #consumers = new Map<string, OwnedConsumer>();
  readonly #heap: HeapMeter;

  constructor(name: string, lastId: StreamId, entriesRead: number, heap: HeapMeter) {
    this.name = name;
    this.lastId = lastId;
    this.entriesRead = entriesRead;
    this.#heap = heap;
    heap.bytes += GROUP_BYTES + name.length;
  }

  /** All pending entries of the group. */
  get pending(): PendingIndex {
    return this.#pending;
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  /** The consumers in the order of their names. O(n log n). */
  consumers(): Consumer[] {
    return byName(this.#consumers.values());
  }

  consumer(name: string): Consumer | undefined {
    return this.#consumers.get(name);
  }

  /** A new consumer; there must be none of that name. */
  createConsumer(name: string, seenTimeMs: number, activeTimeMs = -1): Consumer {
    const consumer: OwnedConsumer = { name, seenTimeMs, activeTimeMs, pending: new IdIndex() };
    this.#consumers.set(name, consumer);
    this.#heap.bytes += CONSUMER_BYTES + name.length;
    return consumer;
  }

  /**
   * Removes a consumer with its pending entries.
   * @return how many those were, or undefined if there is no such consumer
   */
  deleteConsumer(name: string): number | undefined {
    const consumer = this.#consumers.get(name);
    if (consumer === undefined) return undefined;
    for (const { id } of consumer.pending) this.#pending.delete(id);
    this.#consumers.delete(name);
    const { size } = consumer.pending;
    this.#heap.bytes -= CONSUMER_BYTES + name.length + size * PENDING_BYTES;
    return size;
  }

  /** Notes that `consumer` has the entry of `id`, whoever had it before; what was known of the entry is replaced. */
  assign(id: StreamId, consumer: Consumer, deliveryTimeMs: number, deliveryCount: number): PendingEntry {
    const owner = this.#owned(consumer);
    let entry = this.#pending.get(id);
    if (entry === undefined) {
      entry = { id, consumer, deliveryTimeMs, deliveryCount };
      this.#pending.insert(entry);
      owner.pending.insert(entry);
      this.#heap.bytes += PENDING_BYTES;
      return entry;
    }
    if (entry.consumer !== consumer) {
      this.#owned(entry.consumer).pending.delete(id);
      entry.consumer = consumer;
      owner.pending.insert(entry);
    }
    entry.deliveryTimeMs = deliveryTimeMs;
    entry.deliveryCount = deliveryCount;
    return entry;
  }

  /** Forgets the pending entry of `id`; false if there is none. */
  acknowledge(id: StreamId): boolean {
    const entry = this.#pending.delete(id);
    if (entry === undefined) return false;
    this.#owned(entry.consumer).pending.delete(id);
    this.#heap.bytes -= PENDING_BYTES;
    return true;
  }

  /** An independent copy that counts its memory on `heap`. O(n). */
  copy(heap: HeapMeter): ConsumerGroup {
    const group = new ConsumerGroup(this.name, this.lastId, this.entriesRead, heap);
    for (const consumer of this.#consumers.values()) {
      const twin = group.createConsumer(consumer.name, consumer.seenTimeMs, consumer.activeTimeMs);
      for (const entry of consumer.pending) {
        group.assign(entry.id, twin, entry.deliveryTimeMs, entry.deliveryCount);
      }
    }
    return group;
  }

  /** Takes what the group holds off its meter; for a group that is thrown away. */
  release(): void {
    for (const { name } of this.#consumers.values()) this.#heap.bytes -= CONSUMER_BYTES + name.length;
    this.#heap.bytes -= GROUP_BYTES + this.name.length + this.#pending.size * PENDING_BYTES;
  }

  #owned(consumer: Consumer): OwnedConsumer {
    const owned = this.#consumers.get(consumer.name);
    if (owned !== consumer) throw new Error(`consumer ${consumer.name} is not of group ${this.name}`);
    return owned;
  }
}
