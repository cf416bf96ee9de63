/** One connection whose packets arrive on two processors, in any order: what is not seen is told, to the last request. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { Build } from '../support/build';
import { Netns } from '../support/netns';
import { Nginx } from '../support/nginx';
import { Stage } from '../support/stage';

jest.setTimeout(120_000);

const REQUESTS = 30_000;
/** On the server's loopback: either way leads there. */
const SERVER = '198.51.100.1';

const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/** A second way from one end to the other; every other packet takes it. What comes by either is for a processor of its own. */
function spread([client, server]: [Netns, Netns]): void {
  ip('-n', client.name, 'link', 'add', 'veth1', 'type', 'veth', 'peer', 'name', 'veth1', 'netns', server.name);
  for (const [end, address] of [
    [client, '203.0.113.1/24'],
    [server, '203.0.113.2/24'],
  ] as const) {
    ip('-n', end.name, 'address', 'add', address, 'dev', 'veth1');
    ip('-n', end.name, 'link', 'set', 'veth1', 'up');
    for (const device of ['all', 'veth0', 'veth1']) {
      end.exec('sysctl', '-qw', `net.ipv4.conf.${device}.rp_filter=0`);
    }
  }
  ip('-n', server.name, 'address', 'add', `${SERVER}/32`, 'dev', 'lo');
  ['veth0', 'veth1'].forEach((device, n) =>
    server.exec('sh', '-c', `echo ${1 << n} > /sys/class/net/${device}/queues/rx-0/rps_cpus`)
  );
  ip('-n', client.name, 'route', 'add', SERVER, 'via', server.ipv4);
  ip('-n', client.name, 'route', 'add', SERVER, 'via', '203.0.113.2', 'table', '100');
  ip('-n', client.name, 'rule', 'add', 'fwmark', '1', 'lookup', '100');
  client.nft(`table ip spread {
    chain output {
      type route hook output priority mangle
      ip daddr ${SERVER} numgen inc mod 2 == 1 meta mark set 1
    }
  }`);
}

test('two threads that write to one connection, by two ways at once', async () => {
  const build = new Build();
  const ends = Netns.pair();
  const [client, server] = ends;
  let stage: Stage | undefined;
  let nginx: Nginx | undefined;
  try {
    spread(ends);
    stage = await Stage.open();
    nginx = await Nginx.start(stage.serverCgroup, {
      hosts: [SERVER],
      netns: server.name,
      settings: `keepalive_requests ${2 * REQUESTS};`,
    });
    const program = build.host('test/kernel/fixtures/two_writers.c');
    const writers = stage.clientCgroup.spawn(program, [SERVER, String(nginx.port), String(REQUESTS)], {
      netns: client.name,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = await Promise.all([text(writers.stdout!), once(writers, 'exit')]);
    expect(Number(said)).toBe(REQUESTS);
    await nginx.stop();
    expect(nginx.counts()).toEqual({ 'GET 200': REQUESTS });

    const totals = await stage.collector.settle();
    stage.collector.expectNothingLost();
    const losses = stage.collector.losses();
    console.log(JSON.stringify(losses));
    // Nothing but what there was, under no other name.
    for (const role of ['client', 'server'] as const) {
      expect(Object.keys(totals.requests(role)).filter((key) => !['GET 200', 'GET none'].includes(key))).toEqual([]);
    }
    // What was sent is seen in its order; what arrived and was not seen has left its answer behind.
    expect(losses.seen + losses.unmatched).toBe(2 * REQUESTS);
    expect(losses.seen).toBeGreaterThan(REQUESTS);
  } finally {
    await nginx?.remove();
    await stage?.close();
    ends.forEach((end) => end.remove());
    build.remove();
  }
});
