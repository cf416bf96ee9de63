/** A bounded load on one nginx, server and client each in a cgroup below one that an agent can be told to measure. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Build } from '../../test/support/build';
import { Cgroup } from '../../test/support/cgroup';
import { Nginx } from '../../test/support/nginx';
import { requireProgram } from '../../test/support/requirements';
import { LOADS_OWN } from './processor';

const CONNECTIONS = 16;
const PATH = '/status/200';

export interface LoadOptions {
  port?: number;
  processor?: number;
}

export interface LoadResult {
  requests: number;
  requestsPerSecond: number;
  p99Ms: number;
}

/** Nanoseconds. */
export interface Percentiles {
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

export interface SteadyResult {
  planned: number;
  answered: number;
  nanoseconds: number;
  latency: Percentiles;
  /** Of each tenth of a second (or a thousand answers) by itself, and of these the middle one. */
  usual: Pick<Percentiles, 'p50' | 'p99'>;
  /** By how much the load itself was late with requests that it could have sent. */
  lag: Percentiles;
}

export class Load {
  readonly #build = new Build();
  readonly #generator = this.#build.host('bench/load/open-loop.c');

  private constructor(
    readonly scope: Cgroup,
    readonly server: Cgroup,
    readonly client: Cgroup,
    readonly nginx: Nginx
  ) {}

  static async start(): Promise<Load> {
    const scope = Cgroup.make();
    const [server, client] = [scope.child('server'), scope.child('client')];
    const nginx = await Nginx.start(server, {
      hosts: ['127.0.0.1'],
      settings: 'access_log off; keepalive_requests 1000000000;',
    });
    return new Load(scope, server, client, nginx);
  }

  /**
   * As many keep-alive requests as 16 connections can make in so many seconds.
   *
   * @param port of nginx unless given
   * @param processor the one that the client stays on; any unless given
   */
  async run(seconds: number, { port = this.nginx.port, processor }: LoadOptions = {}): Promise<LoadResult> {
    const wrk = requireProgram('/usr/bin/wrk', 'wrk');
    const url = `http://127.0.0.1:${port}${PATH}`;
    const flags = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', url];
    const output = await this.#run(wrk, flags, processor);
    const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? NaN);
    const failures = /Non-2xx or 3xx responses: .*|Socket errors: .*/.exec(output)?.[0];
    if (failures) {
      throw new Error(`The load was not answered: ${failures}`);
    }
    const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(output);
    return {
      requests: number(/(\d+) requests in/),
      requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
      p99Ms: p99 ? Number(p99[1]) * { us: 0.001, ms: 1, s: 1000 }[p99[2] as 'us' | 'ms' | 's'] : NaN,
    };
  }

  /**
   * Requests at a rate that does not wait for answers (bench/load/open-loop.c), from a processor of the load's own.
   *
   * @param rate requests a second; 0 is as many as the connections can make
   * @param port of nginx unless given; 0 is a server that does nothing, which shows what the load itself can do
   */
  async steady(rate: number, seconds: number, port = this.nginx.port): Promise<SteadyResult> {
    const flags = [port, PATH, CONNECTIONS, Math.round(rate), seconds].map(String);
    const alone = port !== 0 && availableParallelism() > 1;
    return JSON.parse(await this.#run(this.#generator, flags, alone ? LOADS_OWN : undefined)) as SteadyResult;
  }

  async #run(program: string, flags: readonly string[], processor?: number): Promise<string> {
    const prefix = processor === undefined ? [] : ['taskset', '-c', String(processor)];
    const [command, ...args] = [...prefix, program, ...flags];
    const child = this.client.spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout!.on('data', (chunk) => (output += chunk));
    child.stderr!.on('data', (chunk) => (errors += chunk));
    const [code] = await once(child, 'close');
    if (code !== 0) {
      throw new Error(`${command} ended with ${code}: ${errors.trim()}`);
    }
    return output;
  }

  async stop(): Promise<void> {
    await this.nginx.remove();
    await this.scope.remove();
    this.#build.remove();
  }
}
