/** What is beyond the program's reach: too many connections, too many owners, other cgroups, the time before it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Cgroup } from '../support/cgroup';
import { Peer } from '../support/peer';
import type { Step } from '../support/script';
import { Stage, type StageOptions } from '../support/stage';
import { TcpCheck, type TcpCounts } from '../support/tcp';
import { until } from '../support/wait';

jest.setTimeout(60_000);

let stage: Stage;

afterEach(() => stage?.close());

async function open(options: StageOptions): Promise<TcpCheck> {
  stage = await Stage.open(options);
  return new TcpCheck(stage);
}

let gates = 0;

/**
 * Connections that are all open at the same time, and have carried bytes from the client.
 *
 * @param more bytes that the server still sends when they are to end
 * @returns ends them
 */
async function holdOpen(count: number, bytes: number, more = 0): Promise<() => Promise<void>> {
  const gate = `end ${++gates}`;
  const served: Step[] = [{ receiveBytes: bytes }, { send: 'k' }, { gate }, { fill: more }, { end: true }];
  const asked: Step[] = [{ fill: bytes }, { receiveBytes: 1 + more }, { receiveEnd: true }];
  const port = await stage.server.listen([served]);
  const clients = Array.from({ length: count }, () => stage.client.connect(port, asked));
  await stage.server.arrival(gate);
  return async () => {
    await stage.server.open(gate);
    const conversations = [...(await Promise.all(clients)), ...(await stage.server.conversations(port, count))];
    expect(conversations.map(({ failure }) => failure).filter(Boolean)).toEqual([]);
  };
}

/** What was added at all places together. */
function sum(tcp: TcpCheck): TcpCounts {
  const total: TcpCounts = {};
  for (const counts of Object.values(tcp.added())) {
    for (const [name, value] of Object.entries(counts)) {
      total[name] = (total[name] ?? 0) + value;
    }
  }
  return total;
}

const losses = () => stage.collector.losses('tcp');
const notices = () => stage.collector.collector.status().notices.join(' ');

test('connections beyond the table are counted, with all their bytes, and said to have no times', async () => {
  const tcp = await open({ maxConnections: 8 });
  const end = await holdOpen(20, 1_009);
  // Each has two ends here, and both are ours.
  await until('20 connections', () => sum(tcp).opened === 40);
  expect(losses()).toMatchObject({ seen: 40, recorded: 40, untracked: 32 });
  expect(sum(tcp).active).toBe(8);
  await end();
  await until('20 ends', () => sum(tcp).closed === 40);
  expect(sum(tcp)).toEqual({
    opened: 40,
    closed: 40,
    'bytes sent': 20 * 1_010,
    'bytes received': 20 * 1_010,
    connect: expect.any(Number),
    lifetime: 8,
  });
  expect(sum(tcp).connect).toBeLessThanOrEqual(8);
  expect(losses()).toMatchObject({ seen: 40, recorded: 40, untracked: 32, untimed: 32 });
  expect(notices()).toContain('--max-connections');
  // There is room again.
  const again = await holdOpen(2, 5);
  await again();
  await until('two more', () => sum(tcp).lifetime === 12);
  expect(losses()).toMatchObject({ seen: 44, recorded: 44, untracked: 32 });
});

test('owners beyond the table of series are counted under “other”', async () => {
  const tcp = await open({ maxSeries: 1 });
  const end = await holdOpen(3, 100);
  await end();
  const counts = { opened: 3, closed: 3, lifetime: 3 };
  await tcp.expectExactly(
    { client: { ...counts, 'bytes sent': 300, 'bytes received': 3 } },
    { 'server in other': { ...counts, 'bytes sent': 3, 'bytes received': 300 } }
  );
  expect(losses().overflowed).toBe(3);
  expect(notices()).toContain('--max-tcp-series');
});

