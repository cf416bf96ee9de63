import { percentile } from './legend';
import type { FilledQuery } from './types';

/** A query in one line, for the query history and for a collapsed query row. */
export function describeQuery(query: FilledQuery): string {
  const where = query.where
    .filter(({ label }) => label !== '')
    .map(({ label, op, value }) => `${label}${op}"${value}"`)
    .join(', ');
  // One heatmap is made of all series that match.
  const merged = query.select === 'heatmap';
  return [
    what(query),
    'of',
    where ? `${query.metric}{${where}}` : query.metric,
    !merged && query.by.length > 0 && `by ${query.by.join(', ')}`,
    !merged && query.top !== '' && `top ${query.top}`,
    query.step !== '' && `step ${query.step}`,
    query.format === 'table' && 'as table',
  ]
    .filter(Boolean)
    .join(' ');
}

function what({ select, quantiles }: FilledQuery): string {
  if (select !== 'quantile') {
    return select.replace('_', ' ');
  }
  return quantiles.map((quantile) => (typeof quantile === 'number' ? percentile(quantile) : quantile)).join(', ');
}
