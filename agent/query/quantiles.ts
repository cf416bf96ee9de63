/** `quantile`: from buckets that were added up over series and time, never from other quantiles. */
import { BUCKETS, BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfSums } from './measure';

/** In place of a bucket: nothing happened. */
const UNKNOWN = BUCKETS;
const HALF_A_BUCKET = 2 ** (1 / (2 * BUCKETS_PER_OCTAVE));

/** Of a bucket's middle: a bucket is 9 % wide, and what no digit says need not be written 50,000 times. */
const DIGITS = 6;

/**
 * What is reported for a bucket: its geometric middle, never more than `MAX_RELATIVE_ERROR` away from any value in it.
 * Below and above the range only a bound is known, and that is reported.
 */
export function secondsOfBucket(bucket: number, minExponent: number): number {
  if (bucket === UNDERFLOW || bucket === OVERFLOW) {
    return upperBoundSeconds(bucket === UNDERFLOW ? UNDERFLOW : OVERFLOW - 1, minExponent);
  }
  return roundedDown(upperBoundSeconds(bucket, minExponent) / HALF_A_BUCKET);
}

/** Down, because the values that are farthest from the middle, as a share of themselves, are the smallest. */
function roundedDown(value: number): number {
  const unit = 10 ** (DIGITS - 1 - Math.floor(Math.log10(value)));
  return Math.floor(value * unit) / unit;
}

export class Quantiles extends MeasureOfSums {
  readonly #ranks: Float64Array;
  /** By step, of each group the bucket that each quantile is in; `UNKNOWN` where there is none. */
  readonly #rows: Int16Array[] = [];
  /** What is answered for each of these. */
  readonly #values: Float64Array;
  /** Whether any quantile fell outside the range of the buckets. */
  belowRange = false;
  aboveRange = false;

  constructor(groups: Groups, grid: Grid, quantiles: readonly number[], minExponent: number) {
    super(groups, grid, { buckets: true });
    this.#ranks = Float64Array.from(quantiles);
    this.#values = Float64Array.from({ length: BUCKETS }, (_, bucket) => secondsOfBucket(bucket, minExponent));
  }

  override closeStep(): void {
    if (this.groupSums.size === 0) {
      return;
    }
    const row = this.groupSums.takeQuantiles(this.#ranks);
    this.spendLines(row.length);
    this.belowRange ||= row.includes(UNDERFLOW);
    this.aboveRange ||= row.includes(OVERFLOW);
    this.#rows[this.step] = row;
  }

  protected valueAt(step: number, group: number, quantile: number): number {
    // A group that came later has no place in the rows before.
    const bucket = this.#rows[step]?.[group * this.#ranks.length + quantile] ?? UNKNOWN;
    return bucket === UNKNOWN ? NaN : this.#values[bucket];
  }
}
