/** docs/benchmarks.md, made of the result files and nothing else. */
import type { Result } from '../../bench/support/result';
import { written } from './numbers';
import { hasPlot } from './plot';
import { curveRows, figureRows, ratioRows, verdictOn, type CurveRow } from './summary';

const PREFACE = `# What it costs, side by side

Written by \`npm run bench -- --report\` from the files in \`bench/results\`; they hold every value of every round.

All contenders of a benchmark take turns in one run, and each round begins with another one. A ratio is taken within a
round, so that a machine that drifts does not matter; it says more than the figures it is made of, which are this one
machine's. Goals are held against medians. To repeat one of them: \`npm run bench -- NAME\`, as root; all of them:
\`npm run bench\`. \`--rounds\` and \`--seconds\` shorten a run, whose result then stays out of this document.
`;

/**
 * @param results in the order of the document
 * @param unanswered names of benchmarks that have no result file yet
 */
export function document(results: readonly Result[], unanswered: readonly string[]): string {
  const open = unanswered.map((name) => `\`${name}\``).join(', ');
  return [PREFACE, ...(unanswered.length > 0 ? [`Not measured yet: ${open}.\n`] : []), ...results.map(section)].join(
    '\n'
  );
}

function section(result: Result): string {
  const { question, title, asks, method } = result;
  const plot = hasPlot(result) ? [`![${title}](benchmarks/${question}.svg)`] : [];
  return [
    `## ${title}`,
    asks,
    method,
    ...tables(result),
    ...plot,
    ...exponents(result),
    `*\`npm run bench -- ${question}\`. ${ground(result)}*`,
    '',
  ].join('\n\n');
}

function tables(result: Result): string[] {
  const ratios = ratioRows(result);
  const figures = figureRows(result);
  const spreadOf = ({ min, median, max }: { min: number; median: number; max: number }) =>
    [min, median, max].map(written);
  return [
    ...(ratios.length > 0
      ? [
          table(
            ['ratio', ...SPREAD, 'goal'],
            ratios.map((row) => [row.name, ...spreadOf(row), verdictOn(row)])
          ),
        ]
      : []),
    ...(figures.length > 0
      ? [
          table(
            ['figure', 'of', ...SPREAD, 'unit', 'goal'],
            figures.map((row) => [row.name, row.contender, ...spreadOf(row), row.unit, verdictOn(row)])
          ),
        ]
      : []),
  ];
}

const SPREAD = ['minimum', 'median', 'maximum'];

function exponents(result: Result): string[] {
  const rows = curveRows(result);
  const medians = ({ places }: CurveRow) =>
    places.map(({ x, median }) => `${written(x)}: ${written(median)}`).join(', ');
  return rows.length === 0
    ? []
    : [
        table(
          ['cost', 'of', 'against', 'medians', 'exponent'],
          rows.map((row) => [
            `${row.name}, ${row.unit}`,
            row.line,
            row.across,
            medians(row),
            row.exponent?.toFixed(2) ?? 'none',
          ])
        ),
      ];
}

/** On one line: what the figures were taken on, with whom. */
function ground({ date, machine, contenders, missing, rounds, seconds }: Result): string {
  const { kernel, distribution, processor, processors, memoryGiB, node } = machine;
  const took = contenders.map(({ name, version }) => (version === '' ? name : `${name} (${version})`)).join(', ');
  const left = missing.map(({ name, reason }) => `${name} (${reason})`).join(', ');
  return [
    `${date}: ${distribution}, Linux ${kernel}, ${processors} × ${processor}, ${memoryGiB} GiB, Node ${node}.`,
    `${rounds} rounds, ${seconds} s each measurement.`,
    ...(took ? [`Took part: ${took}.`] : []),
    ...(left ? [`Left out: ${left}.`] : []),
  ].join(' ');
}

function table(head: readonly string[], body: readonly string[][]): string {
  // A column nobody has anything to say in is left out.
  const used = head.map((_, n) => n).filter((n) => body.some((row) => row[n] !== ''));
  const rows = [head, ...body].map((row) => used.map((n) => row[n].replaceAll('|', '\\|')));
  const widths = used.map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (row: readonly string[]) => `| ${row.map((text, n) => text.padEnd(widths[n])).join(' | ')} |`;
  const [first, ...others] = rows.map(line);
  return [first, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others].join('\n');
}
