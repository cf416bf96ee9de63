/** Pods that a node may have: real processes in cgroups as Kubernetes lays them out, which ask themselves over HTTP. */
import { ApiServer } from '../../test/support/api-server';
import { Cgroup } from '../../test/support/cgroup';
import { accessTo, PodFarm } from '../../test/support/pods';
import { until } from '../../test/support/wait';
import type { BenchAgent } from './agent';

/** With both ends that is eight series of HTTP for a pod, and two of TCP. */
const PLAN = ['GET 200', 'GET 404', 'POST 201', 'PUT 500'];
export const SERIES_OF_A_POD = 2 * PLAN.length + 2;
const WORKLOADS = 50;
const NAMESPACES = 10;

export class Pods {
  readonly #api: ApiServer;
  readonly #farm: PodFarm;

  private constructor(
    api: ApiServer,
    readonly cgroup: Cgroup
  ) {
    this.#api = api;
    this.#farm = new PodFarm(cgroup, { cluster: api });
  }

  /** @param cgroup theirs are made in there; it stays the caller's */
  static async open(cgroup: Cgroup): Promise<Pods> {
    return new Pods(await ApiServer.start(), cgroup);
  }

  /** Flags with which an agent learns their names. */
  get flags(): string[] {
    const { url, tokenFile, caFile } = accessTo(this.#api);
    return ['--kubernetes', url, '--kubernetes-token-file', tokenFile, '--kubernetes-ca-file', caFile];
  }

  /** Starts pods until there are so many; they stay until `remove`. @param requestsPerSecond of each new one */
  async grow(count: number, requestsPerSecond: number): Promise<void> {
    while (this.#farm.pods.length < count) {
      const number = this.#farm.pods.length;
      const workload = `service-${number % WORKLOADS}-6d4b75cb6d`;
      await this.#farm.start({
        name: `${workload}-${String(number).padStart(5, '0')}`,
        namespace: `team-${number % NAMESPACES}`,
        owner: { kind: 'ReplicaSet', name: workload },
        containers: [{ name: 'main', work: { plan: PLAN, requestsPerSecond } }],
      });
    }
  }

  /** Until the agent keeps all their series apart. */
  async seenBy(agent: BenchAgent): Promise<number> {
    const expected = this.#farm.pods.length * SERIES_OF_A_POD;
    let seen = 0;
    await until(
      () => `${expected} series; there are ${seen}`,
      async () => (seen = await seriesOf(agent)) >= expected,
      { timeoutMs: 180_000, everyMs: 500 }
    );
    return seen;
  }

  async remove(): Promise<void> {
    await this.#farm.remove();
    await this.#api.stop();
  }
}

export async function seriesOf(agent: BenchAgent): Promise<number> {
  const { series } = await agent.status();
  return series.reduce((sum, { used }) => sum + used, 0);
}
