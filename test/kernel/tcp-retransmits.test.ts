/** Segments that get lost on the way: sent again, counted as the kernel counts them, and no byte more for it. */
import { Netns } from '../support/netns';
import { Stage } from '../support/stage';
import { TcpCheck } from '../support/tcp';

jest.setTimeout(60_000);

let client: Netns;
let server: Netns;
let stage: Stage;
let tcp: TcpCheck;
let before: Record<'client' | 'server', number>;

beforeAll(async () => {
  [client, server] = Netns.pair();
  // One packet is one segment: what the firewall drops is what is sent again.
  for (const end of [client, server]) {
    end.exec('ip', 'link', 'set', end.device, 'gso_max_segs', '1');
  }
  stage = await Stage.open({ clientNetns: client.name, serverNetns: server.name });
  tcp = new TcpCheck(stage);
});

beforeEach(() => {
  before = { client: counted('client'), server: counted('server') };
});

afterEach(() => server?.flush());

afterAll(async () => {
  await stage?.close();
  client?.remove();
  server?.remove();
});

const counted = (role: string): number => stage.collector.totals().value('tcp_retransmits_total', { role });

/** The namespace's own counter of segments sent again; nothing else talks TCP there. */
function segmentsSentAgain(end: Netns): number {
  return Number(/^TcpRetransSegs\s+(\d+)/m.exec(end.exec('nstat', '-asz'))?.[1]);
}

/** Drops packets that arrive and fit, as the expression says. */
function drop(end: Netns, packets: string): void {
  end.nft(`table inet losing {
    chain in { type filter hook input priority 0; ${packets} drop; }
  }`);
}

describe.each([
  ['IPv4', () => server.ipv4],
  ['IPv6', () => server.ipv6],
])('over %s', (_, address) => {
  test('every third data segment lost: as many as the kernel says, and the bytes are right', async () => {
    const again = { client: segmentsSentAgain(client), server: segmentsSentAgain(server) };
    drop(server, 'meta length > 500 numgen inc mod 3 == 0');
    const host = address();
    const bytes = 100_003;
    const port = await stage.server.listen([[{ receiveBytes: bytes }, { end: true }]], { host });
    await stage.client.connect(port, [{ fill: bytes }, { receiveEnd: true }], { host, stepTimeoutMs: 30_000 });
    await tcp.expectExactly({
      client: { opened: 1, closed: 1, 'bytes sent': bytes },
      server: { opened: 1, closed: 1, 'bytes received': bytes },
    });
    const sentAgain = segmentsSentAgain(client) - again.client;
    // 70 segments of 1,448 bytes, a third of them and of their copies lost.
    expect(sentAgain).toBeGreaterThanOrEqual(23);
    expect(counted('client') - before.client).toBe(sentAgain);
    expect(counted('server') - before.server).toBe(segmentsSentAgain(server) - again.server);
  });

  test('a lost SYN is one retransmit, and a second of the handshake', async () => {
    const host = address();
    const port = await stage.server.listen([[{ end: true }]], { host });
    const handshakes = stage.collector.totals().merged('tcp_connect_duration_seconds');
    drop(server, 'tcp flags & (syn | ack) == syn numgen inc mod 2 == 0');
    await stage.client.connect(port, [{ receiveEnd: true }], { host });
    await tcp.expectExactly({ client: { opened: 1, closed: 1 }, server: { opened: 1, closed: 1 } });
    expect(counted('client') - before.client).toBe(1);
    const { count, sumSeconds } = stage.collector.totals().merged('tcp_connect_duration_seconds');
    expect(count - handshakes.count).toBe(1);
    // The kernel's first timeout is a second, by a timer that may be some milliseconds late (or a jiffy early).
    expect(sumSeconds - handshakes.sumSeconds).toBeGreaterThan(0.99);
    expect(sumSeconds - handshakes.sumSeconds).toBeLessThan(1.5);
  });

  test('a lost answer to a SYN is sent again by the server', async () => {
    const again = { client: segmentsSentAgain(client), server: segmentsSentAgain(server) };
    const host = address();
    const port = await stage.server.listen([[{ end: true }]], { host });
    drop(client, 'tcp flags & (syn | ack) == (syn | ack) numgen inc mod 3 < 2');
    try {
      await stage.client.connect(port, [{ receiveEnd: true }], { host });
    } finally {
      client.flush();
    }
    await tcp.expectExactly({ client: { opened: 1, closed: 1 }, server: { opened: 1, closed: 1 } });
    const answersSentAgain = segmentsSentAgain(server) - again.server;
    expect(answersSentAgain).toBeGreaterThan(0);
    expect(counted('server') - before.server).toBe(answersSentAgain);
    expect(counted('client') - before.client).toBe(segmentsSentAgain(client) - again.client);
  });
});
