/** Summaries of many measurements. */

/** One step of a cumulative histogram: `count` of the values so far are at most `value`. */
export interface HistogramStep {
  value: number;
  count: number;
}

/**
 * The cumulative histogram of all values counted by `parts`, which are cumulative histograms
 * themselves.
 */
export function mergeHistograms(parts: readonly (readonly HistogramStep[])[]): HistogramStep[] {
  const perValue = new Map<number, number>();
  for (const part of parts) {
    let before = 0;
    for (const { value, count } of part) {
      perValue.set(value, (perValue.get(value) ?? 0) + count - before);
      before = count;
    }
  }
  let count = 0;
  return [...perValue].sort(([a], [b]) => a - b).map(([value, more]) => ({ value, count: count += more }));
}

/**
 * The smallest value that at least `percent` percent of a cumulative histogram's values do not
 * exceed.
 */
export function percentile(steps: readonly HistogramStep[], percent: number): number {
  const total = steps.at(-1)?.count ?? 0;
  return steps.find(({ count }) => count * 100 >= total * percent)?.value ?? NaN;
}
