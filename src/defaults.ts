import { METRICS, type Select } from '../wire/metrics';
import { DEFAULT_QUANTILES } from '../wire/limits';
import type { FilledQuery, Format, QueryFields, RingsideQuery } from './types';

/**
 * What a new panel asks: who is slow? One line a workload and no more than ten of them. The namespace keeps two workloads
 * of one name apart, and is left out of the legend of whatever has none.
 */
export const NEW_QUERY: QueryFields = {
  metric: 'http_server_request_duration_seconds',
  select: 'quantile',
  quantiles: [0.99],
  by: ['namespace', 'workload'],
  where: [],
  top: 10,
  step: '',
  legend: '',
  format: 'time_series',
};

/**
 * Puts the neutral value wherever a stored query says nothing, so that a later change of `NEW_QUERY` never changes a
 * dashboard. A query without a metric is a new one.
 */
export function fillQuery(stored: RingsideQuery): FilledQuery {
  if (stored.metric === undefined) {
    return fillQuery({ ...NEW_QUERY, ...definedOf(stored), metric: NEW_QUERY.metric });
  }
  const select = stored.select ?? selectOf(stored.format) ?? firstSelect(stored.metric);
  return {
    ...stored,
    metric: stored.metric,
    select,
    quantiles: stored.quantiles?.length ? stored.quantiles : DEFAULT_QUANTILES,
    by: stored.by ?? [],
    where: stored.where ?? [],
    top: stored.top ?? '',
    step: stored.step ?? '',
    legend: stored.legend ?? '',
    format: formatOf(select, stored.format),
  };
}

/** The format that goes with a select: two selects have one of their own, the others are lines or a table. */
export function formatOf(select: Select, wanted: Format | undefined): Format {
  if (select === 'heatmap' || select === 'histogram') {
    return select;
  }
  return wanted === 'table' ? 'table' : 'time_series';
}

/** The select that a format implies. */
export function selectOf(format: Format | undefined): Select | undefined {
  return format === 'heatmap' || format === 'histogram' ? format : undefined;
}

/** What a metric is asked first: quantiles of a histogram, the rate of a counter, the value of a gauge. */
export function firstSelect(metric: string): Select {
  return METRICS.find(({ name }) => name === metric)?.selects[0] ?? 'rate';
}

function definedOf(query: RingsideQuery): RingsideQuery {
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value !== undefined)
  ) as unknown as RingsideQuery;
}
