/** `where`: which label values a query wants. */
import { RE2JS } from 're2js';
import { WireError } from '../../wire/errors';
import type { LabelName } from '../../wire/metrics';
import { LIMITS, type Matcher } from '../../wire/query';

/**
 * RE2's matching time grows with the size of the program times the length of the text, never faster; these two keep the
 * product small enough that no pattern holds up the event loop: about 0.1 s to compile, about 0.3 s to match, at worst.
 */
const MAX_PROGRAM = 20_000;
const MAX_STEPS = 4_000_000;

export interface LabelMatcher {
  readonly label: LabelName;
  matches(value: string): boolean;
}

/**
 * @param field where the matcher is in the request, for the error
 * @throws WireError invalid_regex; `matches` throws it too, once matching has taken more steps than a query may
 */
export function compileMatcher({ op, value }: Matcher, label: LabelName, field: string): LabelMatcher {
  switch (op) {
    case '=':
      return { label, matches: (actual) => actual === value };
    case '!=':
      return { label, matches: (actual) => actual !== value };
    case '=~':
      return { label, matches: compilePattern(value, field) };
    case '!~': {
      const matches = compilePattern(value, field);
      return { label, matches: (actual) => !matches(actual) };
    }
    default:
      throw new WireError('invalid_field', `"${String(op)}" is not an operator; use one of = != =~ !~.`, {
        field: `${field}.op`,
        received: op,
        allowed: ['=', '!=', '=~', '!~'],
      });
  }
}

/** Anchored at both ends, as in Prometheus. Each distinct value is matched once. */
function compilePattern(pattern: string, field: string): (value: string) => boolean {
  const details = { field: `${field}.value`, received: pattern };
  if (pattern.length > LIMITS.patternLength) {
    throw new WireError(
      'invalid_regex',
      `The pattern has ${pattern.length} characters; at most ${LIMITS.patternLength} are allowed.`,
      { ...details, limit: LIMITS.patternLength }
    );
  }
  const tooLarge = (limit: number) =>
    new WireError('invalid_regex', 'The pattern takes too long to match; repeat less, or match fewer alternatives.', {
      ...details,
      limit,
    });
  if (programEstimate(pattern) > MAX_PROGRAM) {
    throw tooLarge(MAX_PROGRAM);
  }
  const compiled = compile(pattern, details);
  const size = compiled.programSize();
  const known = new Map<string, boolean>();
  let steps = 0;
  return (value) => {
    let matched = known.get(value);
    if (matched === undefined) {
      steps += size * (value.length + 1);
      if (steps > MAX_STEPS) {
        throw tooLarge(MAX_STEPS);
      }
      matched = compiled.matches(value);
      known.set(value, matched);
    }
    return matched;
  };
}

function compile(pattern: string, details: { field: string; received: string }): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    throw new WireError('invalid_regex', `The pattern "${pattern}" is not RE2 syntax: ${reason}.`, details);
  }
}

/** Never less than what the pattern compiles to, as far as counted repeats go: compiling a huge one already takes long. */
function programEstimate(pattern: string): number {
  let repeats = 0;
  for (const [, from, to] of pattern.matchAll(/\{(\d{1,4})(?:,(\d{0,4}))?\}/g)) {
    repeats += Math.max(Number(from), Number(to ?? 0));
  }
  return pattern.length * Math.max(1, repeats);
}
