/** What the built agent takes of the machine's memory, with so many real pods that do HTTP on the node. */
import { BenchAgent } from '../../bench/support/agent';
import type { Query } from '../../wire/query';
import { ApiServer } from './api-server';
import { Cgroup } from './cgroup';
import { accessTo, PodFarm } from './pods';
import { sleep, until } from './wait';

/** A pod asks itself, in four ways: with both ends that is eight series of HTTP, and two of TCP. */
const PLAN = ['GET 200', 'GET 404', 'POST 201', 'PUT 500'];
export const SERIES_OF_A_POD = 2 * PLAN.length + 2;
/** Of all pods together, so that 500 are as busy as 50. */
const REQUESTS_PER_SECOND = 400;
/** As a dashboard asks for them, once a second. */
const QUERIES: Array<Omit<Query, 'refId'>> = [
  { metric: 'http_server_request_duration_seconds', select: 'quantile', quantiles: [0.5, 0.99], by: ['workload'] },
  { metric: 'http_server_request_duration_seconds', select: 'rate', by: ['status'] },
  { metric: 'http_client_request_duration_seconds', select: 'error_ratio', by: ['namespace'] },
  { metric: 'tcp_bytes_total', select: 'rate', by: ['pod'], top: 10 },
];
const QUERY_ROUNDS = 15;
const RANGE_MS = 15 * 60_000;
/** The start leaves garbage and code that runs once; V8 finds out in time. */
const SETTLE_MS = 20_000;
/** One a second, for longer than the agent takes to give back what it does not use (agent/memory.ts). */
const SAMPLES = 12;

export interface WorkingSet {
  pods: number;
  series: number;
  /** Anonymous memory: before anybody asked, and some time after a dashboard was open, if one was. */
  anonymousBytes: number;
  anonymousBytesAfterQueries: number;
  kernelMapBytes: number;
}

/** Anonymous memory and kernel maps, at rest. */
export function sumOf({ anonymousBytes, kernelMapBytes }: WorkingSet): number {
  return anonymousBytes + kernelMapBytes;
}

/**
 * Starts an agent of its own for each number of pods, the smallest first; the pods stay.
 *
 * @param sizes ascending
 * @param asks whether a dashboard is opened, too
 * @param onMeasured told of each as it is known
 */
export async function measureWorkingSets(
  sizes: readonly number[],
  { asks = true, onMeasured = () => undefined }: { asks?: boolean; onMeasured?: (measured: WorkingSet) => void } = {}
): Promise<WorkingSet[]> {
  const measured: WorkingSet[] = [];
  const cgroup = Cgroup.make();
  const api = await ApiServer.start();
  const farm = new PodFarm(cgroup, { cluster: api });
  try {
    for (const pods of sizes) {
      const work = { plan: PLAN, requestsPerSecond: REQUESTS_PER_SECOND / sizes[sizes.length - 1] };
      while (farm.pods.length < pods) {
        const number = farm.pods.length;
        await farm.start({
          name: `service-${number % 50}-6d4b75cb6d-${String(number).padStart(5, '0')}`,
          namespace: `team-${number % 10}`,
          owner: { kind: 'ReplicaSet', name: `service-${number % 50}-6d4b75cb6d` },
          containers: [{ name: 'main', work }],
        });
      }
      measured.push(await measure(cgroup, api, pods, asks ? QUERY_ROUNDS : 0));
      onMeasured(measured[measured.length - 1]);
    }
  } finally {
    await farm.remove();
    await api.stop();
    await cgroup.remove();
  }
  return measured;
}

async function measure(cgroup: Cgroup, api: ApiServer, pods: number, queryRounds: number): Promise<WorkingSet> {
  const { url, tokenFile, caFile } = accessTo(api);
  const flags = ['--kubernetes', url, '--kubernetes-token-file', tokenFile, '--kubernetes-ca-file', caFile];
  const agent = await BenchAgent.start(cgroup, flags);
  try {
    const used = async () => {
      const { series } = await agent.status();
      return series.reduce((sum, program) => sum + program.used, 0);
    };
    const expected = pods * SERIES_OF_A_POD;
    let seen = 0;
    await until(
      () => `${expected} series; there are ${seen}`,
      async () => (seen = await used()) >= expected,
      { timeoutMs: 90_000, everyMs: 500 }
    );
    await sleep(SETTLE_MS);
    const anonymousBytes = await settled(agent);
    for (let round = 0; round < queryRounds; round++) {
      await Promise.all(QUERIES.map((query) => agent.query(Date.now() - RANGE_MS, Date.now(), query)));
      await sleep(1_000);
    }
    const anonymousBytesAfterQueries = queryRounds > 0 ? await settled(agent) : anonymousBytes;
    const { memory } = await agent.status();
    const { kernelMapBytes } = memory;
    return { pods, series: await used(), anonymousBytes, anonymousBytesAfterQueries, kernelMapBytes };
  } finally {
    await agent.stop();
  }
}

/** The least of some seconds: what is left when garbage has just been collected, which differs little from run to run. */
async function settled(agent: BenchAgent): Promise<number> {
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    samples.push((await agent.status()).memory.anonymousBytes);
    await sleep(1_000);
  }
  return Math.min(...samples);
}
