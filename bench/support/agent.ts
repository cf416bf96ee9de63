/** The built agent as its users run it: a process of its own, asked over HTTP. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_FLAGS } from '../../scripts/start/agent';
import type { Cgroup } from '../../test/support/cgroup';
import type { Status } from '../../wire/status';
import type { QueryAnswer } from '../../wire/answer';
import type { Query } from '../../wire/query';
import { post } from './http';

const BUNDLE = join(__dirname, '../../build/agent/main.js');
/** Clock ticks a second in /proc; fixed on Linux. */
const USER_HZ = 100;

export class BenchAgent {
  private constructor(
    readonly process: ChildProcess,
    readonly url: string
  ) {}

  /**
   * @param scope what it measures
   * @param within the cgroup it runs in, outside of what it measures; the benchmark's own unless given
   */
  static async start(scope: Cgroup, flags: readonly string[] = [], within?: Cgroup): Promise<BenchAgent> {
    const args = [
      ...NODE_FLAGS,
      BUNDLE,
      '--listen',
      '127.0.0.1:0',
      '--cgroup',
      scope.path,
      '--log-level',
      'warn',
      ...flags,
    ];
    // Node reads the certificates that this names at its start, which takes a megabyte; a container has none.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };
    const start = (options: SpawnOptions) =>
      within ? within.spawn(process.execPath, args, options) : spawn(process.execPath, args, options);
    const child = start({ stdio: ['ignore', 'pipe', 'inherit'], env });
    let said = '';
    for await (const chunk of child.stdout!) {
      said += chunk;
      const url = /(https?:\/\/\S+)/.exec(said)?.[1];
      if (url) {
        child.stdout!.resume();
        return new BenchAgent(child, url);
      }
    }
    throw new Error(`The agent ended before it listened: ${said}`);
  }

  async query(fromMs: number, toMs: number, query: Omit<Query, 'refId'>): Promise<QueryAnswer> {
    const text = await this.queryText(fromMs, toMs, query);
    const answer = JSON.parse(text) as QueryAnswer;
    if (answer.results.A.error) {
      throw new Error(`The agent answered: ${text}`);
    }
    return answer;
  }

  /** The answer as it comes over the wire. */
  async queryText(fromMs: number, toMs: number, query: Omit<Query, 'refId'>): Promise<string> {
    const { status, text } = await post(
      `${this.url}/api/v1/query`,
      'application/json',
      JSON.stringify({ from: Math.floor(fromMs), to: Math.floor(toMs), queries: [{ refId: 'A', ...query }] })
    );
    if (status !== 200) {
      throw new Error(`The agent answered ${status}: ${text.slice(0, 500)}`);
    }
    return text;
  }

  async status(): Promise<Status> {
    return (await (await fetch(`${this.url}/api/v1/status`)).json()) as Status;
  }

  /** CPU time used so far, user and system. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.process.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / USER_HZ;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await ended;
    }
  }
}
