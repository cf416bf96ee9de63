import { buildAll } from './build/targets';
import { testKernels } from './kernels';
import { tallyOfKernels } from './kernels/verdict';
import { mountCgroup2 } from './setup/kernel';
import { run, step } from './setup/steps.mjs';
import { jest, type JestRun } from './test/jest';
import { add, NOTHING, summary, type Tally } from './test/tally';

const NODE = process.execPath;

/** What is checked without running anything of Ringside's; each counts as one test. */
const CHECKS: Array<{ title: string; args: string[] }> = [
  { title: 'Types', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { title: 'Lint', args: ['node_modules/eslint/bin/eslint.js', '--cache', '--max-warnings', '0', '.'] },
  { title: 'Generated code', args: ['--import', 'tsx', 'scripts/generate.ts', '--check'] },
];

/** Those that count events in the kernel, or wait for a browser, have the machine to themselves. */
const JEST_RUNS: JestRun[] = [
  { name: 'unit', args: ['--selectProjects', 'plugin', 'unit'] },
  { name: 'kernel', args: ['--selectProjects', 'kernel', '--runInBand'] },
  { name: 'e2e', args: ['--selectProjects', 'e2e', '--runInBand'] },
  { name: 'docker', args: ['--selectProjects', 'docker', '--runInBand'] },
];

/** What `npm run test:kernels` shows in minutes: the kernel that Debian 12 itself has, and the two suites that say most. */
const EMULATED = ['6.1', 'http', 'tcp'];

/**
 * `npm test`: builds, runs every check and every test, and ends with the sum alone on a line.
 * `npm test -- path…`: builds, and hands everything after the dashes to Jest.
 *
 * @returns the exit code
 */
export async function main(args: string[]): Promise<number> {
  mountCgroup2();
  await buildAll();
  const tally = args.length > 0 ? await jest({ name: 'chosen', args: ['--runInBand', ...args] }) : await everything();
  tally.failures.forEach((failure) => console.log(`FAILED ${failure}`));
  console.log(summary(tally));
  return tally.failed === 0 ? 0 : 1;
}

async function everything(): Promise<Tally> {
  let tally = NOTHING;
  for (const { title, args } of CHECKS) {
    tally = add(tally, await verdict(title, () => check(title, args)));
  }
  for (const each of JEST_RUNS) {
    tally = add(tally, await jest(each));
  }
  return add(tally, await verdict('Emulated kernel', async () => tallyOfKernels(await testKernels(EMULATED))));
}

async function check(title: string, args: string[]): Promise<Tally> {
  await step(title, (log) => run(log, NODE, args));
  return { ...NOTHING, passed: 1 };
}

async function verdict(title: string, work: () => Promise<Tally>): Promise<Tally> {
  try {
    return await work();
  } catch (error) {
    return { ...NOTHING, failed: 1, failures: [`${title}: ${(error as Error).message}`] };
  }
}
