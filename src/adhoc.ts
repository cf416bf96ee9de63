import type { AdHocVariableFilter } from '@grafana/data';
import type { Notice } from '../wire/answer';
import { MATCH_OPERATORS } from '../wire/limits';
import { labelsOf, METRICS } from '../wire/metrics';
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

/**
 * The filters that can be put to a metric. Ad-hoc filters reach every panel of a dashboard, and one on `method` says
 * nothing about TCP: the panel shows its data all the same, and says that the filter did nothing.
 */
export function applicableTo(metricName: string, matchers: Matcher[]): { where: Matcher[]; notices: Notice[] } {
  const metric = METRICS.find(({ name }) => name === metricName);
  if (!metric) {
    return { where: matchers, notices: [] };
  }
  const labels: readonly string[] = labelsOf(metric);
  const where = matchers.filter(({ label }) => labels.includes(label));
  const idle = matchers.filter(({ label }) => !labels.includes(label));
  return {
    where,
    notices: idle.map(({ label }) => ({
      severity: 'info',
      text: `The filter on ${label} does nothing here: ${metricName} has no such label.`,
    })),
  };
}
