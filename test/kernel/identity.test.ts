/** Whose traffic it is: real processes in cgroups laid out as every runtime and driver lays them out, each named right. */
import {
  CGROUPFS,
  BURSTABLE,
  ELSEWHERE,
  LAYOUTS,
  placeIn,
  POD_CONTAINERS,
  PODS,
  type Layout,
} from '../support/layouts';
import { ApiServer } from '../support/api-server';
import { Cgroup } from '../support/cgroup';
import { TestCollector } from '../support/collector';
import { accessTo, PodFarm, type Pod, type PodSpec } from '../support/pods';
import { cgroupMount } from '../support/requirements';
import type { Totals } from '../support/totals';
import { until } from '../support/wait';
import { TARGET_LABELS } from '../../wire/metrics';

jest.setTimeout(60_000);

/** 23 requests in two series, and the process stays, so that its totals do. */
const WORK = { requests: 23, requestsPerSecond: 1_000, plan: ['GET 200', 'PUT 404', 'GET 200'] };
const DONE = { 'GET 200': 15, 'PUT 404': 8 };

interface World {
  cgroup: Cgroup;
  farm: PodFarm;
  collector: TestCollector;
  api?: ApiServer;
}

let world: World;

async function open(api?: ApiServer): Promise<void> {
  const cgroup = Cgroup.make();
  const farm = new PodFarm(cgroup, { cluster: api });
  world = { cgroup, farm, api, collector: await TestCollector.open(cgroup, { kubernetes: api && accessTo(api) }) };
}

async function close(): Promise<void> {
  await world?.collector.close();
  await world?.farm.remove();
  await world?.cgroup.remove();
  await world?.api?.stop();
}

/** The same layout in a directory of its own: some have fixed names, and would meet. */
function inside(folder: string, layout: Layout): Layout {
  return {
    ...layout,
    path: (podUid, id) => `/${folder}${layout.path(podUid, id)}`,
    place: (podUid, id) => ({ ...layout.place(podUid, id), path: `/${folder}${placeIn(layout, podUid, id).path}` }),
  };
}

const startAll = (specs: PodSpec[]) => Promise.all(specs.map((spec) => world.farm.start(spec)));

