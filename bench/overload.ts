/** What does an overload cost those who are observed? */
import { version } from '../package.json';
import { Build } from '../test/support/build';
import { Cgroup } from '../test/support/cgroup';
import { Nginx } from '../test/support/nginx';
import { shortConnections } from '../test/support/short-connections';
import { BenchAgent } from './support/agent';
import { find } from './support/programs';
import { ask, type Run } from './support/question';

const ALONE = 'nginx alone';
const OBSERVED = 'observed';
const FULL = 'observed, tables full';
const ASKED = 'observed, agent asked without a pause';

/** As many connections a second as the machine makes; so many of them for a second of the round. */
const CONNECTIONS_PER_SECOND = 10_000;
const AT_ONCE = 16;
/** The least there are: each connection beyond finds no room. */
const LITTLE_ROOM = ['--max-connections', '16', '--max-series', '16'];
const ASKERS = 4;
const DAY_MS = 24 * 3_600_000;

void ask(__filename, {
  title: 'A server’s throughput under overload',
  asks: 'How many short connections does a server take while everything of Ringside’s is overloaded?',
  method:
    `${AT_ONCE} processes open a connection for each request, as fast as they can, and nginx logs nothing. In turn nothing ` +
    'observes it, Ringside does, Ringside does with room for 16 connections, and Ringside does while ' +
    `${ASKERS} clients ask it for heatmaps and quantiles of a day without a pause. Their work, and the agent’s for them, ` +
    'takes processors that the server and its clients need as well: the last figure is a machine’s that has no processor ' +
    'to spare.',
  rounds: 7,
  seconds: 4,
  figures: { connections: { name: 'Connections, each with a request', unit: 'connections/s' } },
  ratios: [OBSERVED, FULL, ASKED].map((of) => ({ name: `${of} / alone`, figure: 'connections', of, to: ALONE })),
  curves: {},
  run,
});

async function run({ seconds, compare }: Run): Promise<void> {
  const build = new Build();
  const scope = Cgroup.make();
  const nginx = await Nginx.start(scope.child('server'), { hosts: ['127.0.0.1'], settings: 'access_log off;' });
  const client = scope.child('client');
  const storm = async () => {
    const count = seconds * CONNECTIONS_PER_SECOND;
    const { milliseconds } = await shortConnections(build, client, { port: nginx.port, count, atOnce: AT_ONCE });
    return { connections: (1_000 * count) / milliseconds };
  };
  const observed = async (flags: string[] = [], askers = 0) => {
    const agent = await BenchAgent.start(scope, flags);
    let isStormy = true;
    const asking = Array.from({ length: askers }, async () => {
      while (isStormy) {
        await askMuch(agent);
      }
    });
    try {
      return await storm();
    } finally {
      isStormy = false;
      await Promise.all(asking);
      await agent.stop();
    }
  };
  try {
    await compare([
      { name: ALONE, version: `nginx ${find('nginx')?.version}`, measure: storm },
      { name: OBSERVED, version, measure: () => observed() },
      { name: FULL, version, measure: () => observed(LITTLE_ROOM) },
      { name: ASKED, version, measure: () => observed([], ASKERS) },
    ]);
  } finally {
    await nginx.remove();
    await scope.remove();
    build.remove();
  }
}

async function askMuch(agent: BenchAgent): Promise<void> {
  const metric = 'http_server_request_duration_seconds';
  const nowMs = Date.now();
  await agent.query(nowMs - DAY_MS, nowMs, { metric, select: 'heatmap', maxPoints: 10_000 });
  await agent.query(nowMs - DAY_MS, nowMs, { metric, select: 'quantile', by: ['cgroup'], top: 10, maxPoints: 10_000 });
}
