/** Pods that come and go, faster than anybody names them: every request is found under its own pod, then and for ever. */
import { ApiServer } from '../support/api-server';
import { Cgroup } from '../support/cgroup';
import { TestCollector, type CollectorOptions } from '../support/collector';
import { BURSTABLE, CGROUPFS } from '../support/layouts';
import { accessTo, PodFarm, type Pod, type PodSpec } from '../support/pods';
import { Recording } from '../support/recording';
import type { Counts } from '../support/totals';
import { sleep, until } from '../support/wait';

jest.setTimeout(150_000);

type ByOwner = Record<string, Counts>;

/** Everything that is seen of API servers; each is over within three seconds. */
const FAULTS: Array<[string, (api: ApiServer) => unknown]> = [
  ['every connection is cut', (api) => api.cut()],
  [
    'its past is compacted, and the watch is told so',
    (api) => {
      api.compact();
      api.sendError(410, 'Expired', 'too old resource version');
    },
  ],
  [
    'its past is compacted while nobody watches',
    async (api) => {
      await api.down();
      await sleep(700);
      api.compact();
      await api.up();
    },
  ],
  [
    'the token expires, and the new one comes late',
    async (api) => {
      const token = api.rotateToken({ inFile: false });
      api.cut();
      await sleep(1_500);
      api.writeToken(token);
    },
  ],
  [
    'it is slow',
    async (api) => {
      api.fault({ delayMs: 800 });
      api.cut();
      await sleep(2_000);
      api.heal();
    },
  ],
  [
    'it talks nonsense, on the watch and instead of answers',
    (api) => {
      api.fault({ text: '<html>502 Bad Gateway', times: 2 });
      api.fault({ text: '{"kind":"PodList","items":[{"metadata":{"uid":17}},null]}', times: 1 });
      api.send('{"type":"MODIFIED","object":{"metadata":{"ui\n\u0000');
    },
  ],
  [
    'it fails, and then takes a nap',
    async (api) => {
      api.fault({ status: 500, times: 2 });
      api.fault({ cut: true, times: 1 });
      api.endWatches();
      await sleep(1_000);
      api.heal();
    },
  ],
  ['it is restored from a backup', (api) => (api.restore(), api.cut())],
];
/** Of a tenth of the usual length, as the rest is: an outage must not outlast what a short-lived pod leaves behind. */
const TIMING = { backoff: { minMs: 100, maxMs: 1_000 } };

const SIDES = ['server', 'client'] as const;
const CONTAINER = ['namespace', 'pod', 'container'] as const;

let cgroup: Cgroup;
let farm: PodFarm;
let collector: TestCollector;
let recording: Recording;
let api: ApiServer;

async function open(options: CollectorOptions, tickMs?: number): Promise<void> {
  cgroup = Cgroup.make();
  api = await ApiServer.start();
  farm = new PodFarm(cgroup, { cluster: api });
  collector = await TestCollector.open(cgroup, { kubernetes: { ...accessTo(api), timing: TIMING }, ...options });
  recording = new Recording(collector, { tickMs });
}

afterEach(async () => {
  recording?.stop();
  await farm?.remove();
  await collector?.close();
  await api?.stop();
  await cgroup?.remove();
  expect(recording?.failure).toBeUndefined();
});

/** What the pods say they did, by `namespace/pod/container`. */
function told(side: 'server' | 'client', what: 'done' | 'begun' = 'done'): ByOwner {
  const owners: ByOwner = {};
  for (const pod of farm.pods) {
    for (const { name } of pod.spec.containers) {
      const counts = pod.did(side, what, name);
      if (Object.keys(counts).length > 0) {
        owners[`${pod.name}/${name}`] = counts;
      }
    }
  }
  return owners;
}

/** The agent and the pods agree, to the request, on everything that ever happened. */
async function expectAgreement(): Promise<void> {
  await farm.runtime.count();
  await until(
    'what was counted last to be seen',
    () => total(recording.requests('server', [])) === total(told('server')),
    {
      timeoutMs: 3_000,
      everyMs: 50,
    }
  ).catch(() => undefined);
  for (const side of SIDES) {
    expect(recording.requests(side, CONTAINER)).toEqual(told(side));
  }
  collector.expectNothingLost();
}

