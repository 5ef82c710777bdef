/** What a run of the benchmark is told. */

export interface BenchOptions {
  /** A tenth of the work: a first look in a few minutes. */
  quick: boolean;
  /** How often each test is run against each server in turn; the best counts. */
  rounds: number;
  /** Only these of redis-benchmark's tests, in lower case; all where empty. */
  tests: readonly string[];
  /** Only these pipeline lengths; 1, 16 and 64 where empty. */
  pipelines: readonly number[];
}
