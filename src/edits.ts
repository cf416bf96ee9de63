import type { Select } from '../wire/metrics';
import type { CatalogueMetric } from './catalogue';
import { formatOf, selectOf } from './defaults';
import type { FilledQuery, Format } from './types';

/** Another metric, and of the rest of the query what still makes sense with it. */
export function withMetric(query: FilledQuery, name: string, metrics: CatalogueMetric[]): FilledQuery {
  const metric = metrics.find((candidate) => candidate.name === name);
  if (!metric) {
    return { ...query, metric: name };
  }
  const select = metric.selects.includes(query.select) ? query.select : metric.selects[0];
  const has = (label: string) => label === '' || label.includes('$') || metric.labels.includes(label);
  return withSelect(
    { ...query, metric: name, by: query.by.filter(has), where: query.where.filter(({ label }) => has(label)) },
    select
  );
}

export function withSelect(query: FilledQuery, select: Select): FilledQuery {
  const by = select === 'error_ratio' ? query.by.filter((label) => label !== 'status') : query.by;
  return { ...query, select, by, format: formatOf(select, query.format) };
}

/** @param selects what the metric can be asked, the first of them first */
export function withFormat(query: FilledQuery, format: Format, selects: readonly Select[]): FilledQuery {
  const select = selectOf(format) ?? (selectOf(query.format) ? selects[0] : query.select);
  return { ...query, select, format: formatOf(select, format) };
}
