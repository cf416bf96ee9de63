/** What one container can take, and what names from the outside can do: a share of the table, and nothing. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ApiServer } from '../support/api-server';
import { Cgroup } from '../support/cgroup';
import { TestCollector, type CollectorOptions } from '../support/collector';
import { accessTo, PodFarm, type Pod } from '../support/pods';
import { Recording } from '../support/recording';
import { until } from '../support/wait';
import { TARGET_LABELS } from '../../wire/metrics';

jest.setTimeout(60_000);

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'];
/** Each of them is a series on either side. */
const THOUSAND = Array.from({ length: 1_000 }, (_, n) => `${METHODS[n % METHODS.length]} ${200 + Math.floor(n / 5)}`);

let cgroup: Cgroup;
let farm: PodFarm;
let collector: TestCollector;
let recording: Recording;
let api: ApiServer;

async function open(options: CollectorOptions = {}): Promise<void> {
  cgroup = Cgroup.make();
  api = await ApiServer.start();
  farm = new PodFarm(cgroup, { cluster: api });
  collector = await TestCollector.open(cgroup, { kubernetes: accessTo(api), ...options });
  recording = new Recording(collector, { tickMs: 100 });
}

afterEach(async () => {
  recording?.stop();
  await farm?.remove();
  await collector?.close();
  await api?.stop();
  await cgroup?.remove();
  expect(recording?.failure).toBeUndefined();
});

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);

async function done(pod: Pod, requests: number): Promise<void> {
  await until(
    () => `${pod.name} to have done ${requests} requests, not ${sum(pod.did('server'))}`,
    async () => {
      await farm.runtime.count();
      return sum(pod.did('server')) === requests;
    },
    { timeoutMs: 10_000 }
  );
}

const notices = () => collector.collector.status().notices.join(' ');

test('a container with 1,000 series has its share; the rest is its own “other”, and its neighbours have theirs', async () => {
  const CAP = 100;
  await open({ maxSeries: 512, maxSeriesPerContainer: CAP });
  const plan = ['GET 200', 'PUT 404'];
  const neighbour = (name: string) => ({
    name,
    containers: [{ name: 'main', work: { requests: 29, requestsPerSecond: 1_000, plan } }],
  });
  const before = await farm.start(neighbour('before'));
  await done(before, 29);
  const greedy = await farm.start({
    name: 'greedy',
    containers: [{ name: 'main', work: { requests: 3_000, requestsPerSecond: 5_000, plan: THOUSAND } }],
  });
  await done(greedy, 3_000);
  const after = await farm.start(neighbour('after'));
  await done(after, 29);
  await until('all names', () => (collector.totals(), collector.identity().unnamedPods === 0));
  await collector.settle();

  const { greedy: mine, ...others } = recording.requests('server', ['pod']);
  expect(others).toEqual({ before: before.did('server'), after: after.did('server') });
  expect(sum(mine)).toBe(3_000);
  expect(sum(recording.requests('client', ['pod']).greedy)).toBe(3_000);
  const { 'other other': rest, ...own } = mine;
  expect(rest).toBeGreaterThan(2_700);
  // Every one that has a series of its own has all of its requests there.
  expect(own).toEqual(Object.fromEntries(Object.keys(own).map((key) => [key, 3])));
  const series = Object.keys(own).length + Object.keys(recording.requests('client', ['pod']).greedy).length - 1;
  expect(series).toBe(CAP);
  expect(collector.losses()).toMatchObject({ other: 0, capped: 2 * 3_000 - 3 * CAP });
  expect(notices()).toContain('default/greedy/main');
  expect(notices()).toContain('--max-series-per-container');
  expect(notices()).not.toMatch(/before|after/);
  collector.expectNothingLost();
});

test('when it is gone, so is its share: another may have as many, and the status is content again', async () => {
  await open({ maxSeries: 64, maxSeriesPerContainer: 20 });
  for (const name of ['first', 'second', 'third', 'fourth']) {
    const work = { requests: 200, requestsPerSecond: 5_000, plan: THOUSAND.slice(0, 50) };
    const pod = await farm.start({ name, containers: [{ name: 'main', work }], statusDelayMs: 10 });
    await done(pod, 200);
    await until('its name', () => recording.requests('server', ['pod'])[name] !== undefined);
    const seen = recording.requests('server', ['pod'])[name];
    expect(sum(seen)).toBe(200);
    expect(notices()).toContain(`default/${name}/main`);
    await pod.remove({ deletionDelayMs: 20 });
    await until('its slots to be free', () => collector.collector.status().series[0].used === 0);
    expect(notices()).not.toContain('--max-series-per-container');
  }
  expect(collector.losses().other).toBe(0);
});

