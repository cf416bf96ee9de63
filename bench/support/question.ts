/** Runs one benchmark: what every file in bench/ ends with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { summaryOf } from '../../scripts/bench/summary';
import { thisMachine } from './machine';
import { folderFor, readOptions } from './options';
import { Recording } from './recording';
import type { Declared, Result } from './result';
import { interleave, type Contender } from './rounds';

export interface Question extends Declared {
  /** Unless the command line says otherwise. */
  rounds: number;
  /** Length of one measurement. */
  seconds: number;
  run(run: Run): Promise<void>;
}

export interface Run {
  rounds: number;
  seconds: number;
  recording: Recording;
  /** A line for whoever waits. */
  say(line: string): void;
  /** Lets all contenders take turns, and records their figures. */
  compare(contenders: readonly Contender[]): Promise<void>;
}

/** @param file the benchmark's own: its name is the question's */
export async function ask(file: string, question: Question): Promise<void> {
  const { run, rounds, seconds, ...declared } = question;
  const options = readOptions(process.argv.slice(2));
  const name = basename(file).replace(/\.\w+$/, '');
  const startedMs = performance.now();
  const say = (line: string) => {
    const minutes = (performance.now() - startedMs) / 60_000;
    console.log(`  ${minutes.toFixed(1).padStart(5)} min  ${line}`);
  };
  const length = { rounds: options.rounds ?? rounds, seconds: options.seconds ?? seconds };
  const recording = new Recording({ question: name, machine: thisMachine(), ...declared, ...length });
  const compare = async (contenders: readonly Contender[]) => {
    contenders.forEach((contender) => recording.took(contender));
    for await (const { round, contender, figures } of interleave(contenders, length.rounds)) {
      say(`${round < 0 ? 'warm-up' : `round ${round + 1} of ${length.rounds}`}, ${contender.name}: ${told(figures)}`);
      if (round >= 0) {
        Object.entries(figures).forEach(([figure, value]) => recording.add(figure, contender.name, value));
      }
    }
  };
  try {
    await run({ ...length, recording, say, compare });
  } catch (error) {
    console.error(`\n${name}: ${(error as Error).stack}`);
    // What it had started may still run, and ends with this process.
    process.exit(1);
  }
  const result = recording.result(new Date());
  console.log(summaryOf(result));
  write(folderFor(options), result);
}

function told(figures: Record<string, number>): string {
  return Object.entries(figures)
    .map(([figure, value]) => `${figure} ${Number(value.toPrecision(4))}`)
    .join(', ');
}

function write(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${result.question}.json`), `${JSON.stringify(result, null, 2)}\n`);
}
