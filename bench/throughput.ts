/**
 * What does nginx lose while it is measured? The same load on the same nginx, with the agent and without it in turn;
 * the ratio is taken pair by pair, so that a machine that drifts does not matter. Both sides are measured: the agent
 * sees every request twice, as server and as client.
 */
import { BenchAgent } from './support/agent';
import { header, row } from './support/figures';
import { Load } from './support/load';

const ROUNDS = 7;
const SECONDS = 4;

async function main(): Promise<void> {
  const load = await Load.start();
  const alone: number[] = [];
  const observed: number[] = [];
  const throughput: number[] = [];
  const p99: number[] = [];
  try {
    await load.run(1);
    for (let round = 0; round < ROUNDS; round++) {
      const without = await load.run(SECONDS);
      const agent = await BenchAgent.start(load.scope);
      const withAgent = await load.run(SECONDS);
      await agent.stop();
      alone.push(without.requestsPerSecond);
      observed.push(withAgent.requestsPerSecond);
      throughput.push(withAgent.requestsPerSecond / without.requestsPerSecond);
      p99.push(withAgent.p99Ms / without.p99Ms);
      console.log(`  round ${round + 1} of ${ROUNDS}: ${(100 * throughput[round]).toFixed(1)} % of nginx alone`);
    }
  } finally {
    await load.stop();
  }
  header('nginx, 16 keep-alive connections on loopback');
  row('alone', alone, 'requests/s', 0);
  row('with Ringside', observed, 'requests/s', 0);
  row('throughput, with / without', throughput, 'ratio');
  row('p99, with / without', p99, 'ratio');
}

void main();
