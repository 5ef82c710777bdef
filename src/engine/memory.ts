/**
 * Use of memory, and making room: eviction of keys by the policy until use is below `maxmemory`.
 */
import { EvictionPool, type EvictionSettings, parsePolicy } from "../keyspace/eviction.ts";
import { Key } from "../keyspace/key.ts";
import type { Engine } from "./engine.ts";
import { HeapWatch } from "./heap_watch.ts";
import { EVICTED } from "./keys.ts";
import { EngineGuard } from "./refusals.ts";

/** See the head of this file. */
export class Memory {
  /**
   * An estimate of the server's own tables, bytes. The heap of the JavaScript engine is not
   * counted: it is the same with and without data, and INFO shows it in used_memory_rss.
   */
  readonly baselineBytes = 1 << 20;
  /**
   * Measures of bytes held outside databases and clients (append-only file buffer, backlog …), each
   * by its owner.
   */
  readonly others: (() => number)[] = [];
  /**
   * Measures of the parts that making room would not lessen, but rather feed: they do not count
   * against `maxmemory`.
   */
  readonly uncounted: (() => number)[] = [];
  /** Keys may have to be evicted when the batch ends. */
  mustMakeRoom = false;
  /** Tells when the JavaScript heap is nearly full. */
  heapWatch: HeapWatch = new HeapWatch();
  readonly #engine: Engine;
  readonly #eviction: EvictionPool;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#eviction = new EvictionPool(engine.random);
  }

  /** Bytes of all data, indexes included. */
  get datasetBytes(): number {
    let bytes = 0;
    for (const database of this.#engine.databases) bytes += database.memoryBytes;
    return bytes;
  }

  /** An estimate of the bytes that the process holds. */
  get usedBytes(): number {
    const { clientMemory, stats } = this.#engine;
    const bytes = this.baselineBytes + this.datasetBytes + clientMemory.total + this.otherBytes;
    if (bytes > stats.peakMemory) stats.peakMemory = bytes;
    return bytes;
  }

  /** Bytes held outside databases and clients. */
  get otherBytes(): number {
    let bytes = 0;
    for (const measure of this.others) bytes += measure();
    return bytes;
  }

  /** Bytes in use that do not count against `maxmemory`. */
  get uncountedBytes(): number {
    let bytes = 0;
    for (const measure of this.uncounted) bytes += measure();
    return bytes;
  }

  /** Forgets candidates for eviction: the policy has changed. */
  forgetCandidates(): void {
    this.#eviction.clear();
  }

  /**
   * Checks if the JavaScript heap is nearly full; while it is, commands that need memory are
   * refused.
   */
  watchHeap(): void {
    const { nowMs, log } = this.#engine;
    if (!this.heapWatch.check(nowMs)) return;
    const { isFull } = this.heapWatch;
    this.#engine.setGuard(EngineGuard.Heap, isFull);
    if (isFull) {
      log.warning(
        "The JavaScript heap is nearly full: commands that need memory are refused. Fewer clients, transactions or " +
          "subscriptions, or smaller collections, make room; --v8-flags=--max-old-space-size=<megabytes> gives more of it.",
      );
    } else {
      log.notice("The JavaScript heap has room again: commands that need memory are no longer refused.");
    }
  }

  /** Removes keys until memory is below `maxmemory`; false if the policy finds none to remove. */
  makeRoom(): boolean {
    const { stats, nowMs } = this.#engine, isEnough = this.#free();
    stats.noteMemory(isEnough, nowMs);
    return isEnough;
  }

  #free(): boolean {
    const { config: { values }, guards, isReplica, latency } = this.#engine;
    const { maxmemory, maxmemoryPolicy, maxmemorySamples, lfuDecayTime } = values;
    const mayNotEvict = (guards & (EngineGuard.Loading | EngineGuard.Paused)) !== 0;
    if (isReplica && values.replicaIgnoreMaxmemory) return true;
    if (this.usedBytes <= maxmemory || mayNotEvict) return true;
    if (this.usedBytes - this.uncountedBytes <= maxmemory) return true;
    const policy = parsePolicy(maxmemoryPolicy);
    if (policy.order === "none") return false;
    const settings = { policy, samples: maxmemorySamples, lfuDecayMinutes: lfuDecayTime };
    return latency.timed("eviction-cycle", () => this.#evictUntil(maxmemory, settings));
  }

  /** Removes keys until memory is below `bytes`; false if there are none left to remove. */
  #evictUntil(bytes: number, settings: EvictionSettings): boolean {
    const { databases, nowMs } = this.#engine;
    let isEnough = true;
    this.#engine.asUnit(() => {
      while (isEnough && this.usedBytes - this.uncountedBytes > bytes) {
        const victim = this.#eviction.next(databases, nowMs, settings);
        isEnough = victim !== undefined;
        if (victim !== undefined) this.#evict(victim.databaseId, Key.of(victim.key));
      }
    }, false);
    return isEnough;
  }

  #evict(databaseId: number, key: Key): void {
    const { databases, keys } = this.#engine, database = databases[databaseId]!, ref = database.find(key);
    if (ref !== 0) keys.remove(database, databaseId, key, ref, EVICTED);
  }
}
