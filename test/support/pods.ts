/**
 * Pods without Kubernetes: real cgroups, laid out as a runtime lays them out, with real processes in them that do HTTP,
 * and an API server that is told of them the way a kubelet tells it: first the pod, some 100 ms after its containers
 * have started what their ids are, and of its end when all is over.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ApiServer } from './api-server';
import type { Cgroup } from './cgroup';
import { BURSTABLE, placeIn, type Layout } from './layouts';
import { podObject, type ContainerSketch, type PodObject } from './pod-object';
import { ContainerRuntime, type ContainerProcess, type SideDid, type Work } from './pod-process';
import type { Counts } from './totals';
import { sleep } from './wait';

/** What a collector needs to know of an API server. */
export const accessTo = ({ url, tokenFile, caFile }: ApiServer) => ({ url, tokenFile, caFile });

export interface ContainerSpec {
  name: string;
  /** Default: a regular one. */
  kind?: 'regular' | 'init' | 'ephemeral';
  work?: Work;
  /** Default: the pod's. */
  layout?: Layout;
}

export interface PodSpec {
  name: string;
  /** Default: `default`. */
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** Default: none, a bare pod. */
  owner?: { kind: string; name: string };
  /** Default: as containerd and systemd lay it out. */
  layout?: Layout;
  /** Default: one of the name `main`. */
  containers?: ContainerSpec[];
  /** From the start of its containers to the moment the API server knows their ids; default: 300. */
  statusDelayMs?: number;
  /** Whether the API server is told of it at all; default: yes. */
  isTold?: boolean;
}

export interface PodFarmOptions {
  /** Default: nobody is told of pods. */
  cluster?: Pick<ApiServer, 'upsertPod' | 'deletePod'>;
  /** The node that all pods are on. */
  node?: string;
}

export class PodFarm {
  readonly runtime = ContainerRuntime.start();
  /** All there ever were. */
  readonly pods: Pod[] = [];

  /** @param cgroup all of it is made in there */
  constructor(
    readonly cgroup: Cgroup,
    readonly options: PodFarmOptions = {}
  ) {}

  /** Makes a pod and starts its containers. */
  async start(spec: PodSpec): Promise<Pod> {
    const pod = new Pod(this, spec);
    this.pods.push(pod);
    await pod.start();
    return pod;
  }

  /** Ends everything, and removes every cgroup inside of the test's own. */
  async remove(): Promise<void> {
    this.pods.forEach((pod) => pod.forgetStatus());
    try {
      await this.runtime.close();
    } finally {
      removeInside(this.cgroup.path);
    }
  }
}

/** One container, from its start to its end: after a restart it is another one. */
export interface Container {
  readonly spec: ContainerSpec;
  /** 64 digits. */
  readonly id: string;
  /** The cgroup of its process, and the one that is the container's, below the root of the hierarchy. */
  readonly cgroup: string;
  readonly owner: string;
  readonly process: ContainerProcess;
}

export class Pod {
  readonly spec: Required<Omit<PodSpec, 'owner'>> & Pick<PodSpec, 'owner'>;
  /** What Kubernetes calls it. */
  readonly uid = randomUUID();
  readonly createdAt = new Date();
  /** What its path calls it: of a static pod a hash. */
  readonly pathUid: string;
  /** All there ever were, those of restarts too. */
  readonly containers: Container[] = [];
  /** It is being removed. */
  isLeaving = false;
  readonly #farm: PodFarm;
  /** Those whose ids the API server knows. */
  readonly #told = new Set<Container>();
  #statusTimer?: NodeJS.Timeout;

  constructor(farm: PodFarm, spec: PodSpec) {
    this.#farm = farm;
    this.spec = {
      namespace: 'default',
      labels: {},
      annotations: {},
      layout: BURSTABLE,
      containers: [{ name: 'main' }],
      statusDelayMs: 300,
      isTold: true,
      ...spec,
    };
    this.pathUid = this.spec.layout.static ? this.uid.replaceAll('-', '') : this.uid;
  }

  get name(): string {
    return `${this.spec.namespace}/${this.spec.name}`;
  }

