/** What does a request cost in the kernel? */
import { cpus } from 'node:os';
import { version } from '../package.json';
import { Accounting } from './support/accounting';
import { BenchAgent } from './support/agent';
import { CacheLine } from './support/cache-line';
import { Load } from './support/load';
import { keepOff, keepOn, processorSeconds } from './support/processor';
import { ask, type Run } from './support/question';

const RINGSIDE = 'Ringside';
const ON_ONE = 'Ringside, client and server on one processor';
const MACHINE = 'the machine';
/** Where both are in the rounds in which they share a processor. */
const SHARED = 0;
/** Each request is seen by two sockets, the client's and the server's. */
const SIDES = 2;
/** Runs for a request and side: others are in the sum, and too rare to matter. */
const WORTH_A_ROW = 0.01;

void ask(__filename, {
  title: 'Kernel time of a request',
  asks: 'How long do Ringside’s programs run in the kernel for a request, on each side of it?',
  method:
    'The kernel’s own account of every BPF program (BPF_ENABLE_STATS) over a run of as many requests as possible, ' +
    'divided by the requests. Keeping that account costs time that is in it: programs that do nothing run before ' +
    'Ringside’s and after them on the same packets, and what the kernel says of a run of those after them is subtracted ' +
    'from each of ours. The first program on a packet also pays for a clock that has gone cold, so the first is not one of ' +
    'ours. Client and server are both measured, so a request is seen twice; the figure is for one side. Programs that run ' +
    'once a second, or when a cgroup comes or goes, are left out. A request is written down by the processor that sends it ' +
    'and read by the one that gets the answer: how long a cache line takes from one to the other is a good part of it, ' +
    'and the machine’s. So there are also rounds with client and server on one processor, where nothing has to go anywhere.',
  rounds: 7,
  seconds: 4,
  figures: {
    side: { name: 'Kernel time of a request and side', unit: 'ns', goals: [{ of: RINGSIDE, atMost: 500 }] },
    accounted: { name: 'The same with the account’s own time', unit: 'ns' },
    share: { name: 'Share of the processor time of a request, both sides', unit: '%' },
    accounting: { name: 'The account’s own time, a run', unit: 'ns' },
    first: { name: 'The account’s own time, the first run on a packet', unit: 'ns' },
    line: { name: 'A cache line’s way from one processor to the other', unit: 'ns' },
    run: { name: 'One run of a program', unit: 'ns' },
    runs: { name: 'Runs of a program for a request and side', unit: 'runs' },
  },
  ratios: [],
  curves: {},
  run,
});

async function run({ rounds, seconds, recording, say }: Run): Promise<void> {
  const line = new CacheLine();
  const load = await Load.start();
  [RINGSIDE, ON_ONE].forEach((name) => recording.took({ name, version }));
  try {
    await load.run(1);
    for (let round = 0; round < rounds; round++) {
      const before = line.nanoseconds();
      const { programs, figures } = await measure(load, seconds);
      const way = (before + line.nanoseconds()) / 2;
      if (!Number.isNaN(way)) {
        recording.took({ name: MACHINE, version: cpus()[0].model });
        recording.add('line', MACHINE, way);
      }
      Object.entries(figures).forEach(([figure, value]) => recording.add(figure, RINGSIDE, value));
      for (const { name, nanoseconds, runs } of programs.filter(({ runs }) => runs >= WORTH_A_ROW)) {
        recording.took({ name, version: 'a program' });
        recording.add('run', name, nanoseconds);
        recording.add('runs', name, runs);
      }
      const { side, share } = await measureOnOne(load, seconds);
      recording.add('side', ON_ONE, side);
      recording.add('share', ON_ONE, share);
      say(
        `round ${round + 1} of ${rounds}: ${Math.round(figures.side)} ns a request and side, ` +
          `${Math.round(side)} ns on one processor`
      );
    }
  } finally {
    line.remove();
    await load.stop();
  }
}

async function measureOnOne(load: Load, seconds: number) {
  keepOn([load.server], String(SHARED));
  try {
    return (await measure(load, seconds, SHARED)).figures;
  } finally {
    keepOff([load.server], false);
  }
}

/** @param processor the one the client stays on; any unless given */
async function measure(load: Load, seconds: number, processor?: number) {
  const [accounting, agent] = await Accounting.around(load.scope, () => BenchAgent.start(load.scope));
  try {
    const before = accounting.read(await agent.status());
    const usedBefore = used(load);
    const { requests } = await load.run(seconds, { processor });
    const { programs, sum, accounted, perRun, perFirstRun } = accounting.since(before, await agent.status());
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
        first: perFirstRun,
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
