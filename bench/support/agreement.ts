/** A benchmark of two things that do not do the same says nothing: before anybody is timed, the answers are compared. */
import type { QueryAnswer } from '../../wire/answer';
import { BUCKETS_PER_OCTAVE } from '../../wire/histogram';
import type { BenchAgent } from './agent';
import type { Database } from './databases';
import { askDatabase, askRingside, type Question, type Range, type Values } from './questions';

/** Of the same bucket, one may name the lower end and the other the upper one; how wide it is, as a factor. */
const OCTAVE = 2;
const FINE_BUCKET = 2 ** (1 / BUCKETS_PER_OCTAVE);
/** Ringside names the middle of its own bucket. */
const MIDDLE = 1.05;
const COUNTED = 1.01;
/**
 * Where the 99 % are a whole number of events, it depends on the last digit of a sum whether the rank falls to the last
 * one of them or to the next: of a hundred windows some have just a hundred events.
 */
const BETWEEN_EVENTS = 0.05;
/** A window of a database that has hardly any events may have no value. */
const MISSING = 0.01;

/** @throws Error that says where they differ */
export async function checkAgreement(
  question: Question,
  range: Range,
  agent: BenchAgent,
  databases: readonly Database[]
): Promise<void> {
  const ours = question.ofRingside(JSON.parse(await askRingside(agent, question, range)) as QueryAnswer);
  for (const database of databases) {
    const answer = JSON.parse(await askDatabase(database, question, range, { isExact: true }));
    const fault = differenceOf(ours, question.ofDatabase(answer.data.result), toleranceOf(question, database));
    if (fault) {
      throw new Error(`Ringside and ${database.name} do not agree on ${question.name}: ${fault}`);
    }
  }
}

export interface Tolerance {
  /** By which values may differ. */
  factor: number;
  /** The share of them that may differ by more. */
  exceptions: number;
}

export function toleranceOf({ agreement }: Pick<Question, 'agreement'>, { kind }: Pick<Database, 'kind'>): Tolerance {
  return agreement === 'count'
    ? { factor: COUNTED, exceptions: 0 }
    : { factor: (kind.isNative ? FINE_BUCKET : OCTAVE) * MIDDLE, exceptions: BETWEEN_EVENTS };
}

/** @returns in one sentence, or undefined */
export function differenceOf(ours: Values, theirs: Values, { factor, exceptions }: Tolerance): string | undefined {
  if (ours.size === 0) {
    return 'there are no values.';
  }
  const different = [...ours].filter(([key, our]) => theirs.has(key) && !isAlike(our, theirs.get(key)!, factor));
  if (different.length > ours.size * exceptions) {
    const [key, our] = different[0];
    return `${different.length} of ${ours.size} differ; at ${key} they say ${our} and ${theirs.get(key)}.`;
  }
  // Nothing may be 0 to one and no value to the other.
  const isLacking =
    (values: Values) =>
    ([key, value]: [string, number]) =>
      value !== 0 && !values.has(key);
  const lacking = [...ours].filter(isLacking(theirs)).length + [...theirs].filter(isLacking(ours)).length;
  return lacking > ours.size * MISSING ? `${lacking} of ${ours.size} values are in one of them only.` : undefined;
}

function isAlike(our: number, their: number, factor: number): boolean {
  return Math.abs(our - their) < 1e-6 || (our / their < factor && their / our < factor);
}
