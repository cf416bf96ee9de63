/** What runs in the guest: the built agent by itself, then the suites one after the other. Tells all on standard output. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { cgroupMount } from '../../support/requirements';
import { until } from '../../support/wait';
import { SUITES } from '../suites';
import type { Line, Told } from './told';

const ROOT = join(__dirname, '../../..');
const AGENT_URL = 'http://127.0.0.1:9420';
const AGENT_START_MS = 30_000;
/** A file of tests takes minutes, emulated; none takes that many. */
const SUITE_MS = 15 * 60_000;
/** A machine that tells nothing for minutes is taken for hung. */
const ALIVE_MS = 10_000;

async function main(): Promise<void> {
  const started = performance.now();
  tell({ event: 'booted', release: release() });
  setInterval(() => tell({ event: 'alive' }), ALIVE_MS).unref();
  await runAgent();
  for (const suite of chosen()) {
    await runSuite(suite);
  }
  tell({ event: 'done', milliseconds: performance.now() - started });
}

/** The suites that the kernel's command line names: `ringside.suites=http,tcp`; all without. */
function chosen(): readonly string[] {
  const names = /\bringside\.suites=(\S+)/.exec(readFileSync('/proc/cmdline', 'utf8'))?.[1].split(',');
  return SUITES.map(({ name }) => name).filter((name) => names?.includes(name) ?? true);
}

async function runAgent(): Promise<void> {
  const cgroup = join(cgroupMount(), 'ringside-agent');
  const started = performance.now();
  mkdirSync(cgroup);
  const agent = spawn(
    process.execPath,
    [join(ROOT, 'build/agent/main.js'), '--cgroup', cgroup, '--log-level', 'warn'],
    {
      stdio: ['ignore', 2, 2],
    }
  );
  const isReady = () =>
    fetch(`${AGENT_URL}/readyz`).then(
      ({ ok }) => ok,
      () => agent.exitCode !== null
    );
  try {
    await until('the agent to measure', isReady, { timeoutMs: AGENT_START_MS, everyMs: 100 });
    const startMs = performance.now() - started;
    const { programs, notices } = await (await fetch(`${AGENT_URL}/api/v1/status`)).json();
    agent.kill();
    const [code] = await once(agent, 'exit');
    const failure = code === 0 ? undefined : `It ended with ${code}.`;
    tell({ event: 'agent', startMs, status: { programs, notices }, failure });
  } catch (error) {
    agent.kill('SIGKILL');
    tell({ event: 'agent', startMs: performance.now() - started, failure: String(error) });
  }
  rmdirSync(cgroup);
}

async function runSuite(suite: string): Promise<void> {
  const runner = fork(join(__dirname, 'suite.ts'), [suite], {
    execArgv: ['--require', 'tsx/cjs'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const timer = setTimeout(() => runner.kill('SIGKILL'), SUITE_MS);
  let hasEnded = false;
  runner.on('message', (told: Told) => {
    hasEnded ||= told.event === 'ended';
    tell({ suite, ...told });
  });
  const [code, signal] = await once(runner, 'exit');
  clearTimeout(timer);
  if (!hasEnded) {
    tell({ suite, event: 'ended', failure: `Its process ended with ${signal ?? `code ${code}`}.` });
  }
}

function tell(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

void main();
