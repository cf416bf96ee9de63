import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { startShop } from '../demo/shop';
import { startPreview } from '../preview/server';
import { buildAll } from './build/targets';
import { mountCgroup2, requireRoot } from './setup/kernel';
import { step, StepError } from './setup/steps.mjs';
import { startAgent, type Agent } from './start/agent';
import { untilToldToStop } from './start/ending';
import { showServices } from './start/live';
import { freePort } from './start/port';

const AGENT_PORT = 9420;
const PREVIEW_PORT = 3400;

interface Options {
  seconds?: number;
}

/** What was started, newest last: ended in the opposite order. */
type Closers = Array<() => Promise<void>>;

/**
 * `npm start`: the agent on the live kernel, measuring a demo shop, and the plugin on a page of its own. Stops on Ctrl-C,
 * and leaves nothing behind however it ends.
 */
export async function main(args: string[]): Promise<void> {
  const options = optionsOf(args);
  requireRoot('npm start');
  mountCgroup2();
  await buildAll();

  const closers: Closers = [];
  const told = untilToldToStop();
  try {
    await Promise.race([told, runDemo(options, closers)]);
  } finally {
    for (const close of closers.reverse()) {
      await close();
    }
  }
  console.log('Stopped; nothing is left running.');
  // What was told to stop while it was still starting may be half-way through a step.
  process.exit();
}

/** Resolves after `seconds`; without them it ends only by failing. */
async function runDemo({ seconds }: Options, closers: Closers): Promise<void> {
  const agent = await startMeasuredShop(closers);
  const preview = await startPreviewOf(agent, closers);
  console.log(`\n  Open      ${preview}\n  Agent     ${agent.url}\n\n  Ctrl-C stops all of it.\n`);
  showServices(agent.url);
  await Promise.race([
    new Promise<void>((resolve) => seconds !== undefined && setTimeout(resolve, seconds * 1000)),
    agent.ended.then((sentence) => Promise.reject(new StepError(sentence))),
  ]);
}

/** The agent is attached before the shop's first process starts: it sees every connection from its beginning. */
async function startMeasuredShop(closers: Closers): Promise<Agent> {
  const port = await portOrAnother(AGENT_PORT, 'agent');
  let agent: Agent | undefined;
  const shop = startShop({
    prepare: (cgroup) =>
      step('Agent on the live kernel', async () => {
        const measure = (at: number) => startAgent({ listen: `127.0.0.1:${at}`, cgroup });
        // Loading the programs takes a while, and somebody else can be faster to listen.
        const started = await measure(port).catch(async (error) =>
          /Cannot listen/.test(error.message) ? measure(await freePort(0)) : Promise.reject(error)
        );
        closers.push(started.stop);
        agent = started;
      }),
  });
  closers.push((await shop).stop);
  return agent!;
}

async function startPreviewOf(agent: Agent, closers: Closers): Promise<string> {
  const port = await portOrAnother(PREVIEW_PORT, 'preview page');
  const serve = (at: number) => startPreview({ agentUrl: agent.url, listen: `127.0.0.1:${at}` });
  // The page may take a while to be ready to listen, and somebody else can be faster.
  const preview = await serve(port).catch((error) => (error.code === 'EADDRINUSE' ? serve(0) : Promise.reject(error)));
  closers.push(preview.close);
  return preview.url;
}

async function portOrAnother(wanted: number, whose: string): Promise<number> {
  const port = await freePort(wanted);
  if (port !== wanted) {
    console.log(`  Port ${wanted} is taken; the ${whose} takes ${port}.`);
  }
  return port;
}

function optionsOf(args: string[]): Options {
  const command = new Command('npm start --')
    .description('Runs the agent, a demo shop it measures, and the plugin on a page of its own.')
    .option('--seconds <number>', 'stop by itself after this long', (text) => {
      const seconds = Number(text);
      if (!(seconds > 0)) {
        throw new InvalidArgumentError('Expected a number above 0.');
      }
      return seconds;
    })
    .exitOverride();
  try {
    return command.parse(args, { from: 'user' }).opts<Options>();
  } catch (error) {
    // It has said what is wrong already.
    process.exit(error instanceof CommanderError ? error.exitCode : 1);
  }
}
