import {
  BOUNDS_NANOSECONDS,
  BUCKETS,
  BUCKETS_PER_OCTAVE,
  FINITE_BUCKETS,
  LATENCY_MIN_EXPONENT,
  LIFETIME_MIN_EXPONENT,
  MAX_RELATIVE_ERROR,
  OVERFLOW,
  UNDERFLOW,
  bucketOfNanoseconds,
  lowerBoundSeconds,
  nativeIndex,
  upperBoundSeconds,
} from '../../wire/histogram';
import fc from '../support/properties';

const EXPONENTS = [LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT];

/**
 * Whether a number of nanoseconds is at most 2^(minExponent + bucket/8) seconds, in whole numbers:
 * (n / 10^9)^8 <= 2^(8 × minExponent + bucket).
 */
function isAtMostBound(nanoseconds: bigint, bucket: number, minExponent: number): boolean {
  const exponent = BigInt(8 * minExponent + bucket);
  const left = nanoseconds ** 8n;
  const right = 10n ** 72n;
  return exponent >= 0n ? left <= right << exponent : left << -exponent <= right;
}

/** The bucket by the definition alone: the first whose bound is not exceeded. */
function exactBucket(nanoseconds: bigint, minExponent: number): number {
  for (let bucket = 0; bucket < OVERFLOW; bucket++) {
    if (isAtMostBound(nanoseconds, bucket, minExponent)) {
      return bucket;
    }
  }
  return OVERFLOW;
}

describe.each(EXPONENTS)('a histogram from 2^%i s', (minExponent) => {
  const bucketOf = (nanoseconds: number) => bucketOfNanoseconds(nanoseconds, minExponent);

  it('puts both sides of every bound where whole-number arithmetic puts them', () => {
    for (let bucket = 0; bucket < OVERFLOW; bucket++) {
      const bound = Math.floor(upperBoundSeconds(bucket, minExponent) * 1e9);
      for (let nanoseconds = bound - 2; nanoseconds <= bound + 2; nanoseconds++) {
        expect([nanoseconds, bucketOf(nanoseconds)]).toEqual([
          nanoseconds,
          exactBucket(BigInt(nanoseconds), minExponent),
        ]);
      }
    }
  });

  it('agrees with whole-number arithmetic anywhere', () => {
    const anyNanoseconds = fc.oneof(
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      fc.double({ min: 0, max: 47, noNaN: true }).map((exponent) => Math.floor(2 ** exponent))
    );
    fc.assert(
      fc.property(anyNanoseconds, (nanoseconds) => {
        expect(bucketOf(nanoseconds)).toBe(exactBucket(BigInt(nanoseconds), minExponent));
      }),
      { numRuns: 2_000 }
    );
  });

  it('never puts a longer time into a lower bucket', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        expect(Math.sign(bucketOf(Math.max(a, b)) - bucketOf(Math.min(a, b)))).toBeGreaterThanOrEqual(0);
      })
    );
  });

  it('has exact powers of two at every octave, and 26 octaves', () => {
    for (let octave = 0; octave <= 26; octave++) {
      expect(upperBoundSeconds(octave * BUCKETS_PER_OCTAVE, minExponent)).toBe(2 ** (minExponent + octave));
    }
    expect(upperBoundSeconds(FINITE_BUCKETS, minExponent)).toBe(2 ** (minExponent + 26));
  });

  it('has bounds that meet, and one ratio between them', () => {
    for (let bucket = 1; bucket < OVERFLOW; bucket++) {
      const lower = lowerBoundSeconds(bucket, minExponent);
      expect(lower).toBe(upperBoundSeconds(bucket - 1, minExponent));
      expect(upperBoundSeconds(bucket, minExponent) / lower).toBeCloseTo(2 ** (1 / 8), 14);
    }
  });

  it('is open at both ends', () => {
    expect(lowerBoundSeconds(UNDERFLOW, minExponent)).toBe(0);
    expect(upperBoundSeconds(OVERFLOW, minExponent)).toBe(Infinity);
    expect(bucketOf(0)).toBe(UNDERFLOW);
    expect(bucketOf(Number.MAX_SAFE_INTEGER)).toBe(OVERFLOW);
    expect(BUCKETS).toBe(OVERFLOW + 1);
  });

  it('counts its buckets as Prometheus does: index 0 ends at one second', () => {
    const bucket = bucketOf(1e9);
    expect(nativeIndex(bucket, minExponent)).toBe(0);
    expect(nativeIndex(bucket + 1, minExponent)).toBe(1);
    expect(upperBoundSeconds(bucket, minExponent)).toBe(1);
  });
});

describe('the bounds in nanoseconds', () => {
  it('are the largest whole numbers not above the real ones', () => {
    BOUNDS_NANOSECONDS.forEach((bound, i) => {
      expect(isAtMostBound(BigInt(bound), i, LATENCY_MIN_EXPONENT)).toBe(true);
      expect(isAtMostBound(BigInt(bound) + 1n, i, LATENCY_MIN_EXPONENT)).toBe(false);
    });
  });

  it('reach from the first bucket of a latency to the last of a lifetime', () => {
    expect(BOUNDS_NANOSECONDS[0]).toBe(953);
    expect(BOUNDS_NANOSECONDS[BOUNDS_NANOSECONDS.length - 1]).toBe(2 ** 16 * 1e9);
  });
});

describe('the stated error', () => {
  it('is what the geometric middle of a bucket is off by at most, and no more than stated to users', () => {
    for (let bucket = 1; bucket < OVERFLOW; bucket++) {
      const lower = lowerBoundSeconds(bucket);
      const upper = upperBoundSeconds(bucket);
      const middle = Math.sqrt(lower * upper);
      expect((upper - middle) / upper).toBeLessThanOrEqual(MAX_RELATIVE_ERROR);
      expect((middle - lower) / lower).toBeLessThanOrEqual(MAX_RELATIVE_ERROR * (1 + 1e-12));
    }
    expect(MAX_RELATIVE_ERROR).toBeLessThan(0.0443);
  });
});
