/** `heatmap` and `histogram`: the buckets themselves. */
import { BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, lowerBoundSeconds, upperBoundSeconds } from '../../wire/histogram';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfSums, type Column } from './measure';

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
export class Cells extends MeasureOfSums {
  /** Column by column: step and bucket of each cell, and its events. */
  readonly steps: number[] = [];
  readonly buckets: number[] = [];
  readonly counts: number[] = [];

  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: true, groupOf: () => 0 });
  }

  override closeStep(): void {
    if (this.groupSums.size === 0) {
      return;
    }
    const counts = this.groupSums.counts(0);
    for (let bucket = this.groupSums.lowest(0); bucket <= this.groupSums.highest(0); bucket++) {
      if (counts[bucket] > 0) {
        this.spend(1);
        this.steps.push(this.step);
        this.buckets.push(bucket);
        this.counts.push(counts[bucket]);
      }
    }
    this.groupSums.clear();
  }

  columns(): Column[] {
    return [];
  }
}

/** The buckets of each group over the whole range. */
export class Distribution extends MeasureOfSums {
  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: true });
  }

  counts(group: number): Float64Array {
    return this.groupSums.counts(group);
  }

  columns(): Column[] {
    return [];
  }
}
