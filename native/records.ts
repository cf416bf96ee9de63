import { binding } from './binding';

/** What is known of a group: `TOTALS` numbers, one after the other. */
export const enum Total {
  Events,
  /** Sum of the durations, in nanoseconds. */
  Nanoseconds,
  /** The first and the last bucket that hold anything; of none, the last comes before the first. */
  Lowest,
  Highest,
}
export const TOTALS = 4;

/** In `classOf`: of a series that is not wanted. */
export const UNWANTED = -1;
/** In `groupOf`: of a class that has no group yet. */
export const UNKNOWN = -1;

/** What the addon returns in place of a series at a record's end. */
const DONE = -1;

/** Where `addRecord` is in a record: the next byte, how many entries are left, and the series of the one before. */
export type Cursor = Uint32Array;

export interface RecordSums {
  /** By series: its class, or `UNWANTED`. A series beyond its end is not wanted. */
  classOf: Int32Array;
  /** By class: the group that all of its series are in, or `UNKNOWN`. */
  groupOf: Int32Array;
  /** `TOTALS` of each group. */
  totals: Float64Array;
  /** `buckets` of each group; with 0 buckets, only totals are wanted. */
  counts: Float64Array;
  buckets: number;
}

/**
 * Adds what a record of the agent's history says of histograms and counters to their groups' sums; the form of a record
 * is in `agent/history/entry.ts`. Gauges are passed over. Here rather than there because a query is asked now and then, and
 * only a compiled program is fast at once.
 *
 * @returns a series whose class has no group, before which the cursor stands, so that it is read again when it has one;
 *   undefined at the end
 * @throws RangeError for bytes that are no record, or a class or group that has no place in the sums
 */
export function addRecord(bytes: Uint8Array, cursor: Cursor, sums: RecordSums): number | undefined {
  const { classOf, groupOf, totals, counts, buckets } = sums;
  const series = binding().addRecord(bytes, cursor, classOf, groupOf, totals, counts, buckets);
  if (series >= 0) {
    return series;
  }
  if (series !== DONE) {
    throw new RangeError(`Expected a record's entry at byte ${cursor[0]} of ${bytes.length}, got something else.`);
  }
  return undefined;
}

/**
 * Takes all groups' sums away, and says in which bucket the quantiles of each were. Nearest rank: the smallest value that
 * at least this share of all values is not above.
 *
 * @param quantiles from 0 to 1
 * @param groups how many there are; their totals and counts are set to nothing
 * @returns of each group the bucket of each quantile; the number of buckets where a group had no events
 */
export function takeQuantiles(
  { totals, counts, buckets }: RecordSums,
  quantiles: Float64Array,
  groups: number
): Int16Array {
  if (buckets === 0) {
    throw new RangeError('Expected sums with buckets, got totals only.');
  }
  const into = new Int16Array(groups * quantiles.length);
  binding().takeQuantiles(totals, counts, buckets, quantiles, into);
  return into;
}
