/**
 * What does a request cost in the kernel? The kernel's own accounting (kernel.bpf_stats_enabled) of all our programs,
 * divided by the requests they saw, of which each is seen by two sockets. Taking the time twice a run is part of the
 * figure; the programs alone are cheaper.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { BenchAgent } from './support/agent';
import { header, row } from './support/figures';
import { Load } from './support/load';

const ROUNDS = 5;
const SECONDS = 3;
const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

async function main(): Promise<void> {
  const before = readFileSync(SWITCH, 'utf8');
  const load = await Load.start();
  const perSide: number[] = [];
  const share: number[] = [];
  const perRun = new Map<string, number[]>();
  try {
    writeFileSync(SWITCH, '1');
    for (let round = 0; round < ROUNDS; round++) {
      const agent = await BenchAgent.start(load.scope);
      const { requests, requestsPerSecond } = await load.run(SECONDS);
      const { programs } = await agent.status();
      await agent.stop();
      const nanoseconds = programs.reduce(
        (sum, { runs = 0, nanosecondsPerRun = 0 }) => sum + runs * nanosecondsPerRun,
        0
      );
      perSide.push(nanoseconds / requests / 2);
      // Two processors serve the load: what one request takes of both is the whole that ours is a share of.
      share.push((nanoseconds / requests / (2e9 / requestsPerSecond)) * 100);
      for (const { name, nanosecondsPerRun } of programs) {
        if (nanosecondsPerRun !== undefined) {
          perRun.set(name, [...(perRun.get(name) ?? []), nanosecondsPerRun]);
        }
      }
    }
  } finally {
    writeFileSync(SWITCH, before);
    await load.stop();
  }
  header('Kernel time of all Ringside programs');
  row('a request and side', perSide, 'ns', 0);
  row('of the processor time of a request', share, '%', 2);
  for (const [name, values] of perRun) {
    row(`one run of ${name}`, values, 'ns', 0);
  }
}

void main();
