/** Chance, as services meet it. */

/**
 * A duration with the long tail that real ones have: half of them are below the median, one in a hundred is above
 * median × e^(2.33 sigma).
 */
export function logNormalMs(medianMs: number, sigma: number): number {
  // Box and Muller: two uniform numbers make a normal one. 1 - random() is never 0, whose logarithm is not finite.
  const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return medianMs * Math.exp(sigma * normal);
}

/** True in the given share of calls. */
export function chance(share: number): boolean {
  return Math.random() < share;
}

export function oneOf<T>(choices: readonly T[]): T {
  return choices[Math.floor(Math.random() * choices.length)];
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
