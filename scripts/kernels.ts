import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Line } from '../test/kernels/guest/told';
import { SUITES } from '../test/kernels/suites';
import { buildAll } from './build/targets';
import { DebianKernels } from './kernels/debian';
import { packGuest } from './kernels/guest';
import { packModules } from './kernels/modules';
import { boot } from './kernels/qemu';
import { RELEASES, type Release } from './kernels/releases';
import { document, table } from './kernels/table';
import { isGood, judge, type Failure, type Verdict } from './kernels/verdict';
import { ROOT, step, StepError, type Log } from './setup/steps.mjs';

const FOLDER = join(ROOT, 'build', 'kernels');
const GUEST = join(FOLDER, 'guest.cpio');
const DOCUMENT = join(ROOT, 'docs', 'kernels.md');
/** Of one kernel, all suites; several times what it takes where nothing else runs. */
const TIMEOUT_MS = 45 * 60_000;

/**
 * `npm run test:kernels [-- kernel… suite…]`: boots Debian's kernels, runs the kernel tests in each, and prints what
 * works on which: `npm run test:kernels -- 5.10 http tcp` only these. What was run as a whole goes into the docs.
 *
 * @returns the exit code: 1 when something that was run has failed
 */
export async function main(words: string[]): Promise<number> {
  const { releases, suites } = chosen(words);
  mkdirSync(FOLDER, { recursive: true });
  await buildAll(['bpf', 'native', 'agent']);
  await step('Guest', () => packGuest(join(FOLDER, 'guest'), GUEST));
  const debian = new DebianKernels(FOLDER);
  await step('Lists of Debian’s packages', (log) => debian.update(log));
  const verdicts: Verdict[] = [];
  for (const release of releases) {
    verdicts.push(await test(release, suites, debian));
  }
  const everything = words.length === 0;
  if (everything) {
    writeFileSync(DOCUMENT, document(verdicts));
  }
  console.log(`\n${everything ? document(verdicts) : table(verdicts)}`);
  failuresOf(verdicts).forEach((text) => console.log(text));
  return verdicts.every(isGood) ? 0 : 1;
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

async function test(release: Release, suites: readonly string[], debian: DebianKernels): Promise<Verdict> {
  let verdict!: Verdict;
  await step(`Linux ${release.kernel}`, async (log) => {
    const kernel = await debian.fetch(release, log);
    const at = (name: string) => join(FOLDER, `${kernel.release}.${name}`);
    packModules(kernel, at('modules'), at('modules.cpio'));
    execFileSync('/bin/sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', GUEST, at('modules.cpio'), at('cpio')]);
    [at('console'), at('results')].forEach((file) => rmSync(file, { force: true }));
    const started = performance.now();
    const isOff = await boot({
      image: kernel.image,
      without: release.without,
      archive: at('cpio'),
      words: [`ringside.suites=${suites.join(',')}`],
      console: at('console'),
      results: at('results'),
      timeoutMs: TIMEOUT_MS,
    });
    const seconds = (performance.now() - started) / 1000;
    verdict = judge(release, linesOf(at('results'), log), isOff ? seconds : undefined);
    const failed = verdict.suites.reduce((sum, { failures }) => sum + failures.length, 0);
    const passed = verdict.suites.reduce((sum, suite) => sum + suite.passed, 0);
    return `${kernel.release}: ${passed} passed, ${failed} failed, ${Math.round(seconds)} s`;
  });
  return verdict;
}

/** A machine that was cut off may have been in the middle of a line. */
function linesOf(file: string, log: Log): Line[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      log.write(`Not JSON: ${line}\n`);
      return [];
    }
  });
}

function failuresOf(verdicts: readonly Verdict[]): string[] {
  const texts = (verb: string, kernel: string, suite: string, failures: readonly Failure[]) =>
    failures.map(({ test, text }) => `${verb} ${kernel} ${suite} › ${test}\n${text}\n`);
  return verdicts.flatMap(({ kernel, suites }) =>
    suites.flatMap(({ name, failures, retries }) => [
      ...texts('TRIED AGAIN', kernel, name, retries),
      ...texts('FAILED', kernel, name, failures),
    ])
  );
}
