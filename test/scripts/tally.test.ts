/** The last line of `npm test`, which others read. */
import { add, NOTHING, summary, tallyOf, type JestReport } from '../../scripts/test/tally';

const report = (rest: Partial<JestReport>): JestReport => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...rest,
});

test('says skipped tests only where there are any', () => {
  expect(summary({ ...NOTHING, passed: 3 })).toBe('3 passed, 0 failed');
  expect(summary({ passed: 3, failed: 1, skipped: 2, failures: [] })).toBe('3 passed, 1 failed, 2 skipped');
});

test('adds up', () => {
  const one = { passed: 1, failed: 1, skipped: 0, failures: ['a'] };
  expect(add(add(NOTHING, one), { passed: 2, failed: 1, skipped: 4, failures: ['b'] })).toEqual({
    passed: 3,
    failed: 2,
    skipped: 4,
    failures: ['a', 'b'],
  });
});

test('names the tests that failed', () => {
  const assertionResults = [
    { status: 'passed', fullName: 'good' },
    { status: 'failed', fullName: 'bad' },
  ];
  const testResults = [{ name: 'x.test.ts', status: 'failed', assertionResults }];
  expect(tallyOf('unit', report({ numPassedTests: 1, numFailedTests: 1, testResults }), 1)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
    failures: ['x.test.ts: bad'],
  });
});

test('a file that could not be run is a failure', () => {
  const testResults = [{ name: 'x.test.ts', status: 'failed', assertionResults: [] }];
  expect(tallyOf('unit', report({ testResults }), 1)).toMatchObject({
    failed: 1,
    failures: ['x.test.ts: could not be run'],
  });
});

test('so is a run that ends badly without a failed test, or without a report', () => {
  expect(tallyOf('kernel', report({ numPassedTests: 5 }), 1)).toMatchObject({ passed: 5, failed: 1 });
  expect(tallyOf('kernel', undefined, 134)).toMatchObject({
    failed: 1,
    failures: ['kernel tests: Jest ended with code 134'],
  });
});

test('counts skipped and planned tests', () => {
  expect(tallyOf('unit', report({ numPassedTests: 1, numPendingTests: 2, numTodoTests: 1 }), 0)).toMatchObject({
    passed: 1,
    failed: 0,
    skipped: 3,
  });
});
