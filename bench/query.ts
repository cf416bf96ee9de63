/** What does the history save, against the naive way to keep the same? */
import { performance } from 'node:perf_hooks';
import { version } from '../package.json';
import type { Deltas } from '../agent/history/deltas';
import { History } from '../agent/history/history';
import { SeriesTable, type Series } from '../agent/history/series';
import { answerQuery } from '../agent/query/query';
import { secondsOfBucket } from '../agent/query/quantiles';
import { LATENCY_MIN_EXPONENT } from '../wire/histogram';
import type { Result } from '../wire/answer';
import { METRICS } from '../wire/metrics';
import type { Query } from '../wire/query';
import { plain } from '../test/support/plain';
import { ask, type Run } from './support/question';

const PODS = 200;
const STATUSES = ['200', '201', '204', '301', '304', '400', '404', '429', '500', '503'];
const SECONDS = 3_600;
const STEP_MS = 10_000;
/** Enough to remember this hour in steps of 10 s. */
const HISTORY_BYTES = 160 * 1024 * 1024;
const FROM_MS = 1_790_002_800_000;
const RINGSIDE = 'Ringside’s history';
const NAIVE = 'plain objects';

void ask(__filename, {
  title: 'The history, against plain objects',
  asks: 'What does a dashboard’s query cost in the agent itself: p99 by pod over an hour?',
  method:
    `${PODS} pods with ${STATUSES.length} series each, of which one in ten moves in a second. Beside the history the naive ` +
    'way: every tick’s buckets kept as objects, all of them filtered and added up in a map for each point. Both are in ' +
    'one process, on the same past, and their answers are compared first.',
  rounds: 7,
  seconds: SECONDS,
  figures: { query: { name: 'p99 by pod, 1 h in steps of 10 s', unit: 'ms' } },
  ratios: [{ name: 'plain objects / Ringside’s history', figure: 'query', of: NAIVE, to: RINGSIDE }],
  curves: {},
  run,
});

interface NaiveEntry {
  atMs: number;
  pod: string;
  buckets: number[];
  counts: number[];
}

async function run({ seconds, compare }: Run): Promise<void> {
  const series = new SeriesTable();
  const history = new History({ series, bytes: HISTORY_BYTES });
  history.begin(FROM_MS);
  const all = Array.from({ length: PODS }, (_, pod) => {
    const target = { labels: { pod: `pod-${pod}` }, hidden: false };
    return STATUSES.map((status) => series.intern(METRICS[0], target, { method: 'GET', status }));
  }).flat();
  const naive: NaiveEntry[] = [];
  const random = lcg(23);
  for (let second = 1; second <= seconds; second++) {
    const atMs = FROM_MS + second * 1000;
    history.record(atMs, (into) => tellSecond(all, random, into, (entry) => naive.push({ atMs, ...entry })));
  }
  const nowMs = FROM_MS + seconds * 1000;
  const query: Query = {
    refId: 'A',
    metric: METRICS[0].name,
    select: 'quantile',
    quantiles: [0.99],
    by: ['pod'],
    stepMs: STEP_MS,
  };
  const context = { history, series, live: { peek: () => {} }, nowMs };
  const answer = () => plain(answerQuery(query, { from: FROM_MS, to: nowMs }, context));
  check(answer(), naiveP99ByPod(naive));
  await compare([
    { name: RINGSIDE, version, measure: async () => ({ query: milliseconds(answer) }) },
    { name: NAIVE, version: '', measure: async () => ({ query: milliseconds(() => naiveP99ByPod(naive)) }) },
  ]);
}

/** One series in ten has requests in a second; their durations are spread over two octaves, around 10 ms or so. */
function tellSecond(
  all: readonly Series[],
  random: () => number,
  into: Deltas,
  keep: (entry: Omit<NaiveEntry, 'atMs'>) => void
): void {
  const indices = new Uint16Array(4);
  const counts = new Float64Array(4);
  for (const { id, target } of all) {
    if (random() > 0.1) {
      continue;
    }
    const first = 90 + (id % 20) + Math.floor(random() * 5);
    indices.forEach((_, i) => (indices[i] = first + 3 * i));
    counts.forEach((_, i) => (counts[i] = 1 + Math.floor(random() * 20)));
    into.histogram(id, 1_000_000, indices, counts, 4);
    keep({ pod: target.labels.pod ?? '', buckets: Array.from(indices), counts: Array.from(counts) });
  }
}

function naiveP99ByPod(entries: readonly NaiveEntry[]): Map<string, Map<number, number>> {
  const cells = new Map<string, Map<number, Map<number, number>>>();
  for (const { atMs, pod, buckets, counts } of entries) {
    const step = Math.ceil(atMs / STEP_MS) * STEP_MS;
    let steps = cells.get(pod);
    if (!steps) {
      cells.set(pod, (steps = new Map()));
    }
    let sums = steps.get(step);
    if (!sums) {
      steps.set(step, (sums = new Map()));
    }
    for (let i = 0; i < buckets.length; i++) {
      sums.set(buckets[i], (sums.get(buckets[i]) ?? 0) + counts[i]);
    }
  }
  const p99 = (sums: Map<number, number>) => {
    const sorted = [...sums].sort(([a], [b]) => a - b);
    const events = sorted.reduce((sum, [, count]) => sum + count, 0);
    const rank = Math.ceil((events * 99) / 100);
    let seen = 0;
    const [bucket] = sorted.find(([, count]) => (seen += count) >= rank) ?? [0];
    return secondsOfBucket(bucket, LATENCY_MIN_EXPONENT);
  };
  return new Map([...cells].map(([pod, steps]) => [pod, new Map([...steps].map(([step, sums]) => [step, p99(sums)]))]));
}

/** A benchmark of two things that do not do the same says nothing. */
function check({ frames }: Result, expected: ReturnType<typeof naiveP99ByPod>): void {
  for (const { schema, data } of frames) {
    const steps = expected.get(schema.fields[1].labels?.pod ?? '');
    const [times, values] = data.values;
    times.forEach((time, i) => {
      if (values[i] !== (steps?.get(Number(time)) ?? null)) {
        throw new Error(
          `The answers differ at ${String(time)}: ${String(values[i])}, ${String(steps?.get(Number(time)))}.`
        );
      }
    });
  }
  if (frames.length !== expected.size) {
    throw new Error(`The answers differ: ${frames.length} series, ${expected.size}.`);
  }
}

function milliseconds(work: () => unknown): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

/** The same numbers in every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}
