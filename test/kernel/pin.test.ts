/** Programs that are pinned count while no agent runs, and the next agent goes on with what they have counted. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentBundle, type AgentProcess, type Samples } from '../support/agent-process';
import { Bpffs } from '../support/bpffs';
import { Cgroup } from '../support/cgroup';
import { Footprint } from '../support/footprint';
import { Nginx } from '../support/nginx';
import { Peer } from '../support/peer';
import { requireKernel } from '../support/requirements';
import { until } from '../support/wait';

jest.setTimeout(300_000);

let bundle: AgentBundle;
let bpffs: Bpffs;
let cgroup: Cgroup;
let serverCgroup: Cgroup;
let nginx: Nginx;
let pins: string;
let agent: AgentProcess | undefined;

beforeAll(async () => {
  requireKernel();
  bundle = await AgentBundle.build();
});
afterAll(() => bundle?.remove());
beforeEach(async () => {
  bpffs = Bpffs.mount();
  pins = join(bpffs.path, 'ringside');
  cgroup = Cgroup.make();
  serverCgroup = cgroup.child('server');
  nginx = await Nginx.start(serverCgroup);
});
afterEach(async () => {
  await agent?.kill();
  agent = undefined;
  bpffs.unmount();
  await nginx.remove();
  await cgroup.remove();
});

async function start(...flags: string[]): Promise<AgentProcess> {
  agent = bundle.start('--cgroup', cgroup.path, '--pin', pins, ...flags);
  return agent.ready();
}

/** Asks for a path so often, from a cgroup of its own. */
async function request(path: string, times: number, from = cgroup.child('client')): Promise<void> {
  const urls = Array<string>(times).fill(`http://127.0.0.1:${nginx.port}${path}`);
  const curl = from.spawn('curl', ['--silent', '--output', '/dev/null', ...urls], { stdio: 'ignore' });
  await new Promise((resolve) => curl.once('exit', resolve));
}

const REQUESTS = 'http_server_request_duration_seconds';

/** Requests that the server has answered, by status, as the metrics page tells them. */
const told = (samples: Samples) => byStatus(samples, `${REQUESTS}_count{`);

function byStatus(samples: Samples, start: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, value] of Object.entries(samples)) {
    const status = /status="([^"]*)"/.exec(name)?.[1];
    if (name.startsWith(start) && status && name.includes(serverCgroup.label)) {
      counts[status] = (counts[status] ?? 0) + value;
    }
  }
  return counts;
}

async function expectTold(expected: Record<string, number>): Promise<void> {
  let now = {};
  await until(
    () => `${JSON.stringify(expected)} to be told; told: ${JSON.stringify(now)}`,
    async () => JSON.stringify((now = told(await agent!.samples()))) === JSON.stringify(expected),
    { everyMs: 50, timeoutMs: 20_000 }
  );
}

/** Programs, maps and links that the agent holds: pinned ones among them. */
const footprint = () => Footprint.of(agent!.process.pid!, cgroup.name);

it('counts while no agent runs, exactly, and tells it in the first record of the next', async () => {
  const startMs = Date.now();
  await start();
  expect((await agent!.status()).pins).toMatchObject({ state: 'pinned', directory: expect.stringContaining(pins) });
  await request('/status/200', 23);
  await expectTold({ 200: 23 });
  const since = (await agent!.status()).pins!.sinceMs;
  await agent!.kill();

  await request('/status/200', 7);
  await request('/status/404', 3);
  await start();
  await expectTold({ 200: 30, 404: 3 });
  expect((await agent!.status()).pins).toMatchObject({ state: 'pinned', sinceMs: since });
  // What the first agent had told its history, which is gone with it, is not told again: how many, nobody knows, but all
  // that came after its last tick is there.
  const increases = await until(
    'the first record',
    async () => {
      const now = await agent!.increases(REQUESTS, ['status'], startMs);
      return now['404'] === 3 && now;
    },
    { everyMs: 100, timeoutMs: 20_000 }
  );
  expect(increases['200']).toBeGreaterThanOrEqual(7);
  expect(increases['200']).toBeLessThanOrEqual(30);

  // Ended as an operator does it, it leaves the same.
  await request('/status/200', 1);
  await expectTold({ 200: 31, 404: 3 });
  expect(await agent!.stop()).toBe(0);
  await start();
  await expectTold({ 200: 31, 404: 3 });
});

