/** Why the agent does not start, for the person who started it. */

/** A sentence that says what is missing and what to do. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** How much of a verifier's log fits a screen; its verdict is at the end. */
const VERIFIER_LINES = 20;

/** @returns text without a stack trace: one sentence, and the verifier's last lines where it had a part in it */
export function explain(error: unknown): string {
  // Not `instanceof Error`: the addon's errors may be of another realm.
  const { message, log } = Object(error) as { message?: unknown; log?: unknown };
  const sentence = typeof message === 'string' ? message : String(error);
  return typeof log === 'string' && log.trim() !== '' ? `${sentence}\nThe verifier says:\n${lastLines(log)}` : sentence;
}

function lastLines(log: string): string {
  return log.trimEnd().split('\n').slice(-VERIFIER_LINES).join('\n');
}
