/** The live table, as lines of text. */
import type { ServiceRow } from './services';

const HEADINGS = ['service', 'requests/s', 'p50', 'p99', 'errors'];
const WIDTHS = [12, 12, 11, 11, 10];

export function tableLines(rows: readonly ServiceRow[]): string[] {
  return [HEADINGS, ...rows.map(cellsOf)].map((cells) => `  ${cells.map(padded).join('')}`);
}

function cellsOf(row: ServiceRow): string[] {
  return [
    row.name,
    row.requestsPerSecond?.toFixed(1) ?? '-',
    formatSeconds(row.p50Seconds),
    formatSeconds(row.p99Seconds),
    row.errorRatio === undefined ? '-' : `${(100 * row.errorRatio).toFixed(1)} %`,
  ];
}

/** Three digits at most: the histogram's buckets are 9 % wide. */
export function formatSeconds(seconds: number | undefined): string {
  if (seconds === undefined) {
    return '-';
  }
  const [scale, unit] = seconds >= 1 ? [1, 's'] : seconds >= 1e-3 ? [1e3, 'ms'] : [1e6, 'µs'];
  return `${Number((seconds * scale).toPrecision(3))} ${unit}`;
}

/** Names to the left, numbers to the right. */
function padded(cell: string, column: number): string {
  return column === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[column]);
}
