/**
 * Making room: when the data takes more than `maxmemory`, keys are removed by the configured policy before a command
 * that needs memory runs.
 *
 * LRU and LFU are approximated as Redis does it (antirez, "Random notes on improving the Redis LRU algorithm"): a few
 * keys are sampled, the best candidates of all samples so far are kept in a small pool, and the best of the pool goes.
 * The access clock in a key's record is 24 bits: seconds for LRU; for LFU 16 bits of minutes since the last decrement
 * and 8 bits of a logarithmic counter.
 */
import { type Database, NO_EXPIRY } from "./database.ts";
import { Key } from "./key.ts";
import type { Random } from "../util/random.ts";

const LRU_BITS = 0xffffff;
const POOL_SIZE = 16;
/** The counter a new key begins with, so that it is not evicted before it had a chance. */
const LFU_INITIAL = 5;

/** LRU clock for a time in Unix milliseconds. */
export function lruClock(nowMs: number): number {
  return Math.floor(nowMs / 1000) & LRU_BITS;
}

/** Seconds since a record with LRU clock `clock` was used. */
export function idleSeconds(clock: number, nowMs: number): number {
  return (lruClock(nowMs) - clock) & LRU_BITS;
}

function lfuMinutes(nowMs: number): number {
  return Math.floor(nowMs / 60_000) & 0xffff;
}

/** The clock of a new key under an LFU policy. */
export function freshLfuClock(nowMs: number): number {
  return (lfuMinutes(nowMs) << 8) | LFU_INITIAL;
}

/** The counter of an LFU clock, decremented by one for each `decayMinutes` since it was last. */
export function lfuCounter(clock: number, nowMs: number, decayMinutes: number): number {
  const counter = clock & 0xff;
  if (decayMinutes === 0) return counter;
  const elapsed = (lfuMinutes(nowMs) - (clock >>> 8)) & 0xffff;
  return Math.max(0, counter - Math.floor(elapsed / decayMinutes));
}

/** The LFU clock after one more access: the higher the counter, the less likely it grows. */
export function touchedLfuClock(
  clock: number,
  nowMs: number,
  decayMinutes: number,
  logFactor: number,
  random: Random,
): number {
  let counter = lfuCounter(clock, nowMs, decayMinutes);
  if (counter < 255 && random.float() < 1 / (Math.max(0, counter - LFU_INITIAL) * logFactor + 1)) counter++;
  return (lfuMinutes(nowMs) << 8) | counter;
}

/** An eviction policy, parsed from its name. */
export interface EvictionPolicy {
  volatileOnly: boolean;
  order: "none" | "lru" | "lfu" | "random" | "ttl";
}

/** Parses a value of `maxmemory-policy`. */
export function parsePolicy(name: string): EvictionPolicy {
  if (name === "noeviction") return { volatileOnly: false, order: "none" };
  // The parameter takes no other names than `volatile-` and `allkeys-` with one of these behind.
  const order = name.slice(name.indexOf("-") + 1) as EvictionPolicy["order"];
  return { volatileOnly: name.startsWith("volatile-"), order };
}

interface Candidate {
  databaseId: number;
  key: string;
  /** The higher, the sooner to go. */
  score: number;
}

/** Settings of the sampling. */
export interface EvictionSettings {
  policy: EvictionPolicy;
  samples: number;
  lfuDecayMinutes: number;
}

/** Chooses keys to remove. */
export class EvictionPool {
  readonly #pool: Candidate[] = [];
  #nextDatabase = 0;

  constructor(readonly random: Random) {}

  /** Forgets all candidates: they are to be judged by another policy. */
  clear(): void {
    this.#pool.length = 0;
  }

  /** The key to remove next, or undefined if there is none the policy allows. */
  next(
    databases: readonly Database[],
    nowMs: number,
    settings: EvictionSettings,
  ): { databaseId: number; key: string } | undefined {
    return settings.policy.order === "random"
      ? this.#randomKey(databases, settings)
      : this.#bestKey(databases, nowMs, settings);
  }

  #sample(database: Database, volatileOnly: boolean): number {
    return volatileOnly ? database.sampleVolatile(this.random) : database.sample(this.random);
  }

  /** Databases take turns, so that each loses keys. */
  #randomKey(databases: readonly Database[], { policy }: EvictionSettings) {
    for (let i = 0; i < databases.length; i++) {
      const databaseId = this.#nextDatabase++ % databases.length;
      const ref = this.#sample(databases[databaseId]!, policy.volatileOnly);
      if (ref !== 0) return { databaseId, key: databases[databaseId]!.keyTextOf(ref) };
    }
    return undefined;
  }

  #bestKey(databases: readonly Database[], nowMs: number, settings: EvictionSettings) {
    while (this.#sampleAll(databases, nowMs, settings)) {
      for (let best = this.#pool.pop(); best !== undefined; best = this.#pool.pop()) {
        if (isThere(databases[best.databaseId]!, best.key, settings.policy)) return best;
      }
    }
    return undefined;
  }

  /** Offers a few keys of each database to the pool; false if there are none. */
  #sampleAll(databases: readonly Database[], nowMs: number, settings: EvictionSettings): boolean {
    const { volatileOnly } = settings.policy;
    let sampled = false;
    for (const [databaseId, database] of databases.entries()) {
      if ((volatileOnly ? database.volatileSize : database.size) === 0) continue;
      sampled = true;
      for (let i = 0; i < settings.samples; i++) {
        const ref = this.#sample(database, volatileOnly);
        const score = scoreOf(database, ref, nowMs, settings);
        this.#offer({ databaseId, key: database.keyTextOf(ref), score });
      }
    }
    return sampled;
  }

  /** Puts a candidate into the pool, which is kept in ascending order of score without repetition. */
  #offer(candidate: Candidate): void {
    const pool = this.#pool;
    const known = pool.findIndex(({ databaseId, key }) =>
      databaseId === candidate.databaseId && key === candidate.key
    );
    if (known >= 0) pool.splice(known, 1);
    if (pool.length === POOL_SIZE) {
      if (pool[0]!.score >= candidate.score) return;
      pool.shift();
    }
    let at = pool.length;
    while (at > 0 && pool[at - 1]!.score > candidate.score) at--;
    pool.splice(at, 0, candidate);
  }
}

/** True if a candidate found earlier is still there and may be removed. */
function isThere(database: Database, text: string, { volatileOnly }: EvictionPolicy): boolean {
  const ref = database.find(Key.of(text));
  return ref !== 0 && (!volatileOnly || database.expiryOf(ref) !== NO_EXPIRY);
}

function scoreOf(database: Database, ref: number, nowMs: number, settings: EvictionSettings): number {
  switch (settings.policy.order) {
    case "lfu":
      return 255 - lfuCounter(database.clockOf(ref), nowMs, settings.lfuDecayMinutes);
    case "ttl":
      return Number.MAX_SAFE_INTEGER - Number(database.expiryOf(ref));
    default:
      return idleSeconds(database.clockOf(ref), nowMs);
  }
}
