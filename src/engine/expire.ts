/**
 * The active expire cycle: deletes expired keys that no command touches.
 *
 * It walks the index of keys that expire, a few dozen keys at a time and database by database, and
 * stops when its time is up; the next cycle continues where this one stopped, so every such key is
 * looked at once per round. While a slice finds more than a tenth of its keys expired, the cycle
 * continues at once: Redis's measure of how much dead weight is tolerable.
 */
import { Key } from "../keyspace/key.ts";
import type { Engine } from "./engine.ts";
import { expireFieldsUntil } from "./field_expiry.ts";
import { EXPIRED } from "./keys.ts";

const KEYS_PER_SLICE = 32;
const TOLERATED_SHARE = 0.1;

/** The active expire cycle. See the head of this file. */
export class ExpireCycle {
  #databaseId = 0;
  #cursor = 0;

  constructor(readonly engine: Engine) {}

  /** Runs for at most about `budgetUs` microseconds. Call `endBatch` afterwards. */
  run(budgetUs: number): void {
    const { engine } = this;
    if (!engine.activeExpire || engine.isReplica || engine.keys.keepExpired || engine.pause.active) return;
    engine.refreshTime();
    const startUs = engine.clock.monotonicUs(), until = startUs + budgetUs;
    expireFieldsUntil(engine, until);
    for (let visited = 0; visited < engine.databases.length;) {
      const share = this.#slice();
      if (share <= TOLERATED_SHARE && this.#cursor === 0) visited++;
      else if (share <= TOLERATED_SHARE) break;
      if (engine.clock.monotonicUs() > until) {
        engine.stats.expireCycleTimeCapReached++;
        break;
      }
    }
    const tookUs = engine.clock.monotonicUs() - startUs;
    engine.stats.expireCycleMicroseconds += tookUs;
    engine.latency.observe("expire-cycle", tookUs);
  }

  /**
   * Checks the next few keys; returns the share of them that had expired. Moves on to the next
   * database at the end.
   */
  #slice(): number {
    const { engine } = this;
    const databaseId = this.#databaseId;
    const database = engine.databases[databaseId]!;
    const due: string[] = [];
    let seen = 0;
    if (database.volatileSize > 0) {
      this.#cursor = database.scanVolatile(this.#cursor, KEYS_PER_SLICE, (ref) => {
        seen++;
        if (database.expiryOf(ref) <= engine.nowMs) due.push(database.keyTextOf(ref));
      });
    }
    for (const text of due) {
      const key = Key.of(text);
      const ref = database.find(key);
      if (ref !== 0) engine.asUnit(() => engine.keys.remove(database, databaseId, key, ref, EXPIRED));
    }
    if (this.#cursor === 0) this.#databaseId = (databaseId + 1) % engine.databases.length;
    const share = seen === 0 ? 0 : due.length / seen;
    engine.stats.expiredStalePercent = engine.stats.expiredStalePercent * 0.95 + share * 100 * 0.05;
    return share;
  }
}
