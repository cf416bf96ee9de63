/**
 * What containers outside Kubernetes are called, from the container engine on the same machine.
 *
 * In rounds: list the containers, then follow the events since the list was asked for, for a minute. The list repairs
 * whatever events have missed, and the events name a container when it is created, before it has a process. A container
 * of Docker Compose is named like a pod's: project for a namespace, service for a workload.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Container, EngineError, listContainers, watchContainers } from './docker-api';
import { Backoff } from './backoff';
import { cleanName } from './names';
import type { Place } from './place';
import type { Identity, IdentitySource, SourceState, SourceStatus } from './source';

/** Docker's, then podman's. */
const SOCKETS: readonly string[] = ['/var/run/docker.sock', '/run/podman/podman.sock'];

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const OBSERVE = 'ringside.io/observe';

/** The ones created last are not named beyond this. */
const MAX_CONTAINERS = 5_000;
/** How many of them may be gone already: traffic of a removed container may be read a moment later. */
const MAX_GONE = 1_000;

export interface DockerTimings {
  /** From one list to the next. */
  roundMs: number;
  /** How long the engine may take to answer. */
  timeoutMs: number;
  /** At most, after the first failure; it doubles with each further one up to the longest. */
  backoffMs: number;
  longestBackoffMs: number;
  /** How long a removed container keeps its name here. */
  goneMs: number;
}

const TIMINGS: DockerTimings = {
  roundMs: 60_000,
  timeoutMs: 10_000,
  backoffMs: 1_000,
  longestBackoffMs: 30_000,
  goneMs: 300_000,
};

export class DockerSource implements IdentitySource {
  readonly name = 'docker';
  readonly #sockets: readonly string[];
  readonly #mayBeAbsent: boolean;
  readonly #timings: DockerTimings;
  /** By container id. */
  readonly #present = new Map<string, Identity>();
  /** Removed, in the order of their going; times are of a clock that nobody sets. */
  readonly #gone = new Map<string, { identity: Identity; atMs: number }>();
  readonly #listeners: Array<() => void> = [];
  #state: SourceState = 'connecting';
  #reason = 'No container engine has answered yet.';
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  /**
   * @param socket a path, or `auto` for the usual ones of Docker and podman
   * @param sockets where to look with `auto`
   */
  constructor(
    socket: string,
    { sockets = SOCKETS, ...timings }: Partial<DockerTimings> & { sockets?: readonly string[] } = {}
  ) {
    this.#mayBeAbsent = socket === 'auto';
    this.#sockets = this.#mayBeAbsent ? sockets : [socket];
    this.#timings = { ...TIMINGS, ...timings };
  }

  identify({ containerId, podUid }: Place): Identity | undefined {
    // Kubernetes knows better what is in a pod.
    return containerId === undefined || podUid !== undefined
      ? undefined
      : (this.#present.get(containerId) ?? this.#gone.get(containerId)?.identity);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  get status(): SourceStatus {
    return { state: this.#state, reason: this.#reason, known: this.#present.size };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { backoffMs: minMs, longestBackoffMs: maxMs } = this.#timings;
    const backoff = new Backoff({ minMs, maxMs });
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
        backoff.reset();
      } catch (error) {
        if (!signal.aborted) {
          this.#become('failing', error instanceof EngineError ? error.message : String(error));
          await sleep(backoff.nextMs(), undefined, { signal }).catch(() => {});
        }
      }
    }
  }

  /** One round. @throws EngineError */
  async #follow(signal: AbortSignal): Promise<void> {
    const { roundMs, timeoutMs } = this.#timings;
    const socketPath = this.#sockets.find((path) => existsSync(path));
    if (socketPath === undefined && this.#mayBeAbsent) {
      const places = this.#sockets.join(' nor ');
      this.#become('off', `There is no container engine at ${places}: containers outside Kubernetes show their ids.`);
      await sleep(roundMs, undefined, { signal });
      return;
    }
    const conversation = { socketPath: socketPath ?? this.#sockets[0], timeoutMs, signal };
    const sinceSeconds = Math.floor(Date.now() / 1000);
    this.#replace(await listContainers(conversation));
    this.#become('ready', '');
    await watchContainers({
      ...conversation,
      sinceSeconds,
      forMs: roundMs,
      onNamed: (container) => this.#add(container) && this.#tell(),
      onGone: (id) => this.#remove(id),
    });
  }

  #replace(containers: readonly Container[]): void {
    const listed = new Set(containers.map(({ id }) => id));
    [...this.#present.keys()].filter((id) => !listed.has(id)).forEach((id) => this.#remove(id));
    this.#forget();
    if (containers.filter((container) => this.#add(container)).length > 0) {
      this.#tell();
    }
  }

  /** @returns whether that was news */
  #add(container: Container): boolean {
    const { id } = container;
    const identity = identityOf(container);
    const known = this.#present.get(id);
    const isNew = known === undefined && this.#present.size < MAX_CONTAINERS;
    if (!isNew && (known === undefined || isDeepStrictEqual(known, identity))) {
      return false;
    }
    this.#gone.delete(id);
    this.#present.set(id, identity);
    return true;
  }

  #remove(id: string): void {
    const identity = this.#present.get(id);
    if (identity) {
      this.#present.delete(id);
      this.#gone.set(id, { identity, atMs: performance.now() });
      this.#forget();
    }
  }

  #forget(): void {
    const oldestMs = performance.now() - this.#timings.goneMs;
    for (const [id, { atMs }] of this.#gone) {
      if (this.#gone.size <= MAX_GONE && atMs >= oldestMs) {
        return;
      }
      this.#gone.delete(id);
    }
  }

  #become(state: SourceState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
  }

  #tell(): void {
    this.#listeners.forEach((listener) => listener());
  }
}

function identityOf({ name, labels }: Container): Identity {
  const container = cleanName(name);
  const project = labelOf(labels, PROJECT);
  return {
    container,
    workload: labelOf(labels, SERVICE) ?? container,
    ...(project !== undefined && { namespace: project }),
    ...(labels[OBSERVE] === 'false' && { observe: false }),
  };
}

function labelOf(labels: Container['labels'], name: string): string | undefined {
  const value = labels[name];
  return typeof value === 'string' && value !== '' ? cleanName(value) : undefined;
}
