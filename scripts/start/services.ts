/** What the table shows, asked of the agent as anybody can ask it. */
import { basename } from 'node:path';
import type { Frame, QueryAnswer } from '../../wire/answer';
import type { Query, QueryRequest } from '../../wire/query';

const METRIC = 'http_server_request_duration_seconds';
/** Long enough to be steady, short enough to be live. */
const WINDOW_MS = 10_000;

export interface ServiceRow {
  name: string;
  requestsPerSecond?: number;
  p50Seconds?: number;
  p99Seconds?: number;
  /** Share of the requests, 0 to 1. */
  errorRatio?: number;
}

type Figure = Exclude<keyof ServiceRow, 'name'>;

const FIGURES: Record<Figure, Pick<Query, 'select' | 'quantiles'>> = {
  requestsPerSecond: { select: 'rate' },
  p50Seconds: { select: 'quantile', quantiles: [0.5] },
  p99Seconds: { select: 'quantile', quantiles: [0.99] },
  errorRatio: { select: 'error_ratio' },
};

/** One row a service, of the last ten seconds, or of the time since `sinceMs` when that is less. */
export async function askServices(agentUrl: string, sinceMs: number): Promise<ServiceRow[]> {
  const to = Date.now();
  const queries = Object.entries(FIGURES).map(([figure, what]) => ({
    refId: figure,
    metric: METRIC,
    by: ['cgroup'],
    instant: true,
    ...what,
  }));
  const request: QueryRequest = { from: Math.max(sinceMs, to - WINDOW_MS), to, queries };
  const response = await fetch(`${agentUrl}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok) {
    throw new Error(`The agent answers ${response.status}: ${await response.text()}`);
  }
  return rowsOf((await response.json()) as QueryAnswer);
}

export function rowsOf({ results }: QueryAnswer): ServiceRow[] {
  const rows = new Map<string, ServiceRow>();
  for (const figure of Object.keys(FIGURES) as Figure[]) {
    for (const [cgroup, value] of results[figure]?.frames.flatMap(valuesByCgroup) ?? []) {
      const name = basename(cgroup);
      const row = rows.get(name) ?? { name };
      row[figure] = value;
      rows.set(name, row);
    }
  }
  // The series that stands for all that found no place of its own is always there, and nearly always empty.
  const busy = [...rows.values()].filter(({ requestsPerSecond }) => requestsPerSecond !== 0);
  return busy.sort((a, b) => a.name.localeCompare(b.name));
}

/** An instant answer is a table: labels in columns of text, the value in the one of numbers. */
function valuesByCgroup({ schema, data }: Frame): Array<[cgroup: string, value: number]> {
  const cgroups = data.values[schema.fields.findIndex(({ name }) => name === 'cgroup')] ?? [];
  const values = data.values[schema.fields.findIndex(({ type }) => type === 'number')] ?? [];
  return cgroups.flatMap((cgroup, row): Array<[string, number]> => {
    const value = values[row];
    return typeof cgroup === 'string' && typeof value === 'number' ? [[cgroup, value]] : [];
  });
}
