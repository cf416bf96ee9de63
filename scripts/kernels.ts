import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Line } from '../test/kernels/guest/told';
import { SUITES } from '../test/kernels/suites';
import { buildAll } from './build/targets';
import { fetchKernel, type Kernel } from './kernels/debian';
import { packGuest } from './kernels/guest';
import { packModules } from './kernels/modules';
import { boot, type Ending } from './kernels/qemu';
import { RELEASES, type Release } from './kernels/releases';
import { document, table } from './kernels/table';
import { isGood, judge, tallyOfKernels, type Failure, type Verdict } from './kernels/verdict';
import { ROOT, step, StepError } from './setup/steps.mjs';

const FOLDER = join(ROOT, 'build', 'kernels');
const GUEST = join(FOLDER, 'guest.cpio');
const DOCUMENT = join(ROOT, 'docs', 'kernels.md');
/** A kernel's start, and the agent's; then each suite: several times what it takes where nothing else runs. */
const START_MS = 5 * 60_000;
const SUITE_MS = 8 * 60_000;
const ENDINGS: Record<Ending, string> = {
  off: 'It ended before its tests did.',
  silent: 'It told nothing any more.',
  late: 'It was not through with its tests when its time was over.',
};
/** How much of what a kernel has said is shown when it did not come to its end. */
const CONSOLE_LINES = 30;

/**
 * `npm run test:kernels [-- kernel… suite…]`: boots Debian's kernels, runs the kernel tests in each, and prints what
 * works on which: `npm run test:kernels -- 5.10 http tcp` only these. What was run as a whole goes into the docs.
 *
 * @returns the exit code: 1 when something that was run has failed
 */
export async function main(words: string[]): Promise<number> {
  const verdicts = await testKernels(words);
  if (words.length === 0 && verdicts.every(({ failure }) => failure === undefined)) {
    writeFileSync(DOCUMENT, document(verdicts));
  }
  return verdicts.every(isGood) ? 0 : 1;
}

/** Runs what the words name, prints what works, and in full what does not. */
export async function testKernels(words: readonly string[]): Promise<Verdict[]> {
  const { releases, suites } = chosen(words);
  mkdirSync(FOLDER, { recursive: true });
  await buildAll(['bpf', 'native', 'agent']);
  await step('Guest', () => packGuest(join(FOLDER, 'guest'), GUEST));
  const verdicts: Verdict[] = [];
  for (const release of releases) {
    verdicts.push(await test(release, suites));
  }
  console.log(`\n${table(verdicts)}`);
  verdicts.flatMap(textsOf).forEach((text) => console.log(text));
  return verdicts;
}

function chosen(words: readonly string[]): { releases: readonly Release[]; suites: readonly string[] } {
  const kernels = RELEASES.map(({ kernel }) => kernel);
  const names = SUITES.map(({ name }) => name);
  const unknown = words.find((word) => ![...kernels, ...names].includes(word));
  if (unknown !== undefined) {
    throw new StepError(
      `There is neither a kernel nor a suite "${unknown}". Kernels: ${kernels.join(', ')}; suites: ${names.join(', ')}.`
    );
  }
  const of = <T>(all: readonly T[], name: (each: T) => string) => {
    const some = all.filter((each) => words.includes(name(each)));
    return some.length > 0 ? some : all;
  };
  return { releases: of(RELEASES, ({ kernel }) => kernel), suites: of(names, (name) => name) };
}

/** A kernel that cannot be had, or does not come to its end, takes none of the others along. */
async function test(release: Release, suites: readonly string[]): Promise<Verdict> {
  let verdict!: Verdict;
  try {
    await step(`Linux ${release.kernel}`, async (log) => {
      const machine = prepare(await fetchKernel(release.suite, FOLDER, log));
      const started = performance.now();
      const first = await run(release, machine, suites);
      const isHung = first.verdict.failure !== undefined && first.ending !== 'late';
      verdict = isHung
        ? { ...(await run(release, machine, suites)).verdict, firstFailure: first.verdict.failure }
        : first.verdict;
      const { passed, failed } = tallyOfKernels([verdict]);
      const seconds = Math.round((performance.now() - started) / 1000);
      return `${verdict.release}: ${passed} passed, ${failed} failed, ${seconds} s`;
    });
  } catch (error) {
    verdict = judge(release, [], (error as Error).message);
  }
  return verdict;
}

/** A kernel, and what is booted with it. */
interface Machine {
  image: string;
  archive: string;
  /** Files that it writes. */
  console: string;
  results: string;
}

function prepare(kernel: Kernel): Machine {
  const at = (name: string) => join(FOLDER, `${kernel.release}.${name}`);
  packModules(kernel, at('modules'), at('modules.cpio'));
  execFileSync('/bin/sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', GUEST, at('modules.cpio'), at('cpio')]);
  return { image: kernel.image, archive: at('cpio'), console: at('console'), results: at('results') };
}

async function run(release: Release, machine: Machine, suites: readonly string[]) {
  [machine.console, machine.results].forEach((file) => rmSync(file, { force: true }));
  const ending = await boot({
    ...machine,
    without: release.without,
    words: [`ringside.suites=${suites.join(',')}`],
    timeoutMs: START_MS + suites.length * SUITE_MS,
  });
  const said = linesOf(machine.console).slice(-CONSOLE_LINES);
  return { ending, verdict: judge(release, told(machine.results), [ENDINGS[ending], ...said].join('\n')) };
}

function told(file: string): Line[] {
  return linesOf(file).flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      // A machine that was cut off may have been in the middle of one.
      return [];
    }
  });
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

function textsOf({ kernel, suites, agentFailure, failure, firstFailure }: Verdict): string[] {
  const text = (verb: string, what: string, said: string | undefined) =>
    said === undefined ? [] : [`${verb} ${kernel} ${what}\n${said}\n`];
  const texts = (verb: string, suite: string, failures: readonly Failure[]) =>
    failures.flatMap(({ test, text: said }) => text(verb, `${suite} › ${test}`, said));
  return [
    ...text('BOOTED AGAIN', 'as a whole', firstFailure),
    ...text('FAILED', 'the agent', agentFailure),
    ...suites.flatMap(({ name, failures, retries }) => [
      ...texts('TRIED AGAIN', name, retries),
      ...texts('FAILED', name, failures),
    ]),
    ...text('FAILED', 'as a whole', failure),
  ];
}
