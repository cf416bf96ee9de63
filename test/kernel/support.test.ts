/** The helpers of the kernel tests, checked on their own: what they claim to have sent has to be true. */
import { existsSync } from 'node:fs';
import { Cgroup } from '../support/cgroup';
import { Netns } from '../support/netns';
import { Nginx } from '../support/nginx';
import { Peer } from '../support/peer';
import { until } from '../support/wait';

test('a cgroup holds what it spawns, and leaves nothing', async () => {
  const cgroup = Cgroup.make();
  const child = cgroup.child('nested');
  const process = child.spawn('/bin/sleep', ['60']);
  await until('the process to move in', () => child.pids.length > 0);
  expect(child.label).toBe(`${cgroup.label}/nested`);
  expect(child.pids).toEqual([process.pid]);
  await cgroup.remove();
  expect(existsSync(cgroup.path)).toBe(false);
  expect(existsSync(`/proc/${process.pid}`)).toBe(false);
});

test('a script is played as it is written, and both sides tell what they saw', async () => {
  const cgroup = Cgroup.make();
  try {
    const server = Peer.start(cgroup.child('server'));
    const client = Peer.start(cgroup.child('client'));
    const port = await server.listen([[{ receive: 'ping' }, { pauseMs: 50 }, { send: 'pong' }, { receiveEnd: true }]]);
    const seen = await client.connect(port, [{ dribble: 'ping', pauseMs: 1 }, { receive: 'pong' }, { end: true }]);
    expect(seen).toMatchObject({ received: 'pong', sentBytes: 4, ended: 'open' });
    const [served] = await server.conversations(port);
    expect(served).toMatchObject({ received: 'ping', sentBytes: 4, ended: 'fin' });
    expect(seen.receivedNanoseconds[0] - served.sentNanoseconds[0]).toBeGreaterThan(0);

    const stuck = await client.connect(port, [{ receive: 'never' }], { stepTimeoutMs: 50 });
    expect(stuck.failure).toBe('Waited for "never": 50 ms');
    await expect(client.connect(1, [])).rejects.toThrow('ECONNREFUSED');
  } finally {
    await cgroup.remove();
  }
});

test('nginx logs what was asked of it, over IPv4 and IPv6', async () => {
  const cgroup = Cgroup.make();
  const nginx = await Nginx.start(cgroup.child('server'));
  try {
    const client = Peer.start(cgroup.child('client'));
    for (const host of ['127.0.0.1', '::1']) {
      const answers = await client.requests({
        host,
        port: nginx.port,
        concurrency: 2,
        keepAlive: true,
        requests: [
          { method: 'GET', path: '/status/200' },
          { method: 'PUT', path: '/files/new', bodyBytes: 100_000 },
          { method: 'HEAD', path: '/status/404' },
          { method: 'POST', path: '/status/503', bodyBytes: 10, chunked: true },
        ],
      });
      expect(answers.map(({ status }) => status).sort()).toEqual([200, host === '::1' ? 204 : 201, 404, 503].sort());
    }
    await nginx.stop();
    expect(nginx.counts()).toEqual({ 'GET 200': 2, 'PUT 201': 1, 'PUT 204': 1, 'HEAD 404': 2, 'POST 503': 2 });
  } finally {
    await cgroup.remove();
    await nginx.remove();
  }
});

test('two namespaces reach one another until one is a black hole', async () => {
  const cgroup = Cgroup.make();
  const [left, right] = Netns.pair();
  try {
    const server = Peer.start(cgroup.child('server'), { netns: right.name });
    const client = Peer.start(cgroup.child('client'), { netns: left.name });
    for (const host of [right.ipv4, right.ipv6]) {
      const port = await server.listen([[{ send: 'hello' }, { receiveEnd: true }]], { host });
      expect(await client.connect(port, [{ receive: 'hello' }], { host })).toMatchObject({ received: 'hello' });
    }
    const port = await server.listen([[{ receiveEnd: true }]], { host: right.ipv4 });
    right.blackhole();
    const tried = client.connect(port, [], { host: right.ipv4 }).then(
      () => 'connected',
      (error: Error) => error.message
    );
    expect(await Promise.race([tried, new Promise((resolve) => setTimeout(resolve, 300, 'nothing'))])).toBe('nothing');
  } finally {
    await cgroup.remove();
    left.remove();
    right.remove();
  }
});
