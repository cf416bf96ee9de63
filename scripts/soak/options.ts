/** What the person who starts a soak may choose. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { StepError } from '../setup/steps.mjs';

const DEFAULT_MINUTES = 10;
const DEFAULT_PODS = 40;
const DEFAULT_LIVES = 4;
const MAX_PODS = 400;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export interface SoakOptions {
  /** From the moment everything runs to the moment the load ends; `Infinity` where kills alone end it. */
  durationMs: number;
  /** How many times the agent is killed, at random moments; without it, it is restarted now and then. */
  kills?: number;
  /** Of the agent, in that time: one leaves it alone. */
  lives: number;
  pods: number;
  /** Of everything that chance decides. */
  seed: number;
}

interface Flags {
  hours?: number;
  minutes?: number;
  seconds?: number;
  kills?: number;
  lives: number;
  pods: number;
  seed: number;
}

/** @throws StepError with the sentence for whoever typed them */
export function readOptions(args: string[]): SoakOptions {
  const command = new Command('npm run soak --')
    .description(
      'Runs the agent for long beside pods that come and go, with restarts and an open dashboard, and checks at the end ' +
        'that nothing grew and that every request is told. Ctrl-C ends it early; it checks and reports all the same.'
    )
    .option('--hours <number>', 'how long', positive)
    .option('--minutes <number>', `the same in minutes (default: ${DEFAULT_MINUTES})`, positive)
    .option('--seconds <number>', 'the same in seconds', positive)
    .option(
      '--kills <count>',
      'kill the agent so many times, at random moments, and start it again at once',
      wholeUpTo(1e6)
    )
    .option('--lives <count>', 'of the agent in that time; 1 leaves it alone', wholeUpTo(1e6), DEFAULT_LIVES)
    .option('--pods <count>', 'pods that are there at a time', wholeUpTo(MAX_PODS), DEFAULT_PODS)
    .option('--seed <number>', 'of everything that chance decides', wholeUpTo(2 ** 32 - 1), Date.now() % 2 ** 32)
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
  const { hours, minutes, seconds, ...rest } = command.opts<Flags>();
  const givenMs = (hours ?? 0) * HOUR_MS + (minutes ?? 0) * MINUTE_MS + (seconds ?? 0) * 1000;
  const unboundedMs = rest.kills === undefined ? DEFAULT_MINUTES * MINUTE_MS : Infinity;
  return { durationMs: givenMs || unboundedMs, ...rest };
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) {
    throw new InvalidArgumentError(`It must be a number above 0, not "${text.slice(0, 40)}".`);
  }
  return value;
}

function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}, not "${text.slice(0, 40)}".`);
    }
    return value;
  };
}
