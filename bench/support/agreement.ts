/** A benchmark of two things that do not do the same says nothing: before anybody is timed, the answers are compared. */
import type { QueryAnswer } from '../../wire/answer';
import type { BenchAgent } from './agent';
import type { Database } from './databases';
import { askDatabase, askRingside, type Question, type Range, type Values } from './questions';

/** Of a bucket an octave wide, one may name the lower end and the other the upper one. */
const OCTAVE = 2 * 1.05;
const COUNT_ERROR = 0.01;
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
    const fault = differenceOf(ours, question.ofDatabase(answer.data.result), question.agreement);
    if (fault) {
      throw new Error(`Ringside and ${database.name} do not agree on ${question.name}: ${fault}`);
    }
  }
}

/** @returns in one sentence, or undefined */
export function differenceOf(ours: Values, theirs: Values, agreement: Question['agreement']): string | undefined {
  if (ours.size === 0) {
    return 'there are no values.';
  }
  let missing = 0;
  for (const [key, our] of ours) {
    const their = theirs.get(key);
    if (their === undefined) {
      missing++;
    } else if (!isAlike(our, their, agreement)) {
      return `at ${key} they say ${our} and ${their}.`;
    }
  }
  const lacking = missing + [...theirs].filter(([key, their]) => their !== 0 && !ours.has(key)).length;
  return lacking > ours.size * MISSING ? `${lacking} of ${ours.size} values are in one of them only.` : undefined;
}

function isAlike(our: number, their: number, agreement: Question['agreement']): boolean {
  return agreement === 'octave'
    ? our / their < OCTAVE && their / our < OCTAVE
    : Math.abs(our - their) <= Math.max(1e-6, COUNT_ERROR * Math.abs(our));
}
