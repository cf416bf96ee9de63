/** What works on which kernel, as docs/kernels.md shows it. */
import { SUITES } from '../../test/kernels/suites';
import { failuresOf, type SuiteVerdict, type Verdict } from './verdict';

/** Says which way a table was made, so that nobody changes it by hand. */
const PREFACE = `# Kernels

Written by \`npm run test:kernels\`, which boots Debian’s own kernels in an emulated machine without disk or network. In
each, the built agent is started, and files of \`test/kernel\` are run as they are: against a real nginx’s log, with real
connections, in real cgroups. A cell says how many of a file’s tests passed; where each test loads the programs anew,
only some are run there.
`;

const NOT_RUN = '–';

export function document(verdicts: readonly Verdict[]): string {
  return [PREFACE, table(verdicts), off(verdicts), failed(verdicts)].filter(Boolean).join('\n');
}

export function table(verdicts: readonly Verdict[]): string {
  const rows = [
    ['', ...verdicts.map(({ kernel, suite }) => `${kernel} (${suite})`)],
    ['Kernel', ...verdicts.map(({ release }) => release)],
    ['The agent starts', ...verdicts.map(({ agentFailure }) => (agentFailure === undefined ? 'yes' : 'no'))],
    ...SUITES.map(({ title }, n) => [title, ...verdicts.map(({ suites }) => cell(suites[n]))]),
  ];
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => `| ${row.map((text, n) => text.padEnd(widths[n])).join(' | ')} |`;
  const [head, ...body] = rows.map(line);
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body, ''].join('\n');
}

function cell({ passed, failures }: SuiteVerdict): string {
  const all = passed + failures.length;
  return all === 0 ? NOT_RUN : `${passed} of ${all}`;
}

function off(verdicts: readonly Verdict[]): string {
  const sentences = verdicts.flatMap(({ kernel, notices }) => notices.map((notice) => `- ${kernel}: ${notice}`));
  return sentences.length > 0 ? ['## What is off', '', ...sentences, ''].join('\n') : '';
}

function failed(verdicts: readonly Verdict[]): string {
  const lines = verdicts.flatMap(failuresOf).map(({ title, text }) => `- ${title}: ${text}`);
  return lines.length > 0 ? ['## What fails', '', ...lines, ''].join('\n') : '';
}