/**
 * While it goes on: each pod's count is at least what the pod had seen done before we asked, and at most what it had
 * begun after. One without a name yet is looked for under its UID. Nothing belongs to anybody else.
 */
async function expectWithinBounds(): Promise<void> {
  await farm.runtime.count();
  const least = Object.fromEntries(SIDES.map((side) => [side, byPod(told(side))]));
  const seen = Object.fromEntries(SIDES.map((side) => [side, recording.requests(side, ['namespace', 'pod'])]));
  await farm.runtime.count();
  const uids = new Map(farm.pods.map((pod) => [`/${pod.uid}`, pod.name]));
  for (const side of SIDES) {
    const most = byPod(told(side, 'begun'));
    const named: ByOwner = {};
    for (const [owner, counts] of Object.entries(seen[side])) {
      const name = uids.get(owner) ?? owner;
      named[name] = add(named[name] ?? {}, counts);
    }
    const wrong = [...new Set([...Object.keys(least[side]), ...Object.keys(named)])].flatMap((name) => {
      const [low, is, high] = [least[side][name] ?? {}, named[name] ?? {}, most[name] ?? {}];
      const keys = [...new Set([...Object.keys(low), ...Object.keys(is)])];
      const bad = keys.filter((key) => (is[key] ?? 0) < (low[key] ?? 0) || (is[key] ?? 0) > (high[key] ?? 0));
      return bad.map((key) => `${side} ${name} ${key}: ${low[key] ?? 0} ≤ ${is[key] ?? 0} ≤ ${high[key] ?? 0}`);
    });
    expect(wrong).toEqual([]);
  }
}

function byPod(owners: ByOwner): ByOwner {
  const pods: ByOwner = {};
  for (const [owner, counts] of Object.entries(owners)) {
    const pod = owner.slice(0, owner.lastIndexOf('/'));
    pods[pod] = add(pods[pod] ?? {}, counts);
  }
  return pods;
}

function add(a: Counts, b: Counts): Counts {
  const sums = { ...a };
  Object.entries(b).forEach(([key, count]) => (sums[key] = (sums[key] ?? 0) + count));
  return sums;
}

function total(owners: ByOwner): number {
  return Object.values(owners)
    .flatMap((counts) => Object.values(counts))
    .reduce((sum, count) => sum + count, 0);
}

const used = () => Object.fromEntries(collector.collector.status().series.map(({ program, used }) => [program, used]));