it('loads nothing again when it takes over', async () => {
  await start();
  const before = footprint();
  expect(before.bpf.link.size).toBeGreaterThan(10);
  await agent!.kill();
  await start();
  const after = footprint();
  expect(after.bpf.link).toEqual(before.bpf.link);
  expect(after.bpf.prog).toEqual(before.bpf.prog);
  expect((await agent!.status()).programs.filter(({ state }) => state === 'off')).toEqual([]);
});

it('needs no more rights than the agents of a cluster have', async () => {
  const rights = ['bpf', 'perfmon', 'net_admin'];
  for (const told of [2, 4]) {
    agent = bundle.startWith(rights, '--cgroup', cgroup.path, '--pin', pins);
    await agent.ready();
    expect((await agent.status()).pins).toMatchObject({ state: 'pinned' });
    expect((await agent.status()).programs.filter(({ state }) => state === 'off')).toEqual([]);
    await request('/status/200', 2);
    await expectTold({ 200: told });
    await agent.kill();
  }
});

it('follows a connection from one agent to the next: nothing of it is told twice, nothing is lost', async () => {
  const clientCgroup = cgroup.child('tcp-client');
  const server = Peer.start(cgroup.child('tcp-server'));
  const client = Peer.start(clientCgroup);
  await start();
  const port = await server.listen([
    [{ receive: 'ping' }, { send: 'x'.repeat(1000) }, { receive: 'more' }, { end: true }],
  ]);
  const conversation = client.connect(port, [
    { send: 'ping' },
    { receiveBytes: 1000 },
    { gate: 'first agent' },
    { send: 'no, not yet ' },
    { gate: 'no agent' },
    { send: 'more' },
    { receiveEnd: true },
  ]);
  const expectTcp = async (expected: Record<string, number>) => {
    let now = {};
    await until(
      () => `${JSON.stringify(expected)} of TCP; told: ${JSON.stringify(now)}`,
      async () => JSON.stringify((now = tcpOf(await agent!.samples(), clientCgroup))) === JSON.stringify(expected),
      { everyMs: 50, timeoutMs: 20_000 }
    );
  };
  await client.arrival('first agent');
  await expectTcp({ active: 1, opened: 1, received: 1000, sent: 4 });
  await agent!.kill();
  await client.open('first agent');
  await client.arrival('no agent');
  await start();
  await expectTcp({ active: 1, opened: 1, received: 1000, sent: 16 });
  await agent!.kill();
  await client.open('no agent');
  expect((await conversation).failure).toBeUndefined();
  await start();
  await expectTcp({ closed: 1, opened: 1, received: 1000, sent: 20 });
  const { losses } = await agent!.status();
  const loss = (counter: string) => losses.find((each) => each.program === 'tcp' && each.counter === counter)!.value;
  expect(loss('recorded') + loss('in_flight')).toBe(loss('seen'));
});

/** What is told of a client's connections, as far as it is not 0. */
function tcpOf(samples: Samples, { label }: Cgroup): Record<string, number> {
  const names: Record<string, string> = {
    tcp_connections_active: 'active',
    tcp_connections_opened_total: 'opened',
    tcp_connections_closed_total: 'closed',
    tcp_bytes_total: '',
  };
  const mine = Object.entries(samples).flatMap(([name, value]): Array<[string, number]> => {
    const metric = name.slice(0, name.indexOf('{'));
    const isMine = metric in names && name.includes(`cgroup="${label}"`) && value > 0;
    return isMine ? [[names[metric] || /direction="(\w+)"/.exec(name)![1], value]] : [];
  });
  return Object.fromEntries(mine.sort());
}

