import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { ROOT, run, step, StepError } from './setup/steps.mjs';

const OUTPUT = join(ROOT, 'build/fuzz');
const SEEDS = join(ROOT, 'test/fuzz/seeds');
const DEFAULT_SECONDS = 60;

interface Options {
  runs?: number;
  seconds?: number;
}

/**
 * `npm run fuzz [-- --runs N | --seconds N]`: the HTTP programs against whatever libFuzzer thinks of (test/fuzz).
 * `npm run fuzz -- FILE`: one input once more, with the conversation that it stands for.
 *
 * @returns the exit code: not 0 when something was found
 */
export async function main(args: string[]): Promise<number> {
  const { file, options } = argumentsOf(args);
  await step('Fuzzer', (log) => run(log, 'make', ['-C', 'test/fuzz', `NODE=${process.execPath}`]));
  if (file !== undefined) {
    return fuzzer([file], { RINGSIDE_FUZZ_SHOW: '1' });
  }
  const [corpus, findings] = [join(OUTPUT, 'corpus'), join(OUTPUT, 'findings')];
  [corpus, findings].forEach((folder) => mkdirSync(folder, { recursive: true }));
  const bound = options.runs ? `-runs=${options.runs}` : `-max_total_time=${options.seconds ?? DEFAULT_SECONDS}`;
  const code = await fuzzer([bound, '-max_len=256', '-entropic=0', `-artifact_prefix=${findings}/`, corpus, SEEDS]);
  if (code !== 0) {
    console.error(
      `The input that it failed on is in ${relative(process.cwd(), findings)}. See it with "npm run fuzz -- FILE"; ` +
        'once it is mended, keep it in test/fuzz/seeds under a name that says what it was.'
    );
  }
  return code;
}

function argumentsOf(args: string[]): { file?: string; options: Options } {
  const command = new Command('npm run fuzz --')
    .argument('[file]', 'an input to run once')
    .option('--runs <number>', 'stop after so many inputs', positive)
    .option('--seconds <number>', `stop after so many seconds (default: ${DEFAULT_SECONDS})`, positive)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      process.exit(0);
    }
    throw new StepError(`${(error as Error).message.replace(/^error: /, '')}\n\n${command.helpInformation()}`);
  }
  const [given] = command.args;
  const file = given === undefined || isAbsolute(given) ? given : resolve(given);
  if (file !== undefined && !existsSync(file)) {
    throw new StepError(`There is no file ${file}.`);
  }
  return { file, options: command.opts() };
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(`It must be a whole number from 1 on, not "${text.slice(0, 40)}".`);
  }
  return value;
}

async function fuzzer(args: string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const child = spawn(join(OUTPUT, 'http'), args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}
