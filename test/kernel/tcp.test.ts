/** Connections that come about: how many, whose, how long, and every byte of them. */
import { execFileSync } from 'node:child_process';
import type { Deltas } from '../../agent/history/deltas';
import { LIFETIME_MIN_EXPONENT, MAX_RELATIVE_ERROR } from '../../wire/histogram';
import { Stage } from '../support/stage';
import type { Step } from '../support/script';
import { TcpCheck } from '../support/tcp';
import { quantileSeconds } from '../support/totals';
import { sleep, until } from '../support/wait';

jest.setTimeout(60_000);

let stage: Stage;
let tcp: TcpCheck;

beforeAll(async () => {
  stage = await Stage.open();
  tcp = new TcpCheck(stage);
});

afterAll(() => stage?.close());

/** Many connections at the same time, each with the same scripts. */
async function converse(count: number, server: Step[], client: Step[], host = '127.0.0.1'): Promise<void> {
  const port = await stage.server.listen([server], { host });
  const asked = await Promise.all(Array.from({ length: count }, () => stage.client.connect(port, client, { host })));
  const answered = await stage.server.conversations(port, count);
  expect([...asked, ...answered].map(({ failure }) => failure).filter(Boolean)).toEqual([]);
}

const both = (count: number, sent: number, received: number) => ({
  client: { opened: count, closed: count, 'bytes sent': count * sent, 'bytes received': count * received },
  server: { opened: count, closed: count, 'bytes sent': count * received, 'bytes received': count * sent },
});

describe.each(['127.0.0.1', '::1'])('connections over %s', (host) => {
  test('each is opened once and closed once at either end, under its own cgroup', async () => {
    await converse(
      23,
      [{ receiveBytes: 5 }, { send: 'yes' }, { receiveEnd: true }],
      [{ send: 'hello' }, { receiveBytes: 3 }, { end: true }],
      host
    );
    await tcp.expectExactly(both(23, 5, 3));
  });

  test('one that carries nothing has no bytes, whoever closes first', async () => {
    await converse(3, [{ receiveEnd: true }], [{ end: true }], host);
    await tcp.expectExactly(both(3, 0, 0));
    await converse(2, [{ end: true }], [{ receiveEnd: true }], host);
    await tcp.expectExactly(both(2, 0, 0));
  });

  test('one byte is one byte', async () => {
    await converse(1, [{ receiveBytes: 1 }, { end: true }], [{ send: '1' }, { receiveEnd: true }], host);
    await tcp.expectExactly(both(1, 1, 0));
  });

  test('ten million bytes are ten million bytes, both ways', async () => {
    const bytes = 10_000_019;
    await converse(
      1,
      [{ receiveBytes: bytes }, { fill: bytes }, { end: true }],
      [{ fill: bytes }, { receiveBytes: bytes }, { receiveEnd: true }],
      host
    );
    await tcp.expectExactly(both(1, bytes, bytes));
  });

  test('what comes after one side has finished counts', async () => {
    await converse(
      7,
      [{ receiveEnd: true }, { fill: 100_003 }, { end: true }],
      [{ send: 'go' }, { end: true }, { receiveBytes: 100_003 }],
      host
    );
    await tcp.expectExactly(both(7, 2, 100_003));
  });
});

describe('while they are open', () => {
  test('connections are active and their bytes are told; afterwards neither again', async () => {
    const done = converse(
      5,
      [{ receiveBytes: 70_001 }, { send: 'so far' }, { gate: 'carried' }, { end: true }],
      [{ fill: 70_001 }, { receiveBytes: 6 }, { receiveEnd: true }]
    );
    await tcp.expectExactly({
      client: { opened: 5, active: 5, 'bytes sent': 350_005, 'bytes received': 30 },
      server: { opened: 5, active: 5, 'bytes sent': 30, 'bytes received': 350_005 },
    });
    await stage.server.open('carried');
    await done;
    await tcp.expectExactly({ client: { closed: 5 }, server: { closed: 5 } });
  });

  test('one that has sent its FIN is not active, and the FIN is no byte', async () => {
    const done = converse(
      3,
      [{ receiveEnd: true }, { gate: 'half closed' }],
      [{ send: 'xyz' }, { end: true }, { receiveEnd: true }]
    );
    await tcp.expectExactly({
      client: { opened: 3, 'bytes sent': 9 },
      // CLOSE_WAIT: its own half is as open as before.
      server: { opened: 3, 'bytes received': 9, active: 3 },
    });
    await stage.server.open('half closed');
    await done;
    await tcp.expectExactly({ client: { closed: 3 }, server: { closed: 3 } });
  });

  test('ticks tell each event exactly once, whenever a connection ends', async () => {
    const told = new Map<number, number>();
    const add = (series: number, increase: number) => told.set(series, (told.get(series) ?? 0) + increase);
    const sum: Deltas = {
      counter: add,
      histogram: (series, _, _buckets, counts, length) =>
        add(
          series,
          counts.subarray(0, length).reduce((all, count) => all + count, 0)
        ),
      gauge: () => {},
    };
    const { collector, series } = stage.collector;
    collector.tick(sum);
    told.clear();
    let running = true;
    const ticking = (async () => {
      while (running) {
        collector.tick(sum);
        await sleep(3);
      }
    })();
    for (let i = 0; i < 7; i++) {
      await converse(
        31,
        [{ receiveBytes: 1_009 }, { send: 'k' }, { receiveEnd: true }],
        [{ fill: 1_009 }, { receiveBytes: 1 }, { end: true }]
      );
    }
    running = false;
    await ticking;
    await tcp.expectExactly(both(217, 1_009, 1));
    collector.tick(sum);
    const byName = (metric: string, labels: Record<string, string>) =>
      [...told].reduce((all, [id, value]) => {
        const known = series.get(id)!;
        const fits = Object.entries({ ...labels }).every(([name, wanted]) => known.own[name as 'role'] === wanted);
        return known.metric.name === metric && fits ? all + value : all;
      }, 0);
    for (const [role, sent, received] of [['client', 1_009, 1] as const, ['server', 1, 1_009] as const]) {
      expect(byName('tcp_connections_opened_total', { role })).toBe(217);
      expect(byName('tcp_connections_closed_total', { role })).toBe(217);
      expect(byName('tcp_connection_duration_seconds', { role })).toBe(217);
      expect(byName('tcp_bytes_total', { role, direction: 'sent' })).toBe(217 * sent);
      expect(byName('tcp_bytes_total', { role, direction: 'received' })).toBe(217 * received);
    }
  });
});

