/** A query that has been checked: every name is known, everything optional is filled in. */
import { WireError } from '../../wire/errors';
import { METRICS, labelsOf, type LabelName, type Metric, type Select } from '../../wire/metrics';
import { DEFAULT_QUANTILES, LIMITS, type Query } from '../../wire/query';
import { PatternBudget, compileMatcher, type LabelMatcher } from './matchers';
import { nearest } from './nearest';

export interface Plan {
  refId: string;
  metric: Metric;
  select: Select;
  /** Ascending, without repeats. */
  quantiles: number[];
  by: LabelName[];
  where: LabelMatcher[];
  top?: number;
  instant: boolean;
}

/**
 * @param field where the query is in the request, like `queries[0]`
 * @throws WireError unknown_metric, unsupported_select, unknown_label, invalid_field, invalid_regex
 */
export function planQuery(query: Query, field: string): Plan {
  const metric = findMetric(query.metric, `${field}.metric`);
  checkSelect(metric, query.select, `${field}.select`);
  const by = (query.by ?? []).map((label, i) => findLabel(label, metric, `${field}.by[${i}]`));
  if (query.select === 'error_ratio' && by.includes('status')) {
    throw new WireError(
      'invalid_field',
      'An error ratio compares answers by their status, so it cannot be grouped by "status"; leave it out of "by".',
      { field: `${field}.by[${by.indexOf('status')}]`, received: 'status' }
    );
  }
  return {
    refId: query.refId,
    metric,
    select: query.select,
    quantiles: planQuantiles(query.quantiles, `${field}.quantiles`),
    by: [...new Set(by)],
    where: planMatchers(query.where, metric, `${field}.where`),
    top: planTop(query.top, `${field}.top`),
    instant: query.instant ?? false,
  };
}

export function findMetric(name: string, field: string): Metric {
  const metric = METRICS.find((candidate) => candidate.name === name);
  if (metric) {
    return metric;
  }
  const names = METRICS.map((candidate) => candidate.name);
  const meant = nearest(name, names);
  throw new WireError('unknown_metric', `There is no metric "${name}"${ask(meant, 'GET /api/v1/metrics lists them')}`, {
    field,
    received: name,
    allowed: names,
    nearest: meant,
  });
}

export function findLabel(name: string, metric: Metric, field: string): LabelName {
  const labels = labelsOf(metric);
  const label = labels.find((candidate) => candidate === name);
  if (label) {
    return label;
  }
  const meant = nearest(name, labels);
  throw new WireError(
    'unknown_label',
    `${metric.name} has no label "${name}"${ask(meant, `it has ${labels.join(', ')}`)}`,
    {
      field,
      received: name,
      allowed: labels,
      nearest: meant,
    }
  );
}

export function planMatchers(where: Query['where'], metric: Metric, field: string): LabelMatcher[] {
  const matchers = where ?? [];
  if (matchers.length > LIMITS.matchers) {
    throw new WireError(
      'invalid_field',
      `There are ${matchers.length} filters; at most ${LIMITS.matchers} are allowed.`,
      {
        field,
        received: matchers.length,
        limit: LIMITS.matchers,
      }
    );
  }
  const budget = new PatternBudget();
  return matchers.map((matcher, i) =>
    compileMatcher(matcher, findLabel(matcher.label, metric, `${field}[${i}].label`), `${field}[${i}]`, budget)
  );
}

function checkSelect(metric: Metric, select: Select, field: string): void {
  if (!metric.selects.includes(select)) {
    throw new WireError(
      'unsupported_select',
      `${metric.name} is a ${metric.kind} and cannot be asked for "${select}"; ask for ${metric.selects.join(', ')}.`,
      { field, received: select, allowed: metric.selects, nearest: nearest(String(select), metric.selects) }
    );
  }
}

function planQuantiles(quantiles: readonly number[] | undefined, field: string): number[] {
  const wanted = quantiles?.length ? quantiles : DEFAULT_QUANTILES;
  if (wanted.length > LIMITS.quantiles) {
    throw new WireError(
      'invalid_field',
      `There are ${wanted.length} quantiles; at most ${LIMITS.quantiles} are allowed.`,
      {
        field,
        received: wanted.length,
        limit: LIMITS.quantiles,
      }
    );
  }
  wanted.forEach((quantile, i) => {
    if (!(quantile >= 0 && quantile <= 1)) {
      throw new WireError('invalid_field', `A quantile is a number from 0 to 1, got ${quantile}; p99 is 0.99.`, {
        field: `${field}[${i}]`,
        received: quantile,
      });
    }
  });
  return [...new Set(wanted)].sort((a, b) => a - b);
}

function planTop(top: number | undefined, field: string): number | undefined {
  if (top !== undefined && !(Number.isInteger(top) && top >= 1 && top <= LIMITS.top)) {
    throw new WireError('invalid_field', `"top" is a whole number from 1 to ${LIMITS.top}, got ${top}.`, {
      field,
      received: top,
      limit: LIMITS.top,
    });
  }
  return top;
}

/** The end of a sentence about a name that does not exist. */
export function ask(meant: string | undefined, otherwise: string): string {
  return meant === undefined ? `; ${otherwise}.` : `; did you mean "${meant}"?`;
}