describe('250 pods, more than 100 replaced a minute, others that live for 300 ms', () => {
  const PODS = 250;
  const CHURN_MS = 32_000;
  const REPLACE_EVERY_MS = 550;
  const SHORT_EVERY_MS = 1_000;
  /** Slots of those that are there, and of those that are about to give theirs back; far less than of all there ever are. */
  const LIMITS = { maxSeries: 1_150, maxTcpSeries: 580 };

  let made = 0;
  let hub: Pod;

  /** No two neighbours do the same: what is credited to a wrong one does not add up. */
  function spec(work: object = {}): PodSpec {
    const n = ++made;
    const workload = `app-${n % 40}`;
    return {
      name: `${workload}-5d8c7b9f6-${n}`,
      namespace: `team-${n % 5}`,
      labels: { 'pod-template-hash': '5d8c7b9f6' },
      owner: { kind: 'ReplicaSet', name: `${workload}-5d8c7b9f6` },
      layout: n % 2 === 0 ? BURSTABLE : CGROUPFS,
      containers: [
        {
          name: `main-${n % 3}`,
          work: {
            requestsPerSecond: 2 + (n % 3),
            plan: ['GET 200', 'GET 200', `POST ${400 + (n % 10)}`],
            port: n % 4 === 0 ? hub.containers[0].process.port : 0,
            ...work,
          },
        },
      ],
    };
  }

  async function replaceOne(): Promise<void> {
    const living = farm.pods.filter((pod) => pod !== hub && pod.running.length > 0 && !pod.isLeaving);
    const oldest = living[made % Math.min(50, living.length)];
    await Promise.all([oldest.remove({ deletionDelayMs: 6_000 }), farm.start(spec())]);
  }

  async function runShort(): Promise<void> {
    const pod = await farm.start({ ...spec({ lifeMs: 300, requestsPerSecond: 50 }), statusDelayMs: 700 });
    await pod.containers[0].process.gone.promise;
    await pod.remove({ deletionDelayMs: 6_000 });
  }

  test('each request under its pod: before, during and after, whatever becomes of the API server', async () => {
    await open(LIMITS);
    hub = await farm.start({ name: 'hub-0', namespace: 'infra', containers: [{ name: 'hub', work: { own: false } }] });
    await Promise.all(Array.from({ length: PODS }, () => farm.start(spec())));
    await sleep(3_000);
    await expectWithinBounds();
    expect(collector.identity()).toMatchObject({ pods: PODS + 1, unnamedPods: 0 });

    const underWay: Array<Promise<void>> = [];
    const every = (ms: number, act: () => Promise<void>) => setInterval(() => underWay.push(act()), ms);
    const timers = [every(REPLACE_EVERY_MS, replaceOne), every(SHORT_EVERY_MS, runShort)];
    const faults = playFaults(CHURN_MS);
    const end = Date.now() + CHURN_MS;
    try {
      while (Date.now() < end) {
        await sleep(4_000);
        await expectWithinBounds();
      }
      await faults;
    } finally {
      timers.forEach(clearInterval);
    }
    await Promise.all(underWay);
    // They were faults: the agent has noticed, and asked again.
    expect(api.requests.map(({ status }) => status)).toEqual(expect.arrayContaining([401, 500]));
    expect(api.requests.filter(({ verb, status }) => verb === 'list' && status === 200).length).toBeGreaterThan(3);
    const short = farm.pods.filter(({ spec }) => spec.containers[0].work?.lifeMs === 300);
    expect(short.length).toBeGreaterThan(20);
    // Without those that give their slots back there would not have been room for all.
    expect(4 * farm.pods.length).toBeGreaterThan(LIMITS.maxSeries + 100);
    await until(
      () => `all names: ${JSON.stringify(collector.identity())}`,
      () => (collector.totals(), collector.identity().unnamedPods === 0),
      { timeoutMs: 10_000 }
    );

    // First those who ask, so that none waits for an answer of one who has gone.
    await Promise.all(
      farm.pods.filter((pod) => pod !== hub).flatMap(({ running }) => running.map((c) => c.process.stop()))
    );
    await hub.containers[0].process.stop();
    await expectAgreement();
    expect(collector.losses()).toMatchObject({ other: 0, capped: 0, unparsed: 0 });
    expect(collector.losses('tcp')).toMatchObject({ overflowed: 0 });
    expectConnections();
    await until(
      () => `all slots to be free: ${JSON.stringify(used())}`,
      () => used().http === 0 && used().tcp === 0,
      { timeoutMs: 15_000, everyMs: 100 }
    );
    // What the dead did stays where it was.
    await expectAgreement();
    expectConnections();
  });

  /** The same for TCP, from the connections that each pod has opened. */
  function expectConnections(): void {
    const opened: Record<string, number> = {};
    for (const { labels, value } of recording.increases('tcp_connections_opened_total', ['namespace', 'pod', 'role'])) {
      opened[labels.join('/')] = value;
    }
    const expected: Record<string, number> = {};
    for (const pod of farm.pods) {
      for (const side of SIDES) {
        if (pod.sum(side, 'connections') > 0) {
          expected[`${pod.name}/${side}`] = pod.sum(side, 'connections');
        }
      }
    }
    expect(opened).toEqual(expected);
  }

  /** One after the other, each for a second or so; in between the agent finds its way back. */
  async function playFaults(durationMs: number): Promise<void> {
    const everyMs = durationMs / FAULTS.length;
    for (const [, play] of FAULTS) {
      await Promise.all([play(api), sleep(everyMs)]);
    }
  }
});

