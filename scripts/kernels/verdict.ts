/** What became of the tests on one kernel, out of the lines that its guest has told. */
import type { Line } from '../../test/kernels/guest/told';
import { SUITES } from '../../test/kernels/suites';
import type { Release } from './releases';

export interface Verdict extends Release {
  /** As `uname -r` says. */
  release: string;
  /** What the agent said of itself: one sentence for each part that this kernel cannot do. */
  notices: readonly string[];
  /** Why the agent did not start. */
  agentFailure?: string;
  suites: readonly SuiteVerdict[];
  /** From the kernel's first instruction to its last; undefined when it did not get there. */
  seconds?: number;
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

/** @param seconds undefined when the machine did not turn itself off */
export function judge(release: Release, lines: readonly Line[], seconds: number | undefined): Verdict {
  const booted = lines.find((line) => line.event === 'booted');
  const agent = lines.find((line) => line.event === 'agent');
  return {
    ...release,
    release: booted?.release ?? 'did not boot',
    notices: agent?.status?.notices ?? [],
    agentFailure: agent ? agent.failure : 'It was not started.',
    suites: SUITES.map(({ name }) => judgeSuite(name, lines)),
    seconds: lines.at(-1)?.event === 'done' ? seconds : undefined,
  };
}

function judgeSuite(name: string, lines: readonly Line[]): SuiteVerdict {
  const mine = lines.filter((line) => 'suite' in line && line.suite === name);
  const tests = mine.filter((line) => line.event === 'test');
  const told = (what: 'failure' | 'firstFailure') =>
    tests.flatMap(({ name: test, [what]: text }) => (text === undefined ? [] : [{ test, text }]));
  const failures = told('failure');
  const passed = tests.length - failures.length;
  const ended = mine.find((line) => line.event === 'ended');
  if (mine.length > 0 && (!ended || ended.failure)) {
    failures.push({ test: 'as a whole', text: ended?.failure ?? 'It did not come to its end.' });
  }
  return { name, passed, failures, retries: told('firstFailure') };
}

/** Whether everything that was run has passed. */
export function isGood({ agentFailure, suites, seconds }: Verdict): boolean {
  return agentFailure === undefined && seconds !== undefined && suites.every(({ failures }) => failures.length === 0);
}
