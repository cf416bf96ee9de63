/** Connections that do not come about, and connections that are cut off. */
import { release } from 'node:os';
import { Netns } from '../support/netns';
import type { Step } from '../support/script';
import { Stage } from '../support/stage';
import { TcpCheck } from '../support/tcp';

jest.setTimeout(60_000);

/** Nobody listens there. */
const CLOSED_PORT = 9;

let client: Netns;
let server: Netns;
let stage: Stage;
let tcp: TcpCheck;

beforeAll(async () => {
  [client, server] = Netns.pair();
  stage = await Stage.open({ clientNetns: client.name, serverNetns: server.name });
  tcp = new TcpCheck(stage);
  // One SYN and one more, two seconds of waiting: 3 s instead of two minutes.
  client.exec('sysctl', '-qw', 'net.ipv4.tcp_syn_retries=1');
});

afterEach(() => server?.flush());

afterAll(async () => {
  await stage?.close();
  client?.remove();
  server?.remove();
});

/** Tries it so many times, all at once; each has to fail. */
async function fail(count: number, host: string, port = CLOSED_PORT): Promise<string[]> {
  const attempts = Array.from({ length: count }, () => stage.client.connect(port, [], { host }));
  const outcomes = await Promise.allSettled(attempts);
  return outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : 'connected'));
}

const protocols: Array<[string, () => string, string]> = [
  ['IPv4', () => server.ipv4, 'icmp'],
  ['IPv6', () => server.ipv6, 'icmpv6'],
];

describe.each(protocols)('a connection over %s that is not established', (_, address, icmp) => {
  const rejecting = (how: string) =>
    server.nft(`table inet rejecting {
      chain in { type filter hook input priority 0; tcp dport ${CLOSED_PORT} reject with ${how}; }
    }`);

  test('is refused by a closed port', async () => {
    expect(await fail(11, address())).toEqual(Array(11).fill(expect.stringContaining('ECONNREFUSED')));
    await tcp.expectExactly({ client: { 'failed refused': 11, 'resets received': 11 } });
  });

  test('is refused by a firewall, with a reset or with ICMP', async () => {
    rejecting('tcp reset');
    expect(await fail(2, address())).toEqual(Array(2).fill(expect.stringContaining('ECONNREFUSED')));
    await tcp.expectExactly({ client: { 'failed refused': 2, 'resets received': 2 } });
    server.flush();
    rejecting(`${icmp} type port-unreachable`);
    expect(await fail(3, address())).toEqual(Array(3).fill(expect.stringContaining('ECONNREFUSED')));
    await tcp.expectExactly({ client: { 'failed refused': 3 } });
  });

  test('times out when nobody answers', async () => {
    server.blackhole();
    expect(await fail(5, address())).toEqual(Array(5).fill(expect.stringContaining('ETIMEDOUT')));
    await tcp.expectExactly({ client: { 'failed timeout': 5 } });
  });

  test('has no way there', async () => {
    rejecting(`${icmp} type ${icmp === 'icmp' ? 'host-unreachable' : 'addr-unreachable'}`);
    expect(await fail(7, address())).toEqual(Array(7).fill(expect.stringContaining('EHOSTUNREACH')));
    await tcp.expectExactly({ client: { 'failed unreachable': 7 } });
  });

  test('is forbidden on the way', async () => {
    rejecting(`${icmp} type admin-prohibited`);
    expect(await fail(2, address())).not.toContain('connected');
    await tcp.expectExactly({ client: { 'failed unreachable': 2 } });
  });

  test('is given up by its own application', async () => {
    server.blackhole();
    const giveUp = `const socket = require('net').connect(${CLOSED_PORT}, '${address()}');
      setTimeout(() => socket.destroy(), 100);`;
    await new Promise((resolve) =>
      stage.clientCgroup
        .spawn(process.execPath, ['-e', giveUp], { netns: client.name, stdio: 'inherit' })
        .on('exit', resolve)
    );
    await tcp.expectExactly({ client: { 'failed other': 1 } });
  });

  test('is under way as long as nothing is decided', async () => {
    server.blackhole();
    const outcome = fail(3, address());
    await tcp.expectExactly({});
    expect(stage.collector.losses('tcp').in_flight).toBe(3);
    await outcome;
    await tcp.expectExactly({ client: { 'failed timeout': 3 } });
    expect(stage.collector.losses('tcp').in_flight).toBe(0);
  });
});

describe.each(protocols)('a reset over %s', (_, address) => {
  async function converse(count: number, answer: Step[], ask: Step[]): Promise<void> {
    const host = address();
    const port = await stage.server.listen([answer], { host });
    await Promise.all(Array.from({ length: count }, () => stage.client.connect(port, ask, { host })));
    await stage.server.conversations(port, count);
  }

  test('that the client sends is one sent and one received', async () => {
    await converse(5, [{ receiveBytes: 2 }, { receiveEnd: true }], [{ send: 'no' }, { pauseMs: 20 }, { reset: true }]);
    await tcp.expectExactly({
      client: { opened: 5, closed: 5, 'bytes sent': 10, 'resets sent': 5 },
      server: { opened: 5, closed: 5, 'bytes received': 10, 'resets received': 5 },
    });
  });

  test('that the server sends is one sent and one received', async () => {
    await converse(3, [{ receiveBytes: 2 }, { reset: true }], [{ send: 'no' }, { receiveEnd: true }]);
    await tcp.expectExactly({
      client: { opened: 3, closed: 3, 'bytes sent': 6, 'resets received': 3 },
      server: { opened: 3, closed: 3, 'bytes received': 6, 'resets sent': 3 },
    });
  });

  test('is how the kernel closes a connection with unread data', async () => {
    // Node reads ahead until it holds more than it wants; what comes after that stays in the kernel.
    await converse(
      2,
      [{ stopReading: true }, { pauseMs: 300 }],
      [{ pauseMs: 20 }, { fill: 40_009 }, { pauseMs: 50 }, { fill: 40_009 }, { receiveEnd: true }]
    );
    await tcp.expectExactly({
      client: { opened: 2, closed: 2, 'bytes sent': 160_036, 'resets received': 2 },
      server: { opened: 2, closed: 2, 'bytes received': 160_036, 'resets sent': 2 },
    });
  });
});

test('a reset for which there is no socket is nobody’s, and is told as such', async () => {
  const before = stage.collector.losses('tcp').resets_unowned;
  await fail(13, server.ipv4);
  await tcp.expectExactly({ client: { 'failed refused': 13, 'resets received': 13 } });
  const told = stage.collector.losses('tcp').resets_unowned - before;
  // Linux tells of resets without a socket since 6.10 (commit 19822a980e19).
  const [major, minor] = release().split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 10)) {
    expect(told).toBeGreaterThanOrEqual(13);
  } else {
    expect(told).toBe(0);
  }
});