test('nor has one that was left out for a while lost its share', async () => {
  await open({ maxSeriesPerContainer: 20 });
  const work = { requestsPerSecond: 400, plan: THOUSAND.slice(0, 10) };
  const pod = await farm.start({ name: 'fickle', containers: [{ name: 'main', work }], statusDelayMs: 10 });
  const ownSeries = () => collector.collector.status().series[0].used;
  await until('all of its series', () => ownSeries() === 20);
  pod.relabel({ 'ringside.io/observe': 'false' });
  await until('its slots to be free', () => ownSeries() === 0);
  pod.relabel({});
  await until('all of its series again', () => ownSeries() === 20);
  await pod.running[0].process.stop();
  await collector.settle();
  expect(collector.losses()).toMatchObject({ capped: 0, other: 0 });
  expect(notices()).not.toContain('--max-series-per-container');
});

describe('hostile names', () => {
  /** Escapes of a terminal, a line break, a 0, bidirectional overrides, half a surrogate pair, an invisible one. */
  const HOSTILE = '\u001b[31m\u0007evil\r\n\u0000\u202e\u2066gnp.exe\ud800\u200b\u009b2J';
  const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

  const work = { requests: 23, requestsPerSecond: 1_000 };

  /** All target labels of all series, as a query gives them. */
  const shown = () =>
    recording.increases('http_server_request_duration_seconds', TARGET_LABELS).flatMap(({ labels }) => labels);

  test('of pods, namespaces, containers and workloads are shown harmless and short', async () => {
    await open();
    const long = 'x'.repeat(10_000);
    const pods = await Promise.all(
      [HOSTILE, HOSTILE + long, long, `<img src=x onerror=alert(1)>${HOSTILE}`].map((evil, n) =>
        farm.start({
          name: `${n}${evil}`,
          namespace: evil,
          owner: { kind: 'StatefulSet', name: evil },
          labels: { [evil]: evil },
          containers: [{ name: `${n}${evil}`, work }],
          statusDelayMs: 50,
        })
      )
    );
    const sane = await farm.start({ name: 'sane', containers: [{ name: 'main', work }], statusDelayMs: 50 });
    await Promise.all([...pods, sane].map((pod) => done(pod, 23)));
    await until('all names', () => {
      collector.totals();
      return collector.identity().unnamedPods === 0 && collector.identity().pods === 5 && shown().includes('main');
    });
    await until('names of containers', () => shown().filter((label) => /^\d.*(evil|xxx|img)/.test(label)).length === 8);
    for (const label of shown()) {
      expect(label).not.toMatch(UNPRINTABLE);
      expect(label.length).toBeLessThanOrEqual(253);
      expect(Buffer.from(label).toString()).toBe(label);
    }
    // They are still told apart.
    const counts = recording.requests('server', ['pod']);
    expect(Object.values(counts)).toEqual(Array(5).fill({ 'GET 200': 23 }));
    expect(counts.sane).toEqual({ 'GET 200': 23 });
    expect(JSON.stringify([notices(), collector.identity()])).not.toMatch(UNPRINTABLE);
  });

  test('of cgroups: escapes, and a path that is longer than the kernel tells', async () => {
    await open();
    const evil = join(cgroup.path, HOSTILE.replaceAll(/[\0/\ud800\r\n]/g, ''));
    const deep = join(cgroup.path, ...Array.from({ length: 4 }, (_, n) => `${n}`.padEnd(200, 'd')));
    mkdirSync(evil);
    mkdirSync(deep, { recursive: true });
    const processes = [evil, deep].map((folder) => farm.runtime.run(folder, 1, work));
    await until('both to be done', async () => {
      await farm.runtime.count();
      return processes.every(({ did }) => sum(did.server.done) === 23);
    });
    await collector.settle();
    const counts = recording.requests('server', ['cgroup']);
    expect(Object.values(counts)).toEqual([{ 'GET 200': 23 }, { 'GET 200': 23 }]);
    for (const label of shown()) {
      expect(label).not.toMatch(UNPRINTABLE);
      expect(label).not.toContain('removed:');
      expect(label.length).toBeLessThanOrEqual(1_024);
    }
  });
});
