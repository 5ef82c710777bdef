/** The switches of DEBUG in a running server, for tests only. */
export class DebugSwitches {
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION: wrong checksums of files and payloads are forgiven. */
  skipChecksums = false;
  /** DEBUG PAUSE-CRON: all work beside commands stops. */
  pauseCron = false;
  /** DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may call commands otherwise denied to them. */
  allowAllInScripts = false;
  /** DEBUG AOF-FLUSH-SLEEP: microseconds to stand still before the append only file is written. */
  aofFlushSleepUs = 0;
}
