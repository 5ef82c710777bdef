/** Counters that INFO shows and CONFIG RESETSTAT sets back. */
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
  /** Objects that were removed without waiting for their memory. */
  lazilyFreed = 0;
  evictedKeys = 0;
  evictedClients = 0;
  evictedScripts = 0;
  errorReplies = 0;
  unexpectedErrors = 0;
  queryBufferLimitDisconnections = 0;
  outputBufferLimitDisconnections = 0;
  /** Payloads of RESTORE that were looked through. */
  payloadsChecked = 0;
  /** Denials of access control by reason; CONFIG RESETSTAT leaves them as they are. */
  readonly accessDenied = { auth: 0, command: 0, key: 0, channel: 0 };
  /** Estimated share of keys that have expired and are still there, in percent. */
  expiredStalePercent = 0;
  expireCycleTimeCapReached = 0;
  expireCycleMicroseconds = 0;
  /** Batches of commands, which are what can be seen of the event loop's cycles. */
  batches = 0;
  /** What clients' commands took, microseconds, partly an estimate. */
  commandUs = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  peakMemory = 0;
  /** Since when `maxmemory` is exceeded and nothing can be removed, Unix milliseconds; 0: it is not. */
  exceededSinceMs = 0;
  /** How long it was before. */
  exceededMs = 0;
  /** Error replies by code. */
  readonly errorCounts = new Map<string, number>();

  /** Memory has been looked at: it is below `maxmemory`, or cannot be brought there. */
  noteMemory(isEnough: boolean, nowMs: number): void {
    if (isEnough) {
      if (this.exceededSinceMs > 0) this.exceededMs += nowMs - this.exceededSinceMs;
      this.exceededSinceMs = 0;
    } else if (this.exceededSinceMs === 0) this.exceededSinceMs = nowMs;
  }

  countError(code: string): void {
    this.errorReplies++;
    // Codes come from the server's own texts, but scripts can make up any: keep the map bounded as Redis does.
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
