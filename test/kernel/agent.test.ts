/** The agent as a process: from its flags to its last breath, on the real kernel. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { ask, REQUESTS } from '../agent/http/agent';
import { Cgroup } from '../support/cgroup';
import { Footprint } from '../support/footprint';
import { requireKernel, requireProgram } from '../support/requirements';
import { until } from '../support/wait';

const ROOT = join(__dirname, '..', '..');
const OBJECTS = join(ROOT, 'bpf', '.output');
/** Loading the programs takes a second where nothing else runs. */
const START_MS = 60_000;

jest.setTimeout(2 * START_MS);

let agent: ChildProcess;
let output: string;
let cgroup: Cgroup;

beforeAll(() => {
  requireKernel();
  requireProgram('/usr/bin/promtool', 'prometheus');
});
beforeEach(() => {
  cgroup = Cgroup.make();
});
afterEach(async () => {
  if (agent.exitCode === null && agent.signalCode === null) {
    agent.kill('SIGKILL');
    await once(agent, 'exit');
  }
  await cgroup.remove();
});

/** As it is in the checkout; the bundle is the same code. */
function run(...flags: string[]): ChildProcess {
  output = '';
  const main = ['--require', 'tsx/cjs', join(ROOT, 'agent', 'main.ts'), '--objects', OBJECTS, ...flags];
  agent = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, ...main], { cwd: ROOT });
  agent.stdout!.on('data', (chunk) => (output += chunk));
  agent.stderr!.on('data', (chunk) => (output += chunk));
  return agent;
}

async function exitCode(): Promise<number | null> {
  if (agent.exitCode === null) {
    await once(agent, 'exit');
  }
  return agent.exitCode;
}

/** Where it answers, from the one line meant for people. */
const address = () =>
  until(
    () => `the agent to start; it said: ${output}`,
    () => /^Ringside \S+ measures (\S+) and answers on (\S+)$/m.exec(output)?.[2],
    { timeoutMs: START_MS, everyMs: 50 }
  );

const getJson = async (url: string) => (await fetch(url)).json();

it('counts what happened in its cgroup, tells everyone the same, and leaves nothing behind', async () => {
  run('--listen', '127.0.0.1:0', '--cgroup', cgroup.path, '--node', 'here');
  const url = await address();
  await until('the agent to be ready', async () => (await fetch(`${url}/readyz`)).ok, { timeoutMs: 10_000 });

  // The client is in the cgroup, the server, being this process, is not.
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/lost' ? 404 : 200;
    response.end('body');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const urls = (path: string, times: number) => Array(times).fill(`http://127.0.0.1:${port}${path}`);
  const curl = cgroup.spawn('curl', ['--silent', ...urls('/found', 23), ...urls('/lost', 8)], { stdio: 'ignore' });
  await once(curl, 'exit');
  server.close();

  const client = REQUESTS.replace('server', 'client');
  const increase = { metric: client, select: 'increase', by: ['status'], instant: true };
  const answer = await until(
    'all requests to be counted',
    async () => {
      const body = JSON.stringify(ask({ refId: 'A', ...increase }));
      const headers = { 'content-type': 'application/json' };
      const { results } = await (await fetch(`${url}/api/v1/query`, { method: 'POST', body, headers })).json();
      const [statuses, counts]: [string[], number[]] = results.A.frames[0]?.data.values ?? [[], []];
      const byStatus = Object.fromEntries(statuses.map((status, i) => [status, counts[i]]));
      return byStatus['200'] === 23 && byStatus['404'] === 8;
    },
    { everyMs: 100 }
  );
  expect(answer).toBe(true);

  const metrics = await (await fetch(`${url}/metrics`)).text();
  execFileSync('promtool', ['check', 'metrics'], { input: metrics });
  const own = `node="here",workload="${cgroup.label}",cgroup="${cgroup.label}",method="GET"`;
  expect(metrics).toContain(`${client}_count{${own},status="200"} 23\n`);
  expect(metrics).toContain(`${client}_count{${own},status="404"} 8\n`);
  expect(await getJson(`${url}/api/v1/labels/cgroup/values?metric=${client}&match=status=404`)).toMatchObject({
    values: [cgroup.label],
  });
  expect(await getJson(`${url}/api/v1/status`)).toMatchObject({ node: 'here', scope: cgroup.path });

  const footprint = Footprint.of(agent.pid!, cgroup.name);
  expect(footprint.bpf.prog.size).toBeGreaterThan(0);
  agent.kill('SIGTERM');
  expect(await exitCode()).toBe(0);
  await until(
    () => `nothing to be left of the agent; left: ${footprint.left()}`,
    () => footprint.left().every((line) => line.startsWith('cgroup'))
  );
  // One line for people; the rest is for machines.
  const lines = output.trim().split('\n');
  expect(lines.filter((line) => !line.startsWith('{'))).toEqual([
    expect.stringMatching(/^Ringside .* answers on http/),
  ]);
  expect(lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).msg)).toContain('closed');
});

it('refuses with one sentence, and status 1, what it cannot do', async () => {
  const refusals: Array<[flags: string[], sentence: RegExp]> = [
    [['--cgroup', '/etc'], /^ringside-agent: --cgroup \/etc: \/etc is not a directory of cgroup v2\..*$/],
    [['--cgroup', cgroup.path, '--objects', '/etc'], /^ringside-agent: No BPF object \(\*\.bpf\.o\) in \/etc\..*$/],
    [
      ['--cgroup', cgroup.path, '--token-file', '/nope'],
      /^ringside-agent: The token file \/nope cannot be read \(ENOENT\)\.$/,
    ],
    [
      ['--listen', '0.0.0.0:0'],
      /^error: --listen 0\.0\.0\.0:0 would let anyone .* --insecure to do it all the same\.$/,
    ],
  ];
  for (const [flags, sentence] of refusals) {
    run(...flags);
    expect([flags, await exitCode()]).toEqual([flags, 1]);
    expect(output.split('\n')[0]).toMatch(sentence);
    expect(output).not.toMatch(/^\s+at /m);
  }
});

it('refuses an unprivileged user before it touches the kernel', async () => {
  output = '';
  const main = ['--require', 'tsx/cjs', join(ROOT, 'agent', 'main.ts'), '--objects', OBJECTS];
  agent = spawn('setpriv', ['--bounding-set', '-bpf,-perfmon,-sys_admin', '--', process.execPath, ...main], {
    cwd: ROOT,
  });
  agent.stderr!.on('data', (chunk) => (output += chunk));
  expect(await exitCode()).toBe(1);
  expect(output).toBe(
    'ringside-agent: This process may not load BPF programs: it lacks CAP_BPF and CAP_PERFMON. ' +
      'Run it as root, or give the container the capabilities BPF, PERFMON and NET_ADMIN.\n'
  );
});
