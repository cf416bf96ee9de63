import { once } from 'node:events';
import { buildAll } from './build/targets';
import { mountCgroup2 } from './setup/kernel';
import { spawnAgent } from './start/agent';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * `npm run agent -- [flags]`: the agent alone, in the foreground.
 *
 * @returns the agent's own exit code
 */
export async function main(args: string[]): Promise<number> {
  mountCgroup2();
  await buildAll(['bpf', 'native', 'agent']);
  const agent = spawnAgent(args, 'inherit');
  const gone = once(agent, 'exit');
  for (const signal of SIGNALS) {
    // Ctrl-C reaches the agent by itself, being of the same terminal; a second one says to hurry, so it is not repeated.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : agent.kill(signal)));
  }
  const [code, signal] = await gone;
  return code ?? (signal ? 1 : 0);
}
