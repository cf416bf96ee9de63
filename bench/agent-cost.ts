/** What does the agent itself take, at rest and while its node is busy? Its work follows active series, not requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchAgent } from './support/agent';
import { header, row } from './support/figures';
import { Load } from './support/load';

const ROUNDS = 3;
const SECONDS = 10;
const MiB = 1024 * 1024;

async function main(): Promise<void> {
  const load = await Load.start();
  const rest: number[] = [];
  const busy: number[] = [];
  const anonymous: number[] = [];
  const maps: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const agent = await BenchAgent.start(load.scope);
      // Start-up is not what an operator pays for day and night.
      await sleep(3_000);
      const [atStart] = [agent.cpuSeconds()];
      await sleep(SECONDS * 1_000);
      const atRest = agent.cpuSeconds();
      await load.run(SECONDS);
      const atEnd = agent.cpuSeconds();
      const { memory } = await agent.status();
      await agent.stop();
      rest.push(((atRest - atStart) / SECONDS) * 100);
      busy.push(((atEnd - atRest) / SECONDS) * 100);
      anonymous.push(memory.anonymousBytes / MiB);
      maps.push(memory.kernelMapBytes / MiB);
    }
  } finally {
    await load.stop();
  }
  header('The agent');
  row('processor at rest', rest, '% of a core', 2);
  row('processor under load', busy, '% of a core', 2);
  row(
    'load / rest',
    busy.map((value, i) => value / Math.max(rest[i], 0.01)),
    'ratio',
    2
  );
  row('anonymous memory', anonymous, 'MiB', 1);
  row('kernel maps', maps, 'MiB', 1);
}

void main();
