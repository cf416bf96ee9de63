/** What a benchmark is told on its command line. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(__dirname, '../..');
/** Kept, and what the document is made of. */
export const RESULTS = join(ROOT, 'bench', 'results');
/** Runs that were shortened: to see whether a benchmark works, not what it says. */
export const TRIALS = join(ROOT, 'build', 'bench');

export interface Options {
  /** Undefined is the benchmark's own. */
  rounds?: number;
  seconds?: number;
  /** Benchmarks, by name; empty is all. */
  names: string[];
  /** Nothing is measured: the document is made anew. */
  report: boolean;
}

/** @throws OptionFault with a sentence */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  return {
    rounds: wholeNumber('rounds', values.rounds, 1_000),
    seconds: wholeNumber('seconds', values.seconds, 604_800),
    names: positionals,
    report: values.report ?? false,
  };
}

export class OptionFault extends Error {
  override readonly name = 'OptionFault';
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { rounds: { type: 'string' }, seconds: { type: 'string' }, report: { type: 'boolean' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new OptionFault(
      `${(error as Error).message}\nUsage: npm run bench [-- NAME… --rounds N --seconds N | --report]`
    );
  }
}

function wholeNumber(name: string, text: string | undefined, most: number): number | undefined {
  const number = text === undefined ? undefined : Number(text);
  if (number !== undefined && !(Number.isInteger(number) && number >= 1 && number <= most)) {
    throw new OptionFault(`--${name} is a whole number from 1 to ${most}, got "${text}".`);
  }
  return number;
}

/** Where a run's result goes: only what was measured as the benchmark asks for is kept. */
export function folderFor({ rounds, seconds }: Pick<Options, 'rounds' | 'seconds'>): string {
  return rounds === undefined && seconds === undefined ? RESULTS : TRIALS;
}
