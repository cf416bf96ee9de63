/** What does a request cost in the kernel? */
import { version } from '../package.json';
import type { Status } from '../wire/status';
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
    'The kernel’s own account of every BPF program (kernel.bpf_stats_enabled) over a run of as many requests as possible, ' +
    'divided by the requests. Keeping that account costs time that is in it: two programs that do nothing run beside ' +
    'Ringside’s on the same packets, and what the kernel says of one of their runs is subtracted from each of ours. ' +
    'Client and server are both measured, so a request is seen twice; the figure is for one side.',
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
    const before = await agent.status();
    const [emptyBefore, usedBefore] = [accounting.empty(), used(load)];
    const { requests } = await load.run(seconds);
    const after = await agent.status();
    const [empty, usedAfter] = [accounting.empty(), used(load)];
    const perRun = (empty.nanoseconds - emptyBefore.nanoseconds) / (empty.runs - emptyBefore.runs);
    const programs = grown(before, after).map(({ name, runs, nanoseconds }) => ({
      name,
      runs: runs / requests / SIDES,
      nanoseconds: nanoseconds / runs - perRun,
      accounted: nanoseconds,
      allRuns: runs,
    }));
    const accounted = programs.reduce((sum, program) => sum + program.accounted, 0) / requests / SIDES;
    const side = accounted - (perRun * programs.reduce((sum, { allRuns }) => sum + allRuns, 0)) / requests / SIDES;
    const requestNanoseconds = ((usedAfter - usedBefore) / requests) * 1e9;
    return {
      programs,
      figures: { side, accounted, accounting: perRun, share: ((side * SIDES) / requestNanoseconds) * 100 },
    };
  } finally {
    accounting.stop();
    await agent.stop();
  }
}

function used({ server, client }: Load): number {
  return processorSeconds(server) + processorSeconds(client);
}

/** Of each program that ran meanwhile: its runs, and their time as accounted. */
function grown(before: Status, after: Status): Array<{ name: string; runs: number; nanoseconds: number }> {
  const totalOf = ({ runs = 0, nanosecondsPerRun = 0 }: Status['programs'][number]) => runs * nanosecondsPerRun;
  return after.programs.flatMap((program) => {
    const old = before.programs.find(({ name }) => name === program.name);
    const runs = (program.runs ?? 0) - (old?.runs ?? 0);
    return runs > 0 ? [{ name: program.name, runs, nanoseconds: totalOf(program) - (old ? totalOf(old) : 0) }] : [];
  });
}
