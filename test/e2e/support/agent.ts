/** The built agent as a process of the test's own, with any flags. */
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { spawnAgent } from '../../../scripts/start/agent';
import { freePort } from '../../../scripts/start/port';
import { until } from '../../support/wait';

const READY_WITHIN_MS = 30_000;

export class TestAgent {
  private constructor(
    readonly url: string,
    readonly child: ChildProcess,
    private readonly folder: string
  ) {}

  /** Attached to the cgroup and answering. `port` is a free one unless given. */
  static async start(cgroup: string, flags: string[] = [], port?: number): Promise<TestAgent> {
    const listen = `127.0.0.1:${port ?? (await freePort(0))}`;
    const folder = mkdtempSync(join(tmpdir(), 'ringside-e2e-'));
    const logFile = join(folder, 'agent.log');
    const log = openSync(logFile, 'w');
    const child = spawnAgent(['--listen', listen, '--cgroup', cgroup, ...flags], ['ignore', log, log]);
    closeSync(log);
    const agent = new TestAgent(`http://${listen}`, child, folder);
    await until(
      () => `the agent to be ready; its log:\n${readFileSync(logFile, 'utf8')}`,
      async () => (await fetch(`${agent.url}/readyz`).catch(() => undefined))?.ok,
      { timeoutMs: READY_WITHIN_MS, everyMs: 50 }
    );
    return agent;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill(signal);
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
