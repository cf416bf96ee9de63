import type { AdHocVariableFilter } from '@grafana/data';
import { MATCH_OPERATORS } from '../wire/limits';
import type { Matcher } from '../wire/query';
import { escapePattern } from './interpolate';

/** A dashboard's ad-hoc filters as matchers. Operators that text does not have (`<`, `>`) are passed over. */
export function toMatchers(filters: AdHocVariableFilter[] = []): Matcher[] {
  return filters.flatMap(({ key, operator, value, values }) => {
    if (key === '') {
      return [];
    }
    // "One of" and its opposite came with Grafana 11.
    if (operator === '=|' || operator === '!=|') {
      const pattern = (values ?? [value]).map(escapePattern).join('|');
      return { label: key, op: operator === '=|' ? '=~' : '!~', value: pattern } as const;
    }
    const op = MATCH_OPERATORS.find((known) => known === operator);
    return op ? { label: key, op, value } : [];
  });
}
