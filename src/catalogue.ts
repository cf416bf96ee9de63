import { METRICS, SELECTS, type Select, type TargetLabel } from '../wire/metrics';
import type { MetricsAnswer } from '../wire/status';

/** A metric as the editors show it. */
export interface CatalogueMetric {
  name: string;
  kind: string;
  unit: string;
  labels: string[];
  selects: Select[];
  help: string;
}

/** Labels that say whose a series is, in the order in which an operator narrows a search; then where it runs. */
export const OWNER_LABELS: readonly TargetLabel[] = ['namespace', 'workload', 'pod', 'container', 'node', 'cgroup'];

/** The plugin's own catalogue, for when there is no agent to ask. */
export const BUNDLED_CATALOGUE: CatalogueMetric[] = METRICS.map((metric) => ({
  ...metric,
  labels: withOwners(metric.labels),
  selects: [...metric.selects],
}));

/** The agent's catalogue. A newer agent may offer selects that this plugin has no words for; they are left out. */
export function toCatalogue({ metrics }: MetricsAnswer): CatalogueMetric[] {
  return metrics.map((metric) => ({
    ...metric,
    labels: withOwners(metric.labels),
    selects: metric.selects.filter(isSelect),
  }));
}

/** Whose it is comes first in every list, then what it is about. */
function withOwners(labels: readonly string[]): string[] {
  return [...new Set([...OWNER_LABELS, ...labels])];
}

function isSelect(name: string): name is Select {
  return SELECTS.some((select) => select === name);
}

/** What a select computes, in plain words. */
export const SELECT_WORDS: Record<Select, { label: string; description: string }> = {
  quantile: { label: 'Quantiles', description: 'How long the slowest took: p99 is what 99 of 100 stay under' },
  rate: { label: 'Rate', description: 'How many a second' },
  increase: { label: 'Count', description: 'How many in each step' },
  avg: { label: 'Average', description: 'The mean; it hides the slow ones' },
  error_ratio: { label: 'Error ratio', description: 'The share that got a 5xx status or no answer' },
  heatmap: { label: 'Heatmap', description: 'How many took how long, over time' },
  histogram: { label: 'Histogram', description: 'How many took how long, over the whole range' },
  value: { label: 'Value', description: 'The level at each point' },
};

/** Every label of every metric, once. */
export function allLabels(metrics: CatalogueMetric[]): string[] {
  return [...new Set(metrics.flatMap(({ labels }) => labels))];
}
