/**
 * Where a scan's histograms and counters are added up: for each group of series what they counted, and if wanted their
 * buckets. The past is added record by record, by the addon; what is told otherwise, one by one.
 */
import { addRecord, takeQuantiles, Total, TOTALS, UNKNOWN, type RecordSums } from '../../native';
import { BUCKETS } from '../../wire/histogram';
import type { EntryReader } from './entry';

export { Total, UNKNOWN, UNWANTED } from '../../native';

/** Which series are wanted, and which of them are in the same group whatever it is: nobody need ask for each. */
export interface Classes {
  /** By series: its class, a number from 0 up, or `UNWANTED`. What lies beyond its end is not wanted. */
  readonly classOf: Int32Array;
  /** One more than the largest class. */
  readonly classes: number;
}

export interface GroupSumsOptions extends Classes {
  /** A number from 0 up; asked once for each class of which there is something to add, with the first such series. */
  groupOf: (series: number) => number;
  /** Whether buckets are wanted, too. */
  buckets: boolean;
}

/** Groups that there is room for at first. */
const AT_FIRST = 1_024;

export class GroupSums {
  /** One more than the largest group that there is. */
  size = 0;
  readonly #askGroupOf: (series: number) => number;
  readonly #sums: RecordSums;
  /** Where the addon is in a record. */
  readonly #cursor = new Uint32Array(3);

  constructor({ classOf, classes, groupOf, buckets }: GroupSumsOptions) {
    this.#askGroupOf = groupOf;
    // No page of it is there before it is used; to take more room later is to use as much again.
    const room = Math.min(classes, AT_FIRST);
    this.#sums = {
      classOf,
      groupOf: new Int32Array(classes).fill(UNKNOWN),
      totals: new Float64Array(room * TOTALS),
      counts: new Float64Array(buckets ? room * BUCKETS : 0),
      buckets: buckets ? BUCKETS : 0,
    };
  }

  /** Adds a record that a reader has opened; gauges are none of it. */
  addRecord({ bytes, end, left }: EntryReader): void {
    this.#cursor.set([end, left, 0]);
    for (;;) {
      const series = addRecord(bytes, this.#cursor, this.#sums);
      if (series === undefined) {
        return;
      }
      this.#groupFor(series);
    }
  }

  /** As `Deltas` tells it. */
  addHistogram(
    series: number,
    sumNanoseconds: number,
    buckets: Uint16Array,
    counts: Float64Array,
    length: number
  ): void {
    const group = this.#groupFor(series);
    const first = group * this.#sums.buckets;
    let events = 0;
    for (let i = 0; i < length; i++) {
      events += counts[i];
      if (this.#sums.buckets > 0) {
        this.#sums.counts[first + buckets[i]] += counts[i];
      }
    }
    const at = group * TOTALS;
    this.#sums.totals[at + Total.Events] += events;
    this.#sums.totals[at + Total.Nanoseconds] += sumNanoseconds;
    if (length > 0) {
      this.#sums.totals[at + Total.Lowest] = Math.min(this.#sums.totals[at + Total.Lowest], buckets[0]);
      this.#sums.totals[at + Total.Highest] = Math.max(this.#sums.totals[at + Total.Highest], buckets[length - 1]);
    }
  }

  addCounter(series: number, increase: number): void {
    // First of all: it may take other arrays, with more room.
    const group = this.#groupFor(series);
    this.#sums.totals[group * TOTALS + Total.Events] += increase;
  }

  /** Of a histogram how many events, of a counter its increase; 0 of a group that there is not. */
  events(group: number): number {
    return group < this.size ? this.#sums.totals[group * TOTALS + Total.Events] : 0;
  }

  /** The sum of the durations. */
  nanoseconds(group: number): number {
    return this.#sums.totals[group * TOTALS + Total.Nanoseconds];
  }

  /** The first and the last bucket that hold anything; of none, the last comes before the first. */
  lowest(group: number): number {
    return this.#sums.totals[group * TOTALS + Total.Lowest];
  }

  highest(group: number): number {
    return this.#sums.totals[group * TOTALS + Total.Highest];
  }

  /** One of the totals, of each group. */
  take(total: Total.Events | Total.Nanoseconds): Float64Array {
    const { totals } = this.#sums;
    const taken = new Float64Array(this.size);
    for (let group = 0, at: number = total; group < this.size; group++, at += TOTALS) {
      taken[group] = totals[at];
    }
    return taken;
  }

  /**
   * Of each group the bucket that each quantile is in, `BUCKETS` where it has no events: group by group. Nothing is left in
   * the groups.
   */
  takeQuantiles(quantiles: Float64Array): Int16Array {
    return takeQuantiles(this.#sums, quantiles, this.size);
  }

  /** All of a group's buckets, as they are until something is added. */
  counts(group: number): Float64Array {
    return this.#sums.counts.subarray(group * this.#sums.buckets, (group + 1) * this.#sums.buckets);
  }

  /** The groups stay, with nothing in them. */
  clear(): void {
    const { counts, buckets, totals } = this.#sums;
    if (buckets === 0) {
      totals.fill(0);
      return;
    }
    for (let group = 0; group < this.size; group++) {
      const first = group * buckets;
      if (this.highest(group) >= 0) {
        counts.fill(0, first + this.lowest(group), first + this.highest(group) + 1);
      }
      this.#setToNothing(group);
    }
  }

  #setToNothing(group: number): void {
    const at = group * TOTALS;
    const { totals, buckets } = this.#sums;
    totals[at + Total.Events] = 0;
    totals[at + Total.Nanoseconds] = 0;
    totals[at + Total.Lowest] = buckets;
    totals[at + Total.Highest] = -1;
  }

  #groupFor(series: number): number {
    const { classOf, groupOf } = this.#sums;
    let group = groupOf[classOf[series]];
    if (group === UNKNOWN) {
      group = this.#askGroupOf(series);
      groupOf[classOf[series]] = group;
      this.#makeRoom(group + 1);
    }
    return group;
  }

  #makeRoom(groups: number): void {
    const room = this.#sums.totals.length / TOTALS;
    if (groups > room) {
      const grown = Math.max(groups, 2 * room);
      this.#sums.totals = copyOf(this.#sums.totals, grown * TOTALS);
      this.#sums.counts = copyOf(this.#sums.counts, grown * this.#sums.buckets);
    }
    for (; this.size < groups; this.size++) {
      this.#setToNothing(this.size);
    }
  }
}

function copyOf(from: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(length);
  copy.set(from);
  return copy;
}
