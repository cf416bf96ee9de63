/**
 * Filters in a URL: `match=<label><operator><value>`, repeated for each.
 *
 *   match=pod=web-1            match=status!=200           match=status=~5..
 *
 * The value is everything after the operator, as it is. A value that begins with a quote or a tilde is written as a
 * JSON string: match=pod="~odd". Around any other value the quotes are a choice: match=status=~"5..".
 */
import { WireError } from '../../wire/errors';
import { LIMITS } from '../../wire/limits';
import type { Matcher } from '../../wire/query';
import { quote, shorten } from './validation';

const SHAPE = /^([A-Za-z_][A-Za-z0-9_]*)(=~|!~|!=|=)(.*)$/s;

/** @throws WireError `invalid_field` that names the entry; whether the label exists is for the query to judge */
export function parseMatches(texts: readonly string[]): Matcher[] {
  if (texts.length > LIMITS.matchers) {
    throw new WireError('invalid_field', `"match" may be given ${LIMITS.matchers} times; received ${texts.length}.`, {
      field: 'match',
      limit: LIMITS.matchers,
    });
  }
  return texts.map((text, index) => parseMatch(text, `match[${index}]`));
}

function parseMatch(text: string, field: string): Matcher {
  const shape = SHAPE.exec(text);
  if (!shape) {
    throw fault(field, text, 'must be a label, one of = != =~ !~, and a value, for example pod=web-1');
  }
  const [, label, op, written] = shape;
  const value = written.startsWith('"') ? unquote(written, field, text) : written;
  if (label.length > LIMITS.nameLength || value.length > LIMITS.patternLength) {
    throw fault(field, text, `may have ${LIMITS.patternLength} characters of value`, LIMITS.patternLength);
  }
  return { label, op: op as Matcher['op'], value };
}

function unquote(written: string, field: string, text: string): string {
  try {
    return JSON.parse(written) as string;
  } catch {
    throw fault(field, text, 'has a value that begins with a quote and is not a JSON string');
  }
}

function fault(field: string, text: string, what: string, limit?: number): WireError {
  return new WireError('invalid_field', `"${field}" ${what}; received ${quote(text)}.`, {
    field,
    received: shorten(text),
    ...(limit !== undefined && { limit }),
  });
}
