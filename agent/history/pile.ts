/** Buckets of one series that are being added up, one place for each there is: what a merge gathers its events in. */
import { BUCKETS } from '../../wire/histogram';

export class Pile {
  readonly counts = new Float64Array(BUCKETS);
  events = 0;
  /** The first and the last bucket that hold anything; of an empty pile, the last comes before the first. */
  lowest = BUCKETS;
  highest = -1;

  /**
   * @param buckets indices, ascending
   * @param counts how many events each of them gets
   * @param length how many entries of both arrays count
   */
  add(buckets: Uint16Array, counts: Float64Array, length: number): void {
    if (length === 0) {
      return;
    }
    for (let i = 0; i < length; i++) {
      this.counts[buckets[i]] += counts[i];
      this.events += counts[i];
    }
    this.widen(buckets[0], buckets[length - 1]);
  }

  /** Says between which buckets something was added to the counts. */
  widen(lowest: number, highest: number): void {
    if (lowest < this.lowest) {
      this.lowest = lowest;
    }
    if (highest > this.highest) {
      this.highest = highest;
    }
  }

  /**
   * What is in it, as `add` takes it.
   *
   * @returns how many entries of both arrays count
   */
  copyTo(buckets: Uint16Array, counts: Float64Array): number {
    let length = 0;
    for (let bucket = this.lowest; bucket <= this.highest; bucket++) {
      if (this.counts[bucket] > 0) {
        buckets[length] = bucket;
        counts[length++] = this.counts[bucket];
      }
    }
    return length;
  }

  clear(): void {
    if (this.highest >= 0) {
      this.counts.fill(0, this.lowest, this.highest + 1);
    }
    this.events = 0;
    this.lowest = BUCKETS;
    this.highest = -1;
  }
}
