/** `where`: which label values a query wants. */
import type { RE2JS } from 're2js';
import { WireError } from '../../wire/errors';
import type { LabelName } from '../../wire/metrics';
import { LIMITS, MATCH_OPERATORS, type Matcher } from '../../wire/query';

/**
 * Matching in RE2 never takes longer than the size of the compiled pattern times the length of the text. That bounds one
 * value; this much time bounds all patterns of a query over all values, so that none holds up the event loop.
 */
const MAX_MILLISECONDS = 500;
/** Compiling takes up to 0.1 s for a pattern of this size. */
const MAX_PROGRAM = 20_000;
/** Size times length; the slowest patterns take about 0.5 s for as much. */
const MAX_STEPS_A_VALUE = 8_000_000;

export interface LabelMatcher {
  readonly label: LabelName;
  matches(value: string): boolean;
}

/**
 * What the patterns of one query may still cost. The processor's time counts, not the clock's: on a node that is too busy a
 * good pattern waits as everything else does, and is still good.
 */
export class PatternBudget {
  #leftMicroseconds = MAX_MILLISECONDS * 1_000;

  /** @throws what `refuse` makes, when there was nothing left before */
  spend<T>(work: () => T, refuse: () => WireError): T {
    if (this.#leftMicroseconds <= 0) {
      throw refuse();
    }
    const before = process.cpuUsage();
    try {
      return work();
    } finally {
      const { user, system } = process.cpuUsage(before);
      this.#leftMicroseconds -= user + system;
    }
  }
}

/**
 * @param field where the matcher is in the request, for the error
 * @throws WireError invalid_regex; `matches` throws it too, when the patterns of the query take too long
 */
export function compileMatcher(
  { op, value }: Matcher,
  label: LabelName,
  field: string,
  budget: PatternBudget
): LabelMatcher {
  switch (op) {
    case '=':
      return { label, matches: (actual) => actual === value };
    case '!=':
      return { label, matches: (actual) => actual !== value };
    case '=~':
      return { label, matches: compilePattern(value, field, budget) };
    case '!~': {
      const matches = compilePattern(value, field, budget);
      return { label, matches: (actual) => !matches(actual) };
    }
    default:
      throw new WireError(
        'invalid_field',
        `"${String(op)}" is not an operator; use one of ${MATCH_OPERATORS.join(' ')}.`,
        {
          field: `${field}.op`,
          received: op,
          allowed: MATCH_OPERATORS,
        }
      );
  }
}

/** Anchored at both ends, as in Prometheus. Each distinct value is matched once. */
function compilePattern(pattern: string, field: string, budget: PatternBudget): (value: string) => boolean {
  const details = { field: `${field}.value`, received: pattern };
  if (pattern.length > LIMITS.patternLength) {
    throw new WireError(
      'invalid_regex',
      `The pattern has ${pattern.length} characters; at most ${LIMITS.patternLength} are allowed.`,
      { ...details, limit: LIMITS.patternLength }
    );
  }
  const tooSlow = () =>
    new WireError(
      'invalid_regex',
      'The pattern takes too long to match; repeat less, or match fewer alternatives.',
      details
    );
  if (programEstimate(pattern) > MAX_PROGRAM) {
    throw tooSlow();
  }
  // Loaded for the first pattern, and not at its expense: its tables of Unicode take 0.4 MB, and most queries have none.
  const { RE2JS: engine } = require('re2js') as typeof import('re2js');
  const compiled = budget.spend(() => compile(engine, pattern, details), tooSlow);
  const size = compiled.programSize();
  const known = new Map<string, boolean>();
  return (value) => {
    let matched = known.get(value);
    if (matched === undefined) {
      if (size * value.length > MAX_STEPS_A_VALUE) {
        throw tooSlow();
      }
      matched = budget.spend(() => compiled.matches(value), tooSlow);
      known.set(value, matched);
    }
    return matched;
  };
}

function compile(engine: typeof RE2JS, pattern: string, details: { field: string; received: string }): RE2JS {
  try {
    return engine.compile(pattern, engine.DOTALL);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new WireError('invalid_regex', `The pattern "${pattern}" is not RE2 syntax: ${reason}.`, details);
  }
}

/** About what the pattern compiles to, never much less: compiling a huge one already takes long. */
function programEstimate(pattern: string): number {
  let repeats = 0;
  for (const [, from, to] of pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)) {
    repeats += Math.max(Number(from), Number(to ?? 0));
  }
  return pattern.length * Math.max(1, repeats);
}
