/** The agent with a history file, and without pins, killed again and again: what it had kept is there, what it missed is a gap. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, REQUESTS } from '../agent/http/agent';
import { Cgroup } from '../support/cgroup';
import { requireKernel } from '../support/requirements';
import { until } from '../support/wait';

const ROOT = join(__dirname, '..', '..');
const START_MS = 60_000;
const LIVES = 3;

jest.setTimeout(LIVES * 2 * START_MS);

let cgroup: Cgroup;
let folder: string;
let path: string;
let server: Server;
const agents: Agent[] = [];

beforeAll(requireKernel);
beforeEach(async () => {
  cgroup = Cgroup.make();
  folder = mkdtempSync(join(tmpdir(), 'ringside-history-'));
  path = join(folder, 'history');
  server = createServer((_, response) => response.end('body')).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.end('SIGKILL')));
  server.close();
  rmSync(folder, { recursive: true, force: true });
  await cgroup.remove();
});

/** A process of the agent, from its start to its end. */
class Agent {
  readonly process: ChildProcess;
  output = '';

  constructor(...flags: string[]) {
    const main = ['--require', 'tsx/cjs', join(ROOT, 'agent', 'main.ts')];
    const own = ['--objects', join(ROOT, 'bpf', '.output'), '--listen', '127.0.0.1:0', '--node', 'here'];
    const scope = ['--cgroup', cgroup.path, '--history-file', path, '--history-bytes', '1MiB'];
    const args = ['--pdeathsig', 'KILL', '--', process.execPath, ...main, ...own, ...scope, ...flags];
    this.process = spawn('setpriv', args, { cwd: ROOT });
    this.process.stdout!.on('data', (chunk) => (this.output += chunk));
    this.process.stderr!.on('data', (chunk) => (this.output += chunk));
    agents.push(this);
  }

  async url(): Promise<string> {
    return until(
      () => `the agent to start; it said: ${this.output}`,
      () => /answers on (\S+)$/m.exec(this.output)?.[1],
      { timeoutMs: START_MS, everyMs: 50 }
    );
  }

  async get(route: string) {
    return (await fetch(`${await this.url()}${route}`)).json();
  }

  /** Requests of the clients in the cgroup since a moment, and what the answer says of itself. */
  async requests(fromMs: number): Promise<{ count: number; notices: string[] }> {
    const query = { metric: REQUESTS.replace('server', 'client'), select: 'increase', instant: true };
    const body = JSON.stringify({ ...ask({ refId: 'A', ...query }), from: fromMs, to: Date.now() + 60_000 });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${await this.url()}/api/v1/query`, { method: 'POST', body, headers });
    const { results, notices } = (await response.json()) as {
      results: { A: { frames: Array<{ data: { values: number[][] } }>; notices?: Array<{ text: string }> } };
      notices?: Array<{ text: string }>;
    };
    const texts = [...(notices ?? []), ...(results.A.notices ?? [])].map(({ text }) => text);
    return { count: results.A.frames[0]?.data.values[0]?.[0] ?? 0, notices: texts };
  }

  async writtenBytes(): Promise<number> {
    return (await this.get('/api/v1/status')).history.file.writtenBytes;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill(signal);
      await once(this.process, 'exit');
    }
    return this.process.exitCode;
  }
}

async function request(times: number): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const curl = cgroup.spawn('curl', ['--silent', ...Array(times).fill(`http://127.0.0.1:${port}/`)], {
    stdio: 'ignore',
  });
  await once(curl, 'exit');
}

it('remembers what it had kept, whenever it was killed, and says when nobody measured', async () => {
  const startMs = Date.now();
  let sent = 0;
  for (let life = 0; life < LIVES; life++) {
    const agent = new Agent();
    const status = await agent.get('/api/v1/status');
    expect(status.history.file).toMatchObject({ path, state: 'writing', reason: '' });
    const before = await agent.requests(startMs);
    expect(before.count).toBe(sent);
    expect(before.notices.filter((text) => text.startsWith('Nothing was measured from')).length).toBe(
      Math.min(life, 3)
    );

    await request(23 + life);
    sent += 23 + life;
    await until('the requests to be counted', async () => (await agent.requests(startMs)).count === sent, {
      timeoutMs: START_MS,
      everyMs: 50,
    });
    // Kept is what is in a record: the one that is written now, or the next one.
    for (let ticks = 0; ticks < 2; ticks++) {
      const written = await agent.writtenBytes();
      await until('a tick', async () => (await agent.writtenBytes()) > written, { timeoutMs: START_MS, everyMs: 50 });
    }
    await agent.end('SIGKILL');
    // Nobody sees these.
    await request(5);
  }
  const last = new Agent();
  expect((await last.requests(startMs)).count).toBe(sent);
  expect(await last.end('SIGTERM')).toBe(0);
  // A good end loses nothing either.
  expect((await new Agent().requests(startMs)).count).toBe(sent);
});

it('does not share its file with another agent, who says so and ends', async () => {
  const first = new Agent();
  await first.url();
  const second = new Agent();
  await once(second.process, 'exit');
  expect(second.process.exitCode).toBe(1);
  expect(second.output).toContain(
    `ringside-agent: --history-file ${path} is written by another agent (process ${first.process.pid}), ` +
      'which did not end within 8 s. Stop it, or give this one a file of its own.'
  );
  expect(await first.end('SIGTERM')).toBe(0);
});

it('measures without a file where none can be, and says why', async () => {
  path = join(folder, 'nowhere', 'history');
  const agent = new Agent();
  await agent.url();
  const sentence = `--history-file ${path} is in a directory that does not exist; make the directory (ENOENT).`;
  const status = await agent.get('/api/v1/status');
  expect(status.history.file).toMatchObject({ state: 'failing' });
  expect(status.notices).toContain(sentence);
  expect(agent.output).toContain(sentence);
  await request(7);
  await until('the requests to be counted', async () => (await agent.requests(0)).count === 7, {
    timeoutMs: START_MS,
    everyMs: 50,
  });
});
