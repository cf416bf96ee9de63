/**
 * Agents that are killed at random moments under load, one after the other, and what they have told their history and
 * their metrics in the end: exactly what the server has logged.
 *
 * RINGSIDE_KILLS says how many; RINGSIDE_SEED repeats the moments of an earlier run, as far as a machine can.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentBundle, type AgentProcess, type Samples } from '../support/agent-process';
import { Bpffs } from '../support/bpffs';
import { Cgroup } from '../support/cgroup';
import { Nginx } from '../support/nginx';
import { Peer } from '../support/peer';
import { requireKernel } from '../support/requirements';
import type { LoadRequest } from '../support/script';
import { countsOf } from '../support/stage';
import { sleep, until } from '../support/wait';

const KILLS = Number(process.env.RINGSIDE_KILLS ?? 20);
const SEED = Number(process.env.RINGSIDE_SEED ?? Date.now() % 1_000_000);
/** Few, so that slots have to be given back: a slot that is lost in a crash would be missed. */
const MAX_SERIES = 64;
const SERVER = 'http_server_request_duration_seconds';
const CLIENT = 'http_client_request_duration_seconds';

jest.setTimeout(400_000 + KILLS * 20_000);

let bundle: AgentBundle;
let bpffs: Bpffs;
let cgroup: Cgroup;
let serverCgroup: Cgroup;
let nginx: Nginx;
let folder: string;
let agent: AgentProcess | undefined;

beforeAll(async () => {
  requireKernel();
  bundle = await AgentBundle.build();
});
afterAll(() => bundle?.remove());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-kill-'));
  bpffs = Bpffs.mount();
  cgroup = Cgroup.make();
  serverCgroup = cgroup.child('server');
  nginx = await Nginx.start(serverCgroup);
});
afterEach(async () => {
  await agent?.kill();
  bpffs.unmount();
  await nginx.remove();
  await cgroup.remove();
  rmSync(folder, { recursive: true });
});

function start(): AgentProcess {
  return (agent = bundle.start(
    ...['--cgroup', cgroup.path, '--pin', join(bpffs.path, 'pins'), '--history-file', join(folder, 'history')],
    ...['--max-series', String(MAX_SERIES), '--log-level', 'warn']
  ));
}

/** Numbers from 0 to 1: Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Requests without a pause, on connections that stay and on others that do not, until it is told to stop. */
class Load {
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(peer: Peer, port: number, keepAlive: boolean) {
    const paths = ['/status/200', '/status/204', '/status/404', '/status/503'];
    const requests: LoadRequest[] = Array.from({ length: 40 }, (_, i) => ({ method: 'GET', path: paths[i % 4] }));
    this.#running = (async () => {
      while (!this.#isOver) {
        await peer.requests({ host: '127.0.0.1', port, requests, concurrency: 2, keepAlive });
        await sleep(20);
      }
    })();
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#running;
  }
}

/** A container that lives for a moment: what it asked for is told under its name, and its slots are free again. */
async function shortLife(number: number): Promise<Cgroup> {
  const short = cgroup.child(`short-${number}`);
  const urls = Array<string>(5).fill(`http://127.0.0.1:${nginx.port}/status/200`);
  const curl = short.spawn('curl', ['--silent', '--output', '/dev/null', ...urls], { stdio: 'ignore' });
  await once(curl, 'exit');
  return short;
}

