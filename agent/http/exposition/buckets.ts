/** Ringside's fine buckets as Prometheus' classic ones: fewer, at bounds of ours, so that every count stays exact. */
import { BUCKETS_PER_OCTAVE, upperBoundSeconds } from '../../../wire/histogram';
import { LATENCY_MIN_EXPONENT } from '../../../wire/exponents';

/**
 * Each bound is a time series on the far side, and there is a set for every series. An octave is as fine as classic
 * buckets usefully are; whoever wants 4 % asks the agent itself.
 */
const LATENCIES = { first: -14, last: 5, step: 1 }; // 61 µs to 32 s
const LIFETIMES = { first: -8, last: 16, step: 2 }; // 4 ms to 18 h

export interface ClassicBounds {
  /** Upper, inclusive; without +Inf. */
  seconds: readonly number[];
  /** The classic bucket a fine bucket counts in; `seconds.length` is +Inf. */
  ofBucket(bucket: number): number;
}

function boundsFor(minExponent: number): ClassicBounds {
  const { first, last, step } = minExponent === LATENCY_MIN_EXPONENT ? LATENCIES : LIFETIMES;
  const exponents = Array.from({ length: (last - first) / step + 1 }, (_, index) => first + index * step);
  return {
    seconds: exponents.map((exponent) => upperBoundSeconds((exponent - minExponent) * BUCKETS_PER_OCTAVE, minExponent)),
    ofBucket(bucket) {
      // A fine bucket ends at 2^(minExponent + bucket/8): the next whole octave from there, in steps of ours.
      const octave = minExponent + Math.ceil(bucket / BUCKETS_PER_OCTAVE);
      return Math.min(Math.max(Math.ceil((octave - first) / step), 0), exponents.length);
    },
  };
}

const cache = new Map<number, ClassicBounds>();

/** @param minExponent where the metric's histograms start */
export function classicBounds(minExponent: number): ClassicBounds {
  let bounds = cache.get(minExponent);
  if (!bounds) {
    cache.set(minExponent, (bounds = boundsFor(minExponent)));
  }
  return bounds;
}
