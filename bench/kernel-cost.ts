/** What does a request cost in the kernel? */
import { version } from '../package.json';
import { Accounting } from './support/accounting';
import { BenchAgent } from './support/agent';
import { Load } from './support/load';
import { processorSeconds } from './support/processor';
import { ask, type Run } from './support/question';

const RINGSIDE = 'Ringside';
/** Each request is seen by two sockets, the client's and the server's. */
const SIDES = 2;
/** Runs for a request and side: others are in the sum, and too rare to matter. */
const WORTH_A_ROW = 0.01;

void ask(__filename, {
  title: 'Kernel time of a request',
  asks: 'How long do Ringside’s programs run in the kernel for a request, on each side of it?',
  method:
    'The kernel’s own account of every BPF program (BPF_ENABLE_STATS) over a run of as many requests as possible, ' +
    'divided by the requests. Keeping that account costs time that is in it: two programs that do nothing run beside ' +
    'Ringside’s on the same packets, and what the kernel says of one of their runs is subtracted from each of ours. ' +
    'Client and server are both measured, so a request is seen twice; the figure is for one side. Programs that run once a ' +
    'second, or when a cgroup comes or goes, are left out.',
  rounds: 7,
  seconds: 4,
  figures: {
    side: { name: 'Kernel time of a request and side', unit: 'ns', goals: [{ of: RINGSIDE, atMost: 500 }] },
    accounted: { name: 'The same with the account’s own time', unit: 'ns' },
    share: { name: 'Share of the processor time of a request, both sides', unit: '%' },
    accounting: { name: 'The account’s own time, a run', unit: 'ns' },
    run: { name: 'One run of a program', unit: 'ns' },
    runs: { name: 'Runs of a program for a request and side', unit: 'runs' },
  },
  ratios: [],
  curves: {},
  run,
});

async function run({ rounds, seconds, recording, say }: Run): Promise<void> {
  const load = await Load.start();
  recording.took({ name: RINGSIDE, version });
  try {
    await load.run(1);
    for (let round = 0; round < rounds; round++) {
      const { programs, figures } = await measure(load, seconds);
      say(`round ${round + 1} of ${rounds}: ${Math.round(figures.side)} ns a request and side`);
      Object.entries(figures).forEach(([figure, value]) => recording.add(figure, RINGSIDE, value));
      for (const { name, nanoseconds, runs } of programs.filter(({ runs }) => runs >= WORTH_A_ROW)) {
        recording.took({ name, version: 'a program' });
        recording.add('run', name, nanoseconds);
        recording.add('runs', name, runs);
      }
    }
  } finally {
    await load.stop();
  }
}

async function measure(load: Load, seconds: number) {
  const agent = await BenchAgent.start(load.scope);
  const accounting = Accounting.start(load.scope);
  try {
    const before = accounting.read(await agent.status());
    const usedBefore = used(load);
    const { requests } = await load.run(seconds);
    const { programs, sum, accounted, perRun } = accounting.since(before, await agent.status());
    const sides = requests * SIDES;
    const requestNanoseconds = ((used(load) - usedBefore) / requests) * 1e9;
    return {
      programs: programs.map(({ name, runs, nanoseconds }) => ({
        name,
        runs: runs / sides,
        nanoseconds: nanoseconds / runs,
      })),
      figures: {
        side: sum / sides,
        accounted: accounted / sides,
        accounting: perRun,
        share: (sum / requests / requestNanoseconds) * 100,
      },
    };
  } finally {
    accounting.stop();
    await agent.stop();
  }
}

function used({ server, client }: Load): number {
  return processorSeconds(server) + processorSeconds(client);
}