describe('slots of the dead', () => {
  /** A pod at a time has four HTTP series and two TCP ones: there is room for three of them. */
  const LIMITS = { maxSeries: 12, maxTcpSeries: 6 };

  test('are used again from zero: 23 pods, one after the other, in a table for three', async () => {
    await open(LIMITS, 50);
    for (let n = 1; n <= 23; n++) {
      const work = { requests: n, requestsPerSecond: 2_000, plan: ['GET 200', `PUT ${200 + n}`] };
      const pod = await farm.start({ name: `pod-${n}`, containers: [{ name: 'main', work }], statusDelayMs: 10 });
      await until(`pod ${n} to be done`, async () => {
        await farm.runtime.count();
        return Object.values(pod.did('server')).reduce((sum, count) => sum + count, 0) === n;
      });
      await pod.remove({ deletionDelayMs: 20 });
      await until(
        () => `room for another pod: ${JSON.stringify(used())}`,
        () => used().http <= 8 && used().tcp <= 4
      );
    }
    await expectAgreement();
    expect(collector.losses().other).toBe(0);
    await until('all slots to be free', () => used().http === 0 && used().tcp === 0);
    // A cumulative view of the dead ends with them; what is told of the living starts at their first event.
    expect(collector.totals().all.filter(({ value }) => value !== 0)).toEqual([]);
    await expectAgreement();
  });

  test('are not waited for by those that find the table full: they are counted under “other” until there is room', async () => {
    await open(LIMITS, 50);
    const start = (name: string) =>
      farm.start({
        name,
        containers: [{ name: 'main', work: { plan: ['GET 200', 'PUT 404'], requestsPerSecond: 40 } }],
      });
    const first = await Promise.all(['a', 'b', 'c'].map(start));
    await until('a full table', () => (collector.totals(), used().http === 12));
    const late = await start('late');
    await until('the late one to be counted', () => collector.losses().other > 0);
    await Promise.all(first.map((pod) => pod.remove()));
    await until('its own series', () => Object.keys(recording.requests('server', ['pod'])).includes('late'));
    await late.containers[0].process.stop();
    await farm.runtime.count();
    const [seen, did] = [recording.requests('server', ['pod']), byPod(told('server'))];
    for (const pod of first) {
      expect(seen[pod.spec.name]).toEqual(did[pod.name]);
    }
    expect(Object.keys(seen).sort()).toEqual(['', 'a', 'b', 'c', 'late']);
    expect(total({ ...seen })).toBe(total(did));
    expect(collector.collector.status().notices.join(' ')).toMatch(/“other”/);
    collector.expectNothingLost();
  });
});

