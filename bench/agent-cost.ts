/** What does the agent itself take, while its node has little to do and while it has much? */
import { version } from '../package.json';
import { Cgroup } from '../test/support/cgroup';
import { sleep } from '../test/support/wait';
import { BenchAgent } from './support/agent';
import { Load } from './support/load';
import { Pods } from './support/pods';
import { processorSeconds } from './support/processor';
import { ask, type Run } from './support/question';

const PODS = 200;
const REQUESTS_PER_SECOND = 100;
const MANY_PER_SECOND = 50_000;
/** Start-up, and what V8 optimises after it, is not what an operator pays for day and night. */
const SETTLE_SECONDS = 15;

const CALM = `at ${REQUESTS_PER_SECOND} requests/s`;
const BUSY = `at ${MANY_PER_SECOND} requests/s`;

void ask(__filename, {
  title: 'The agent’s processor time',
  asks: 'Does the agent’s own work follow the requests, or the series?',
  method:
    `${PODS} pods with ten series each make ${REQUESTS_PER_SECOND} requests a second together; in turn with that, nginx is ` +
    `asked ${MANY_PER_SECOND} times a second beside them, by a load that does not wait (bench/load/open-loop.c). The figure ` +
    'is the kernel’s account of the agent’s cgroup; the BPF programs run in the applications’ time and are not in it. A ' +
    'turn is long enough for several of the collections of garbage, which come every ten seconds at most.',
  rounds: 7,
  seconds: 30,
  figures: {
    processor: {
      name: 'Processor time of the agent',
      unit: '% of a processor',
      goals: [
        { of: CALM, atMost: 1 },
        { of: BUSY, atMost: 1 },
      ],
    },
    requests: { name: 'Requests it was told of meanwhile', unit: 'requests/s' },
    series: { name: 'Series', unit: 'series' },
  },
  ratios: [{ name: 'processor time, busy / calm', figure: 'processor', of: BUSY, to: CALM, goal: { atMost: 1.1 } }],
  curves: {},
  run,
});

async function run({ seconds, say, compare }: Run): Promise<void> {
  const load = await Load.start();
  const within = Cgroup.make();
  const pods = await Pods.open(load.scope.child('pods'));
  try {
    say(`starting ${PODS} pods`);
    await pods.grow(PODS, REQUESTS_PER_SECOND / PODS);
    const agent = await BenchAgent.start(load.scope, pods.flags, within);
    const series = await pods.seenBy(agent);
    await sleep(SETTLE_SECONDS * 1_000);
    const measured = async (work: () => Promise<number>) => {
      const [before, startMs] = [processorSeconds(within), performance.now()];
      const requests = await work();
      const passed = (performance.now() - startMs) / 1_000;
      return {
        processor: ((processorSeconds(within) - before) / passed) * 100,
        requests: REQUESTS_PER_SECOND + requests / passed,
        series,
      };
    };
    const calm = () => sleep(seconds * 1_000).then(() => 0);
    const busy = () => load.steady(MANY_PER_SECOND, seconds).then(({ answered }) => answered);
    await compare([
      { name: CALM, version, measure: () => measured(calm) },
      { name: BUSY, version, measure: () => measured(busy) },
    ]);
    await agent.stop();
  } finally {
    await pods.remove();
    await load.stop();
    await within.remove();
  }
}