describe('times', () => {
  test('a lifetime is that of the connection', async () => {
    const before = stage.collector.totals();
    const started = performance.now();
    await converse(13, [{ receiveEnd: true }], [{ pauseMs: 300 }, { end: true }]);
    const elapsedSeconds = (performance.now() - started) / 1000;
    await tcp.expectExactly(both(13, 0, 0));
    for (const role of ['client', 'server']) {
      const now = stage.collector.totals().merged('tcp_connection_duration_seconds', { role });
      const old = before.merged('tcp_connection_duration_seconds', { role });
      const mean = (now.sumSeconds - old.sumSeconds) / (now.count - old.count);
      expect(now.count - old.count).toBe(13);
      expect(mean).toBeGreaterThanOrEqual(0.299);
      expect(mean).toBeLessThanOrEqual(elapsedSeconds);
      const added = now.buckets.map((count, bucket) => count - old.buckets[bucket]);
      const median = quantileSeconds(added, 0.5, LIFETIME_MIN_EXPONENT);
      expect(median).toBeGreaterThanOrEqual(0.299 * (1 - MAX_RELATIVE_ERROR));
      expect(median).toBeLessThanOrEqual(elapsedSeconds * (1 + MAX_RELATIVE_ERROR));
    }
  });

  test('the round-trip time is the one that ss shows', async () => {
    const port = await stage.server.listen([[{ receive: 'last' }, { gate: 'measured' }, { end: true }]]);
    const before = stage.collector.totals();
    const talk: Step[] = [{ send: 'first', times: 20, pauseMs: 2 }, { send: 'last' }, { receiveEnd: true }];
    const done = stage.client.connect(port, talk);
    try {
      await until('an idle connection', async () => (await idleSince(port)) > 200);
      // A connection is sampled once a second at most, whoever ticked before.
      await sleep(1_000);
      const shown = roundTripSeconds(port);
      stage.collector.collector.tick({ histogram() {}, counter() {}, gauge() {} });
      const now = stage.collector.totals();
      for (const [role, seconds] of Object.entries(shown)) {
        const sampled = now.merged('tcp_rtt_seconds', { role });
        const earlier = before.merged('tcp_rtt_seconds', { role });
        expect(sampled.count - earlier.count).toBe(1);
        // ss cuts off below a microsecond.
        expect(Math.abs(sampled.sumSeconds - earlier.sumSeconds - seconds)).toBeLessThan(1.1e-6);
      }
    } finally {
      await stage.server.open('measured');
      await done;
    }
    await tcp.expectExactly({
      client: { opened: 1, closed: 1, 'bytes sent': 104 },
      server: { opened: 1, closed: 1, 'bytes received': 104 },
    });
  });
});

/** One line of `ss` for each end of the connection. */
function socketLines(port: number): { client: string; server: string } {
  const show = (filter: string) => execFileSync('ss', ['-tinHO', 'state', 'established', filter], { encoding: 'utf8' });
  return { client: show(`( dport = :${port} )`), server: show(`( sport = :${port} )`) };
}

async function idleSince(port: number): Promise<number> {
  return Number(/\blastsnd:(\d+)/.exec(socketLines(port).client)?.[1] ?? 0);
}

function roundTripSeconds(port: number): { client: number; server: number } {
  const { client, server } = socketLines(port);
  const read = (line: string) => Number(/\brtt:([\d.]+)/.exec(line)?.[1]) / 1000;
  return { client: read(client), server: read(server) };
}
