/** `heatmap` and `histogram`: the buckets themselves. */
import { BUCKETS_PER_OCTAVE, OVERFLOW, UNDERFLOW, lowerBoundSeconds, upperBoundSeconds } from '../../wire/histogram';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfSums } from './measure';

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

/** Cells that there is room for at first. */
const ROOM = 4_096;

/** The buckets of all series that match, step by step, as cells that are not empty. */
export class Cells extends MeasureOfSums {
  /** Of each cell, step by step and bucket by bucket; `size` of them are cells. */
  steps = new Uint32Array(ROOM);
  buckets = new Uint16Array(ROOM);
  counts = new Float64Array(ROOM);
  size = 0;

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
        this.#add(bucket, counts[bucket]);
      }
    }
    this.groupSums.clear();
  }

  #add(bucket: number, events: number): void {
    this.spend(1);
    if (this.size === this.steps.length) {
      this.steps = grown(this.steps, new Uint32Array(2 * this.size));
      this.buckets = grown(this.buckets, new Uint16Array(2 * this.size));
      this.counts = grown(this.counts, new Float64Array(2 * this.size));
    }
    this.steps[this.size] = this.step;
    this.buckets[this.size] = bucket;
    this.counts[this.size++] = events;
  }

  protected valueAt(): number {
    return NaN;
  }
}

function grown<A extends Uint32Array | Uint16Array | Float64Array>(from: A, into: A): A {
  into.set(from);
  return into;
}

/** The buckets of each group over the whole range. */
export class Distribution extends MeasureOfSums {
  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: true });
  }

  counts(group: number): Float64Array {
    return this.groupSums.counts(group);
  }

  protected valueAt(): number {
    return NaN;
  }
}
