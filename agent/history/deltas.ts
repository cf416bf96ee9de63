/**
 * What happened in one interval, told series by series. The same conversation runs three times: the collector tells the
 * history what a tick found, the history tells a query what it remembers, and the collector tells a query what happened
 * since the last tick. Everything is a delta or a sample; nobody passes totals.
 *
 * The arrays are the teller's scratch space: a listener copies what it wants to keep.
 */
export interface Deltas {
  /**
   * @param series id in the `SeriesTable`
   * @param sumNanoseconds sum of the durations, as counted by the kernel
   * @param buckets indices of the buckets that moved, ascending (see `wire/histogram.ts`)
   * @param counts how many events each of these gained
   * @param length how many entries of both arrays count
   */
  histogram(series: number, sumNanoseconds: number, buckets: Uint16Array, counts: Float64Array, length: number): void;
  counter(series: number, increase: number): void;
  /** A level at the end of the interval; told at every tick while it is not 0, and once when it becomes 0. */
  gauge(series: number, value: number): void;
}

/** Tells what happened between the last tick and this moment. */
export interface LiveSource {
  /** Does not move the baseline: the next tick tells the same events again, to the history. */
  peek(into: Deltas): void;
}

/** Whoever tells this moves its baseline, and nothing else happens. */
export const NOBODY: Deltas = { histogram: () => {}, counter: () => {}, gauge: () => {} };
