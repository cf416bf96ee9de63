/** Tables that are full and memory that is refused: the name is lost, or the loss is told; the sums hold to the last event. */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cgroup } from '../support/cgroup';
import { TestCollector } from '../support/collector';
import { answer, HEAD_END, request } from '../support/http-text';
import { Netns } from '../support/netns';
import { Nginx, STATUSES } from '../support/nginx';
import { Peer } from '../support/peer';
import { Recording } from '../support/recording';
import { MissingRequirement } from '../support/requirements';
import type { LoadRequest, Step } from '../support/script';
import { countsOf, Stage } from '../support/stage';
import type { Counts } from '../support/totals';
import { until } from '../support/wait';
import { NOBODY } from '../../agent/history/deltas';

jest.setTimeout(120_000);

const sum = (counts: Counts) => Object.values(counts).reduce((all, count) => all + count, 0);
const noticesOf = ({ collector }: TestCollector) => collector.status().notices.join('\n');

/** Sockets stay with the cgroup that they were made in. */
function move({ process }: Peer, folder: string): void {
  writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
}

/** The same requests, again and again. */
function plan(
  length: number,
  statuses: readonly number[] = [200],
  methods: readonly string[] = ['GET']
): LoadRequest[] {
  return Array.from({ length }, (_, n) => ({
    method: methods[n % methods.length],
    path: `/status/${statuses[Math.floor(n / methods.length) % statuses.length]}`,
  }));
}

describe('memory for connections', () => {
  /** Less than a connection takes. Of a namespace's own since Linux 6.8. */
  const TOO_LITTLE = 400;
  const OPTMEM = 'net.core.optmem_max';
  let left: Netns;
  let right: Netns;
  let stage: Stage;
  let nginx: Nginx;

  beforeEach(async () => {
    [left, right] = Netns.pair();
    stage = await Stage.open({ serverNetns: left.name, clientNetns: right.name });
    nginx = await Nginx.start(stage.serverCgroup, { hosts: [left.ipv4], netns: left.name });
  });

  afterEach(async () => {
    await nginx?.remove();
    await stage?.close();
    left?.remove();
    right?.remove();
  });

  function allow(bytes: number): void {
    try {
      left.exec('sysctl', '-qw', `${OPTMEM}=${bytes}`);
    } catch {
      throw new MissingRequirement('Linux 6.8 or newer', `${OPTMEM} is the whole machine’s before, and left alone`);
    }
  }

  test('that is refused costs the server’s requests, each of them told, and nothing else', async () => {
    const ask = (requests: LoadRequest[], keepAlive = true) =>
      stage.client.requests({ host: left.ipv4, port: nginx.port, requests, concurrency: 7, keepAlive });
    const before = Number(left.exec('sysctl', '-n', OPTMEM));
    allow(TOO_LITTLE);
    const [many, more] = [plan(211, [200, 404, 500]), plan(97, [201])];
    await ask(many);
    allow(before);
    await ask(more, false);
    await nginx.stop();
    const log = countsOf(nginx.log());
    expect(sum(log)).toBe(many.length + more.length);
    await stage.expectRequests({ 'GET 201': more.length }, log);
    expect(stage.collector.losses()).toMatchObject({
      seen: many.length + 2 * more.length,
      recorded: many.length + 2 * more.length,
      refused: many.length,
      unmatched: many.length,
    });
    expect(noticesOf(stage.collector)).toContain(
      `The kernel gave no memory for the connections of ${many.length} requests: these are not counted. Raise ${OPTMEM}`
    );
    const tcp = stage.collector.losses('tcp');
    expect(tcp.recorded + tcp.in_flight).toBe(tcp.seen);
    expect(tcp.untracked).toBe(0);
  });
});

