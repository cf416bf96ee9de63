/** `quantile`: from buckets that were added up over series and time, never from other quantiles. */
import { BUCKETS, BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Measure, Sums, type Column } from './measure';

const HALF_A_BUCKET = 2 ** (1 / (2 * BUCKETS_PER_OCTAVE));

/**
 * The bucket that holds the value of a rank (nearest rank: the smallest value that at least this share of all values is
 * not above).
 *
 * @param count number of events in all buckets, more than 0
 */
export function bucketOfQuantile(counts: Float64Array, count: number, quantile: number): number {
  // 0.07 * 100 is a little more than 7 in binary; the rank is 7 all the same.
  const rank = Math.max(1, Math.ceil(quantile * count * (1 - 1e-12)));
  let seen = 0;
  for (let bucket = UNDERFLOW; bucket < OVERFLOW; bucket++) {
    seen += counts[bucket];
    if (seen >= rank) {
      return bucket;
    }
  }
  return OVERFLOW;
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
  /** Of the current step: the buckets of each group, and which groups have any. */
  readonly #counts: Float64Array[] = [];
  readonly #touched: number[] = [];
  readonly #isTouched: boolean[] = [];
  /** Whether any quantile fell outside the range of the buckets. */
  belowRange = false;
  aboveRange = false;

  constructor(
    groups: Groups,
    grid: Grid,
    private readonly quantiles: readonly number[],
    private readonly minExponent: number
  ) {
    super(groups, grid);
    this.#results = quantiles.map(() => new Sums(() => this.column().fill(NaN)));
  }

  override histogram(series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    const group = this.groups.of(series);
    const dense = (this.#counts[group] ??= new Float64Array(BUCKETS));
    if (!this.#isTouched[group]) {
      this.#isTouched[group] = true;
      this.#touched.push(group);
    }
    for (let i = 0; i < length; i++) {
      dense[buckets[i]] += counts[i];
    }
  }

  override closeStep(): void {
    for (const group of this.#touched) {
      this.#closeGroup(group, this.#counts[group]);
    }
    this.#touched.length = 0;
  }

  #closeGroup(group: number, counts: Float64Array): void {
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      count += counts[bucket];
    }
    if (count > 0) {
      this.quantiles.forEach((quantile, i) => {
        const bucket = bucketOfQuantile(counts, count, quantile);
        this.belowRange ||= bucket === UNDERFLOW;
        this.aboveRange ||= bucket === OVERFLOW;
        this.#results[i].of(group)[this.step] = secondsOfBucket(bucket, this.minExponent);
      });
    }
    counts.fill(0);
    this.#isTouched[group] = false;
  }

  columns(group: number): Column[] {
    return this.quantiles.map((quantile, i) => {
      const results = this.#results[i].of(group);
      return { quantile, values: this.valuesOf((step) => (Number.isNaN(results[step]) ? null : results[step])) };
    });
  }
}
