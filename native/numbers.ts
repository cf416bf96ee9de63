import { binding } from './binding';

/** Room that a number may need, and the comma before it: `,-2.2250738585072014e-308`. */
export const NUMBER_BYTES = 25;

/**
 * Writes numbers as JSON, with commas between them and no brackets: each with the fewest digits that are read back as the
 * same number, and `null` where it is none. Here because `JSON.stringify` makes a string of them first, which takes three
 * times as long and is garbage afterwards.
 *
 * @param at where to begin; `NUMBER_BYTES` from there may be written to for each number
 * @returns where it ended
 * @throws RangeError where there is no room for them
 */
export function writeNumbers(numbers: Float64Array, into: Uint8Array, at: number): number {
  if (!(at >= 0 && at + numbers.length * NUMBER_BYTES <= into.length)) {
    throw new RangeError(`Expected room for ${numbers.length} numbers from byte ${at} on, got ${into.length} bytes.`);
  }
  return binding().writeNumbers(numbers, into, at);
}
