/** How does each cost grow? */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_HISTORY_BYTES } from '../agent/history/history';
import { version } from '../package.json';
import { Cgroup } from '../test/support/cgroup';
import { sleep } from '../test/support/wait';
import type { QueryAnswer } from '../wire/answer';
import type { Query } from '../wire/query';
import { Accounting } from './support/accounting';
import { BenchAgent } from './support/agent';
import { Load } from './support/load';
import { Past } from './support/past';
import { Pods, SERIES_OF_A_POD } from './support/pods';
import { processorSeconds } from './support/processor';
import { ask, type Run } from './support/question';
import type { Range } from './support/questions';
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
const NODES = [1, 3, 10];
const NODE = 'bench';
/** What the history as it comes holds of so many pods. */
const NODE_RANGE_MS = HOUR_MS / 4;
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
    'answered in the benchmark’s own process: against series over 1 h, against the range for 200 pods. Nodes are agents ' +
    'side by side on this one machine, each with a cgroup and a history of its own, of 15 min of 200 pods, about which all ' +
    'of them are asked at once, over HTTP; they do not ask one another.',
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
    queryByNodes: { name: 'Processor time of a query on each node', unit: 'ms', across: 'nodes' },
    memoryByNodes: { name: 'Memory of all agents and their maps', unit: 'MB', across: 'nodes' },
  },
  run,
});

type Say = Run['say'];

async function run({ rounds, seconds, recording, say }: Run): Promise<void> {
  recording.took({ name: LINE, version });
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
    await growNodes(recording, told);
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
  const [accounting, agent] = await Accounting.around(load.scope, () => BenchAgent.start(load.scope, [], within));
  try {
    await sleep(SETTLE_MS);
    for (const rate of RATES) {
      const share = await processorShare(within, () => load.steady(rate, seconds));
      recording.place('processorByRate', LINE, rate, share);
      const nanoseconds = await kernelTime(load, agent, accounting, rate, seconds);
      recording.place('kernelByRate', LINE, rate, nanoseconds);
      say(`${rate} requests/s: ${share.toFixed(2)} % of a processor, ${Math.round(nanoseconds)} ns a request and side`);
    }
  } finally {
    accounting.stop();
    await agent.stop();
    await load.stop();
    await within.remove();
  }
}

async function growNodes(recording: Recording, say: Say): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ringside-nodes-'));
  const toMs = Math.floor(Date.now() / SCRAPE_MS) * SCRAPE_MS;
  const fromMs = toMs - NODE_RANGE_MS;
  const path = join(folder, 'history');
  pastOf(RANGE_PODS, { fromMs, toMs }, DEFAULT_HISTORY_BYTES, path);
  const nodes: Array<{ agent: BenchAgent; cgroups: Cgroup[] }> = [];
  try {
    for (const count of NODES) {
      while (nodes.length < count) {
        const cgroups = [Cgroup.make(), Cgroup.make()];
        copyFileSync(path, `${path}-${nodes.length}`);
        const flags = ['--node', NODE, '--history-file', `${path}-${nodes.length}`];
        nodes.push({ agent: await BenchAgent.start(cgroups[0], flags, cgroups[1]), cgroups });
      }
      await sleep(SETTLE_MS);
      const query = p99ByPod(NODE_RANGE_MS / POINTS);
      const askAll = () => Promise.all(nodes.map(({ agent }) => agent.query(fromMs, toMs, query)));
      await askAll();
      const used = () => nodes.reduce((sum, { cgroups }) => sum + processorSeconds(cgroups[1]), 0);
      const before = used();
      for (let asked = 0; asked < ASKED; asked++) {
        checkPods(await askAll());
      }
      const milliseconds = ((used() - before) * 1_000) / ASKED / count;
      const memories = await Promise.all(nodes.map(async ({ agent }) => (await agent.status()).memory));
      const bytes = memories.reduce(
        (sum, { anonymousBytes, kernelMapBytes }) => sum + anonymousBytes + kernelMapBytes,
        0
      );
      recording.place('queryByNodes', LINE, count, milliseconds);
      recording.place('memoryByNodes', LINE, count, bytes / MB);
      say(`${count} nodes: ${milliseconds.toFixed(1)} ms of each, ${Math.round(bytes / MB)} MB of all`);
    }
  } finally {
    for (const { agent, cgroups } of nodes) {
      await agent.stop();
      await Promise.all(cgroups.map((cgroup) => cgroup.remove()));
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkPods(answers: readonly QueryAnswer[]): void {
  const answered = answers.map(({ results }) => results.A.frames.length);
  if (answered.some((frames) => frames !== RANGE_PODS)) {
    throw new Error(`Of ${RANGE_PODS} pods were answered: ${answered.join(', ')}.`);
  }
}

/** % of one processor, while the work lasts. */
async function processorShare(cgroup: Cgroup, work: () => Promise<unknown>): Promise<number> {
  const [before, startMs] = [processorSeconds(cgroup), performance.now()];
  await work();
  return ((processorSeconds(cgroup) - before) / (performance.now() - startMs)) * 100_000;
}

/** Nanoseconds of a request and side. */
async function kernelTime(
  load: Load,
  agent: BenchAgent,
  accounting: Accounting,
  rate: number,
  seconds: number
): Promise<number> {
  const before = accounting.read(await agent.status());
  const { answered } = await load.steady(rate, seconds);
  const { sum } = accounting.since(before, await agent.status());
  return sum / answered / 2;
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
  const toMs = 10 * 365 * 24 * HOUR_MS;
  const fromMs = toMs - rangeMs;
  // A fifth of it is for the finest records; most series do not move in most of them.
  const bytes = Math.max(2 ** 20, 5 * BYTES_OF_A_RECORD * pods * STATUSES * (rangeMs / SCRAPE_MS));
  const past = pastOf(pods, { fromMs, toMs }, bytes);
  if (past.resolutionMs(fromMs) > 1_000) {
    throw new Error(`A history of ${bytes} bytes does not hold ${rangeMs / 60_000} min of ${pods} pods.`);
  }
  const query = { refId: 'A', ...p99ByPod(rangeMs / POINTS) };
  return () => {
    const { frames } = past.answer(query, fromMs, toMs);
    if (frames.length !== pods) {
      throw new Error(`${frames.length} of ${pods} pods were answered.`);
    }
  };
}

/** Made-up traffic, told by the scrape. */
function pastOf(pods: number, { fromMs, toMs }: Range, bytes: number, path?: string): Past {
  const series = seriesOf(pods);
  const past = new Past({ path, node: NODE, bytes, series, fromMs });
  for (const { toMs: atMs, tell } of traffic(series, { fromMs, fineFromMs: toMs, toMs })) {
    past.add(atMs, tell);
  }
  return past;
}

function p99ByPod(stepMs: number): Omit<Query, 'refId'> {
  return { metric: METRIC.name, select: 'quantile', quantiles: [0.99], by: ['pod'], stepMs };
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
