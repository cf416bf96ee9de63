import { createServer, type AddressInfo } from 'node:net';
import { startProbes, type Probes } from '../../../agent/http/probes';
import type { HealthContext } from '../../../agent/http/routes/health';
import { startAgent } from './agent';

const FINE = { ready: true, reason: '' };
const STATS = {
  ticks: 1,
  failures: 0,
  overruns: 0,
  totalSeconds: 0,
  longestSeconds: 0,
  lastTickMs: 0,
  longestPauseMs: 0,
  longestPauseEndMs: 0,
};
const LOOPBACK = { host: '127.0.0.1', port: 0 };

let probes: Probes | undefined;
afterEach(async () => {
  await probes?.close();
  probes = undefined;
});

async function start(ticker: Partial<HealthContext['ticker']> = {}): Promise<void> {
  probes = await startProbes({ ticker: { readiness: FINE, liveness: FINE, stats: STATS, ...ticker } }, LOOPBACK);
}

async function get(path: string, method = 'GET') {
  const response = await fetch(`${probes!.address}${path}`, { method });
  return { status: response.status, body: await response.json() };
}

it('answers both on a socket of its own', async () => {
  await start();
  expect(probes!.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await get('/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
  expect(await get('/readyz')).toEqual({ status: 200, body: { status: 'ok' } });
});

it('does not ask for a restart while the kernel cannot be read', async () => {
  await start({ readiness: { ready: false, reason: 'The last 3 readings of the kernel failed: gone' } });
  expect((await get('/healthz')).status).toBe(200);
  expect(await get('/readyz')).toEqual({
    status: 503,
    body: { code: 'not_ready', message: 'The last 3 readings of the kernel failed: gone' },
  });
});

it('asks for one, with the reason, when nothing tries to read it any more', async () => {
  const stuck = { ready: false, reason: 'No reading of the kernel has been tried for 75 s.' };
  await start({ liveness: stuck, readiness: stuck });
  expect(await get('/healthz')).toEqual({ status: 503, body: { code: 'not_ready', message: stuck.reason } });
  expect((await get('/readyz')).status).toBe(503);
});

it.each(['/metrics', '/api/v1/status', '/api/v1/query', '/openapi.json'])('has no %s', async (path) => {
  await start();
  expect(await get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect((await get('/healthz', 'POST')).status).toBe(405);
});

it('is the same answer as the agent’s own routes give', async () => {
  const stuck = { ready: false, reason: 'No reading of the kernel has been tried for 75 s.' };
  const ticker = { readiness: FINE, liveness: stuck, stats: STATS };
  const agent = await startAgent({ ticker });
  await start(ticker);
  const own = await agent.app.inject('/healthz');
  expect({ status: own.statusCode, body: own.json() }).toEqual(await get('/healthz'));
  await agent.app.close();
});

it('names its own flag when the port is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const context = { ticker: { readiness: FINE, liveness: FINE, stats: STATS } };
  await expect(startProbes(context, { host: '127.0.0.1', port })).rejects.toThrow(
    `Cannot listen on 127.0.0.1, port ${port}: another process does. Is an agent running already? ` +
      'Otherwise choose another port with --health-listen.'
  );
  other.close();
});
