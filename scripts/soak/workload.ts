/** What is measured: pods that stay, pods that come and go, and some that live for a moment; every one counts for itself. */
import type { ApiServer } from '../../test/support/api-server';
import { BURSTABLE, CGROUPFS, POD_CONTAINERS } from '../../test/support/layouts';
import type { Work } from '../../test/support/pod-process';
import type { Container, Pod, PodFarm, PodSpec } from '../../test/support/pods';
import { EXCLUDED } from './ledger';
import type { Random } from './random';
import { METRONOME_PER_SECOND } from './verdicts';

const NAMESPACES = 8;
const WORKLOADS = 20;
const STATUSES = [200, 201, 204, 302, 304, 404, 409, 429, 500, 503];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'];
/** Classes of requests that a pod asks for: each is a series at either end. */
const CLASSES = 4;
/** Of a pod, a second. */
const REQUESTS_PER_SECOND = { least: 2, most: 8 };

/** How often, at the least and at the most, something happens. */
const REPLACE_MS = [1_500, 4_500] as const;
const SHORT_MS = [1_000, 4_000] as const;
const RESTART_MS = [3_000, 9_000] as const;
const API_MS = [20_000, 60_000] as const;

const SHORT_LIFE_MS = 300;
/** The kubelet takes that long to tell the API server that a pod is gone. */
const DELETION_MS = 6_000;

/** What of Kubernetes every agent has to bear, and recovers from at once. */
const API_FAULTS: ReadonlyArray<(api: ApiServer) => void> = [
  (api) => api.cut(),
  (api) => api.endWatches(),
  (api) => {
    api.compact();
    api.sendError(410, 'Expired', 'too old resource version');
  },
  (api) => api.rotateToken(),
  (api) => api.rotateCertificates(),
];

export class Workload {
  /** Containers that were ended in the middle of what they did. */
  readonly killed = new Set<Container>();
  /** How often each thing has happened. */
  readonly happened = { replaced: 0, short: 0, restarted: 0, killed: 0, apiFaults: 0 };
  /** When a pod was over. */
  readonly #endMs = new Map<Pod, number>();
  readonly #farm: PodFarm;
  readonly #api: ApiServer;
  readonly #random: Random;
  readonly #underWay = new Set<Promise<void>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Whom others ask; and one that asks itself, always as fast. They stay. */
  #hub!: Pod;
  #metronome!: Pod;
  #made = 0;
  /** By pods that are forgotten. */
  #answeredBefore = 0;
  #isEnding = false;
  /** Why the churn came to its end, if it did. */
  failure?: unknown;

  constructor(farm: PodFarm, api: ApiServer, random: Random) {
    this.#farm = farm;
    this.#api = api;
    this.#random = random;
  }

  get pods(): readonly Pod[] {
    return this.#farm.pods;
  }

  /** Pods that run now. */
  get alive(): number {
    return this.pods.filter(({ running, isLeaving }) => running.length > 0 && !isLeaving).length;
  }

  get metronome(): Pod {
    return this.#metronome;
  }

  /** @param pods how many are there at a time */
  async start(pods: number): Promise<void> {
    const work = { plan: ['GET 200'], requestsPerSecond: 20 };
    const hub = { name: 'hub-0', namespace: 'infra', owner: { kind: 'StatefulSet', name: 'hub' } };
    this.#hub = await this.#farm.start({ ...hub, containers: [{ name: 'hub', work }] });
    const beat = { plan: ['GET 200'], requestsPerSecond: METRONOME_PER_SECOND };
    this.#metronome = await this.#farm.start({ name: 'metronome-0', containers: [{ name: 'main', work: beat }] });
    await Promise.all(Array.from({ length: Math.max(0, pods - 2) }, () => this.#farm.start(this.#spec())));
  }

  churn(): void {
    this.#every(REPLACE_MS, () => this.#replace());
    this.#every(SHORT_MS, () => this.#short());
    this.#every(RESTART_MS, () => this.#restart());
    this.#every(API_MS, async () => {
      this.#random.oneOf(API_FAULTS)(this.#api);
      this.happened.apiFaults++;
    });
  }

