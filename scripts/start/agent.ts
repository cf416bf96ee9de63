import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, StepError } from '../setup/steps.mjs';

const PROGRAM = join(ROOT, 'build', 'agent', 'main.js');
const LOG = join(ROOT, 'build', 'logs', 'running-agent.log');
/** Time from its start until it must answer: loading the programs takes about a second on a busy machine. */
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;

/** V8 would rather let garbage pile up than collect it; the agent's little is collected in no time. Saves 20 MB. */
export const NODE_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=1'];

/**
 * Starts the built agent. The kernel ends it should this process disappear.
 *
 * @param program its bundle, where it is not the one that was built last
 */
export function spawnAgent(
  args: readonly string[],
  stdio: 'inherit' | ['ignore', number, number],
  program = PROGRAM
): ChildProcess {
  const command = ['--pdeathsig', 'KILL', '--', process.execPath, ...NODE_FLAGS, program, ...args];
  // Its own process group where it runs behind the scenes: Ctrl-C on the terminal is then not for it.
  return spawn('setpriv', command, { stdio, detached: stdio !== 'inherit' });
}

export interface Agent {
  url: string;
  /** Resolves to a sentence when it ends by itself. */
  ended: Promise<string>;
  stop(): Promise<void>;
}

/** Starts the agent on one cgroup, and waits until it answers. */
export async function startAgent({ listen, cgroup }: { listen: string; cgroup: string }): Promise<Agent> {
  const log = openSync(LOG, 'w');
  const child = spawnAgent(['--listen', listen, '--cgroup', cgroup], ['ignore', log, log]);
  closeSync(log);
  const gone = once(child, 'exit').then(() => `The agent has ended.\n\n${readFileSync(LOG, 'utf8').trimEnd()}`);
  const agent: Agent = { url: `http://${listen}`, ended: gone, stop: () => stop(child) };
  try {
    await Promise.race([isReady(agent.url), gone.then((sentence) => Promise.reject(new StepError(sentence)))]);
  } catch (error) {
    await agent.stop();
    throw error;
  }
  return agent;
}

async function isReady(url: string): Promise<void> {
  for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new StepError(`The agent does not answer on ${url}; its log is ${LOG}.`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await gone;
  clearTimeout(insist);
}
