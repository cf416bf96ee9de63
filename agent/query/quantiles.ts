/** `quantile`: from buckets that were added up over series and time, never from other quantiles. */
import { Pile } from '../history/pile';
import { BUCKETS, BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Measure, type Column } from './measure';

/** In place of a bucket: nothing happened. */
const UNKNOWN = BUCKETS;
const HALF_A_BUCKET = 2 ** (1 / (2 * BUCKETS_PER_OCTAVE));

/**
 * The bucket of a pile that holds the value of a rank. Nearest rank: the smallest value that at least this share of all
 * values is not above.
 */
function bucketOf({ counts, events, lowest, highest }: Pile, quantile: number): number {
  // 0.07 * 100 is a little more than 7 in binary; the rank is 7 all the same.
  const rank = Math.max(1, Math.ceil(quantile * events * (1 - 1e-12)));
  let below = events;
  // From the end that is asked for most: few events lie above a high quantile.
  for (let bucket = highest; bucket > lowest; bucket--) {
    below -= counts[bucket];
    if (below < rank) {
      return bucket;
    }
  }
  return lowest;
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
  /** Of each quantile and group, the bucket it is in, step by step; `UNKNOWN` where there is none. */
  readonly #results: Int16Array[][];
  /** What is answered for each of these: made once, where 50,000 points would be as many objects. */
  readonly #values: Array<number | null>;
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
    this.#results = quantiles.map(() => []);
    this.#values = [...Array(BUCKETS).keys()].map((bucket) => secondsOfBucket(bucket, minExponent));
    this.#values[UNKNOWN] = null;
  }

  /** Of the group that a series is in, in the current step. */
  pile(series: number): Pile {
    const group = this.groups.of(series);
    const pile = (this.#piles[group] ??= new Pile());
    if (pile.events === 0) {
      this.#touched.push(group);
    }
    return pile;
  }

  override histogram(series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    this.pile(series).add(buckets, counts, length);
  }

  override closeStep(): void {
    for (const group of this.#touched) {
      this.#closeGroup(group, this.#piles[group]);
    }
    this.#touched.length = 0;
  }

  #closeGroup(group: number, pile: Pile): void {
    if (pile.events === 0) {
      return;
    }
    for (let i = 0; i < this.quantiles.length; i++) {
      const bucket = bucketOf(pile, this.quantiles[i]);
      this.belowRange ||= bucket === UNDERFLOW;
      this.aboveRange ||= bucket === OVERFLOW;
      this.#resultsOf(i, group)[this.step] = bucket;
    }
    pile.clear();
  }

  #resultsOf(quantile: number, group: number): Int16Array {
    const results = this.#results[quantile];
    if (results[group] === undefined) {
      this.spend(this.grid.steps);
      results[group] = new Int16Array(this.grid.steps).fill(UNKNOWN);
    }
    return results[group];
  }

  columns(group: number): Column[] {
    const values = this.#values;
    return this.quantiles.map((quantile, i) => {
      const results = this.#resultsOf(i, group);
      return { quantile, values: this.valuesOf((step) => values[results[step]]) };
    });
  }
}
