import type { Status } from '../../wire/status';
import { describeDurationMs } from '../../src/duration';
import { DataProxy, PROXY_URL, type Reply } from './support/dataProxy';
import { ringside } from './support/ringside';
import { setVariables } from './support/templateSrv';

const NOW = 1_790_000_000_000;
const OFF = { state: 'off', reason: 'Nobody asked.', known: 0 } as const;
const status: Status = {
  name: 'ringside-agent',
  wire: 1,
  version: '0.1.0',
  node: 'node-1',
  kernel: '6.18.0',
  bootEpochMs: NOW - 3_000_000,
  nowMs: NOW,
  scope: '/sys/fs/cgroup',
  programs: [],
  series: [],
  losses: [],
  identity: { owners: 40, excluded: 0, pods: 0, unnamedPods: 0, kubernetes: OFF, docker: OFF },
  history: {
    bytes: 1,
    tiers: [
      { stepMs: 1_000, startMs: NOW - 600_000, bytes: 1 },
      { stepMs: 10_000, startMs: NOW - 42 * 60_000, bytes: 1 },
      { stepMs: 60_000, startMs: null, bytes: 1 },
    ],
  },
  memory: { residentBytes: 1, anonymousBytes: 1, kernelMapBytes: 1 },
  notices: [],
  nodes: [{ node: 'node-1', state: 'ok', latencyMs: 1 }],
};

async function health(reply: Reply | Error) {
  const proxy = new DataProxy(() => (reply instanceof Error ? Promise.reject(reply) : reply));
  const result = await ringside().testDatasource();
  expect(proxy.requests).toEqual([
    expect.objectContaining({ url: `${PROXY_URL}/api/v1/status`, showErrorAlert: false }),
  ]);
  return result;
}
const healthOf = (changed: Partial<Status>) => health({ status: 200, data: { ...status, ...changed } });

beforeEach(() => setVariables({}));

test('a healthy agent: version, kernel, nodes, history', async () => {
  expect(await healthOf({})).toEqual({
    status: 'success',
    message: 'Ringside agent 0.1.0 on node-1, kernel 6.18.0, 1 node, history reaches back 42 min.',
  });
});

test('nodes that do not answer are counted', async () => {
  const nodes = (['ok', 'ok', 'timeout'] as const).map((state, i) => ({ node: `n${i}`, state, latencyMs: 1 }));
  expect((await healthOf({ nodes })).message).toContain(', 2 of 3 nodes answering,');
  expect((await healthOf({ nodes: nodes.slice(0, 2) })).message).toContain(', 2 nodes,');
});

test('an agent that has just started, and one that has something to say', async () => {
  const tiers = status.history.tiers.map((tier) => ({ ...tier, startMs: null }));
  const { message } = await healthOf({ history: { bytes: 1, tiers }, notices: ['TCP is off: no BTF.'] });
  expect(message).toMatch(/history has just begun\. TCP is off: no BTF\.$/);
});

