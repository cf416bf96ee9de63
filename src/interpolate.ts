import type { Matcher } from '../wire/query';
import type { FilledQuery } from './types';
import type { Templates, VariableModel } from './templates';

/** Text cut into what was written and what the variables in it stand for. */
type Part = string | string[];

/** Replaces the template variables in every field of a query. */
export function interpolateQuery(query: FilledQuery, templates: Templates): FilledQuery {
  const text = (value: string) => templates.replace(value);
  const each = (value: string) => valuesOf(value, templates);
  return {
    ...query,
    metric: text(query.metric),
    quantiles: query.quantiles.flatMap<number | string>((quantile) =>
      typeof quantile === 'number' ? [quantile] : each(quantile)
    ),
    by: [...new Set(query.by.flatMap(each))].filter((label) => label !== ''),
    where: interpolateMatchers(query.where, templates),
    top: typeof query.top === 'number' ? query.top : text(query.top),
    step: text(query.step),
    legend: text(query.legend),
  };
}

/**
 * Replaces the variables in filters. A variable with several values makes an alternation, and turns equality into a
 * match. A filter for "All" falls away: unlike the list of all values, that also keeps what has no value, and it is as
 * short for a thousand pods as for one.
 */
export function interpolateMatchers(matchers: Matcher[], templates: Templates): Matcher[] {
  return (
    matchers
      // A filter that was only just added to the editor says nothing yet.
      .filter(({ label }) => label !== '')
      .filter(({ op, value }) => !((op === '=' || op === '=~') && templates.isAll(value)))
      .map((matcher) => interpolateMatcher(matcher, templates))
  );
}

function interpolateMatcher({ label, op, value }: Matcher, templates: Templates): Matcher {
  const parts = partsOf(value, templates);
  const named = { label: templates.replace(label) };
  if (op === '=~' || op === '!~') {
    return { ...named, op, value: parts.map((part) => (isText(part) ? part : alternation(part))).join('') };
  }
  if (parts.some((part) => !isText(part) && part.length > 1)) {
    const pattern = parts.map((part) => (isText(part) ? escapePattern(part) : alternation(part))).join('');
    return { ...named, op: op === '=' ? '=~' : '!~', value: pattern };
  }
  return { ...named, op, value: parts.flat().join('') };
}

/** Every text that comes of giving each variable each of its values. */
function valuesOf(text: string, templates: Templates): string[] {
  return partsOf(text, templates).reduce<string[]>(
    (texts, part) => texts.flatMap((start) => [part].flat().map((value) => start + value)),
    ['']
  );
}

/** Cannot be typed into a field, so it marks where a variable stood. */
const MARK = '\u0000';

function partsOf(text: string, templates: Templates): Part[] {
  const found: string[][] = [];
  const marked = templates.replace(text, (value: unknown, variable?: VariableModel) => {
    const values = [value].flat().map(String);
    // What a person typed into a text box is a pattern where a pattern is wanted; what they picked from a list is not.
    if (variable?.type === 'textbox' || variable?.type === 'constant') {
      return values.join('|');
    }
    return `${MARK}${found.push(values) - 1}${MARK}`;
  });
  return marked.split(MARK).map((piece, i) => (i % 2 === 1 ? found[Number(piece)] : piece));
}

function isText(part: Part): part is string {
  return typeof part === 'string';
}

function alternation(values: string[]): string {
  const patterns = values.map(escapePattern);
  return patterns.length === 1 ? patterns[0] : `(${patterns.join('|')})`;
}

/** Escapes what RE2 reads as an operator. */
export function escapePattern(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
