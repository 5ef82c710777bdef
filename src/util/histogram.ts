/**
 * A histogram of durations from 1 ns to one second, with two significant digits: buckets are as
 * wide as 1/128 of the power of two they belong to, as in an HDR histogram (Gil Tene,
 * hdrhistogram.org). Recording costs a few nanoseconds; a histogram takes 12 KiB.
 */

const SUB_BUCKETS = 256;
const HALF = SUB_BUCKETS / 2;
/** The shift at which a value just fits in the lowest 256 buckets. */
const LOWEST_SHIFT = 24;
const LONGEST_NS = 1_000_000_000;
const FIRST_LIMIT_NS = 1024;
const BUCKETS = bucketOf(LONGEST_NS) + 1;

/** Values below 256 have a bucket each; above, each power of two is divided into 128. */
function bucketOf(nanoseconds: number): number {
  const shift = Math.max(0, LOWEST_SHIFT - Math.clz32(nanoseconds));
  return shift * HALF + (nanoseconds >>> shift);
}

/** The largest value in bucket `bucket`. */
function largestIn(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / HALF) - 1;
  return (bucket - shift * HALF + 1) * 2 ** shift - 1;
}

/** See the head of this file. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  /** Values recorded. */
  total = 0;

  /** Counts a duration `times` times; a duration beyond one second counts as one second. */
  record(nanoseconds: number, times = 1): void {
    const bounded = nanoseconds < 1 ? 1 : nanoseconds > LONGEST_NS ? LONGEST_NS : nanoseconds;
    this.#counts[bucketOf(bounded)]! += times;
    this.total += times;
  }

  /**
   * The duration, in nanoseconds, that `percent` percent of all durations do not exceed; 0 if there
   * are none.
   */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.round(percent / 100 * this.total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return largestIn(bucket);
    }
    return 0;
  }

  /**
   * Cumulative counts of the durations in the buckets up to that of 1024 ns, 2048 ns, 4096 ns …,
   * each with the longest duration there in whole microseconds; limits that add nothing are left
   * out.
   */
  cumulative(): [microseconds: number, count: number][] {
    const found: [number, number][] = [];
    let bucket = 0, seen = 0;
    for (let limit = FIRST_LIMIT_NS; seen < this.total; limit *= 2) {
      const before = seen, last = bucketOf(limit);
      while (bucket <= last && bucket < BUCKETS) seen += this.#counts[bucket++]!;
      if (seen > before) found.push([Math.floor(largestIn(last) / 1000), seen]);
    }
    return found;
  }
}
