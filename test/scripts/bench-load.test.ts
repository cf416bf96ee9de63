/** What the benchmarks measure with: a load that does not wait for answers, proxies, and the kernel's accounts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anonymousBytes } from '../../bench/support/memory';
import { processorSeconds } from '../../bench/support/processor';
import { PROXIES } from '../../bench/support/proxies';
import { Build } from '../support/build';
import { Cgroup } from '../support/cgroup';
import { Nginx } from '../support/nginx';
import { requireRoot } from '../support/requirements';
import { until } from '../support/wait';

const MILLISECOND = 1e6;

const build = new Build();
const generator = build.host('bench/load/open-loop.c');
afterAll(() => build.remove());

/** Runs the load to its end. */
async function load(...args: Array<string | number>): Promise<{ code: number; output: string; errors: string }> {
  const child = spawn(generator, args.map(String));
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const [code] = await once(child, 'close');
  return { code, output, errors };
}

describe('a load that does not wait', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** @returns its port */
  async function serve(answer: (request: number) => string): Promise<number> {
    let requests = 0;
    server = createServer((_, response) => response.end(answer(++requests)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  test('makes each request that is due, and is told of each', async () => {
    let answered = 0;
    const port = await serve(() => `answer ${++answered}`);
    const result = JSON.parse((await load(port, '/', 4, 230, 1)).output);
    expect([result.planned, result.answered, answered]).toEqual([230, 230, 230]);
    expect(result.nanoseconds).toBeGreaterThan(995 * MILLISECOND);
    const { p50, p99, p999, max } = result.latency;
    expect([p50, p99, p999, max]).toEqual([p50, p99, p999, max].sort((a, b) => a - b));
    expect(p50).toBeGreaterThan(0);
  });

  test('counts what was due while the server stood still from when it was due', async () => {
    const STILL_MS = 400;
    const port = await serve((request) => {
      for (const end = performance.now() + (request === 50 ? STILL_MS : 0); performance.now() < end;) {
        // Everybody waits.
      }
      return 'at last';
    });
    const { latency } = JSON.parse((await load(port, '/', 2, 200, 1)).output);
    // Of 200 requests 80 were due meanwhile; a load that waits would have noticed two.
    expect(latency.max).toBeGreaterThan(STILL_MS * 0.9 * MILLISECOND);
    expect(latency.p99).toBeGreaterThan(STILL_MS * 0.8 * MILLISECOND);
  });

  test('tells what is usual apart from a server that stood still once', async () => {
    const port = await serve((request) => {
      for (const end = performance.now() + (request === 2_500 ? 300 : 0); performance.now() < end;) {
        // Everybody waits.
      }
      return 'at last';
    });
    // Six windows of a thousand answers; those that were due meanwhile are in two of them.
    const { usual, latency } = JSON.parse((await load(port, '/', 4, 1_500, 4)).output);
    expect(latency.p99).toBeGreaterThan(200 * MILLISECOND);
    expect(usual.p99).toBeGreaterThanOrEqual(usual.p50);
    expect(usual.p99).toBeLessThan(latency.p99 / 2);
    // Of fewer answers than a window has, all are one.
    const few = JSON.parse((await load(port, '/', 4, 100, 1)).output);
    expect(few.usual).toEqual({ p50: few.latency.p50, p99: few.latency.p99 });
  });

  test('can be the other kind, and can show what it can do itself', async () => {
    const { planned, answered, nanoseconds } = JSON.parse((await load(0, '/', 4, 0, 1)).output);
    expect(answered).toBe(planned);
    expect(answered).toBeGreaterThan(10);
    expect(nanoseconds).toBeGreaterThan(995 * MILLISECOND);
  });

  test.each([
    [[0, '/', 4, 'fast', 1], 'RATE is a whole number from 0 to 1000000, got "fast"'],
    [[0, '/', 4, 100], 'Usage: open-loop PORT PATH CONNECTIONS RATE SECONDS'],
    [[1, '/', 1, 100, 1], 'cannot connect: Connection refused'],
  ])('refuses %j in a sentence', async (args, sentence) => {
    const { code, errors } = await load(...args);
    expect(code).toBe(1);
    expect(errors).toContain(sentence);
  });

  test('ends where an answer is no success', async () => {
    server = createServer((_, response) => response.writeHead(503).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { code, errors } = await load((server.address() as AddressInfo).port, '/', 1, 10, 1);
    expect(code).toBe(1);
    expect(errors).toContain('wanted 200, got HTTP/1.1 503');
  });
});

describe('in a cgroup', () => {
  let cgroup: Cgroup;
  beforeEach(() => {
    requireRoot();
    cgroup = Cgroup.make();
  });
  afterEach(() => cgroup.remove());

  test('a proxy passes on what it is asked', async () => {
    const nginx = await Nginx.start(cgroup.child('app'), { hosts: ['127.0.0.1'] });
    const kind = PROXIES.find(({ program }) => program === 'nginx')!;
    const proxy = await kind.start(cgroup.child('sidecar'), { port: nginx.port, workers: 1 });
    const before = nginx.log().length;
    for (let n = 0; n < 23; n++) {
      expect(await (await fetch(`http://127.0.0.1:${proxy.port}/status/200`)).text()).toBe('answer 200\n');
    }
    await nginx.stop();
    expect(nginx.log().length - before).toBe(23);
    // It keeps its connections, as sidecars do.
    expect(Math.max(...nginx.log().map(({ connectionRequests }) => connectionRequests))).toBeGreaterThan(20);
    await nginx.remove();
    proxy.remove();
  });

  test('the account of processor time holds what is used inside, and below', async () => {
    const below = cgroup.child('below');
    const before = processorSeconds(cgroup);
    const busy = `const end = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < end);`;
    await once(below.spawn(process.execPath, ['-e', busy], { stdio: 'ignore' }), 'exit');
    expect(processorSeconds(cgroup) - before).toBeGreaterThan(0.29);
  });

  test('the account of memory holds what a process has for itself', async () => {
    const MIB = 1024 * 1024;
    const hold = `const held = Buffer.alloc(${64 * MIB}, 1); console.log(held.length); setInterval(() => held, 1000);`;
    const child = cgroup.spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout!, 'data');
    await until('the process to be in the cgroup', () => cgroup.pids.length > 0);
    expect(anonymousBytes(cgroup)).toBeGreaterThan(64 * MIB);
    expect(anonymousBytes(cgroup)).toBeLessThan(256 * MIB);
  });
});
