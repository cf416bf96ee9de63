/** The counts of one or several runs of tests. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** One line each: what failed. */
  failures: readonly string[];
}

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

export function add(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  };
}

/** The last line of `npm test`. */
export function summary({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** What Jest writes with --json; the part of it that is read here. */
export interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: Array<{
    name: string;
    status: string;
    assertionResults: Array<{ status: string; fullName: string }>;
  }>;
}

/**
 * A file that could not even be run has no failed test in it and counts as one; so does a run that failed in another way.
 *
 * @param report undefined when Jest ended before it wrote one
 */
export function tallyOf(run: string, report: JestReport | undefined, exitCode: number): Tally {
  const failures = (report?.testResults ?? []).flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${name}: ${test.fullName}`);
    return failed.length > 0 || status !== 'failed' ? failed : [`${name}: could not be run`];
  });
  if (failures.length === 0 && exitCode !== 0) {
    failures.push(`${run} tests: Jest ended with code ${exitCode}`);
  }
  return {
    passed: report?.numPassedTests ?? 0,
    failed: failures.length,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
    failures,
  };
}
