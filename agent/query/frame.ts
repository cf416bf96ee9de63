/** Data frames as a query makes them: numbers are computed when they are written, and only then. */
import type { Frame, Result } from '../../wire/answer';

/** A field's numbers; NaN where nothing is known, which on the wire is null. */
export interface Numbers {
  readonly length: number;
  /** All of them, in an array that may be used again for the next ones that are read. */
  read(): Float64Array;
}

export interface QueryFrame {
  schema: Frame['schema'];
  /** One a field. */
  values: Array<Numbers | readonly string[]>;
}

export interface QueryResult extends Omit<Result, 'frames'> {
  frames: QueryFrame[];
}

/** Numbers that are there already. */
export function numbersOf(numbers: Float64Array): Numbers {
  return { length: numbers.length, read: () => numbers };
}
