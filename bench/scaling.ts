/** How does each cost grow? */
import { version } from '../package.json';
import { Cgroup } from '../test/support/cgroup';
import { sleep } from '../test/support/wait';
import { Accounting } from './support/accounting';
import { BenchAgent } from './support/agent';
import { Load } from './support/load';
import { Past } from './support/past';
import { Pods, SERIES_OF_A_POD } from './support/pods';
import { processorSeconds } from './support/processor';
import { ask, type Run } from './support/question';
import type { Recording } from './support/recording';
import { METRIC, SCRAPE_MS, seriesOf, traffic } from './support/traffic';

const LINE = 'Ringside';
const PODS = [20, 60, 200];
/** Requests of each pod and second. */
const PACE = 1;
const RATES = [100, 1_000, 10_000];
const REMEMBERED_PODS = [20, 200, 2_000];
const STATUSES = 10;
const HOUR_MS = 3_600_000;
const RANGES_MS = [HOUR_MS / 10, HOUR_MS, 10 * HOUR_MS];
const RANGE_PODS = 200;
/** A graph has as many points, however long its range. */
const POINTS = 60;
const ASKED = 5;
/** Of a series in 15 s, on average, and to spare. */
const BYTES_OF_A_RECORD = 24;
/** Start-up is not what an operator pays for day and night. */
const SETTLE_MS = 10_000;
const MB = 1_000_000;

void ask(__filename, {
  title: 'Scaling',
  asks: 'How does each cost grow as what causes it grows tenfold?',
  method:
    'An exponent of 0 is a cost that stays, 1 one that grows alike. Pods are real, ten series each, and make one request a ' +
    'second each. Request rates are those of a load that does not wait (bench/load/open-loop.c) on one nginx; kernel time ' +
    'is without the account’s own. Queries are for the p99 by pod, in 60 points, of made-up traffic with ten series a pod, ' +
    'answered in the benchmark’s own process: against series over 1 h, against the range for 200 pods.',
  rounds: 3,
  seconds: 10,
  figures: {},
  ratios: [],
  curves: {
    processorByPods: { name: 'Processor time of the agent', unit: '% of a processor', across: 'pods' },
    memoryByPods: { name: 'Memory of the agent and its maps', unit: 'MB', across: 'pods' },
    processorByRate: { name: 'Processor time of the agent', unit: '% of a processor', across: 'requests/s' },
    kernelByRate: { name: 'Kernel time of a request and side', unit: 'ns', across: 'requests/s' },
    queryBySeries: { name: 'A query', unit: 'ms', across: 'series' },
    queryByRange: { name: 'A query', unit: 'ms', across: 'minutes' },
  },
  run,
});

type Say = Run['say'];

async function run({ rounds, seconds, recording, say }: Run): Promise<void> {
  recording.took({ name: LINE, version });
  recording.missed('Nodes', 'agents do not ask one another yet: each answers for its own');
  const queries = [...bySeries(), ...byRange()].map((each) => ({ ...each, ask: each.prepare() }));
  for (let round = 1; round <= rounds; round++) {
    const told = (line: string) => say(`round ${round} of ${rounds}, ${line}`);
    for (const query of queries) {
      const milliseconds = timed(query.ask);
      recording.place(query.curve, LINE, query.x, milliseconds);
      told(`${query.curve} at ${query.x}: ${milliseconds.toFixed(1)} ms`);
    }
    await growPods(seconds, recording, told);
    await growRate(seconds, recording, told);
  }
}

async function growPods(seconds: number, recording: Recording, say: Say): Promise<void> {
  const [cgroup, within] = [Cgroup.make(), Cgroup.make()];
  const pods = await Pods.open(cgroup);
  try {
    for (const count of PODS) {
      await pods.grow(count, PACE);
      const agent = await BenchAgent.start(cgroup, pods.flags, within);
      await pods.seenBy(agent);
      await sleep(SETTLE_MS);
      const share = await processorShare(within, () => sleep(seconds * 1_000));
      const { anonymousBytes, kernelMapBytes } = (await agent.status()).memory;
      await agent.stop();
      recording.place('processorByPods', LINE, count, share);
      recording.place('memoryByPods', LINE, count, (anonymousBytes + kernelMapBytes) / MB);
      say(`${count} pods, ${count * SERIES_OF_A_POD} series: ${share.toFixed(2)} % of a processor`);
    }
  } finally {
    await pods.remove();
    await cgroup.remove();
    await within.remove();
  }
}

