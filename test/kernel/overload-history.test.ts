/** A history that does not hold a minute: it forgets the oldest, says so, and what it still knows is exact. */
import { Cgroup } from '../support/cgroup';
import { TestCollector } from '../support/collector';
import { Nginx, STATUSES } from '../support/nginx';
import { Peer } from '../support/peer';
import { Recording } from '../support/recording';
import { requireKernel } from '../support/requirements';
import { countsOf } from '../support/stage';
import { sleep, until } from '../support/wait';
import { MIN_HISTORY_BYTES } from '../../agent/history/history';
import type { LoadRequest } from '../support/script';

jest.setTimeout(180_000);

const SERVED = 'http_server_request_duration_seconds';
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'];
/** Each of them is a series on either side, and all of them together are too much for any record but a few. */
const MANY = STATUSES.flatMap((status) => METHODS.map((method) => ({ method, path: `/status/${status}` })));
const FIRST: LoadRequest = { method: 'PATCH', path: '/status/200' };
const LAST: LoadRequest = { method: 'PATCH', path: '/status/202' };
const TICK_MS = 250;

test('smaller than a minute', async () => {
  requireKernel();
  const cgroup = Cgroup.make();
  const nginx = await Nginx.start(cgroup.child('server'), { hosts: ['127.0.0.1'] });
  const client = Peer.start(cgroup.child('client'));
  const collector = await TestCollector.open(cgroup);
  const recording = new Recording(collector, { tickMs: TICK_MS, bytes: MIN_HISTORY_BYTES });
  const ask = (requests: LoadRequest[]) =>
    client.requests({ host: '127.0.0.1', port: nginx.port, requests, concurrency: 4, keepAlive: true });
  const known = () => recording.requests('server', [])[''] ?? {};
  try {
    await ask(Array<LoadRequest>(53).fill(FIRST));
    await collector.settle();
    expect(known()).toEqual({ 'PATCH 200': 53 });
    await until(
      () => `the first ones to be forgotten: ${JSON.stringify(known()['PATCH 200'])}`,
      async () => {
        await ask(MANY);
        return known()['PATCH 200'] === undefined;
      },
      { timeoutMs: 90_000, everyMs: 20 }
    );
    const startMs = Date.parse(/History starts at (\S+);/.exec(recording.notices(SERVED).join('\n'))![1]);
    expect(startMs).toBeGreaterThan(recording.startMs);
    expect(Date.now() - startMs).toBeLessThan(60_000);

    // What comes now is known to the last one: in the kernel's memory, then in a record.
    await ask(Array<LoadRequest>(37).fill(LAST));
    await collector.settle();
    expect(known()['PATCH 202']).toBe(37);
    await sleep(4 * TICK_MS);
    expect(known()['PATCH 202']).toBe(37);

    // And the totals know everything.
    await nginx.stop();
    const log = countsOf(nginx.log());
    const totals = await collector.settle();
    expect([totals.requests('server'), totals.requests('client')]).toEqual([log, log]);
    for (const [key, count] of Object.entries(known())) {
      expect([key, count]).toEqual([key, Math.min(count, log[key])]);
    }
    collector.expectNothingLost();
  } finally {
    recording.stop();
    await collector.close();
    await nginx.remove();
    await cgroup.remove();
  }
  expect(recording.failure).toBeUndefined();
});
