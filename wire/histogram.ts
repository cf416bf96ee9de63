/**
 * The exponential histogram every part of Ringside shares.
 *
 * Scale 3: eight buckets an octave, bounds exact powers of 2^(1/8) of a second, upper-inclusive. Bucket for bucket the
 * Prometheus native histogram with schema 3 and the OpenTelemetry exponential histogram with scale 3.
 *
 * `bpf/histogram.h` is the kernel's twin of this file; `test/kernel/histogram.test.ts` holds them to the same answers.
 */
import { LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT } from './exponents';

export { LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT };

/** Buckets an octave, as a power of two: 2^SCALE. */
export const SCALE = 3;
export const BUCKETS_PER_OCTAVE = 1 << SCALE;
export const OCTAVES = 26;

/** Buckets with two finite bounds; `UNDERFLOW` and `OVERFLOW` lie on either side of them. */
export const FINITE_BUCKETS = OCTAVES * BUCKETS_PER_OCTAVE;
/** Everything up to and including the lowest bound. */
export const UNDERFLOW = 0;
/** Everything above the highest bound. */
export const OVERFLOW = FINITE_BUCKETS + 1;
/** Length of the bucket array of one histogram. */
export const BUCKETS = FINITE_BUCKETS + 2;

/** Worst relative error of a quantile that is reported as the geometric middle of its bucket: 2^(1/16) - 1. */
export const MAX_RELATIVE_ERROR = 2 ** (1 / (2 * BUCKETS_PER_OCTAVE)) - 1;

/** 2^(i/8) for i in 0..7, correctly rounded by the language's own pow. */
const ROOTS = Array.from({ length: BUCKETS_PER_OCTAVE }, (_, i) => 2 ** (i / BUCKETS_PER_OCTAVE));

/** The upper bound of a bucket in seconds, inclusive; `Infinity` for `OVERFLOW`. */
export function upperBoundSeconds(bucket: number, minExponent = LATENCY_MIN_EXPONENT): number {
  if (bucket >= OVERFLOW) {
    return Infinity;
  }
  const octave = Math.floor(bucket / BUCKETS_PER_OCTAVE);
  return ROOTS[bucket % BUCKETS_PER_OCTAVE] * 2 ** (minExponent + octave);
}

/** The lower bound of a bucket in seconds, exclusive; 0 for `UNDERFLOW`. */
export function lowerBoundSeconds(bucket: number, minExponent = LATENCY_MIN_EXPONENT): number {
  return bucket === UNDERFLOW ? 0 : upperBoundSeconds(bucket - 1, minExponent);
}

/**
 * Prometheus' and OpenTelemetry's index of a finite bucket (theirs counts from a bound of one second; the bucket with
 * index i in Prometheus is (2^((i-1)/8), 2^(i/8)]).
 */
export function nativeIndex(bucket: number, minExponent = LATENCY_MIN_EXPONENT): number {
  return bucket + minExponent * BUCKETS_PER_OCTAVE;
}

/** The finest and the widest range together: 2^-20 s to 2^16 s. */
const ALL_BOUNDS = (LIFETIME_MIN_EXPONENT + OCTAVES - LATENCY_MIN_EXPONENT) * BUCKETS_PER_OCTAVE + 1;

/**
 * `BOUNDS_NANOSECONDS[i]` is the largest whole number of nanoseconds not above 2^(-20 + i/8) seconds. Every sample is a
 * whole number of nanoseconds, so comparing with these puts each one into exactly the bucket that the real-valued bounds
 * would.
 */
export const BOUNDS_NANOSECONDS: readonly number[] = Array.from({ length: ALL_BOUNDS }, (_, i) => floorBound(i));

function floorBound(i: number): number {
  return Number(floorScaledBound(i, 0));
}

/** The highest bits of a bound in nanoseconds, so many of them and no rounding: what follows is cut off. */
export function boundWithBits(i: number, bits: number): bigint {
  return floorScaledBound(i, bits - BOUNDS_NANOSECONDS[i].toString(2).length);
}

/** The largest whole number not above 10^9 * 2^(i/8 - 20 + shift). */
function floorScaledBound(i: number, shift: number): bigint {
  const guess = BigInt(Math.round(1e9 * 2 ** (LATENCY_MIN_EXPONENT + i / BUCKETS_PER_OCTAVE + shift)));
  // n <= 10^9 * 2^(i/8 - 20 + shift)  <=>  n^8 * 2^160 <= 10^72 * 2^(i + 8 shift), in integers: no rounding.
  const limit = (10n ** 72n) << BigInt(i + shift * BUCKETS_PER_OCTAVE);
  const within = (n: bigint) => (n ** 8n) << BigInt(-LATENCY_MIN_EXPONENT * BUCKETS_PER_OCTAVE) <= limit;
  // The guess is right in its first 50 bits.
  let bound = guess + (guess >> 50n) + 2n;
  while (!within(bound)) {
    bound--;
  }
  return bound;
}

/**
 * The bucket of a duration.
 *
 * @param nanoseconds a whole number from 0; what lies above the range lands in `OVERFLOW`
 */
export function bucketOfNanoseconds(nanoseconds: number, minExponent = LATENCY_MIN_EXPONENT): number {
  let low = 0;
  let high = ALL_BOUNDS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nanoseconds > BOUNDS_NANOSECONDS[middle]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const bucket = low - (minExponent - LATENCY_MIN_EXPONENT) * BUCKETS_PER_OCTAVE;
  return Math.min(Math.max(bucket, UNDERFLOW), OVERFLOW);
}
