import type { Labels } from '@grafana/data';

/** `{{pod}} {{status}}`, as Grafana's other sources write it. A label that is not there leaves its place empty. */
export function renderLegend(template: string, labels: Labels): string {
  return template.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '').trim();
}

/** `p99` of 0.99, `p99.9` of 0.999. */
export function percentile(rank: number): string {
  return `p${Number((rank * 100).toPrecision(12))}`;
}
