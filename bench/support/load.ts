/** A bounded load on one nginx, server and client each in a cgroup below one that an agent can be told to measure. */
import { once } from 'node:events';
import { Cgroup } from '../../test/support/cgroup';
import { Nginx } from '../../test/support/nginx';
import { requireProgram } from '../../test/support/requirements';

export interface LoadResult {
  requests: number;
  requestsPerSecond: number;
  p99Ms: number;
}

export class Load {
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
      settings: 'access_log off; keepalive_requests 1000000;',
    });
    return new Load(scope, server, client, nginx);
  }

  /** Keep-alive requests from 16 connections for so many seconds. */
  async run(seconds: number): Promise<LoadResult> {
    const wrk = requireProgram('/usr/bin/wrk', 'wrk');
    const child = this.client.spawn(
      wrk,
      ['-t1', '-c16', `-d${seconds}s`, '--latency', `http://127.0.0.1:${this.nginx.port}/status/200`],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    );
    let output = '';
    child.stdout!.on('data', (chunk) => (output += chunk));
    await once(child, 'close');
    const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1] ?? NaN);
    const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(output);
    return {
      requests: number(/(\d+) requests in/),
      requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
      p99Ms: p99 ? Number(p99[1]) * { us: 0.001, ms: 1, s: 1000 }[p99[2] as 'us' | 'ms' | 's'] : NaN,
    };
  }

  async stop(): Promise<void> {
    await this.nginx.remove();
    await this.scope.remove();
  }
}
