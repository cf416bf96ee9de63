/** A storm of queries beside a storm of traffic: nothing is missed, what is answered is right, and the agent stays small. */
import { BenchAgent } from '../../bench/support/agent';
import type { ErrorBody } from '../../wire/errors';
import type { QueryAnswer } from '../../wire/answer';
import type { Query } from '../../wire/query';
import { Cgroup } from '../support/cgroup';
import { MemoryWatch } from '../support/memory-watch';
import { PodFarm } from '../support/pods';
import { requireKernel } from '../support/requirements';
import { sleep, until } from '../support/wait';

jest.setTimeout(600_000);

const SERVED = 'http_server_request_duration_seconds';
const PODS = 20;
const WORK = { plan: ['GET 200', 'GET 404', 'POST 201', 'PUT 500'], requestsPerSecond: 100 };
const REQUESTS = 300;
const DAY_MS = 24 * 3_600_000;

/** The first one has an answer that can be checked; the others are as heavy as a dashboard can make them. */
const QUERIES: Query[] = [
  { refId: 'A', metric: SERVED, select: 'increase', by: [], instant: true },
  { refId: 'B', metric: SERVED, select: 'heatmap', maxPoints: 10_000 },
  {
    refId: 'C',
    metric: SERVED,
    select: 'quantile',
    quantiles: [0.5, 0.99],
    by: ['cgroup'],
    top: 10,
    maxPoints: 10_000,
  },
  { refId: 'D', metric: SERVED, select: 'rate', by: ['cgroup', 'status'], maxPoints: 10_000 },
];

let cgroup: Cgroup;
let farm: PodFarm;
let agent: BenchAgent;

beforeEach(async () => {
  requireKernel();
  cgroup = Cgroup.make();
  farm = new PodFarm(cgroup);
  agent = await BenchAgent.start(cgroup, ['--kubernetes', 'off', '--docker', 'off']);
});

afterEach(async () => {
  await agent?.stop();
  await farm?.remove();
  await cgroup?.remove();
});

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);

/** Requests that the pods have served: of `done` the kernel must know, of more than `begun` it cannot. */
async function served(what: 'done' | 'begun'): Promise<number> {
  await farm.runtime.count();
  return farm.pods.reduce((all, pod) => all + sum(pod.did('server', what)), 0);
}

async function ask(queries: readonly Query[]): Promise<Response> {
  const nowMs = Date.now();
  return fetch(`${agent.url}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from: nowMs - DAY_MS, to: nowMs + 1_000, queries }),
  });
}

const countIn = ({ results }: QueryAnswer) => (results.A.frames[0]?.data.values.at(-1)?.[0] ?? 0) as number;

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${agent.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

test('hundreds at once', async () => {
  for (let n = 0; n < PODS; n++) {
    await farm.start({ name: `pod-${n}`, containers: [{ name: 'main', work: WORK }] });
  }
  const memory = await MemoryWatch.start(agent);
  const [ticks, overruns, startMs] = [
    await metric('ringside_tick_duration_seconds_count'),
    await metric('ringside_tick_overruns_total'),
    performance.now(),
  ];
  const least = await served('done');
  // A query is about the time until it was asked, and a tick may be late by as much as queries take.
  await sleep(5_000);

  let isStormy = true;
  const probes: number[] = [];
  const probing = (async () => {
    while (isStormy) {
      // On a connection of its own, as an orchestrator does.
      probes.push((await fetch(`${agent.url}/healthz`, { headers: { connection: 'close' } })).status);
      await sleep(100);
    }
  })();
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, async () => {
      const response = await ask(QUERIES);
      return { response, body: await response.json() };
    })
  );
  isStormy = false;
  await probing;

  const answered = answers.filter(({ response }) => response.ok).map(({ body }) => body as QueryAnswer);
  const refused = answers.filter(({ response }) => !response.ok);
  console.log(`${answered.length} answered, ${refused.length} refused, ${probes.length} probes`);
  expect(answered.length).toBeGreaterThanOrEqual(8);
  for (const { response, body } of refused) {
    const { code, message } = body as ErrorBody;
    expect([response.status, response.headers.get('retry-after'), code]).toEqual([503, '1', 'overloaded']);
    expect(message).toMatch(/^The agent has 64 such requests in hand already|^The agent had no time within 10 s/);
  }
  const most = await served('begun');
  for (const answer of answered) {
    const failures = Object.values(answer.results).flatMap(({ error }) => error?.code ?? []);
    expect(failures.filter((code) => code !== 'overloaded')).toEqual([]);
    if (!answer.results.A.error) {
      expect(countIn(answer)).toBeGreaterThanOrEqual(least);
      expect(countIn(answer)).toBeLessThanOrEqual(most);
    }
  }
  expect(new Set(probes)).toEqual(new Set([200]));

  // Every second was read, or is told not to have been.
  const read = (await metric('ringside_tick_duration_seconds_count')) - ticks;
  const leftOut = (await metric('ringside_tick_overruns_total')) - overruns;
  const seconds = (performance.now() - startMs) / 1_000;
  expect(Math.abs(read + leftOut - seconds)).toBeLessThanOrEqual(3);

  await Promise.all(farm.pods.flatMap((pod) => pod.running.map(({ process }) => process.stop())));
  const all = await served('done');
  let told = 0;
  await until(
    () => `${all} requests to be told, not ${told}`,
    async () => (told = countIn((await (await ask(QUERIES.slice(0, 1))).json()) as QueryAnswer)) === all,
    { timeoutMs: 10_000, everyMs: 100 }
  );
  const { losses } = await agent.status();
  const http = Object.fromEntries(
    losses.filter(({ program }) => program === 'http').map(({ counter, value }) => [counter, value])
  );
  expect(http).toMatchObject({ seen: 2 * all, recorded: 2 * all, in_flight: 0, unparsed: 0, overflowed: 0, other: 0 });
  await memory.expectInsideBudget();
});
