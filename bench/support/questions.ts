/** What dashboards ask, in both languages. */
import { classicBounds } from '../../agent/http/exposition/buckets';
import type { QueryAnswer } from '../../wire/answer';
import type { Query } from '../../wire/query';
import type { BenchAgent } from './agent';
import type { Database, Vector } from './databases';
import { METRIC, SCRAPE_MS } from './traffic';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What Grafana makes of `$__rate_interval`: four scrapes at the least, so that one that fails leaves no hole. */
const LEAST_WINDOW_MS = 4 * SCRAPE_MS;

/** Values of an answer, each under a key that says what it is of. */
export type Values = Map<string, number>;

export interface Range {
  fromMs: number;
  toMs: number;
}

type Change = 'rate' | 'increase';

export interface Question {
  key: string;
  name: string;
  rangeMs: number;
  stepMs: number;
  ringside: Omit<Query, 'refId'>;
  /**
   * @param windowMs over which a point is computed
   * @param change what of a counter: VictoriaMetrics' rate takes in more than a window of two samples, its increase does not
   */
  promql(windowMs: number, change: Change): string;
  /** The same where a histogram is one series. */
  nativePromql(windowMs: number, change: Change): string;
  /** How values have to agree: a quantile may lie anywhere in the database's bucket; the other is a count. */
  agreement: 'quantile' | 'count';
  ofRingside(answer: QueryAnswer): Values;
  ofDatabase(vectors: readonly Vector[]): Values;
}

const P99_BY_POD = {
  promql: (windowMs: number, change: Change) =>
    `histogram_quantile(0.99, sum by (pod, le) (${change}(${METRIC.name}_bucket[${windowMs}ms])))`,
  nativePromql: (windowMs: number, change: Change) =>
    `histogram_quantile(0.99, sum by (pod) (${change}(${METRIC.name}[${windowMs}ms])))`,
  agreement: 'quantile' as const,
  ofRingside: (answer: QueryAnswer) => lines(answer),
  ofDatabase: (vectors: readonly Vector[]) => points(vectors, ({ pod }) => pod),
};

export const QUESTIONS: readonly Question[] = [
  {
    ...P99_BY_POD,
    key: 'hour',
    name: 'p99 by pod, 1 h in steps of 15 s',
    rangeMs: HOUR_MS,
    stepMs: 15_000,
    ringside: { metric: METRIC.name, select: 'quantile', quantiles: [0.99], by: ['pod'], stepMs: 15_000 },
  },
  {
    ...P99_BY_POD,
    key: 'day',
    name: 'p99 by pod, 24 h in steps of 2 min',
    rangeMs: DAY_MS,
    stepMs: 120_000,
    ringside: { metric: METRIC.name, select: 'quantile', quantiles: [0.99], by: ['pod'], stepMs: 120_000 },
  },
  {
    key: 'heatmap',
    name: 'heatmap of all pods, 1 h in steps of 15 s',
    rangeMs: HOUR_MS,
    stepMs: 15_000,
    ringside: { metric: METRIC.name, select: 'heatmap', stepMs: 15_000 },
    promql: (windowMs) => `sum by (le) (increase(${METRIC.name}_bucket[${windowMs}ms]))`,
    nativePromql: (windowMs) => `sum(increase(${METRIC.name}[${windowMs}ms]))`,
    agreement: 'count',
    ofRingside: cumulativeCells,
    ofDatabase: (vectors) =>
      vectors.some(({ histograms }) => histograms !== undefined)
        ? cumulativeHistograms(vectors)
        : points(vectors, ({ le }) => String(Number(le.replace('+Inf', 'Infinity')))),
  },
  {
    key: 'top',
    name: 'the 10 busiest pods of 1 h',
    rangeMs: HOUR_MS,
    // One value over all of it.
    stepMs: HOUR_MS,
    ringside: { metric: METRIC.name, select: 'rate', by: ['pod'], top: 10, instant: true },
    promql: (windowMs) => `topk(10, sum by (pod) (rate(${METRIC.name}_count[${windowMs}ms])))`,
    nativePromql: (windowMs) => `topk(10, sum by (pod) (histogram_count(rate(${METRIC.name}[${windowMs}ms]))))`,
    agreement: 'count',
    ofRingside: ({ results }) => {
      const [pods, rates] = results.A.frames[0].data.values;
      return new Map(pods.map((pod, n) => [String(pod), Number(rates[n])]));
    },
    ofDatabase: (vectors) => new Map(vectors.map(({ metric, value }) => [metric.pod, Number(value![1])])),
  },
];

