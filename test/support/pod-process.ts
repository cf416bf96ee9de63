/** Containers as processes in cgroups: a container runtime in small, and what each container says that it did. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Build } from './build';
import { requireRoot } from './requirements';
import type { Counts } from './totals';

/** What a container does with its life. */
export interface Work {
  /** Default: 5. `Infinity`: the next one follows the answer. */
  requestsPerSecond?: number;
  /** What it asks for, one after the other and again from the start: `GET 200`. The answer's status is the asker's wish. */
  plan?: readonly string[];
  /** All in all; default: until it is stopped. */
  requests?: number;
  /** From its start to its end; default: until it is stopped. Its cgroup comes and goes with it. */
  lifeMs?: number;
  /** Whether it asks itself; default: yes. */
  own?: boolean;
  /** Of another container, which it asks too: in turn with itself. */
  port?: number;
}

/** One side of what a container did. */
export interface SideDid {
  connections: number;
  sentBytes: number;
  receivedBytes: number;
  /** Over, as far as the container can see: the kernel must have counted at least these. */
  done: Counts;
  /** Begun: the kernel cannot have counted more. */
  begun: Counts;
}

export interface Did {
  client: SideDid;
  server: SideDid;
}

type SideTold = Omit<SideDid, 'done' | 'begun'> & { requests: Record<string, [done: number, begun: number]> };

type Told =
  | { event: 'made'; id: number; cgroupId: number }
  | { event: 'started'; id: number; pid: number; port: number }
  | { event: 'ended' | 'counts'; id: number; failure: string; client: SideTold; server: SideTold }
  | { event: 'gone'; id: number }
  | { event: 'counted' };

/** Runs containers. Everything it started ends with it, at the latest with the test's process. */
export class ContainerRuntime {
  readonly #build = new Build();
  readonly #process: ChildProcess;
  /** By number; one that is gone leaves its number to another. */
  readonly #containers = new Map<number, ContainerProcess>();
  readonly #freeIds: number[] = [];
  readonly #counting: Array<() => void> = [];
  #failure?: Error;

  private constructor() {
    const program = this.#build.host('test/kernel/fixtures/pod.c');
    // In a process group of its own: Ctrl-C on the terminal is for the one that started it.
    const options: SpawnOptions = { stdio: ['pipe', 'pipe', 'inherit'], detached: true };
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program], options);
    // Orders to a process that ended are answered by its end.
    this.#process.stdin!.on('error', () => undefined);
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#hear(JSON.parse(line)));
    this.#process.on('exit', (code, signal) => {
      this.#failure = new Error(`The runtime of the containers ended (${signal ?? code}).`);
      this.#containers.forEach((container) => container.fail(this.#failure!));
      this.#counting.splice(0).forEach((done) => done());
    });
  }

  static start(): ContainerRuntime {
    requireRoot();
    return new ContainerRuntime();
  }

  /**
   * Makes a cgroup and starts a container in it.
   *
   * @param folder the cgroup's directory; what is missing above it is made too
   * @param levels how many directories from the end of it go when the container has ended, as far as they are empty then
   */
  run(folder: string, levels: number, work: Work = {}): ContainerProcess {
    if (this.#failure) {
      throw this.#failure;
    }
    const { requestsPerSecond = 5, plan = ['GET 200'], requests = 0, lifeMs = 0, own = true, port = 0 } = work;
    const container = new ContainerProcess(folder, (order, id) => this.#order(order, id));
    const id = this.#freeIds.pop() ?? this.#containers.size;
    this.#containers.set(id, container);
    container.id = id;
    const intervalUs = Math.round(1_000_000 / requestsPerSecond);
    const planned = plan.map((each) => each.replace(' ', ':')).join(',');
    this.#order('run', id, folder, levels, intervalUs, lifeMs, requests, Number(own), port, planned);
    return container;
  }

  /** Brings `did` of every running container up to date. */
  async count(): Promise<void> {
    const counted = new Promise<void>((resolve) => this.#counting.push(resolve));
    this.#order('counts');
    await counted;
  }

  get running(): ContainerProcess[] {
    return [...this.#containers.values()];
  }

  /** Stops every container, waits until its cgroup is gone, and ends. */
  async close(): Promise<void> {
    try {
      if (!this.#failure) {
        await Promise.all(this.running.map((container) => container.stop()));
        this.#process.stdin!.end();
        await once(this.#process, 'exit');
      }
    } finally {
      this.#process.kill('SIGKILL');
      this.#build.remove();
    }
  }

  #order(...words: Array<string | number>): void {
    this.#process.stdin!.write(`${words.join(' ')}\n`);
  }

  #hear(told: Told): void {
    if (told.event === 'counted') {
      this.#counting.shift()?.();
      return;
    }
    const container = this.#containers.get(told.id)!;
    if (told.event === 'gone') {
      this.#containers.delete(told.id);
      this.#freeIds.push(told.id);
    }
    container.hear(told);
  }
}

export class ContainerProcess {
  id = -1;
  pid = 0;
  /** What the kernel calls its cgroup; 0 until there is one. */
  cgroupId = 0;
  /** Where it serves. */
  port = 0;
  did: Did = { client: sideOf(), server: sideOf() };
  isGone = false;
  /** It serves, and its first request is about to leave. */
  readonly started = new Deferred<void>();
  /** Its process has ended: with what it did, all in all. */
  readonly ended = new Deferred<Did>();
  /** Its cgroup has been removed. */
  readonly gone = new Deferred<void>();

  constructor(
    /** Directory of its cgroup. */
    readonly folder: string,
    private readonly order: (order: 'stop' | 'kill', id: number) => void
  ) {}

  /** Lets it finish what it does, and waits until its cgroup is gone too. */
  stop(): Promise<Did> {
    return this.#end('stop');
  }

  /** Ends it where it is: a request may be under way, begun and never done. */
  kill(): Promise<Did> {
    return this.#end('kill');
  }

  hear(told: Exclude<Told, { event: 'counted' }>): void {
    switch (told.event) {
      case 'made':
        this.cgroupId = told.cgroupId;
        return;
      case 'started':
        this.pid = told.pid;
        this.port = told.port;
        return this.started.resolve();
      case 'gone':
        this.isGone = true;
        return this.gone.resolve();
      default:
        this.did = { client: sideOf(told.client), server: sideOf(told.server) };
        if (told.failure) {
          this.fail(new Error(`The container in ${this.folder} failed: ${told.failure}`));
        } else if (told.event === 'ended') {
          this.ended.resolve(this.did);
        }
    }
  }

  async #end(order: 'stop' | 'kill'): Promise<Did> {
    if (!this.isGone) {
      this.order(order, this.id);
    }
    await this.gone.promise;
    return this.ended.promise;
  }

  fail(error: Error): void {
    this.started.reject(error);
    this.ended.reject(error);
    this.gone.reject(error);
  }
}

/** A promise that others keep. Nobody has to wait for it: that it was broken is told to those who do. */
class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => undefined);
  }
}

function sideOf(told: SideTold = { connections: 0, sentBytes: 0, receivedBytes: 0, requests: {} }): SideDid {
  const { requests, ...rest } = told;
  const counts = (at: 0 | 1) => Object.fromEntries(Object.entries(requests).map(([key, both]) => [key, both[at]]));
  return { ...rest, done: counts(0), begun: counts(1) };
}
