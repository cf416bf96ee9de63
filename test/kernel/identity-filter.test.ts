/** Who is measured: pods that are ruled out cost the kernel a look-up and have no series, whenever that turns out. */
import { join } from 'node:path';
import { ApiServer } from '../support/api-server';
import { Cgroup } from '../support/cgroup';
import { TestCollector, type CollectorOptions } from '../support/collector';
import { accessTo, PodFarm, type Pod, type PodSpec } from '../support/pods';
import { Recording } from '../support/recording';
import { sleep, until } from '../support/wait';

jest.setTimeout(60_000);

const WORK = { requests: 23, requestsPerSecond: 1_000 };
/** On one connection for all of its life. */
const STEADY = { requestsPerSecond: 50 };

let cgroup: Cgroup;
let farm: PodFarm;
let collector: TestCollector;
let recording: Recording;
let api: ApiServer;

async function open(filter: CollectorOptions['filter'] = {}): Promise<void> {
  cgroup = Cgroup.make();
  api = await ApiServer.start();
  farm = new PodFarm(cgroup, { cluster: api });
  collector = await TestCollector.open(cgroup, { kubernetes: accessTo(api), filter });
  recording = new Recording(collector, { tickMs: 100 });
  await until('the API server to be heard', () => collector.identity().kubernetes.state === 'ready');
}

afterEach(async () => {
  recording?.stop();
  await farm?.remove();
  await collector?.close();
  await api?.stop();
  await cgroup?.remove();
  expect(recording?.failure).toBeUndefined();
});

const startAll = (specs: PodSpec[]) => Promise.all(specs.map((spec) => farm.start(spec)));

const sum = (counts: Record<string, number> = {}) => Object.values(counts).reduce((all, count) => all + count, 0);

/** Requests of a pod that were seen, by either side. */
const seen = (pod: Pod) => {
  const both = (['server', 'client'] as const).map((side) => recording.requests(side, ['namespace', 'pod']));
  return both.reduce((all, pods) => all + sum(pods[pod.name]) + sum(pods[`/${pod.uid}`]), 0);
};

const did = async (pod: Pod) => {
  await farm.runtime.count();
  return sum(pod.did('server')) + sum(pod.did('client'));
};

/** Whose the series are that may be seen, those of the past among them. */
const podsWithSeries = () => {
  collector.totals();
  const owners = [...collector.series].map(({ target: { labels } }) => `${labels.namespace ?? ''}/${labels.pod ?? ''}`);
  return [...new Set(owners)].sort();
};

/** The pods of all these tests. */
const PODS: PodSpec[] = [
  { name: 'web', namespace: 'shop', labels: { app: 'web', tier: 'front' } },
  { name: 'db', namespace: 'shop', labels: { app: 'db', tier: 'back' } },
  { name: 'dns', namespace: 'kube-system', labels: { app: 'dns' } },
  { name: 'labelled', namespace: 'other', labels: { 'ringside.io/observe': 'false' } },
  { name: 'annotated', namespace: 'other', annotations: { 'ringside.io/observe': 'false' } },
  { name: 'asked', namespace: 'other', annotations: { 'ringside.io/observe': 'true' } },
];

test.each<[string, NonNullable<CollectorOptions['filter']>, string[]]>([
  ['nothing asked for', {}, ['kube-system/dns', 'other/asked', 'shop/db', 'shop/web']],
  ['a namespace ruled out', { excludeNamespaces: ['kube-system', 'other'] }, ['shop/db', 'shop/web']],
  ['a namespace asked for', { includeNamespaces: ['shop'] }, ['shop/db', 'shop/web']],
  ['pods asked for by a label', { includePods: 'app in (web, dns)' }, ['kube-system/dns', 'shop/web']],
  ['pods ruled out by a label', { excludePods: 'tier' }, ['kube-system/dns', 'other/asked']],
  ['both', { includeNamespaces: ['shop', 'kube-system'], excludePods: 'tier=back' }, ['kube-system/dns', 'shop/web']],
])('%s: only the others have series', async (_, filter, expected) => {
  await open(filter);
  // The API server knows a pod before its first process starts; a second is enough to hear of it.
  const specs = PODS.map((spec) => ({ ...spec, containers: [{ name: 'main', work: { ...WORK, ...STEADY } }] }));
  const pods = await startAll(specs);
  await until('every pod to be done', async () => (await Promise.all(pods.map(did))).every((count) => count === 46), {
    timeoutMs: 10_000,
  });
  const outsider = farm.runtime.run(join(cgroup.path, 'bare'), 1, { requests: 7, requestsPerSecond: 100 });
  await until('the outsider to be done', async () => {
    await farm.runtime.count();
    return sum(outsider.did.server.done) === 7;
  });
  await collector.settle();
  const included = filter.includeNamespaces !== undefined || filter.includePods !== undefined;
  expect(podsWithSeries()).toEqual([...(included ? [] : ['/']), ...expected]);
  for (const pod of pods) {
    // Of the past, too: what was counted before its name was known is hidden.
    expect([pod.name, seen(pod)]).toEqual([pod.name, expected.includes(pod.name) ? 46 : 0]);
  }
  const excluded = pods.length - expected.length + (included ? 1 : 0);
  // Each of these is a container and the pod around it.
  expect(collector.identity().excluded).toBeGreaterThanOrEqual(excluded);
  collector.expectNothingLost();
});

