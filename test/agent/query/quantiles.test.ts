/** What is reported of a bucket, for each that there is. */
import { secondsOfBucket } from '../../../agent/query/quantiles';
import {
  LATENCY_MIN_EXPONENT,
  LIFETIME_MIN_EXPONENT,
  lowerBoundSeconds,
  MAX_RELATIVE_ERROR,
  OVERFLOW,
  UNDERFLOW,
  upperBoundSeconds,
} from '../../../wire/histogram';

describe.each([LATENCY_MIN_EXPONENT, LIFETIME_MIN_EXPONENT])('the value of a bucket, from 2^%i s', (minExponent) => {
  it('has six digits, and is no farther from any value in the bucket than is said', () => {
    for (let bucket = UNDERFLOW + 1; bucket < OVERFLOW; bucket++) {
      const seconds = secondsOfBucket(bucket, minExponent);
      const [lower, upper] = [lowerBoundSeconds(bucket, minExponent), upperBoundSeconds(bucket, minExponent)];
      expect(seconds).toBe(Number(seconds.toPrecision(6)));
      expect((seconds - lower) / lower).toBeLessThanOrEqual(MAX_RELATIVE_ERROR);
      expect((upper - seconds) / upper).toBeLessThanOrEqual(MAX_RELATIVE_ERROR);
      // The middle itself, but for what is behind the digits.
      expect(seconds / Math.sqrt(lower * upper)).toBeCloseTo(1, 4);
    }
  });

  it('is a bound where only that is known', () => {
    expect(secondsOfBucket(UNDERFLOW, minExponent)).toBe(2 ** minExponent);
    expect(secondsOfBucket(OVERFLOW, minExponent)).toBe(upperBoundSeconds(OVERFLOW - 1, minExponent));
  });
});
