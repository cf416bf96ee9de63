/** Data frames as a query makes them: they, and their numbers, are made when they are written, one after the other. */
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
  /** To be gone through once: each is made when it is asked for. */
  frames: Iterable<QueryFrame>;
  /** How many values there are in all frames. */
  values: number;
}

/** Frames that are there already, and how many values they have. */
export function framesOf(...frames: QueryFrame[]): Pick<QueryResult, 'frames' | 'values'> {
  return {
    frames,
    values: frames.reduce((sum, { values }) => values.reduce((all, { length }) => all + length, sum), 0),
  };
}

/** Numbers that are there already. */
export function numbersOf(numbers: Float64Array): Numbers {
  return { length: numbers.length, read: () => numbers };
}
