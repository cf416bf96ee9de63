/** `heatmap` and `histogram`: the buckets themselves. */
import { Pile } from '../history/pile';
import { BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, lowerBoundSeconds, upperBoundSeconds } from '../../wire/histogram';
import { Measure, type Column } from './measure';

const BUCKET_WIDTH = 2 ** (1 / BUCKETS_PER_OCTAVE);

/** Bounds to draw: a logarithmic axis has neither 0 nor infinity, so the outermost buckets are drawn as wide as the rest. */
export function drawnBounds(bucket: number, minExponent: number): { min: number; max: number } {
  const min =
    bucket === UNDERFLOW
      ? upperBoundSeconds(UNDERFLOW, minExponent) / BUCKET_WIDTH
      : lowerBoundSeconds(bucket, minExponent);
  const max = bucket === OVERFLOW ? min * BUCKET_WIDTH : upperBoundSeconds(bucket, minExponent);
  return { min, max };
}

/** The buckets of all series that match, step by step, as cells that are not empty. */
export class Cells extends Measure {
  /** Column by column: step and bucket of each cell, and its events. */
  readonly steps: number[] = [];
  readonly buckets: number[] = [];
  readonly counts: number[] = [];
  readonly #pile = new Pile();

  pile(_series: number): Pile {
    return this.#pile;
  }

  override histogram(_series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    this.#pile.add(buckets, counts, length);
  }

  override closeStep(): void {
    const { counts, lowest, highest } = this.#pile;
    for (let bucket = lowest; bucket <= highest; bucket++) {
      if (counts[bucket] > 0) {
        this.spend(1);
        this.steps.push(this.step);
        this.buckets.push(bucket);
        this.counts.push(counts[bucket]);
      }
    }
    this.#pile.clear();
  }

  columns(): Column[] {
    return [];
  }
}

/** The buckets of each group over the whole range. */
export class Distribution extends Measure {
  readonly #piles: Pile[] = [];

  pile(series: number): Pile {
    return (this.#piles[this.groups.of(series)] ??= new Pile());
  }

  override histogram(series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    this.pile(series).add(buckets, counts, length);
  }

  counts(group: number): Float64Array {
    return this.#piles[group].counts;
  }

  columns(): Column[] {
    return [];
  }
}
