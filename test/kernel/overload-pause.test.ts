/** The built agent is stopped for a minute in the middle of everything: when it wakes, it knows what it has missed. */
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { BenchAgent } from '../../bench/support/agent';
import type { Query } from '../../wire/query';
import { ApiServer } from '../support/api-server';
import { Cgroup } from '../support/cgroup';
import { accessTo, PodFarm, type Pod } from '../support/pods';
import { requireKernel } from '../support/requirements';
import { sleep, until } from '../support/wait';

jest.setTimeout(240_000);

const SERVED = 'http_server_request_duration_seconds';
/** Longer than what makes a probe ask for a restart. */
const PAUSE_MS = 62_000;
const PER_SECOND = 50;
const BRIEF_REQUESTS = 23;
/** The kernel can tell of 1,024 changes. Each of these is two, and later a third: that nothing is left of it. */
const CGROUPS = 1_000;

let cgroup: Cgroup;
let api: ApiServer;
let farm: PodFarm;
let agent: BenchAgent;
let startMs: number;

beforeEach(async () => {
  requireKernel();
  cgroup = Cgroup.make();
  api = await ApiServer.start();
  farm = new PodFarm(cgroup, { cluster: api, node: 'here' });
  const { url, tokenFile, caFile } = accessTo(api);
  const access = ['--kubernetes', url, '--kubernetes-token-file', tokenFile, '--kubernetes-ca-file', caFile];
  agent = await BenchAgent.start(cgroup, [...access, '--node', 'here']);
  startMs = Date.now();
});

afterEach(async () => {
  agent?.process.kill('SIGCONT');
  await agent?.stop();
  await farm?.remove();
  await api?.stop();
  await cgroup?.remove();
});

type Question = Omit<Query, 'refId' | 'metric'>;

async function frames(question: Question) {
  const answer = await agent.query(startMs - 5_000, Date.now() + 1_000, { metric: SERVED, ...question });
  return answer.results.A.frames;
}

/** Requests served, by a label. */
async function increases(by: 'pod' | 'cgroup'): Promise<Record<string, number>> {
  const [frame] = await frames({ select: 'increase', by: [by], instant: true });
  const [names, values] = (frame?.data.values ?? [[], []]) as [string[], number[]];
  return Object.fromEntries(names.map((name, row) => [name, values[row]]).filter(([, value]) => value !== 0));
}

function start(name: string, work: object): Promise<Pod> {
  return farm.start({ name, containers: [{ name: 'main', work }] });
}

const didServe = (pod: Pod) => pod.did('server')['GET 200'] ?? 0;

/** One that comes, does its work, and is gone. */
async function passBy(name: string): Promise<Pod> {
  const pod = await start(name, { requests: BRIEF_REQUESTS, requestsPerSecond: 1_000 });
  await until(`${name} to be done`, async () => {
    await farm.runtime.count();
    return didServe(pod) === BRIEF_REQUESTS;
  });
  await pod.remove();
  return pod;
}

function passManyBy(): void {
  for (let n = 0; n < CGROUPS; n++) {
    const folder = join(cgroup.path, `empty-${n}`);
    mkdirSync(folder);
    rmdirSync(folder);
  }
}

test('exact counts, no spike, names where the kernel could tell them, and a word about the rest', async () => {
  const steady = await Promise.all(['web-0', 'web-1'].map((name) => start(name, { requestsPerSecond: PER_SECOND })));
  await until(
    'both names',
    async () =>
      Object.keys(await increases('pod'))
        .sort()
        .join() === 'web-0,web-1'
  );
  await sleep(3_000);

  const stoppedMs = Date.now();
  agent.process.kill('SIGSTOP');
  const probe = fetch(`${agent.url}/healthz`);
  const brief = await passBy('brief');
  passManyBy();
  const unseen = await passBy('unseen');
  const late = await start('late', { requestsPerSecond: PER_SECOND });
  await sleep(PAUSE_MS - (Date.now() - stoppedMs));
  agent.process.kill('SIGCONT');
  const wokeMs = Date.now();

  // It is well, and must not be ended: it would have to start all over.
  expect((await probe).status).toBe(200);
  await until('it to measure again', async () => (await fetch(`${agent.url}/readyz`)).ok);
  await sleep(4_000);
  const pods = [...steady, late];
  await Promise.all(pods.flatMap((pod) => pod.running.map(({ process }) => process.stop())));
  await until('the last request', async () => {
    const { losses } = await agent.status();
    return losses.some(({ program, counter, value }) => program === 'http' && counter === 'in_flight' && value === 0);
  });

  // To the last request, and each under its name.
  const byPod = await until('the name of what came late', async () => {
    const counts = await increases('pod');
    return 'late' in counts && counts;
  });
  expect(pods.map(({ spec }) => byPod[spec.name])).toEqual(pods.map(didServe));
  const all = [...pods, brief, unseen].reduce((sum, pod) => sum + didServe(pod), 0);
  expect(Object.values(byPod).reduce((sum, count) => sum + count, 0)).toBe(all);
  const byCgroup = await increases('cgroup');
  expect(byCgroup[brief.containers[0].owner]).toBe(BRIEF_REQUESTS);
  expect(byCgroup[unseen.containers[0].owner]).toBeUndefined();
  const nameless = Object.entries(byCgroup).filter(([name]) => name.startsWith('removed:'));
  expect(nameless.map(([, count]) => count)).toEqual([BRIEF_REQUESTS]);

  // One record for all of it: events over their time.
  for (const { schema, data } of await frames({ select: 'rate', by: ['pod'], stepMs: 1_000 })) {
    const [times, rates] = data.values as [number[], Array<number | null>];
    const within = rates.filter((_, i) => times[i] > stoppedMs + 2_000 && times[i] < wokeMs - 2_000);
    expect([schema.fields[1].labels, within.filter((rate) => rate !== null)]).toEqual([schema.fields[1].labels, []]);
    expect(Math.max(...rates.map((rate) => rate ?? 0))).toBeLessThan(3 * PER_SECOND);
    expect(Math.min(...rates.map((rate) => rate ?? 0))).toBeGreaterThanOrEqual(0);
  }

  const { losses, notices, memory } = await agent.status();
  const http = Object.fromEntries(
    losses.filter(({ program }) => program === 'http').map(({ counter, value }) => [counter, value])
  );
  expect(http).toMatchObject({ seen: http.recorded, in_flight: 0, unparsed: 0, overflowed: 0, other: 0 });
  const untold = losses.find(({ program, counter }) => program === 'cgroup' && counter === 'lost')!.value;
  expect(untold).toBeGreaterThanOrEqual(2 * CGROUPS - 1_024);
  const said = notices.join('\n');
  expect(said).toMatch(/^The kernel was not read for 6\d s until \S+Z: the agent was stopped, or had no processor\./m);
  expect(said).toContain(`${untold} changes were not told`);
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  expect(Number(/^ringside_tick_overruns_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(55);
  expect(memory.anonymousBytes + memory.kernelMapBytes).toBeLessThan(96 * 2 ** 20);
});
