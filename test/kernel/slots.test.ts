/** Slots go back to the kernel when their owner is gone, and nothing of what was counted in them goes with them. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOBODY } from '../../agent/history/deltas';
import { answer, HEAD_END, request } from '../support/http-text';
import { Cgroup } from '../support/cgroup';
import { TestCollector, type CollectorOptions } from '../support/collector';
import { Peer } from '../support/peer';
import { ContainerRuntime, type ContainerProcess } from '../support/pod-process';
import { until } from '../support/wait';

jest.setTimeout(60_000);

const WORK = { requests: 23, requestsPerSecond: 1_000 };
const REQUESTS = 'http_server_request_duration_seconds';
const OPENED = 'tcp_connections_opened_total';

let cgroup: Cgroup;
let runtime: ContainerRuntime;
let collector: TestCollector;

async function open(options: CollectorOptions = {}): Promise<void> {
  cgroup = Cgroup.make();
  runtime = ContainerRuntime.start();
  collector = await TestCollector.open(cgroup, options);
}

afterEach(async () => {
  await collector?.close();
  await runtime?.close();
  await cgroup?.remove();
});

const tick = () => collector.collector.tick(NOBODY);
const used = () => collector.collector.status().series.map((series) => series.used);

/** A container that makes its requests and ends; its cgroup is gone then. */
async function live(name: string): Promise<void> {
  const container = runtime.run(join(cgroup.path, name), 1, WORK);
  await container.started.promise;
  await finished(container);
  await container.stop();
}

/** Sockets stay with the cgroup that they were made in. */
function move({ process }: Peer, folder: string): void {
  writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
}

async function finished(container: ContainerProcess): Promise<void> {
  await until('a container’s requests', async () => {
    await runtime.count();
    return container.did.client.done['GET 200'] === WORK.requests;
  });
}

async function reclaimed(): Promise<void> {
  await until(
    () => `every slot to be free: ${used()}`,
    () => {
      tick();
      return used().every((slots) => slots === 0);
    },
    { everyMs: 50 }
  );
}

test('more containers, one after the other, than there are slots: each has its own, from zero', async () => {
  await open({ maxSeries: 4, maxTcpSeries: 4 });
  for (let i = 0; i < 7; i++) {
    await live(`job-${i}`);
    tick();
    const totals = collector.totals();
    expect(totals.value(REQUESTS, { cgroup: `${cgroup.label}/job-${i}` })).toBe(23);
    expect(totals.value(OPENED, { cgroup: `${cgroup.label}/job-${i}`, role: 'client' })).toBe(1);
    expect(totals.value(REQUESTS)).toBe(23);
    await reclaimed();
    expect(collector.totals().all).toEqual([]);
    expect(collector.series.size).toBe(0);
  }
  expect(collector.losses()).toMatchObject({ seen: 2 * 7 * 23, recorded: 2 * 7 * 23, other: 0, capped: 0 });
  expect(collector.losses('tcp')).toMatchObject({ seen: 14, recorded: 14, overflowed: 0 });
  collector.expectNothingLost();
});

test('an owner that starts again keeps its totals, and its series', async () => {
  await open();
  const label = { cgroup: `${cgroup.label}/service` };
  let ids: number[] = [];
  for (let run = 1; run <= 3; run++) {
    const container = runtime.run(join(cgroup.path, 'service'), 1, WORK);
    await container.started.promise;
    await finished(container);
    tick();
    await until('the last run’s slots to be free', () => (tick(), used()[1] === 2), { everyMs: 20 });
    expect(collector.totals().value(REQUESTS, label)).toBe(run * 23);
    expect(collector.totals().value(OPENED, { ...label, role: 'server' })).toBe(run);
    const now = [...collector.series]
      .filter(({ metric }) => [REQUESTS, OPENED].includes(metric.name))
      .map(({ id }) => id);
    expect(now.sort()).toEqual(run === 1 ? now : ids);
    ids = now;
    // The next one is there before this one has been forgotten.
    await container.stop();
  }
});

test('what outlives its cgroup is counted for it, and loses its slot after a while', async () => {
  let nowMs = 0;
  await open({ monotonicMs: () => nowMs });
  const [server, client] = [Peer.start(cgroup.child('server')), Peer.start(cgroup.child('client'))];
  const folder = join(cgroup.path, 'left');
  mkdirSync(folder);
  const gone = { cgroup: `${cgroup.label}/left` };
  const port = await server.listen([
    [{ receive: HEAD_END }, { send: answer(200) }, { receive: HEAD_END }, { send: answer(204) }, { receiveEnd: true }],
  ]);
  // That it answers shows that it is where it was started; from here on it can be moved.
  await client.listen([[]]);
  move(client, folder);
  const talking = client.connect(port, [
    { send: request() },
    { receive: HEAD_END },
    { pauseMs: 2_000 },
    { send: request() },
    { receive: HEAD_END },
  ]);
  await until('the first answer', () => collector.totals().value('http_client_request_duration_seconds', gone) === 1);
  move(client, join(cgroup.path, 'client'));
  rmdirSync(folder);
  tick();
  tick();
  const [, tcpUsed] = used();
  await talking;
  await until('the second answer', () => collector.totals().value('http_client_request_duration_seconds', gone) === 2);
  nowMs += 60_000;
  await until('the slot of what is gone to be free', () => (tick(), used()[1] === tcpUsed - 1), { everyMs: 50 });
  expect(collector.totals().of('http_client_request_duration_seconds', gone)).toEqual([]);
});

test('a connection that remembers its slot does not count there when it has become another’s', async () => {
  let nowMs = 0;
  await open({ monotonicMs: () => nowMs, maxSeries: 2, maxTcpSeries: 8 });
  const [server, client, other] = ['server', 'client', 'other'].map((name) => Peer.start(cgroup.child(name)));
  const folder = join(cgroup.path, 'left');
  mkdirSync(folder);
  const exchange = [{ receive: HEAD_END }, { send: answer(200) }];
  const port = await server.listen([[...exchange, ...exchange, ...exchange, { receiveEnd: true }], exchange]);
  await client.listen([[]]);
  move(client, folder);
  const ask = [{ send: request() }, { receive: HEAD_END }];
  // The second request is counted in the slot that the first one has found, the third one comes when it is gone.
  const talking = client.connect(port, [...ask, ...ask, { pauseMs: 3_000 }, ...ask]);
  const ofClient = (name: string) =>
    collector.totals().value('http_client_request_duration_seconds', { cgroup: `${cgroup.label}/${name}` });
  await until('two answers', () => ofClient('left') === 2);
  move(client, join(cgroup.path, 'client'));
  rmdirSync(folder);
  tick();
  nowMs += 60_000;
  await until('its slot to be free', () => (tick(), used()[0] === 1), { everyMs: 20 });
  await other.connect(port, ask);
  await until('another one to have it', () => ofClient('other') === 1);
  expect(collector.losses().other).toBe(0);
  await talking;
  await collector.settle();
  expect(ofClient('other')).toBe(1);
  expect(collector.losses()).toMatchObject({ seen: 8, recorded: 8, other: 1 });
});