async function growRate(seconds: number, recording: Recording, say: Say): Promise<void> {
  const load = await Load.start();
  const within = Cgroup.make();
  const agent = await BenchAgent.start(load.scope, [], within);
  try {
    await sleep(SETTLE_MS);
    for (const rate of RATES) {
      const share = await processorShare(within, () => load.steady(rate, seconds));
      recording.place('processorByRate', LINE, rate, share);
      const nanoseconds = await kernelTime(load, agent, rate, seconds);
      recording.place('kernelByRate', LINE, rate, nanoseconds);
      say(`${rate} requests/s: ${share.toFixed(2)} % of a processor, ${Math.round(nanoseconds)} ns a request and side`);
    }
  } finally {
    await agent.stop();
    await load.stop();
    await within.remove();
  }
}

/** % of one processor, while the work lasts. */
async function processorShare(cgroup: Cgroup, work: () => Promise<unknown>): Promise<number> {
  const [before, startMs] = [processorSeconds(cgroup), performance.now()];
  await work();
  return ((processorSeconds(cgroup) - before) / (performance.now() - startMs)) * 100_000;
}

/** Nanoseconds of a request and side. */
async function kernelTime(load: Load, agent: BenchAgent, rate: number, seconds: number): Promise<number> {
  const accounting = Accounting.start(load.scope);
  try {
    const before = accounting.read(await agent.status());
    const { answered } = await load.steady(rate, seconds);
    const { sum } = accounting.since(before, await agent.status());
    return sum / answered / 2;
  } finally {
    accounting.stop();
  }
}

/** A query that is worth timing: what it is drawn at, and what makes its past. */
interface TimedQuery {
  curve: string;
  x: number;
  prepare(): () => void;
}

function bySeries(): TimedQuery[] {
  return REMEMBERED_PODS.map((pods) => ({
    curve: 'queryBySeries',
    x: pods * STATUSES,
    prepare: () => queryOf(pods, HOUR_MS),
  }));
}

function byRange(): TimedQuery[] {
  return RANGES_MS.map((rangeMs) => ({
    curve: 'queryByRange',
    x: rangeMs / 60_000,
    prepare: () => queryOf(RANGE_PODS, rangeMs),
  }));
}

/** Of a past that begins where the range begins. */
function queryOf(pods: number, rangeMs: number): () => void {
  const series = seriesOf(pods);
  const toMs = 10 * 365 * 24 * HOUR_MS;
  const fromMs = toMs - rangeMs;
  // A quarter of it is for the finest records; most series do not move in most of them.
  const bytes = Math.max(2 ** 20, 4 * BYTES_OF_A_RECORD * series.length * (rangeMs / SCRAPE_MS));
  const past = new Past({ node: 'bench', bytes, series, fromMs });
  for (const { toMs: atMs, tell } of traffic(series, { fromMs, fineFromMs: toMs, toMs })) {
    past.add(atMs, tell);
  }
  if (past.starts.finestMs > fromMs) {
    throw new Error(`A history of ${bytes} bytes does not hold ${rangeMs / 60_000} min of ${pods} pods.`);
  }
  const stepMs = rangeMs / POINTS;
  const query = {
    refId: 'A',
    metric: METRIC.name,
    select: 'quantile' as const,
    quantiles: [0.99],
    by: ['pod'],
    stepMs,
  };
  return () => {
    const { frames } = past.answer(query, fromMs, toMs);
    if (frames.length !== pods) {
      throw new Error(`${frames.length} of ${pods} pods were answered.`);
    }
  };
}

/** Milliseconds: the median of some, after one that is not counted. */
function timed(work: () => void): number {
  work();
  const times = Array.from({ length: ASKED }, () => {
    const startMs = performance.now();
    work();
    return performance.now() - startMs;
  });
  return times.sort((a, b) => a - b)[Math.floor(ASKED / 2)];
}