it('gives a cgroup that was removed meanwhile the name it had', async () => {
  const gone = cgroup.child('gone');
  await start();
  await request('/status/200', 5, gone);
  await until('the client to be noted', async () =>
    Object.keys(await agent!.samples()).some((name) => name.includes(`cgroup="${gone.label}"`))
  );
  // Noted at a tick; two are enough whenever they come.
  const { ticks } = await tickStats();
  await until('two ticks', async () => (await tickStats()).ticks >= ticks + 2, { everyMs: 100, timeoutMs: 20_000 });
  await agent!.kill();
  await request('/status/200', 4, gone);
  await gone.remove();
  await start();
  const samples = await agent!.samples();
  const mine = Object.entries(samples).filter(
    ([name]) => name.startsWith('http_client_request_duration_seconds_count') && name.includes(gone.label)
  );
  expect(mine.map(([, value]) => value)).toEqual([9]);
  expect(Object.keys(samples).filter((name) => name.includes('removed:'))).toEqual([]);
});

async function tickStats(): Promise<{ ticks: number }> {
  const samples = await agent!.samples();
  const name = Object.keys(samples).find((each) => /^ringside_tick_duration_seconds_count$/.test(each))!;
  return { ticks: samples[name] };
}

describe('another layout', () => {
  it('begins anew, and removes what was there when it counts', async () => {
    await start();
    await request('/status/200', 5);
    await expectTold({ 200: 5 });
    const [old] = readdirSync(pins);
    await agent!.stop();

    await start('--max-series', '500');
    const sets = readdirSync(pins);
    expect(sets).toHaveLength(1);
    expect(sets).not.toContain(old);
    await request('/status/200', 2);
    await expectTold({ 200: 2 });
  });

  it('goes on with the history, in which nothing is told twice', async () => {
    const startMs = Date.now();
    const file = join(bundle.folder, `history-${startMs}`);
    const expectRemembered = async (total: number) => {
      let now = {};
      await until(
        () => `${total} requests in the history; there are ${JSON.stringify(now)}`,
        async () => {
          const increases = await agent!.increases(REQUESTS, ['status'], startMs - 1_000);
          now = increases;
          return increases['200'] === total;
        },
        { everyMs: 100, timeoutMs: 20_000 }
      );
      // In the file, and not only in the kernel: two ticks later at the latest.
      const { ticks } = await tickStats();
      await until('two ticks', async () => (await tickStats()).ticks >= ticks + 2, { everyMs: 100, timeoutMs: 20_000 });
    };
    await start('--history-file', file);
    await request('/status/200', 5);
    await expectRemembered(5);
    await agent!.kill();
    await start('--history-file', file, '--max-series', '500');
    await request('/status/200', 2);
    await expectRemembered(7);
    // And back: what the first layout had counted is gone with its set.
    await agent!.kill();
    await start('--history-file', file);
    await expectRemembered(7);
  });

  it('is begun anew when another agent ended while it made it', async () => {
    await start();
    const [set] = readdirSync(pins);
    await agent!.stop();
    expect((await bundle.run('detach', '--pin', pins)).code).toBe(0);
    const unfinished = join(pins, set.replace('set', 'new'));
    mkdirSync(pins);
    mkdirSync(unfinished);
    await start();
    expect(readdirSync(pins)).toEqual([set]);
  });
});