describe('the table of series', () => {
  let stage: Stage;

  afterEach(() => stage?.close());

  test('full under a real server: what has a name is exact, the rest is “other”, and all of it is what nginx logged', async () => {
    stage = await Stage.open({ maxSeries: 16 });
    const nginx = await Nginx.start(stage.serverCgroup);
    try {
      const requests = plan(2_520, STATUSES, ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
      await stage.client.requests({ host: '127.0.0.1', port: nginx.port, requests, concurrency: 8, keepAlive: true });
      await nginx.stop();
      const log = countsOf(nginx.log());
      expect(sum(log)).toBe(requests.length);
      const totals = await stage.collector.settle();
      let others = 0;
      for (const role of ['server', 'client'] as const) {
        const { 'other other': other = 0, ...named } = totals.requests(role);
        expect(named).toEqual(Object.fromEntries(Object.keys(named).map((key) => [key, log[key]])));
        expect(sum(named) + other).toBe(requests.length);
        others += other;
      }
      expect(totals.of('http_server_request_duration_seconds').length).toBeGreaterThan(2);
      expect(stage.collector.losses()).toMatchObject({
        seen: 2 * requests.length,
        recorded: 2 * requests.length,
        other: others,
        capped: 0,
      });
      expect(noticesOf(stage.collector)).toContain(
        'All 16 HTTP series are in use; what is new is counted under “other”.'
      );
      stage.collector.expectNothingLost();
    } finally {
      await nginx.remove();
    }
  });

  test('what was counted under “other” has not used up its owner’s share', async () => {
    const SHARE = 3;
    stage = await Stage.open({ maxSeries: 2 * SHARE, maxSeriesPerContainer: SHARE });
    const [home, late] = [stage.cgroup.child('home'), stage.cgroup.child('late')];
    const [first, second] = [Peer.start(home), Peer.start(late)];
    const served: Step[] = [{ receive: HEAD_END }, { send: answer(200) }, { end: true }];
    const port = await stage.server.listen([served]);
    const ask = (peer: Peer, method: string) =>
      peer.connect(port, [{ send: request(method) }, { receive: HEAD_END }, { receiveEnd: true }]);
    // That it answers shows that it is where it was started; from here on it can be moved.
    await first.listen([[]]);
    const hog = join(stage.cgroup.path, 'hog');
    mkdirSync(hog);
    move(first, hog);
    // Its share, and the server's.
    for (const method of ['GET', 'PUT', 'POST']) {
      await ask(first, method);
    }
    const used = () => {
      stage.collector.collector.tick(NOBODY);
      return stage.collector.collector.status().series[0].used;
    };
    await until('a full table', () => used() === 2 * SHARE);
    for (let n = 0; n < 4 * SHARE; n++) {
      await ask(second, 'GET');
    }
    expect((await stage.collector.settle()).requests('client', { cgroup: late.label })).toEqual({});
    move(first, home.path);
    rmdirSync(hog);
    await until('room', () => used() === SHARE);
    for (const method of ['GET', 'GET']) {
      await ask(second, method);
    }
    const totals = await stage.collector.settle();
    expect(totals.requests('client', { cgroup: late.label })).toEqual({ 'GET 200': 2 });
    expect(stage.collector.losses()).toMatchObject({
      recorded: 2 * (3 + 4 * SHARE + 2),
      other: 4 * SHARE,
      capped: 0,
    });
    stage.collector.expectNothingLost();
  });
});

test('more requests than there is room for come before their sockets: what is not counted is told, to the last one', async () => {
  const CONNECTIONS = 900;
  const ROOM = 512;
  const stage = await Stage.open();
  const nginx = await Nginx.start(stage.serverCgroup, { hosts: ['127.0.0.1'], listen: 'deferred' });
  try {
    // The kernel makes the socket after it has shown what the request's head was in; its body is what comes next.
    const script = (n: number): Step[] => [
      { send: request('PUT', { target: `/files/${n}`, headers: { 'Content-Length': 4, Connection: 'close' } }) },
      { gate: 'body' },
      { send: 'body' },
      { receive: HEAD_END },
      { receiveEnd: true },
    ];
    const asking = Array.from({ length: CONNECTIONS }, (_, n) => stage.client.connect(nginx.port, script(n)));
    await until('all to be under way', () => stage.collector.losses().seen >= CONNECTIONS, { timeoutMs: 20_000 });
    await stage.client.open('body');
    const failures = (await Promise.all(asking)).map(({ failure }) => failure).filter(Boolean);
    expect(failures).toEqual([]);
    await nginx.stop();
    const log = countsOf(nginx.log());
    expect(log).toEqual({ 'PUT 201': CONNECTIONS });
    const totals = await stage.collector.settle();
    expect(totals.requests('client')).toEqual(log);
    const losses = stage.collector.losses();
    // On a busy machine the kernel may not wait for the data of all of them.
    expect(losses.forgotten).toBeGreaterThan(0);
    expect(sum(totals.requests('server')) + losses.forgotten).toBe(CONNECTIONS);
    expect(losses.unmatched).toBe(losses.forgotten);
    expect(noticesOf(stage.collector)).toContain(`More than ${ROOM} connections at once had sent a request before`);
    stage.collector.expectNothingLost();
  } finally {
    await nginx.remove();
    await stage.close();
  }
});

describe('the list of cgroups that are left out', () => {
  const ROOM = 4_096;
  let nowMs = 0;
  let cgroup: Cgroup;
  let collector: TestCollector;

  beforeEach(async () => {
    cgroup = Cgroup.make();
    // What is no pod is left out.
    collector = await TestCollector.open(cgroup, {
      filter: { includeNamespaces: ['nobody'] },
      monotonicMs: () => nowMs,
    });
  });

  afterEach(async () => {
    await collector?.close();
    await cgroup?.remove();
  });

  const tick = () => collector.collector.tick(NOBODY);

  function make(count: number): string[] {
    const folders = Array.from({ length: count }, (_, n) => join(cgroup.path, `idle-${n}`));
    folders.forEach((folder) => mkdirSync(folder));
    tick();
    return folders;
  }

  function remove(folders: readonly string[]): void {
    folders.forEach((folder) => rmdirSync(folder));
    tick();
    // Where the kernel could not tell that nothing is left of them, they are waited for.
    nowMs += 60_000;
    tick();
  }

  test('has room again for each one that is gone', () => {
    for (let made = 0; made <= ROOM; made += 300) {
      remove(make(300));
      expect(noticesOf(collector)).not.toContain('excluded cgroups');
    }
  });

  test('is full: the next ones are measured, hidden, and told; with room again they are left out', async () => {
    const idle = make(ROOM);
    const [server, client] = ['server', 'client'].map((name) => Peer.start(cgroup.child(name)));
    const served: Step[] = [{ receive: HEAD_END }, { send: answer(200) }, { end: true }];
    const port = await server.listen([served]);
    const ask = () => client.connect(port, [{ send: request() }, { receive: HEAD_END }, { receiveEnd: true }]);
    await ask();
    const recording = new Recording(collector);
    try {
      await collector.settle();
      expect(collector.losses()).toMatchObject({ seen: 2, recorded: 2, excluded: 0 });
      expect(recording.requests('server', [])).toEqual({});
      // Beside these two the one that all are in.
      expect(noticesOf(collector)).toContain(
        `3 excluded cgroups are measured all the same, and hidden: the kernel’s list has room for ${ROOM}.`
      );
      remove(idle);
      expect(noticesOf(collector)).not.toContain('excluded cgroups');
      await ask();
      await collector.settle();
      expect(collector.losses()).toMatchObject({ seen: 2, recorded: 2 });
      expect(recording.requests('server', [])).toEqual({});
      collector.expectNothingLost();
    } finally {
      recording.stop();
    }
  });
});