describe('a container that is started again', () => {
  const PER_SECOND = 40;
  const REQUESTS = 'http_server_request_duration_seconds';

  test('goes on under its pod: no spike, no hole, no negative rate, and the sum is what it did', async () => {
    // Room for the two of them and one more: the third life has slots that the first one had.
    await open({ maxSeries: 12, maxTcpSeries: 6 });
    const spec = { name: 'main', work: { requestsPerSecond: PER_SECOND, plan: ['GET 200', 'GET 503'] } };
    const pod = await farm.start({ name: 'web-0', owner: { kind: 'StatefulSet', name: 'web' }, containers: [spec] });
    const neighbour = await farm.start({
      name: 'web-1',
      owner: { kind: 'StatefulSet', name: 'web' },
      containers: [spec],
    });
    await sleep(2_200);
    await pod.restart('main');
    await sleep(4_700);
    await pod.restart('main');
    await sleep(4_200);
    await Promise.all([pod, neighbour].map(({ running: [{ process }] }) => process.stop()));
    await expectAgreement();

    const lines = recording.lines(REQUESTS, 'rate', ['namespace', 'pod', 'container', 'workload']);
    expect(lines.map(({ labels }) => labels)).toEqual([
      { namespace: 'default', pod: 'web-0', container: 'main', workload: 'web' },
      { namespace: 'default', pod: 'web-1', container: 'main', workload: 'web' },
    ]);
    for (const { values } of lines) {
      // The first and the last second are only in part its own.
      const within = values.slice(1, -1).filter((value) => value !== null);
      expect(within.length).toBeGreaterThanOrEqual(9);
      expect(Math.min(...within)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...within)).toBeLessThan(2 * PER_SECOND);
    }
    const average = (values: Array<number | null>) =>
      values.slice(2, 10).reduce<number>((sum, value) => sum + (value ?? 0), 0) / 8;
    expect(average(lines[0].values)).toBeGreaterThan(0.7 * average(lines[1].values));
    // A graph's points and a number over the whole range tell the same.
    for (const { labels, values } of recording.lines(REQUESTS, 'increase', ['pod'])) {
      const counts = { 'web-0': pod, 'web-1': neighbour }[labels.pod]!.did('server');
      const sum = Object.values(counts).reduce((all, count) => all + count, 0);
      expect(values.reduce<number>((all, value) => all + (value ?? 0), 0)).toBe(sum);
    }
  });

  test('because it was killed: what it was in the middle of is counted as that, and the next one starts afresh', async () => {
    await open({}, 200);
    const work = { requestsPerSecond: 2_000, plan: ['GET 200'] };
    const pod = await farm.start({ name: 'web-0', containers: [{ name: 'main', work }] });
    for (let life = 0; life < 5; life++) {
      await sleep(150);
      await pod.restart('main', 'kill');
    }
    await sleep(150);
    await pod.running[0].process.stop();
    await until('nothing to be under way', () => collector.losses().in_flight === 0);
    for (const side of SIDES) {
      const { 'web-0': seen } = recording.requests(side, ['pod']);
      const answered = seen['GET 200'];
      const all = Object.values(seen).reduce((sum, count) => sum + count, 0);
      // One at most was under way at each of five ends.
      const [done, begun] = [pod.did(side, 'done')['GET 200'], pod.did(side, 'begun')['GET 200']];
      expect(done).toBeGreaterThan(100);
      expect(answered).toBeGreaterThanOrEqual(done);
      expect(all).toBeLessThanOrEqual(begun + 5);
      expect(Object.keys(seen).filter((key) => !['GET 200', 'GET none'].includes(key))).toEqual([]);
    }
    const active = recording.lines('tcp_connections_active', 'value', ['pod']);
    expect(active.map(({ values }) => values.at(-1) ?? 0)).toEqual([0]);
    expect(recording.increases('tcp_connections_closed_total', ['role'])).toEqual(
      recording.increases('tcp_connections_opened_total', ['role'])
    );
    collector.expectNothingLost();
  });

  test('what it sent and received before is not sent again', async () => {
    await open({});
    const work = { requestsPerSecond: 200, plan: ['POST 200'] };
    const pod = await farm.start({ name: 'web-0', containers: [{ name: 'main', work }] });
    await sleep(1_500);
    await pod.restart('main');
    await sleep(1_500);
    await pod.running[0].process.stop();
    const bytes = (direction: string) =>
      recording.increases('tcp_bytes_total', ['pod'], [{ label: 'direction', op: '=', value: direction }]);
    const sent = pod.sum('client', 'sentBytes') + pod.sum('server', 'sentBytes');
    await until('the last bytes', () => bytes('sent')[0]?.value === sent).catch(() => undefined);
    expect(bytes('sent')).toEqual([{ labels: ['web-0'], value: sent }]);
    expect(bytes('received')).toEqual([{ labels: ['web-0'], value: sent }]);
    expect(recording.increases('tcp_connections_opened_total', ['pod', 'role'])).toEqual([
      { labels: ['web-0', 'client'], value: 2 },
      { labels: ['web-0', 'server'], value: 2 },
    ]);
  });
});
