/** What several rounds say together. One round says nothing: machines are shared, clocks of processors change. */

export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** @throws RangeError for no values: there is nothing to say of them */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) {
    throw new RangeError('A spread needs at least one value, got none.');
  }
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    min: sorted[0],
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    max: sorted[sorted.length - 1],
  };
}

/**
 * One figure over another, round by round: both were taken within seconds of one another, so that a machine that drifts
 * does not matter. The ratio of two medians would compare different moments.
 *
 * @throws RangeError where the rounds are not the same
 */
export function ratiosOf(over: readonly number[], under: readonly number[]): number[] {
  if (over.length !== under.length) {
    throw new RangeError(`Ratios need the same rounds of both, got ${over.length} and ${under.length}.`);
  }
  return over.map((value, round) => value / under[round]);
}

/**
 * How a cost grows: the exponent k of `y = c·x^k` that fits best, by least squares over the logarithms. 0 is a cost that
 * stays, 1 one that grows with what it is plotted against.
 *
 * @returns undefined where there is no such line: fewer than two places, or a value that has no logarithm
 */
export function exponentOf(points: ReadonlyArray<readonly [x: number, y: number]>): number | undefined {
  if (points.some(([x, y]) => !(x > 0 && y > 0))) {
    return undefined;
  }
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (of: 0 | 1) => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const width = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return width > 0 ? logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / width : undefined;
}

/** The value that a share of all samples is not above; nearest rank. @param sorted ascending, not empty */
export function percentileOf(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length * (1 - 1e-12)) - 1))];
}
