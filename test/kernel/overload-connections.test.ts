/** As many short connections as the machine takes: the built agent counts every one, or says which times it has not. */
import { BenchAgent } from '../../bench/support/agent';
import { Build } from '../support/build';
import { Cgroup } from '../support/cgroup';
import { MemoryWatch } from '../support/memory-watch';
import { Nginx } from '../support/nginx';
import { requireKernel } from '../support/requirements';
import { shortConnections, type Storm } from '../support/short-connections';
import { countsOf } from '../support/stage';
import { until } from '../support/wait';
import type { Status } from '../../wire/status';

jest.setTimeout(240_000);

const CONNECTIONS = 40_000;
const AT_ONCE = 64;

let build: Build;
let cgroup: Cgroup;
let nginx: Nginx;
let client: Cgroup;
let agent: BenchAgent;
let startMs: number;

beforeAll(() => {
  requireKernel();
  build = new Build();
});
afterAll(() => build?.remove());

afterEach(async () => {
  await agent?.stop();
  await nginx?.remove();
  await cgroup?.remove();
});

async function open(...flags: string[]): Promise<void> {
  cgroup = Cgroup.make();
  client = cgroup.child('client');
  nginx = await Nginx.start(cgroup.child('server'), { hosts: ['127.0.0.1'] });
  agent = await BenchAgent.start(cgroup, flags);
  startMs = Date.now() - 60_000;
}

/** What happened since the start, by labels joined with blanks. */
async function increases(metric: string, by: string[]): Promise<Record<string, number>> {
  const query = { metric, select: 'increase', by, instant: true } as const;
  const [frame] = (await agent.query(startMs, Date.now() + 1_000, query)).results.A.frames;
  const columns = frame?.data.values ?? [[]];
  const values = columns[columns.length - 1] as number[];
  const names = values.map((_, row) => by.map((__, column) => columns[column][row]).join(' '));
  return Object.fromEntries(names.map((name, row) => [name, values[row]]).filter(([, value]) => value !== 0));
}

const lossesOf = ({ losses }: Status, program: string): Record<string, number> =>
  Object.fromEntries(losses.filter((loss) => loss.program === program).map(({ counter, value }) => [counter, value]));

async function storm(): Promise<Storm> {
  const done = await shortConnections(build, client, { port: nginx.port, count: CONNECTIONS, atOnce: AT_ONCE });
  console.log(`${Math.round((1_000 * CONNECTIONS) / done.milliseconds)} connections a second`);
  expect(done.answered).toBe(CONNECTIONS);
  await until(
    'the last ends',
    async () => {
      const { client: left = 0, server: right = 0 } = await increases('tcp_connections_closed_total', ['role']);
      return left + right === 2 * CONNECTIONS;
    },
    { timeoutMs: 30_000, everyMs: 200 }
  );
  return done;
}

/** Every request, connection and byte, on both sides. */
async function expectAll({ sentBytes, receivedBytes }: Storm): Promise<void> {
  expect(countsOf(nginx.log())).toEqual({ 'GET 200': CONNECTIONS });
  for (const side of ['server', 'client']) {
    expect(await increases(`http_${side}_request_duration_seconds`, ['method', 'status'])).toEqual({
      'GET 200': CONNECTIONS,
    });
  }
  const both = { client: CONNECTIONS, server: CONNECTIONS };
  expect(await increases('tcp_connections_opened_total', ['role'])).toEqual(both);
  expect(await increases('tcp_connections_closed_total', ['role'])).toEqual(both);
  expect(await increases('tcp_bytes_total', ['role', 'direction'])).toEqual({
    'client sent': sentBytes,
    'client received': receivedBytes,
    'server sent': receivedBytes,
    'server received': sentBytes,
  });
  const http = lossesOf(await agent.status(), 'http');
  expect(http).toMatchObject({ seen: 2 * CONNECTIONS, recorded: 2 * CONNECTIONS, in_flight: 0, other: 0, refused: 0 });
}

/** Each connection is timed, or counted as not. Returns how many found no room. */
async function expectTimes(status: Status): Promise<number> {
  const { seen, recorded, in_flight, untracked, untimed, not_run } = lossesOf(status, 'tcp');
  expect({ recorded, in_flight }).toEqual({ recorded: 2 * CONNECTIONS, in_flight: 0 });
  // A beginning that the kernel could not tell of is made good when the connection is established.
  expect(seen).toBeLessThanOrEqual(recorded);
  expect(seen + not_run).toBeGreaterThanOrEqual(recorded);
  const timed = await increases('tcp_connection_duration_seconds', ['role']);
  expect(timed.client + timed.server + untimed).toBe(recorded);
  return untracked;
}

test('with room for all that are open: nothing is lost, and no memory is kept', async () => {
  await open();
  const memory = await MemoryWatch.start(agent);
  const done = await storm();
  await expectAll(done);
  const status = await agent.status();
  expect(await expectTimes(status)).toBe(0);
  expect(status.notices.join('\n')).not.toMatch(/open at once|no memory|“other”/);
  await memory.expectInsideBudget();
});

test('with room for few: all are counted, with all their bytes, and those without times are told', async () => {
  await open('--max-connections', '16');
  const done = await storm();
  await expectAll(done);
  const status = await agent.status();
  const untracked = await expectTimes(status);
  expect(untracked).toBeGreaterThan(CONNECTIONS / 4);
  expect(status.notices).toContain(
    `More than 16 TCP connections were open at once; ${untracked} of them have no times. Raise --max-connections.`
  );
});