/** Sockets of connections to or from a port, as the kernel lists them; those in TIME_WAIT are none any more. */
function openConnections(port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/net/${name}`, 'utf8').trim().split('\n').slice(1)
  );
  return lines.filter((line) => {
    const [, local, remote, state] = line.trim().split(/\s+/);
    return (local.endsWith(suffix) || remote.endsWith(suffix)) && state !== '06';
  });
}

function statusesOf(samples: Samples): Record<string, number> {
  const mine = Object.entries(samples).filter(
    ([name]) => name.startsWith(`${SERVER}_count{`) && name.includes(`cgroup="${serverCgroup.label}"`)
  );
  return Object.fromEntries(mine.map(([name, value]) => [/status="(\w+)"/.exec(name)![1], value]));
}

it(`loses nothing and tells nothing twice when it is killed ${KILLS} times (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const startMs = Date.now();
  await start().ready();
  const peer = Peer.start(cgroup.child('client'));
  const loads = [new Load(peer, nginx.port, true), new Load(peer, nginx.port, false)];
  const shorts: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const short = await shortLife(kill);
    shorts.push(short.label);
    // Some are killed before they measure, most in some tick; the cgroup goes before, or with no agent there to see it.
    if (random() < 0.75) {
      await agent!.ready();
    }
    const goesBefore = random() < 0.5;
    if (goesBefore) {
      await short.remove();
    }
    await sleep(random() * 2_500);
    await agent!.kill();
    if (!goesBefore) {
      await short.remove();
    }
    start();
  }
  await Promise.all(loads.map((load) => load.stop()));
  await agent!.ready();
  await nginx.stop();

  const logged = Object.fromEntries(
    Object.entries(countsOf(nginx.log())).map(([key, count]) => [key.replace('GET ', ''), count])
  );
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);
  expect(sum(logged)).toBeGreaterThan(KILLS * 50);
  const told = await until(
    'the last record',
    async () => {
      const now = await agent!.increases(SERVER, ['status'], startMs - 1_000);
      return sum(now) >= sum(logged) && now;
    },
    { everyMs: 200, timeoutMs: 20_000 }
  ).catch(() => agent!.increases(SERVER, ['status'], startMs - 1_000));
  expect(told).toEqual(logged);
  expect(statusesOf(await agent!.samples())).toEqual(logged);

  // The other side of the same requests, of which some have long been given back to the kernel.
  const asked = await agent!.increases(CLIENT, ['cgroup'], startMs - 1_000);
  expect(sum(asked)).toBe(sum(logged));
  expect(Object.fromEntries(shorts.map((label) => [label, asked[label]]))).toEqual(
    Object.fromEntries(shorts.map((label) => [label, 5]))
  );
  expect(Object.keys(asked).filter((label) => label.includes('other') || label.includes('removed'))).toEqual([]);

  // TCP, both ends, by the history: connections by what nginx says was the first request of one; bytes to the byte.
  const tcp = (metric: string, by: string[]) => agent!.increases(metric, by, startMs - 1_000);
  const connections = nginx.log().filter(({ connectionRequests }) => connectionRequests === 1).length;
  // Where ports are used again and again, an end can wait minutes for its last acknowledgement: then the kernel has not
  // closed it yet, and nobody may say so.
  await until(
    () => `the last connections to end: ${openConnections(nginx.port)}`,
    () => openConnections(nginx.port).length === 0,
    { everyMs: 500, timeoutMs: 200_000 }
  );
  await until(
    'their end to be told',
    async () => sum(await tcp('tcp_connections_closed_total', ['role'])) === 2 * connections,
    { everyMs: 200, timeoutMs: 20_000 }
  ).catch(() => undefined);
  const { losses, notices } = await agent!.status();
  const loss = (program: string, counter: string) =>
    losses.find((each) => each.program === program && each.counter === counter)!.value;
  const both = { client: connections, server: connections };
  expect({
    opened: await tcp('tcp_connections_opened_total', ['role']),
    closed: await tcp('tcp_connections_closed_total', ['role']),
    metrics: sum(
      Object.fromEntries(
        Object.entries(await agent!.samples()).filter(
          ([name]) => name.startsWith('tcp_connections_closed_total') && name.includes(`cgroup="${serverCgroup.label}"`)
        )
      )
    ),
    missed: loss('tcp', 'missed'),
    notRun: loss('tcp', 'not_run'),
    untimed: loss('tcp', 'untimed'),
  }).toEqual({ opened: both, closed: both, metrics: connections, missed: 0, notRun: 0, untimed: 0 });
  const bytes = await tcp('tcp_bytes_total', ['role', 'direction']);
  const sent = nginx.log().reduce((all, { bytesSent }) => all + bytesSent, 0);
  expect(bytes['server sent']).toBe(sent);
  expect(bytes['client received']).toBe(sent);
  expect(bytes['client sent']).toBe(bytes['server received']);

  expect(loss('http', 'seen')).toBe(2 * sum(logged));
  expect(loss('http', 'recorded')).toBe(2 * sum(logged));
  expect(loss('tcp', 'recorded') + loss('tcp', 'in_flight')).toBe(loss('tcp', 'seen'));
  expect(notices.filter((notice) => /Nothing was measured|series are in use/.test(notice))).toEqual([]);
});