  /** No pod comes or goes any more; those that are there go on. */
  async calm(): Promise<void> {
    this.#isEnding = true;
    this.#timers.forEach(clearTimeout);
    await Promise.all(this.#underWay);
  }

  /** Ends every process: first those who ask, so that none waits for an answer of one who has gone. */
  async end(): Promise<void> {
    const others = this.pods.filter((pod) => pod !== this.#hub);
    await Promise.all(others.flatMap(({ running }) => running.map(({ process }) => process.stop())));
    await Promise.all(this.#hub.running.map(({ process }) => process.stop()));
  }

  /** Asks every process what it has done. */
  count(): Promise<void> {
    return this.#farm.runtime.count();
  }

  /** Requests that servers have answered, all in all; as of the last `count`. */
  get answered(): number {
    return this.#answeredBefore + this.pods.reduce((total, pod) => total + sum(pod.did('server')), 0);
  }

  /** Pods that were over by then. */
  over(byMs: number): Pod[] {
    return [...this.#endMs].filter(([, endMs]) => endMs <= byMs).map(([pod]) => pod);
  }

  forget(pods: readonly Pod[]): void {
    const forgotten = new Set(pods);
    for (const pod of forgotten) {
      this.#answeredBefore += sum(pod.did('server'));
      this.#endMs.delete(pod);
      pod.containers.forEach((container) => this.killed.delete(container));
    }
    this.#farm.pods.splice(0, Infinity, ...this.#farm.pods.filter((pod) => !forgotten.has(pod)));
  }

  /** No two neighbours do the same: what is credited to a wrong one does not add up. */
  #spec(work: Work = {}): PodSpec {
    const number = ++this.#made;
    const random = this.#random;
    const workload = `app-${number % WORKLOADS}`;
    const plan = Array.from({ length: CLASSES }, () => `${random.oneOf(METHODS)} ${random.oneOf(STATUSES)}`);
    const { least, most } = REQUESTS_PER_SECOND;
    const containers = ['main', 'sidecar'].slice(0, random.chance(0.1) ? 2 : 1).map((name) => ({
      name,
      work: {
        requestsPerSecond: random.between(least, most),
        plan,
        port: random.chance(0.25) ? this.#hub.containers[0].process.port : 0,
        ...work,
      },
    }));
    return {
      name: `${workload}-5d8c7b9f6-${number}`,
      namespace: `team-${number % NAMESPACES}`,
      labels: { 'pod-template-hash': '5d8c7b9f6', ...(random.chance(0.1) && EXCLUDED) },
      owner: { kind: 'ReplicaSet', name: `${workload}-5d8c7b9f6` },
      layout: random.oneOf([BURSTABLE, CGROUPFS, POD_CONTAINERS[3]]),
      containers,
    };
  }

  /** Those that come and go. */
  get #others(): Pod[] {
    return this.pods.filter((pod) => pod !== this.#hub && pod !== this.#metronome);
  }

  async #replace(): Promise<void> {
    const others = this.#others.filter(({ running, isLeaving }) => running.length > 0 && !isLeaving);
    // One that lives for a moment ends by itself.
    const lasting = others.filter(({ spec }) => !spec.containers[0].work?.lifeMs);
    if (lasting.length === 0) {
      return;
    }
    const old = this.#random.oneOf(lasting.slice(0, Math.ceil(lasting.length / 2)));
    await Promise.all([this.#remove(old), this.#farm.start(this.#spec())]);
    this.happened.replaced++;
  }

  async #short(): Promise<void> {
    const pod = await this.#farm.start({
      ...this.#spec({ lifeMs: SHORT_LIFE_MS, requestsPerSecond: 50 }),
      statusDelayMs: 700,
    });
    await Promise.all(pod.containers.map(({ process }) => process.gone.promise));
    await this.#remove(pod);
    this.happened.short++;
  }

  /** Of one that asks nobody else: another would see the connection break where this one cannot say. */
  async #restart(): Promise<void> {
    const alone = this.#others.filter(
      ({ spec, running, isLeaving }) =>
        spec.containers.every(({ work }) => work && !work.lifeMs && work.port === 0) && running.length > 0 && !isLeaving
    );
    if (alone.length === 0) {
      return;
    }
    const pod = this.#random.oneOf(alone);
    const container = this.#random.oneOf(pod.running);
    const how = this.#random.chance(0.3) ? 'kill' : 'stop';
    if (how === 'kill') {
      this.killed.add(container);
      this.happened.killed++;
    }
    pod.isLeaving = true;
    await pod.restart(container.spec.name, how);
    pod.isLeaving = false;
    this.happened.restarted++;
  }

  async #remove(pod: Pod): Promise<void> {
    pod.isLeaving = true;
    await Promise.all(pod.running.map(({ process }) => process.stop()));
    this.#endMs.set(pod, Date.now());
    await pod.remove({ deletionDelayMs: DELETION_MS });
  }

  #every([least, most]: readonly [number, number], act: () => Promise<void>): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (this.#isEnding) {
          return;
        }
        const done = act()
          .catch((error: unknown) => (this.failure ??= error))
          .then(() => void this.#underWay.delete(done));
        this.#underWay.add(done);
        this.#every([least, most], act);
      },
      this.#random.between(least, most)
    );
    this.#timers.add(timer);
  }
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
