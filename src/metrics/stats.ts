/** Counters that INFO shows and CONFIG RESETSTAT resets. */
export class Stats {
  connectionsReceived = 0;
  connectionsRejected = 0;
  commandsProcessed = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  expiredFields = 0;
  /** Objects deleted lazily, with their memory freed later. */
  lazilyFreed = 0;
  evictedKeys = 0;
  evictedClients = 0;
  evictedScripts = 0;
  errorReplies = 0;
  unexpectedErrors = 0;
  queryBufferLimitDisconnections = 0;
  outputBufferLimitDisconnections = 0;
  /** Payloads of RESTORE that were checked. */
  payloadsChecked = 0;
  /** Denials of access control by reason; CONFIG RESETSTAT does not reset them. */
  readonly accessDenied = { auth: 0, command: 0, key: 0, channel: 0 };
  /** Estimated share of keys that have expired but still exist, in percent. */
  expiredStalePercent = 0;
  expireCycleTimeCapReached = 0;
  expireCycleMicroseconds = 0;
  /** Batches of commands, the visible part of the event loop's cycles. */
  batches = 0;
  /** Time spent in clients' commands, microseconds, partly an estimate. */
  commandUs = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  peakMemory = 0;
  /**
   * Time since when `maxmemory` has been exceeded with nothing left to evict, Unix milliseconds; 0:
   * it is not.
   */
  exceededSinceMs = 0;
  /** Total of earlier such times. */
  exceededMs = 0;
  /** Error replies by code. */
  readonly errorCounts = new Map<string, number>();

  /**
   * Records the result of a memory check: usage is below `maxmemory`, or cannot be brought below
   * it.
   */
  noteMemory(isEnough: boolean, nowMs: number): void {
    if (isEnough) {
      if (this.exceededSinceMs > 0) this.exceededMs += nowMs - this.exceededSinceMs;
      this.exceededSinceMs = 0;
    } else if (this.exceededSinceMs === 0) this.exceededSinceMs = nowMs;
  }

  countError(code: string): void {
    this.errorReplies++;
    // Codes come from the server's own texts, but scripts can invent any: bound the map as Redis
    // does.
    if (this.errorCounts.size >= 128 && !this.errorCounts.has(code)) return;
    this.errorCounts.set(code, (this.errorCounts.get(code) ?? 0) + 1);
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    const peakMemory = this.peakMemory;
    const { errorCounts, accessDenied } = this;
    Object.assign(this, new Stats(), { errorCounts, accessDenied, peakMemory });
    errorCounts.clear();
  }
}