describe('names', () => {
  type Identity = Status['identity'];
  const ready = { state: 'ready', reason: '', known: 9 } as const;
  const messageWith = async (identity: Partial<Identity>) =>
    (await healthOf({ identity: { ...status.identity, ...identity } })).message;

  test('of pods and containers are counted, and so is what is left out', async () => {
    const kubernetes = await messageWith({ pods: 23, kubernetes: ready });
    expect(kubernetes).toMatch(/, 1 node, 23 pods named, history reaches back 42 min\.$/);
    expect(await messageWith({ pods: 1, kubernetes: ready, excluded: 4 })).toContain(
      ', 1 pod named, 4 cgroups left out,'
    );
    expect(await messageWith({ docker: { ...ready, known: 2 } })).toContain(', 1 node, 2 Docker containers named,');
    expect(await messageWith({ kubernetes: ready })).toContain(', 0 pods named,');
  });

  test('that a source which is off does not give are missed by nobody, where there are no pods', async () => {
    expect(await messageWith({})).toBe((await healthOf({})).message);
    expect(await messageWith({ docker: ready })).not.toContain('Nobody asked.');
  });

  test.each<[string, Partial<Identity>, string]>([
    ['off, and there are pods', {}, 'Nobody asked.'],
    ['connecting', { kubernetes: { state: 'connecting', reason: 'It asks.', known: 0 } }, 'It asks.'],
    ['failing', { kubernetes: { state: 'failing', reason: 'Status 403.', known: 0 } }, 'Status 403.'],
  ])('of pods that are missing are explained: %s', async (_, identity, reason) => {
    const message = await messageWith({ pods: 23, unnamedPods: 3, ...identity });
    expect(message).toContain(', 20 of 23 pods named, history');
    expect(message).toMatch(/ min\. Names of pods are missing: (.*)$/);
    expect(message.endsWith(reason)).toBe(true);
  });

  test('that may be missing soon are explained before they are', async () => {
    const kubernetes = { state: 'failing', reason: 'The server is gone.', known: 5 } as const;
    expect(await messageWith({ pods: 5, kubernetes })).toMatch(/, 5 pods named, .* missing: The server is gone\.$/);
  });

  test('of new pods come by themselves, and need no words', async () => {
    expect(await messageWith({ pods: 5, unnamedPods: 1, kubernetes: ready })).toMatch(/4 of 5 pods named, .* min\.$/);
  });

  test('of containers whose socket cannot be read are explained', async () => {
    const docker = { state: 'failing', reason: 'Permission denied.', known: 0 } as const;
    expect(await messageWith({ docker })).toMatch(/ Names of Docker containers are missing: Permission denied\.$/);
  });

  test('an agent from before there were names is healthy all the same', async () => {
    const { identity: _, ...older } = status;
    expect(await health({ status: 200, data: older })).toEqual(await healthOf({}));
  });
});

test.each([
  [0, 'Update the agent.'],
  [2, 'Update the plugin.'],
])('wire version %i: says which side is old', async (wire, advice) => {
  const result = await healthOf({ wire });
  expect(result.status).toBe('error');
  expect(result.message).toBe(
    `This plugin speaks version 1 of Ringside’s API and agent 0.1.0 speaks ${wire}. ${advice}`
  );
});

test.each<[string, Reply | Error, RegExp]>([
  [
    'nothing listens',
    { status: 502, data: '' },
    /^No agent answers\. Check that ringside-agent runs, .* TLS options match\.$/,
  ],
  ['nothing answers in time', { status: 504, data: '' }, /^No agent answered in time\. Check/],
  [
    'the token is wrong',
    { status: 400, data: 'Authentication to data source failed' },
    /^The agent does not know you: .*bearer token/,
  ],
  ['another server answers 404', { status: 404, data: '<html>' }, /not a Ringside agent/],
  ['another server answers a page', { status: 200, data: '<html>Welcome to nginx!</html>' }, /not a Ringside agent/],
  ['another API answers', { status: 200, data: { status: 'success' } }, /not a Ringside agent/],
  ['nothing at all comes back', { status: 200, data: null }, /not a Ringside agent/],
  ['Grafana forbids the address', { status: 403, data: 'whitelist' }, /Grafana refuses/],
  ['the session is over', { status: 401, data: { message: 'Unauthorized' } }, /Sign in again/],
  [
    'the agent starts',
    { status: 503, data: { code: 'not_ready', message: 'The first tick is not done yet.' } },
    /^The first tick is not done yet\.$/,
  ],
  [
    'the agent stumbles',
    { status: 500, data: { code: 'internal', message: 'A fault; see the log, request 7.' } },
    /request 7/,
  ],
  ['Grafana itself is away', new TypeError('Failed to fetch'), /Failed to fetch/],
])('when %s', async (_, reply, message) => {
  const result = await health(reply);
  expect(result.status).toBe('error');
  expect(result.message).toMatch(message);
  expect(result.message).not.toMatch(/undefined|object Object|\n/);
});

test.each([
  [0, '0 s'],
  [89_000, '89 s'],
  [42 * 60_000, '42 min'],
  [2 * 3_600_000, '2 h'],
  [3_600_000 * 3 + 60_000 * 5, '3 h 5 min'],
  [3_600_000 * 50, '2 d 2 h'],
])('%i ms is %s', (ms, text) => {
  expect(describeDurationMs(ms)).toBe(text);
});
