/** What became of the tests on one kernel, out of the lines that its guest has told. */
import type { Line } from '../../test/kernels/guest/told';
import { SUITES } from '../../test/kernels/suites';
import type { Tally } from '../test/tally';
import type { Release } from './releases';

/** In the place of the name of a kernel that has told nothing. */
const NONE = 'did not boot';
/** In the place of a test's name. */
const WHOLE = 'as a whole';

export interface Verdict extends Release {
  /** As `uname -r` says. */
  release: string;
  /** What the agent said of itself: one sentence for each part that this kernel cannot do. */
  notices: readonly string[];
  /** Why the agent did not start. */
  agentFailure?: string;
  suites: readonly SuiteVerdict[];
  /** Why it has not come to the end of its tests, or could not be had at all. */
  failure?: string;
  /** The same of a first boot, after which it was booted again. */
  firstFailure?: string;
}

export interface SuiteVerdict {
  name: string;
  passed: number;
  /** What each failed test, or the file as a whole, has said. */
  failures: readonly Failure[];
  /** What those have said that passed at their second try. */
  retries: readonly Failure[];
}

export interface Failure {
  test: string;
  text: string;
}

/** @param ending how the machine ended; it says why, when the tests had not come to their end */
export function judge(release: Release, lines: readonly Line[], ending: string): Verdict {
  const booted = lines.find((line) => line.event === 'booted');
  const agent = lines.find((line) => line.event === 'agent');
  return {
    ...release,
    release: booted?.release ?? NONE,
    notices: agent?.status?.notices ?? [],
    agentFailure: agent ? agent.failure : 'It was not started.',
    suites: SUITES.map(({ name }) => judgeSuite(name, lines)),
    failure: lines.some(({ event }) => event === 'done') ? undefined : ending,
  };
}

function judgeSuite(name: string, lines: readonly Line[]): SuiteVerdict {
  const mine = lines.filter((line) => 'suite' in line && line.suite === name);
  const tests = mine.filter((line) => line.event === 'test');
  const told = (what: 'failure' | 'firstFailure') =>
    tests.flatMap(({ name: test, [what]: text }) => (text === undefined ? [] : [{ test, text }]));
  const failures = told('failure');
  const passed = tests.length - failures.length;
  if (mine.length > 0) {
    const ended = mine.find((line) => line.event === 'ended');
    const nothing = tests.length === 0 ? 'None of its tests was run.' : undefined;
    const text = ended ? (ended.failure ?? nothing) : 'It did not come to its end.';
    failures.push(...(text === undefined ? [] : [{ test: WHOLE, text }]));
  }
  return { name, passed, failures, retries: told('firstFailure') };
}

/** Whether everything that was run has passed. */
export function isGood(verdict: Verdict): boolean {
  return tallyOfKernels([verdict]).failed === 0;
}

/** As `npm test` counts: that the agent starts and that the kernel comes to the end of its tests is a test each. */
export function tallyOfKernels(verdicts: readonly Verdict[]): Tally {
  const failures = verdicts.flatMap((verdict) => failuresOf(verdict).map(({ title, text }) => `${title}: ${text}`));
  const passed = verdicts.flatMap(({ agentFailure, failure, suites }) => [
    ...[agentFailure, failure].map((text) => (text === undefined ? 1 : 0)),
    ...suites.map((suite) => suite.passed),
  ]);
  return { passed: passed.reduce((sum, each) => sum + each, 0), failed: failures.length, skipped: 0, failures };
}

/** Everything that has failed on a kernel, each with the first line of what it has said. */
export function failuresOf({ kernel, agentFailure, suites, failure }: Verdict): Array<{ title: string; text: string }> {
  const all = [
    ...(agentFailure === undefined ? [] : [{ title: `${kernel}: the agent`, text: agentFailure }]),
    ...suites.flatMap(({ name, failures }) =>
      failures.map(({ test, text }) => ({ title: `${kernel}: ${name}: ${test}`, text }))
    ),
    ...(failure === undefined ? [] : [{ title: `${kernel}: as a whole`, text: failure }]),
  ];
  return all.map(({ title, text }) => ({ title, text: text.split('\n')[0].trim() }));
}