/** Waits until every container has done what it was to do and the kernel has counted it. */
async function settle(): Promise<Totals> {
  await until('every container to be done', async () => {
    await world.farm.runtime.count();
    const limited = world.farm.pods.flatMap(({ running }) => running).filter(({ spec }) => spec.work?.requests);
    return limited.every(({ spec, process }) => sum(process.did.server.done) === spec.work!.requests);
  });
  return world.collector.settle();
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** What all series of a cgroup are called: exactly one owner. */
function ownerOf(totals: Totals, cgroup: string): Record<string, string> {
  const owners = totals.all
    .filter(({ labels }) => labels.cgroup === cgroup)
    .map(({ labels }) => JSON.stringify(TARGET_LABELS.map((name) => [name, labels[name] ?? ''])));
  expect([...new Set(owners)]).toHaveLength(1);
  return Object.fromEntries(JSON.parse(owners[0]));
}

/** All that was counted is what these pods did, each under its own cgroup: none is missing, none has another's. */
function expectEachItsOwn(totals: Totals, pods: readonly Pod[] = world.farm.pods): void {
  const containers = pods.flatMap((pod) => pod.containers.filter(({ process }) => sum(process.did.server.done) > 0));
  const cgroups = new Set(totals.all.map(({ labels }) => labels.cgroup));
  expect([...cgroups].sort()).toEqual([...new Set(containers.map(({ owner }) => owner))].sort());
  for (const { owner, process } of containers) {
    for (const side of ['server', 'client'] as const) {
      expect([owner, totals.requests(side, { cgroup: owner })]).toEqual([owner, process.did[side].done]);
      expect(totals.firstBytes(side, { cgroup: owner })).toEqual(process.did[side].done);
      const role = { cgroup: owner, role: side };
      expect(totals.value('tcp_connections_opened_total', role)).toBe(process.did[side].connections);
    }
  }
  world.collector.expectNothingLost();
}

const titled = (layouts: readonly Layout[]) => layouts.map((layout, n) => [layout.title, `l${n}`, layout] as const);

describe('without an API server, the path alone says', () => {
  // The root of the hierarchy is not below the test's own cgroup.
  const table = titled(LAYOUTS.filter((layout) => layout.path('', '') !== '/'));
  let totals: Totals;
  const pods = new Map<string, Pod>();

  beforeAll(async () => {
    await open();
    const started = await startAll(
      table.map(([title, folder, layout]) => ({
        name: title,
        layout: inside(folder, layout),
        containers: [{ name: 'main', work: WORK }],
      }))
    );
    started.forEach((pod) => pods.set(pod.spec.name, pod));
    totals = await settle();
  });

  afterAll(close);

  test.each(table)('%s', (title, folder, layout) => {
    const pod = pods.get(title)!;
    const [{ id, owner }] = pod.containers;
    const { podUid = '', containerId = '', unit } = placeIn(inside(folder, layout), pod.pathUid, id);
    expect(ownerOf(totals, owner)).toEqual({
      node: 'test',
      namespace: '',
      pod: podUid,
      container: containerId.slice(0, 12),
      workload: unit ?? (podUid || containerId.slice(0, 12) || owner),
      cgroup: owner,
    });
  });

  test('every request is its own cgroup’s, and nobody else’s', () => {
    expect(pods.get(table[0][0])!.did('server')).toEqual(DONE);
    expectEachItsOwn(totals);
  });

  test('paths are those below the mount, wherever that is: beside version 1, it is not the usual place', () => {
    for (const { labels } of totals.all) {
      expect(labels.cgroup).toMatch(/^\/ringside-test-/);
      expect(labels.cgroup).not.toContain(cgroupMount());
    }
  });

  test('the status says why names are missing', () => {
    const { kubernetes, pods: known, unnamedPods } = world.collector.identity();
    expect(kubernetes).toMatchObject({ state: 'off', known: 0 });
    expect(kubernetes.reason).toMatch(/^[A-Z].*\.$/);
    expect(known).toBe([...POD_CONTAINERS, ...PODS].length);
    expect(unnamedPods).toBe(known);
  });
});

describe('with an API server', () => {
  beforeAll(async () => open(await ApiServer.start()));
  afterAll(close);

  /** Waits until every pod and container that the API server was told of has its name. */
  const named = () =>
    until(
      () => `every pod to be named: ${JSON.stringify(world.collector.identity())}`,
      () => {
        const { all } = world.collector.totals();
        const told = world.farm.pods.filter(({ spec }) => spec.isTold);
        const ids = new Set(told.flatMap((pod) => [pod.uid, ...pod.containers.map(({ id }) => id.slice(0, 12))]));
        const isUnnamed = told.every(({ isKnown }) => isKnown)
          ? all.some(({ labels }) => ids.has(labels.pod!) || ids.has(labels.container!))
          : true;
        return all.length > 0 && !isUnnamed;
      },
      { timeoutMs: 10_000, everyMs: 20 }
    );

  const labelsOf = (totals: Totals, pod: Pod, containerName: string) =>
    pod.containers.filter(({ spec }) => spec.name === containerName).map(({ owner }) => ownerOf(totals, owner));

  test('every layout of a pod is named, and what is no pod is not', async () => {
    const layouts = titled([...POD_CONTAINERS, ...PODS, ...ELSEWHERE.filter(({ path }) => path('', '') !== '/')]);
    await startAll(
      layouts.map(([, folder, layout], n) => ({
        name: `web-${n}`,
        namespace: `shop-${n % 3}`,
        labels: { 'pod-template-hash': '7d9f8c6b5' },
        owner: { kind: 'ReplicaSet', name: `web-${n}-7d9f8c6b5` },
        layout: inside(folder, layout),
        containers: [{ name: `nginx-${n}`, work: WORK }],
        isTold: !ELSEWHERE.includes(layout),
      }))
    );
    await named();
    const totals = await settle();
    for (const [n, [title, folder, layout]] of layouts.entries()) {
      const pod = world.farm.pods[n];
      const [{ id, owner }] = pod.containers;
      const { podUid, containerId, unit } = placeIn(inside(folder, layout), pod.pathUid, id);
      const shortId = containerId?.slice(0, 12) ?? '';
      expect([title, ownerOf(totals, owner)]).toEqual([
        title,
        {
          node: 'test',
          namespace: podUid ? `shop-${n % 3}` : '',
          pod: podUid ? `web-${n}` : '',
          container: podUid && containerId ? `nginx-${n}` : shortId,
          workload: podUid ? `web-${n}` : (unit ?? (shortId || owner)),
          cgroup: owner,
        },
      ]);
    }
    expectEachItsOwn(totals);
  });

  test('the workload is the topmost owner, and a pod without one is its own', async () => {
    const owners = {
      web: { kind: 'ReplicaSet', name: 'web-7d9f8c6b5' },
      'old-web': { kind: 'ReplicaSet', name: 'old-web' },
      db: { kind: 'StatefulSet', name: 'db' },
      agent: { kind: 'DaemonSet', name: 'agent' },
      backup: { kind: 'Job', name: `backup-${Math.floor(Date.now() / 60_000)}` },
      import: { kind: 'Job', name: 'import' },
      alone: undefined,
    };
    const pods = await startAll(
      Object.entries(owners).map(([workload, owner]) => ({
        name: owner ? `${owner.name}-x7k2p` : workload,
        namespace: 'work',
        labels: { 'pod-template-hash': '7d9f8c6b5' },
        owner,
        containers: [{ name: 'main', work: WORK }],
      }))
    );
    await named();
    const totals = await settle();
    const workloads = pods.map((pod) => labelsOf(totals, pod, 'main').map(({ workload }) => workload));
    expect(workloads).toEqual(Object.keys(owners).map((workload) => [workload]));
    for (const workload of Object.keys(owners)) {
      expect(totals.requests('client', { namespace: 'work', workload })).toEqual(DONE);
    }
  });

  test('each container of a pod: init, sidecar, ephemeral, and one that was started again', async () => {
    const pods = await startAll(
      [BURSTABLE, CGROUPFS].map((layout, n) => ({
        name: `pod-${n}`,
        layout,
        containers: [
          { name: 'prepare', kind: 'init', work: WORK },
          { name: 'main', work: WORK },
          { name: 'proxy', work: { ...WORK, requests: 29 } },
          { name: 'debugger', kind: 'ephemeral', work: { ...WORK, requests: 31 } },
        ],
      }))
    );
    await settle();
    await Promise.all(pods.map((pod) => pod.restart('main')));
    await named();
    const totals = await settle();
    for (const pod of pods) {
      for (const name of ['prepare', 'main', 'proxy', 'debugger']) {
        const labels = { namespace: 'default', pod: pod.spec.name, container: name };
        const times = name === 'main' ? 2 : 1;
        expect(labelsOf(totals, pod, name)).toEqual(Array(times).fill(expect.objectContaining(labels)));
        expect(totals.requests('server', labels)).toEqual(pod.did('server', 'done', name));
      }
    }
    expectEachItsOwn(totals);
  });

  test('pause and the keepers of containers are there, and nobody is shown for them', async () => {
    const [, , keeper] = titled(PODS).find(([title]) => title.startsWith('the keeper') && title.endsWith('systemd'))!;
    const pod = await world.farm.start({ name: 'quiet', containers: [{ name: 'main', work: WORK }] });
    const idle = { own: false };
    const others = [
      { name: 'pause', work: idle },
      { name: 'keeper', work: idle, layout: keeper },
    ].map((spec) => pod.run(spec));
    await Promise.all(others.map(({ process }) => process.started.promise));
    await named();
    const totals = await settle();
    expect(labelsOf(totals, pod, 'main')).toHaveLength(1);
    const shown = totals.all.filter(({ labels }) => labels.pod === 'quiet' || labels.pod === pod.uid);
    expect(new Set(shown.map(({ labels }) => labels.container))).toEqual(new Set(['main']));
  });

  test('names come late, and are then those of all that was counted before', async () => {
    const pod = await world.farm.start({
      name: 'late',
      owner: { kind: 'StatefulSet', name: 'late' },
      statusDelayMs: 3_000,
      containers: [{ name: 'main', work: WORK }],
    });
    const [{ id }] = pod.containers;
    const before = await settle();
    const unnamed = { container: id.slice(0, 12) };
    expect(before.requests('server', unnamed)).toEqual(DONE);
    await named();
    const after = await settle();
    expect(after.requests('server', unnamed)).toEqual({});
    const labels = { namespace: 'default', pod: 'late', container: 'main', workload: 'late' };
    expect(after.requests('server', labels)).toEqual(DONE);
    // They are the same series, not new ones beside them.
    expect(after.all.length).toBe(before.all.length);
    expect(after.all.map(({ value }) => value)).toEqual(before.all.map(({ value }) => value));
  });

  test('a pod the API server has never heard of keeps its UID; its neighbour has a name', async () => {
    const { pods: before } = world.collector.identity();
    const [told, untold] = await startAll([
      { name: 'told', containers: [{ name: 'main', work: WORK }] },
      { name: 'untold', isTold: false, containers: [{ name: 'main', work: WORK }] },
    ]);
    await until('one of two to be named', () => {
      world.collector.totals();
      const { pods, unnamedPods, kubernetes } = world.collector.identity();
      return kubernetes.state === 'ready' && pods === before + 2 && unnamedPods === 1 && told.isKnown;
    });
    const totals = await settle();
    expect(totals.requests('client', { namespace: 'default', pod: 'told', container: 'main' })).toEqual(DONE);
    expect(totals.requests('client', { namespace: '', pod: untold.uid })).toEqual(DONE);
  });

  test('pods of the same name in two namespaces, and one after the other in the same', async () => {
    const spec = (namespace: string, requests: number) => ({
      name: 'twin-0',
      namespace,
      containers: [{ name: 'main', work: { ...WORK, requests } }],
    });
    const [a, b] = await startAll([spec('a', 23), spec('b', 29)]);
    await named();
    await settle();
    await a.remove();
    const again = await world.farm.start(spec('a', 31));
    await named();
    const totals = await settle();
    expect(again.uid).not.toBe(a.uid);
    expect(sum(totals.requests('server', { namespace: 'b', pod: 'twin-0' }))).toBe(29);
    expect(sum(totals.requests('server', { cgroup: again.containers[0].owner }))).toBe(31);
    expect(labelsOf(totals, again, 'main')).toEqual([expect.objectContaining({ namespace: 'a', pod: 'twin-0' })]);
    expect(sum(b.did('server'))).toBe(29);
  });
});