describe('measures without pins, and says why', () => {
  async function expectUnpinned(directory: string, reason: RegExp): Promise<void> {
    agent = bundle.start('--cgroup', cgroup.path, '--pin', directory);
    await agent.ready();
    const status = await agent.status();
    expect(status.pins).toEqual({ state: 'off', reason: expect.stringMatching(reason) });
    expect(status.notices).toContainEqual(status.pins!.reason);
    expect(agent.output).toMatch(reason);
    expect(agent.output).not.toMatch(/^\s+at /m);
    await request('/status/200', 3);
    await expectTold({ 200: 3 });
  }

  it('where there is no BPF file system', async () => {
    await expectUnpinned(join(bundle.folder, 'pins'), /is not in a BPF file system; mount one/);
  });

  it('where it is read-only', async () => {
    mkdirSync(pins);
    bpffs.remount('ro');
    await expectUnpinned(pins, /is in a file system that is mounted read-only/);
  });

  it('where there is a file instead of a directory', async () => {
    writeFileSync(join(bundle.folder, 'file'), '');
    await expectUnpinned(join(bundle.folder, 'file'), /is not in a BPF file system/);
  });

  it('where its pins were tampered with', async () => {
    await start();
    const [set] = readdirSync(pins);
    await agent!.stop();
    execFileSync('rm', [join(pins, set, 'http-map-slots')]);
    await expectUnpinned(pins, /cannot be used, and measuring goes on without: No map slots of http is pinned\. Run /);
  });
});

it('leaves alone what is not its own', async () => {
  mkdirSync(pins);
  mkdirSync(join(pins, 'somebody'));
  await start();
  await agent!.stop();
  const { code, output } = await bundle.run('detach', '--pin', pins);
  expect(code).toBe(0);
  expect(output).toMatch(/^Removed .*set-[0-9a-f]{16}\.$/m);
  expect(output).toMatch(/^Left in .*, as it is not Ringside’s: somebody\.$/m);
  expect(readdirSync(pins)).toEqual(['somebody']);
});

describe('two agents', () => {
  it('do not measure with the same pins: the second says so and ends', async () => {
    await start();
    const second = bundle.start('--cgroup', cgroup.path, '--pin', pins);
    expect(await second.exit()).toBe(1);
    expect(second.output).toMatch(/^ringside-agent: --pin .*: another agent measures with what is pinned there/);
    expect(second.output).not.toMatch(/^\s+at /m);
    await request('/status/200', 3);
    await expectTold({ 200: 3 });

    const refused = await bundle.run('detach', '--pin', pins);
    expect(refused).toEqual({ code: 1, output: expect.stringMatching(/Another agent measures .* Stop it first\.\n$/) });
  });

  it('follow one another in a rolling restart', async () => {
    await start();
    await request('/status/200', 3);
    const second = bundle.start('--cgroup', cgroup.path, '--pin', pins);
    const first = agent!;
    agent = second;
    expect(await first.stop()).toBe(0);
    await second.ready();
    await expectTold({ 200: 3 });
  });
});

describe('detach', () => {
  it('leaves nothing in the kernel', async () => {
    await start();
    await request('/status/200', 3);
    const left = footprint();
    await agent!.kill();
    // All but what the agent had open for itself alone.
    expect(left.left().filter((line) => line.startsWith('bpf link'))).toHaveLength(left.bpf.link.size);
    expect((await bundle.run('detach', '--pin', pins)).code).toBe(0);
    expect(existsSync(pins)).toBe(false);
    await until(
      () => `nothing to be left; left: ${left.left()}`,
      () => left.left().every((line) => line.startsWith('cgroup')),
      { everyMs: 100, timeoutMs: 20_000 }
    );
    const again = await bundle.run('detach', '--pin', pins);
    expect(again).toEqual({ code: 0, output: expect.stringMatching(/^Nothing is pinned: there is no /) });
  });

  it('explains itself', async () => {
    const { code, output } = await bundle.run('detach', '--help');
    expect(code).toBe(0);
    expect(output).toMatch(/Usage: ringside-agent detach \[options\]/);
    expect(output).toMatch(/--pin \[path\]/);
    const wrong = await bundle.run('detach', '--nope');
    expect(wrong.code).toBe(1);
    expect(wrong.output).toMatch(/unknown option '--nope'/);
  });
});
