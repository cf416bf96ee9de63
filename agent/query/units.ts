/** Grafana's unit for what a query answers. */
import type { Metric, Select } from '../../wire/metrics';

export function unitOf(metric: Metric, select: Select): string {
  switch (select) {
    case 'error_ratio':
      return 'percentunit';
    case 'rate':
      if (metric.kind === 'histogram') {
        return metric.name.startsWith('http_') ? 'reqps' : 'cps';
      }
      return metric.unit === 'bytes' ? 'Bps' : 'cps';
    case 'increase':
      return metric.kind === 'counter' && metric.unit === 'bytes' ? 'bytes' : 'short';
    case 'histogram':
    case 'heatmap':
      return 'short';
    default:
      return metric.unit === 'seconds' ? 's' : metric.unit === 'bytes' ? 'bytes' : 'short';
  }
}
