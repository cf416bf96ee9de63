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

/** By which factor values may differ. */
export function toleranceOf({ agreement }: Pick<Question, 'agreement'>, { kind }: Pick<Database, 'kind'>): number {
  return agreement === 'count' ? COUNTED : (kind.isNative ? FINE_BUCKET : OCTAVE) * MIDDLE;
}

/** @returns in one sentence, or undefined */
export function differenceOf(ours: Values, theirs: Values, tolerance: number): string | undefined {
  if (ours.size === 0) {
    return 'there are no values.';
  }
  let missing = 0;
  for (const [key, our] of ours) {
    const their = theirs.get(key);
    if (their === undefined) {
      // Nothing may be 0 to one and no value to the other.
      missing += Number(our !== 0);
    } else if (!isAlike(our, their, tolerance)) {
      return `at ${key} they say ${our} and ${their}.`;
    }
  }
  const lacking = missing + [...theirs].filter(([key, their]) => their !== 0 && !ours.has(key)).length;
  return lacking > ours.size * MISSING ? `${lacking} of ${ours.size} values are in one of them only.` : undefined;
}

function isAlike(our: number, their: number, tolerance: number): boolean {
  return Math.abs(our - their) < 1e-6 || (our / their < tolerance && their / our < tolerance);
}