export function askRingside(agent: BenchAgent, { ringside }: Question, { fromMs, toMs }: Range): Promise<string> {
  return agent.queryText(fromMs, toMs, ringside);
}

/**
 * @param isExact with windows that are the steps, as Ringside's are; otherwise as Grafana asks
 * @returns the answer as it comes over the wire
 */
export function askDatabase(
  database: Database,
  { promql, nativePromql, rangeMs, stepMs }: Question,
  { fromMs, toMs }: Range,
  { isExact = false } = {}
): Promise<string> {
  const { isNative, windowMoreMs } = database.kind;
  const inItsWords = isNative ? nativePromql : promql;
  const query = isExact
    ? inItsWords(stepMs + windowMoreMs, 'increase')
    : inItsWords(Math.max(stepMs, LEAST_WINDOW_MS), 'rate');
  return rangeMs === stepMs
    ? database.text('query', { query, time: toMs / 1_000, nocache: 1 })
    : database.text('query_range', {
        query,
        start: fromMs / 1_000 + stepMs / 1_000,
        end: toMs / 1_000,
        step: stepMs / 1_000,
        nocache: 1,
      });
}

/** `pod instant`, of each line's frame. */
function lines({ results }: QueryAnswer): Values {
  const values: Values = new Map();
  for (const { schema, data } of results.A.frames) {
    const { pod } = schema.fields[1].labels ?? {};
    const [times, numbers] = data.values;
    times.forEach((time, n) => numbers[n] !== null && values.set(`${pod} ${time}`, Number(numbers[n])));
  }
  return values;
}

/** `name instant`, of each sample that is a number. */
function points(vectors: readonly Vector[], nameOf: (labels: Record<string, string>) => string): Values {
  const values: Values = new Map();
  for (const { metric, values: samples = [] } of vectors) {
    for (const [seconds, text] of samples) {
      if (Number.isFinite(Number(text))) {
        values.set(`${nameOf(metric)} ${Math.round(seconds * 1_000)}`, Number(text));
      }
    }
  }
  return values;
}

/** Fine cells, added up as the classic buckets count: everything up to a bound. */
function cumulativeCells({ results }: QueryAnswer): Values {
  const [times, , ups, counts] = results.A.frames[0].data.values;
  return cumulative(times.map((time, n) => [Number(time), Number(ups[n]), Number(counts[n])]));
}

function cumulativeHistograms(vectors: readonly Vector[]): Values {
  return cumulative(
    vectors.flatMap(({ histograms = [] }) =>
      histograms.flatMap(([seconds, { buckets = [] }]) =>
        buckets.map(([, , up, count]) => [Math.round(seconds * 1_000), Number(up), Number(count)] as Cell)
      )
    )
  );
}

type Cell = [time: number, up: number, count: number];

function cumulative(cells: readonly Cell[]): Values {
  const values: Values = new Map();
  const bounds = [...classicBounds(METRIC.minExponent).seconds, Infinity];
  for (const [time, up, count] of cells) {
    for (const bound of bounds) {
      const key = `${bound} ${time}`;
      // A cell ends where a bound is, but for the last digit.
      values.set(key, (values.get(key) ?? 0) + (up <= bound * 1.000_001 ? count : 0));
    }
  }
  return values;
}