  /** Whether the API server has been told of all that runs. */
  get isKnown(): boolean {
    return !this.spec.isTold || this.running.every((container) => this.#told.has(container));
  }

  /** Those that run. */
  get running(): Container[] {
    return this.containers.filter(({ process }) => !process.isGone);
  }

  async start(): Promise<void> {
    this.#tell();
    const started = this.spec.containers.map((container) => this.run(container));
    await Promise.all(started.map(({ process }) => process.started.promise));
    this.#tellLater();
  }

  /** Starts a container of the pod, under an id that no other had. */
  run(spec: ContainerSpec): Container {
    const { cgroup, runtime } = this.#farm;
    const id = createHash('sha256').update(randomUUID()).digest('hex');
    const layout = spec.layout ?? this.spec.layout;
    const path = layout.path(this.pathUid, id);
    const owner = placeIn(layout, this.pathUid, id).path;
    // What lives for a moment takes its pod with it.
    const levels = depthOf(path) - depthOf(owner) + 1 + (spec.work?.lifeMs ? 1 : 0);
    const process = runtime.run(cgroup.path + path, levels, spec.work);
    const container = { spec, id, cgroup: cgroup.label + path, owner: cgroup.label + owner, process };
    this.containers.push(container);
    return container;
  }

  /** Ends the container of this name, in peace or by a kill, and starts it again. */
  async restart(name: string, how: 'stop' | 'kill' = 'stop'): Promise<Container> {
    const old = this.running.find(({ spec }) => spec.name === name);
    if (!old) {
      throw new Error(`${this.name} has no container ${name} that runs.`);
    }
    await old.process[how]();
    const fresh = this.run(old.spec);
    await fresh.process.started.promise;
    this.#tellLater();
    return fresh;
  }

  /** Changes what the API server says of the pod. */
  relabel(labels: Record<string, string>): void {
    this.spec.labels = labels;
    this.#tell();
  }

  /** Tells the API server of a pod that it was not told of so far. */
  introduce(): void {
    this.spec.isTold = true;
    this.#tellIds();
  }

  /** Ends all of it, and takes it from the API server as Kubernetes does: a moment later. */
  async remove({ deletionDelayMs = 100 } = {}): Promise<void> {
    this.isLeaving = true;
    await Promise.all(this.running.map(({ process }) => process.stop()));
    const folder = dirname(join(this.#farm.cgroup.path, this.spec.layout.path(this.pathUid, '')));
    removeIfEmpty(folder);
    this.forgetStatus();
    this.#tellIds();
    await sleep(deletionDelayMs);
    // The kernel may have been busy with what was in it.
    removeIfEmpty(folder);
    if (this.spec.isTold) {
      this.#farm.options.cluster?.deletePod(this.uid);
    }
  }

  /** What its containers of this name say that they did, those before a restart included. */
  did(side: 'client' | 'server', what: 'done' | 'begun' = 'done', containerName?: string): Counts {
    const mine = this.containers.filter(({ spec }) => containerName === undefined || spec.name === containerName);
    return add(mine.map(({ process }) => process.did[side][what]));
  }

  /** The sum of a number over its containers. */
  sum(side: 'client' | 'server', what: 'connections' | 'sentBytes' | 'receivedBytes'): number {
    return this.containers.reduce((total, { process }) => total + (process.did[side] as SideDid)[what], 0);
  }

  forgetStatus(): void {
    clearTimeout(this.#statusTimer);
  }

  #tellLater(): void {
    this.forgetStatus();
    this.#statusTimer = setTimeout(() => this.#tellIds(), this.spec.statusDelayMs);
  }

  #tellIds(): void {
    this.containers.forEach((container) => this.#told.add(container));
    this.#tell();
  }

  #tell(): void {
    if (this.spec.isTold) {
      this.#farm.options.cluster?.upsertPod(objectOf(this, this.#farm.options.node ?? 'test', [...this.#told]));
    }
  }
}

/** As the API server has it. */
function objectOf({ spec, uid, pathUid, createdAt }: Pod, node: string, told: readonly Container[]): PodObject {
  const { name, namespace, labels, annotations, owner, layout } = spec;
  const hash = layout.static && { 'kubernetes.io/config.hash': pathUid, 'kubernetes.io/config.mirror': pathUid };
  return podObject({
    ...{ uid, name, namespace, labels, owner, createdAt, node },
    annotations: { ...annotations, ...hash },
    runtime: told[0]?.owner.includes('crio') ? 'cri-o' : 'containerd',
    containers: spec.containers.map((container) => sketchOf(container, told)),
  });
}

function sketchOf({ name, kind = 'regular' }: ContainerSpec, told: readonly Container[]): ContainerSketch {
  const [latest, last] = told.filter(({ spec }) => spec.name === name).reverse();
  return {
    name,
    kind: kind === 'regular' ? 'container' : kind,
    id: latest?.id,
    state: latest?.process.isGone ? 'terminated' : undefined,
    lastId: last?.id,
  };
}

function add(all: readonly Counts[]): Counts {
  const sums: Counts = {};
  for (const counts of all) {
    for (const [key, count] of Object.entries(counts)) {
      sums[key] = (sums[key] ?? 0) + count;
    }
  }
  return sums;
}

function depthOf(path: string): number {
  return path.split('/').length;
}

/** Every cgroup below this one, the innermost first. */
function removeInside(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      removeInside(join(folder, entry.name));
      rmdirSync(join(folder, entry.name));
    }
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Others are in there, or it is gone already; both is what is wanted.
  }
}