test('the kernel looks no further at who is excluded: nothing of it is seen, read or followed', async () => {
  await open({ excludeNamespaces: ['noisy'] });
  const containers = [{ name: 'main', work: { requestsPerSecond: 500 } }];
  const [noisy, quiet] = await startAll([
    { name: 'noisy', namespace: 'noisy', containers },
    { name: 'quiet', containers: [{ name: 'main', work: { own: false } }] },
  ]);
  await until('the noisy one to be excluded', () => (collector.totals(), collector.identity().excluded > 0));
  await sleep(200);
  const before = { http: collector.losses(), tcp: collector.losses('tcp'), did: await did(noisy) };
  await sleep(1_000);
  expect((await did(noisy)) - before.did).toBeGreaterThan(400);
  expect(collector.losses()).toEqual(before.http);
  expect(collector.losses('tcp')).toEqual(before.tcp);
  expect(seen(noisy) + seen(quiet)).toBe(0);
  // A container that starts only now is excluded at the next tick at the latest, and hidden from its first event on.
  await noisy.restart('main');
  await sleep(700);
  const after = { http: collector.losses(), tcp: collector.losses('tcp') };
  await sleep(500);
  expect(collector.losses()).toEqual(after.http);
  expect(collector.losses('tcp')).toEqual(after.tcp);
  expect(seen(noisy)).toBe(0);
  // With the connections of the old one the last of its slots go; the new one’s was counted before its exclusion.
  await until('the slots of the old one to be free', () => slots().http === 0 && slots().tcp <= 2);
});

test('a pod that asks to be left alone while its connections are open, and later to be measured again', async () => {
  await open();
  const containers = [{ name: 'main', work: STEADY }];
  const [pod, neighbour] = await startAll([
    { name: 'fickle', containers },
    { name: 'steady', containers },
  ]);
  await until('both to be seen', () => seen(pod) > 20 && seen(neighbour) > 20);
  pod.relabel({ 'ringside.io/observe': 'false' });
  await until('it to be gone', () => !podsWithSeries().includes('default/fickle'));
  expect(seen(pod)).toBe(0);
  await sleep(300);
  const silent = { recorded: collector.losses().recorded, neighbour: seen(neighbour), slots: slots() };
  await sleep(1_000);
  expect(seen(pod)).toBe(0);
  expect(collector.losses().recorded - silent.recorded).toBeLessThanOrEqual(seen(neighbour) - silent.neighbour + 2);
  // Of the two, one has slots, for server and client; in those of TCP the open connections of the other count on, unseen.
  expect(silent.slots).toEqual({ http: 2, tcp: 4 });

  pod.relabel({});
  await until('it to be back', () => podsWithSeries().includes('default/fickle'));
  await sleep(300);
  const low = { did: await did(pod), seen: seen(pod) };
  const connections = pod.sum('client', 'connections');
  await sleep(1_000);
  const high = { seen: seen(pod), did: await did(pod) };
  // A request is two events, and one of each side may be under way at either end.
  expect(Math.abs(high.seen - low.seen - (high.did - low.did))).toBeLessThanOrEqual(8);
  expect(high.did - low.did).toBeGreaterThan(60);
  expect(pod.sum('client', 'connections')).toBe(connections);
  // What it sent while it was not measured is not made up for.
  const work = await Promise.all([pod, neighbour].map(async (each) => [each.spec.name, await did(each)] as const));
  expect(seen(pod)).toBeLessThan(Object.fromEntries(work).fickle - 60);
  const sent = collector.totals().value('tcp_bytes_total', { pod: 'fickle', role: 'client', direction: 'sent' });
  expect(sent).toBeGreaterThan(0);
  // Each of the 60 requests that nobody looked at has a line and a header, at the least.
  expect(sent).toBeLessThan(pod.sum('client', 'sentBytes') - 60 * 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.length);
  await Promise.all([pod, neighbour].map(({ running: [{ process }] }) => process.stop()));
  await until('the last of the neighbour', async () => seen(neighbour) === (await did(neighbour)));
});

test('a pod that nobody has named yet is measured, and hidden with all its past once its name rules it out', async () => {
  await open({ excludeNamespaces: ['secret'] });
  const spec = { name: 'agent', namespace: 'secret', containers: [{ name: 'main', work: STEADY }] };
  const pod = await farm.start({ ...spec, isTold: false });
  await until('it to be seen by its UID', () => seen(pod) > 20);
  pod.introduce();
  await until('it to be gone', () => podsWithSeries().length === 0);
  expect(seen(pod)).toBe(0);
  const recorded = collector.losses().recorded;
  await sleep(500);
  expect(collector.losses().recorded - recorded).toBeLessThanOrEqual(2);
  // And stays so, dead.
  await pod.remove();
  await sleep(1_000);
  expect(seen(pod)).toBe(0);
  expect(podsWithSeries()).toEqual([]);
});

function slots(): Record<string, number> {
  return Object.fromEntries(collector.collector.status().series.map(({ program, used }) => [program, used]));
}
