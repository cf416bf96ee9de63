import { labelsOf, METRICS } from '../../../wire/metrics';
import type { MetricsAnswer } from '../../../wire/status';
import type { Upstream } from './dataProxy';

const CATALOGUE: MetricsAnswer = {
  metrics: METRICS.map((metric) => ({ ...metric, labels: labelsOf(metric), selects: [...metric.selects] })),
};

/** An agent that an editor can be filled in with: its catalogue, and the values of its labels. */
export function editorAgent(values: Record<string, string[]>): Upstream {
  return ({ url }) => {
    const label = /\/labels\/(\w+)\/values$/.exec(url)?.[1];
    const data = label ? { label, values: values[label] ?? [], truncated: false } : CATALOGUE;
    return { status: 200, data };
  };
}