describe('other cgroups', () => {
  const others: Cgroup[] = [];

  afterEach(() => Promise.all(others.splice(0).map((cgroup) => cgroup.remove())));

  function outsider(): Peer {
    const cgroup = Cgroup.make();
    others.push(cgroup);
    return Peer.start(cgroup);
  }

  test('are not counted, nor is their end of a connection with one that is', async () => {
    const tcp = await open({});
    const [server, client] = [outsider(), outsider()];
    const asked: Step[] = [{ send: 'hi' }, { receiveEnd: true }];
    const served: Step[] = [{ receiveBytes: 2 }, { end: true }];
    const elsewhere = await server.listen([served]);
    const here = await stage.server.listen([served]);
    for (let i = 0; i < 5; i++) {
      await client.connect(elsewhere, asked);
    }
    await expect(client.connect(9, [])).rejects.toThrow('ECONNREFUSED');
    await tcp.expectExactly({});
    expect(losses().seen).toBe(0);
    for (let i = 0; i < 3; i++) {
      await client.connect(here, asked);
      await stage.client.connect(elsewhere, asked);
    }
    await tcp.expectExactly({
      client: { opened: 3, closed: 3, 'bytes sent': 6 },
      server: { opened: 3, closed: 3, 'bytes received': 6 },
    });
    expect(losses().seen).toBe(6);
  });

  test('far below the measured one are counted under their own names', async () => {
    const tcp = await open({});
    const deep = stage.serverCgroup.child('a').child('b');
    const port = await Peer.start(deep).listen([[{ end: true }]]);
    await stage.client.connect(port, [{ receiveEnd: true }]);
    await tcp.expectExactly(
      { client: { opened: 1, closed: 1 } },
      { [`server in ${deep.label}`]: { opened: 1, closed: 1, lifetime: 1 } }
    );
  });
});

test('connections older than the agent are followed from its start on', async () => {
  const tcp = await open({ unwatched: true });
  const end = await holdOpen(7, 1_009, 503);
  await stage.watch();
  expect(losses()).toMatchObject({ seen: 0, found: 14 });
  await tcp.expectExactly({ client: { active: 7 }, server: { active: 7 } });
  await end();
  await tcp.expectExactly({
    client: { closed: 7, lifetime: 0, 'bytes received': 7 * 503 },
    server: { closed: 7, lifetime: 0, 'bytes sent': 7 * 503 },
  });
  expect(losses()).toMatchObject({ seen: 0, found: 14, untimed: 14 });
});

test('nothing stays in the kernel', async () => {
  await open({});
  const held = heldIds();
  expect(held.prog.length).toBeGreaterThanOrEqual(8);
  expect(held.link.length).toBeGreaterThanOrEqual(6);
  stage.collector.close();
  expect(heldIds()).toEqual({ prog: [], map: [], link: [] });
  for (const [kind, ids] of Object.entries(held)) {
    // The kernel frees them when no CPU can still be in them.
    await until(`no ${kind} of ${ids.join(' ')}`, () => !ids.some((id) => idsInKernel(kind).has(id)), { everyMs: 50 });
  }
});

/** The ids of BPF objects that this process holds open: nothing of ours is held by anything else. */
function heldIds(): Record<'prog' | 'map' | 'link', number[]> {
  const held = { prog: [] as number[], map: [] as number[], link: [] as number[] };
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    for (const kind of ['prog', 'map', 'link'] as const) {
      const id = new RegExp(`^${kind}_id:\\s*(\\d+)$`, 'm').exec(readQuietly(`/proc/self/fdinfo/${fd}`))?.[1];
      if (id !== undefined) {
        held[kind].push(Number(id));
      }
    }
  }
  return held;
}

/** The descriptor that listed the directory is gone when its turn comes. */
function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function idsInKernel(kind: string): Set<number> {
  const shown = execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8' });
  return new Set((JSON.parse(shown) as Array<{ id: number }>).map(({ id }) => id));
}
