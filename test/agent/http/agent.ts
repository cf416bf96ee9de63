/** An agent without a kernel: the real history, series, queries and HTTP interface, fed with events a test makes up. */
import type { FastifyInstance } from 'fastify';
import type { Deltas } from '../../../agent/history/deltas';
import { History } from '../../../agent/history/history';
import { SeriesTable, type Labels } from '../../../agent/history/series';
import { buildApp } from '../../../agent/http/app';
import type { AgentContext, Measuring, MeasuringStatus } from '../../../agent/http/context';
import type { Listening } from '../../../agent/http/server';
import { bucketOfNanoseconds, BUCKETS } from '../../../wire/histogram';
import type { QueryAnswer } from '../../../wire/answer';
import { METRICS } from '../../../wire/metrics';
import { intern } from '../../support/series';

interface Tally {
  sumNanoseconds: number;
  buckets: Float64Array;
  events: number;
  level: number;
}

const newTally = (): Tally => ({ sumNanoseconds: 0, buckets: new Float64Array(BUCKETS), events: 0, level: 0 });

/** Counts what a test tells it, the way the BPF maps count what the kernel tells them: totals, and deltas since a tick. */
export class EventSource implements Measuring {
  readonly #totals = new Map<number, Tally>();
  #baseline = new Map<number, Tally>();
  state: MeasuringStatus = {
    programs: [
      { name: 'http_ingress', attach: 'cgroup_skb/ingress', state: 'running', runs: 23, nanosecondsPerRun: 100 },
      { name: 'tcp_state', attach: 'tp_btf/inet_sock_set_state', state: 'off', reason: 'asked for' },
    ],
    series: [{ program: 'http', used: 2, limit: 100 }],
    losses: [
      { program: 'http', counter: 'seen', value: 31, help: 'Requests seen.' },
      { program: 'http', counter: 'in_flight', value: 3, help: 'Requests without an answer yet.' },
    ],
    notices: ['One program is off.'],
    kernelMapBytes: 4096,
  };

  constructor(readonly series: SeriesTable) {}

  observe(metric: string, labels: Labels, nanoseconds: number, times = 1): void {
    const tally = this.#tally(metric, labels);
    tally.sumNanoseconds += nanoseconds * times;
    tally.buckets[bucketOfNanoseconds(nanoseconds, metricNamed(metric).minExponent)] += times;
  }

  count(metric: string, labels: Labels, increase: number): void {
    this.#tally(metric, labels).events += increase;
  }

  level(metric: string, labels: Labels, value: number): void {
    this.#tally(metric, labels).level = value;
  }

  tick(into: Deltas): void {
    this.#tell(into, this.#baseline);
    this.#baseline = new Map(
      [...this.#totals].map(([id, tally]) => [id, { ...tally, buckets: tally.buckets.slice() }])
    );
  }

  peek(into: Deltas): void {
    this.#tell(into, this.#baseline);
  }

  totals(into: Deltas): void {
    this.#tell(into, new Map());
  }

  status(): MeasuringStatus {
    return this.state;
  }

  #tally(metric: string, labels: Labels): Tally {
    const { id } = intern(this.series, metricNamed(metric), { node: 'test-node', ...labels });
    const tally = this.#totals.get(id) ?? newTally();
    this.#totals.set(id, tally);
    return tally;
  }

  #tell(into: Deltas, since: Map<number, Tally>): void {
    for (const [id, now] of this.#totals) {
      const before = since.get(id) ?? newTally();
      switch (this.series.get(id)!.metric.kind) {
        case 'histogram': {
          const moved = Uint16Array.from(now.buckets.keys()).filter(
            (bucket) => now.buckets[bucket] > before.buckets[bucket]
          );
          const counts = Float64Array.from(moved, (bucket) => now.buckets[bucket] - before.buckets[bucket]);
          into.histogram(id, now.sumNanoseconds - before.sumNanoseconds, moved, counts, moved.length);
          break;
        }
        case 'counter':
          into.counter(id, now.events - before.events);
          break;
        case 'gauge':
          into.gauge(id, now.level);
      }
    }
  }
}

function metricNamed(name: string) {
  const metric = METRICS.find((candidate) => candidate.name === name);
  if (!metric) {
    throw new Error(`The test asks for a metric that is not in the catalogue: ${name}`);
  }
  return metric;
}

export interface TestAgent {
  app: FastifyInstance;
  events: EventSource;
  history: History;
  context: AgentContext;
  /** Records what was observed since the last tick, as of now. */
  tick(): void;
}

export async function startAgent(changes: Partial<AgentContext> = {}, listening?: Listening): Promise<TestAgent> {
  const series = new SeriesTable();
  const history = new History({ bytes: 2 ** 20, series });
  const events = new EventSource(series);
  const bootEpochMs = Date.now();
  history.begin(bootEpochMs);
  const context: AgentContext = {
    version: '1.2.3',
    node: 'test-node',
    kernelRelease: '6.1.0-test',
    scope: '/sys/fs/cgroup/test',
    bootEpochMs,
    history,
    series,
    owners: { status: () => IDENTITY },
    collector: events,
    ticker: {
      readiness: { ready: true, reason: '' },
      liveness: { ready: true, reason: '' },
      stats: {
        ticks: 7,
        failures: 0,
        overruns: 0,
        totalSeconds: 0.5,
        longestSeconds: 0.25,
        lastTickMs: bootEpochMs,
        longestPauseMs: 0,
        longestPauseEndMs: 0,
      },
    },
    access: { clientCertificates: false },
    warnings: ['Something was doubtful.'],
    ...changes,
  };
  const app = await buildApp(context, listening);
  return { app, events, history, context, tick: () => history.record(Date.now(), (into) => events.tick(into)) };
}

const SOURCE = { state: 'off', reason: 'A test has no containers.', known: 0 } as const;
const KUBERNETES = { state: 'failing', reason: 'The API server does not answer.', known: 3 } as const;
const IDENTITY = { owners: 7, excluded: 2, pods: 4, unnamedPods: 1, kubernetes: KUBERNETES, docker: SOURCE };

export const REQUESTS = 'http_server_request_duration_seconds';

/** A body for POST /api/v1/query over the last minute. */
export function ask(...queries: unknown[]): { from: number; to: number; queries: unknown[] } {
  const nowMs = Date.now();
  return { from: nowMs - 60_000, to: nowMs + 1_000, queries };
}

export const increase = (refId: string, rest: object = {}) => ({
  refId,
  metric: REQUESTS,
  select: 'increase',
  instant: true,
  ...rest,
});

export async function post({ app }: TestAgent, payload: object | string, headers: Record<string, string> = {}) {
  const response = await app.inject({ method: 'POST', url: '/api/v1/query', payload, headers });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

/** The values of the last column of the only frame. */
export function values({ results }: QueryAnswer, refId: string): unknown[] {
  expect(results[refId].error).toBeUndefined();
  expect(results[refId].frames).toHaveLength(1);
  return results[refId].frames[0].data.values.at(-1)!;
}
