/** The table of what works on which kernel: that it says what was told, and that the one in the docs is of today's shape. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RELEASES } from '../../scripts/kernels/releases';
import { document } from '../../scripts/kernels/table';
import { isGood, judge, tallyOfKernels } from '../../scripts/kernels/verdict';
import type { Line } from '../kernels/guest/told';
import { SUITES } from '../kernels/suites';

const [OLDEST, ...NEWER] = RELEASES;
const [FIRST, SECOND] = SUITES;

const test1: Line = { event: 'test', suite: FIRST.name, name: 'counts', milliseconds: 1 };
const told = (...lines: Line[]): Line[] => [
  { event: 'booted', release: '5.10.0-32-cloud-amd64' },
  { event: 'agent', startMs: 1_000, status: { programs: [], notices: ['http_close is off: it is too old.'] } },
  ...lines,
  { event: 'done', milliseconds: 5_000 },
];

/** Cells by row and column. */
function read(text: string): { columns: string[]; rows: Map<string, string[]> } {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| -'));
  const [head, ...body] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  );
  return { columns: head.slice(1), rows: new Map(body.map(([title, ...cells]) => [title, cells])) };
}

test('a kernel is good when all that was run has passed, and it came to the end', () => {
  const ended: Line = { event: 'ended', suite: FIRST.name };
  const good = told(test1, { event: 'alive' }, ended);
  expect(isGood(judge(OLDEST, good, 'It hung.'))).toBe(true);
  const bad: Line[][] = [
    told({ ...test1, failure: 'one too many' }, ended),
    told(test1, { ...ended, failure: 'Its process ended with SIGSEGV.' }),
    // Nothing was told of its end.
    told(test1),
    // It was run, and nothing of it.
    told(ended),
    good.filter(({ event }) => event !== 'done'),
    good.filter(({ event }) => event !== 'agent'),
    good.map((line) => (line.event === 'agent' ? { ...line, failure: 'It ended with 1.' } : line)),
    [],
  ];
  for (const lines of bad) {
    expect([lines, isGood(judge(OLDEST, lines, 'It hung.'))]).toEqual([lines, false]);
  }
});

test('what a kernel shows counts as the tests that it has passed, its agent, and its end', () => {
  const ended: Line = { event: 'ended', suite: FIRST.name };
  const failed = { ...test1, name: 'loses nothing', failure: 'expected 3\nreceived 2' };
  const verdicts = [judge(OLDEST, told(test1, failed, ended), 'It hung.'), judge(NEWER[0], [], 'It hung.\nBUG: …')];
  expect(tallyOfKernels(verdicts)).toEqual({
    passed: 3,
    failed: 3,
    skipped: 0,
    failures: [
      `${OLDEST.kernel}: ${FIRST.name}: loses nothing: expected 3`,
      `${NEWER[0].kernel}: the agent: It was not started.`,
      `${NEWER[0].kernel}: as a whole: It hung.`,
    ],
  });
});

test('the table counts, and says below what is off and what fails', () => {
  const lines = told(
    test1,
    { ...test1, name: 'loses nothing', failure: 'expected 3\nreceived 2' },
    { event: 'ended', suite: FIRST.name }
  );
  const text = document([judge(OLDEST, lines, 'It hung.'), judge(NEWER[0], told().slice(0, 2), 'It hung.')]);
  const { columns, rows } = read(text);
  expect(columns).toEqual([`${OLDEST.kernel} (${OLDEST.suite})`, `${NEWER[0].kernel} (${NEWER[0].suite})`]);
  expect(rows.get('The agent starts')).toEqual(['yes', 'yes']);
  expect(rows.get(FIRST.title)).toEqual(['1 of 2', '–']);
  expect(rows.get(SECOND.title)).toEqual(['–', '–']);
  expect(text).toContain(`- ${OLDEST.kernel}: http_close is off: it is too old.\n`);
  expect(text).toContain(`- ${OLDEST.kernel}: ${FIRST.name}: loses nothing: expected 3\n`);
  expect(text).toContain(`- ${NEWER[0].kernel}: as a whole: It hung.\n`);
});

test('the table in the docs has a column for every kernel and a row for every suite', () => {
  const { columns, rows } = read(readFileSync(join(__dirname, '../../docs/kernels.md'), 'utf8'));
  expect(columns).toEqual(RELEASES.map(({ kernel, suite }) => `${kernel} (${suite})`));
  expect([...rows.keys()]).toEqual(['Kernel', 'The agent starts', ...SUITES.map(({ title }) => title)]);
  for (const { title } of SUITES) {
    expect([title, ...rows.get(title)!]).toEqual([title, ...RELEASES.map(() => expect.stringMatching(/^\d+ of \d+$/))]);
  }
});
