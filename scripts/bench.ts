import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { folderFor, OptionFault, readOptions, RESULTS, type Options } from '../bench/support/options';
import { buildAll } from './build/targets';
import { report, writeReport } from './bench/results';
import { mountCgroup2, requireRoot } from './setup/kernel';
import { ROOT, StepError } from './setup/steps.mjs';

const DOCS = join(ROOT, 'docs');

/**
 * `npm run bench [-- name… --rounds N --seconds N]`: the scripts of bench/, one after the other; each prints what it
 * found, and writes it to bench/results. `npm run bench -- --report` makes docs/benchmarks.md of those files.
 *
 * @returns the exit code: 1 when one of them failed
 */
export async function main(args: string[]): Promise<number> {
  const options = checked(args);
  if (options.report) {
    writeReport(report(benchmarks(), RESULTS), DOCS);
    return 0;
  }
  requireRoot('npm run bench');
  const names = chosen(options.names);
  mountCgroup2();
  await buildAll(['bpf', 'native', 'agent', 'demo']);
  let failed = 0;
  for (const [n, name] of names.entries()) {
    console.log(`\n${name} (${n + 1} of ${names.length})`);
    const flags = args.filter((each) => !options.names.includes(each));
    const child = spawn(process.execPath, ['--import', 'tsx', join('bench', `${name}.ts`), ...flags], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    const [code] = await once(child, 'exit');
    failed += Number(code !== 0);
  }
  console.log(`\nResults are in ${folderFor(options)}.`);
  if (folderFor(options) === RESULTS) {
    writeReport(report(benchmarks(), RESULTS), DOCS);
    console.log('docs/benchmarks.md says what they say.');
  }
  return failed > 0 ? 1 : 0;
}

/** In the order of the document. */
const ORDER = ['sidecars', 'sidecar-memory', 'kernel-cost', 'agent-cost', 'range-queries', 'freshness', 'scaling'];

/** What there is: every script in bench/, those of the issue's own questions first. */
export function benchmarks(): string[] {
  const all = readdirSync(join(ROOT, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/\.ts$/, ''));
  const placeOf = (name: string) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return all.sort((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b));
}

function checked(args: string[]): Options {
  try {
    return readOptions(args);
  } catch (error) {
    throw error instanceof OptionFault ? new StepError(error.message) : error;
  }
}

function chosen(names: string[]): string[] {
  const all = benchmarks();
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new StepError(`There is no benchmark "${unknown}"; there are: ${all.join(', ')}.`);
  }
  return names.length > 0 ? names : all;
}
