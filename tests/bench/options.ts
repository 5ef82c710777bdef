/** The options of a benchmark run. */

export interface BenchOptions {
  /** A tenth of the work: a first look in a few minutes. */
  quick: boolean;
  /** Number of runs of each test against each server in turn; the best one counts. */
  rounds: number;
  /** The selected redis-benchmark tests, in lower case; all if empty. */
  tests: readonly string[];
  /** The selected pipeline lengths; 1, 16 and 64 if empty. */
  pipelines: readonly number[];
}
