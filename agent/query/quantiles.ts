/** `quantile`: from buckets that were added up over series and time, never from other quantiles. */
import { BUCKETS, BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Measure, Sums, type Column } from './measure';

const HALF_A_BUCKET = 2 ** (1 / (2 * BUCKETS_PER_OCTAVE));

/** The buckets of one group in one step, and which of them hold anything. */
class Pile {
  readonly counts = new Float64Array(BUCKETS);
  events = 0;
  #lowest = BUCKETS;
  #highest = -1;

  /** @param buckets ascending */
  add(buckets: Uint16Array, counts: Float64Array, length: number): void {
    for (let i = 0; i < length; i++) {
      this.counts[buckets[i]] += counts[i];
      this.events += counts[i];
    }
    this.#lowest = Math.min(this.#lowest, buckets[0]);
    this.#highest = Math.max(this.#highest, buckets[length - 1]);
  }

  /**
   * The bucket that holds the value of a rank. Nearest rank: the smallest value that at least this share of all values is
   * not above.
   */
  bucketOf(quantile: number): number {
    // 0.07 * 100 is a little more than 7 in binary; the rank is 7 all the same.
    const rank = Math.max(1, Math.ceil(quantile * this.events * (1 - 1e-12)));
    let seen = 0;
    for (let bucket = this.#lowest; bucket < this.#highest; bucket++) {
      seen += this.counts[bucket];
      if (seen >= rank) {
        return bucket;
      }
    }
    return this.#highest;
  }

  clear(): void {
    this.counts.fill(0, this.#lowest, this.#highest + 1);
    this.events = 0;
    this.#lowest = BUCKETS;
    this.#highest = -1;
  }
}

/**
 * What is reported for a bucket: its geometric middle, never more than `MAX_RELATIVE_ERROR` away from any value in it.
 * Below and above the range only a bound is known, and that is reported.
 */
export function secondsOfBucket(bucket: number, minExponent: number): number {
  if (bucket === UNDERFLOW || bucket === OVERFLOW) {
    return upperBoundSeconds(bucket === UNDERFLOW ? UNDERFLOW : OVERFLOW - 1, minExponent);
  }
  return upperBoundSeconds(bucket, minExponent) / HALF_A_BUCKET;
}

export class Quantiles extends Measure {
  readonly #results: Sums[];
  readonly #seconds: Float64Array;
  /** Of the current step, by group; and the groups that have any. */
  readonly #piles: Pile[] = [];
  readonly #touched: number[] = [];
  /** Whether any quantile fell outside the range of the buckets. */
  belowRange = false;
  aboveRange = false;

  constructor(
    groups: Groups,
    grid: Grid,
    private readonly quantiles: readonly number[],
    minExponent: number
  ) {
    super(groups, grid);
    this.#results = quantiles.map(() => new Sums(() => this.column().fill(NaN)));
    this.#seconds = Float64Array.from({ length: BUCKETS }, (_, bucket) => secondsOfBucket(bucket, minExponent));
  }

  override histogram(series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    const group = this.groups.of(series);
    const pile = (this.#piles[group] ??= new Pile());
    if (length > 0) {
      if (pile.events === 0) {
        this.#touched.push(group);
      }
      pile.add(buckets, counts, length);
    }
  }

  override closeStep(): void {
    for (const group of this.#touched) {
      this.#closeGroup(group, this.#piles[group]);
    }
    this.#touched.length = 0;
  }

  #closeGroup(group: number, pile: Pile): void {
    for (let i = 0; i < this.quantiles.length; i++) {
      const bucket = pile.bucketOf(this.quantiles[i]);
      this.belowRange ||= bucket === UNDERFLOW;
      this.aboveRange ||= bucket === OVERFLOW;
      this.#results[i].of(group)[this.step] = this.#seconds[bucket];
    }
    pile.clear();
  }

  columns(group: number): Column[] {
    return this.quantiles.map((quantile, i) => {
      const results = this.#results[i].of(group);
      return { quantile, values: this.valuesOf((step) => (Number.isNaN(results[step]) ? null : results[step])) };
    });
  }
}
