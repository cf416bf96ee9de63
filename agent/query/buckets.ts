/** `heatmap` and `histogram`: the buckets themselves. */
import {
  BUCKETS,
  BUCKETS_PER_OCTAVE,
  OVERFLOW,
  UNDERFLOW,
  lowerBoundSeconds,
  upperBoundSeconds,
} from '../../wire/histogram';
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
  readonly #dense = new Float64Array(BUCKETS);

  override histogram(_series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    for (let i = 0; i < length; i++) {
      this.#dense[buckets[i]] += counts[i];
    }
  }

  override closeStep(): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.#dense[bucket] > 0) {
        this.spend(1);
        this.steps.push(this.step);
        this.buckets.push(bucket);
        this.counts.push(this.#dense[bucket]);
      }
    }
    this.#dense.fill(0);
  }

  columns(): Column[] {
    return [];
  }
}

/** The buckets of each group over the whole range. */
export class Distribution extends Measure {
  readonly #counts: Float64Array[] = [];

  override histogram(series: number, _sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    const dense = (this.#counts[this.groups.of(series)] ??= new Float64Array(BUCKETS));
    for (let i = 0; i < length; i++) {
      dense[buckets[i]] += counts[i];
    }
  }

  counts(group: number): Float64Array {
    return this.#counts[group] ?? new Float64Array(BUCKETS);
  }

  columns(): Column[] {
    return [];
  }
}
