/** What a reader of an answer should know about it. */
import type { Notice } from '../../wire/answer';
import { FINITE_BUCKETS, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import type { Query } from '../../wire/query';
import type { Gap } from '../history/scanner';
import type { Grid } from './grid';
import type { Measure } from './measure';
import type { Plan } from './plan';
import { Quantiles } from './quantiles';
import type { QueryContext } from './query';
import type { ResolvedRange } from './range';

/** More than these would hide everything else that is to be read. */
const GAPS_TOLD = 3;

/** About the range and its steps. */
export function rangeNotices(query: Query, grid: Grid, range: ResolvedRange, { history }: QueryContext): Notice[] {
  const notices: Notice[] = [];
  const { startMs } = history;
  if (startMs === null) {
    notices.push(info('Nothing has been recorded yet; history starts with the first second.'));
  } else if (range.from < startMs) {
    notices.push(info(`History starts at ${new Date(startMs).toISOString()}; there is nothing before.`));
  }
  notices.push(...gapNotices(history.gaps(range.from, range.to)));
  if (query.stepMs !== undefined && grid.steps > 1 && grid.stepMs > Math.ceil(query.stepMs / 1000) * 1000) {
    notices.push(
      info(
        `Steps are ${grid.stepMs / 1000} s instead of ${query.stepMs / 1000} s: that is what is still kept of the start of the range.`
      )
    );
  }
  return notices;
}

/** The longest gaps, in the order of time. */
function gapNotices(gaps: readonly Gap[]): Notice[] {
  const lengthOf = ({ fromMs, toMs }: Gap) => toMs - fromMs;
  const longest = [...gaps].sort((a, b) => lengthOf(b) - lengthOf(a)).slice(0, GAPS_TOLD);
  const told = gaps.filter((gap) => longest.includes(gap));
  const notices = told.map(({ fromMs, toMs }) =>
    info(`Nothing was measured from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}.`)
  );
  const more = gaps.length - told.length;
  return more > 0 ? [...notices, info(`There are ${more} shorter gaps in the range.`)] : notices;
}

/** About values that lie outside the range of the histogram. */
export function outOfRangeNotices({ metric }: Plan, measure: Measure): Notice[] {
  const notices: Notice[] = [];
  if (measure instanceof Quantiles && measure.aboveRange) {
    const bound = upperBoundSeconds(FINITE_BUCKETS, metric.minExponent);
    notices.push({
      severity: 'warning',
      text: `Some quantiles are above ${bound} s, the highest bound, and shown as it.`,
    });
  }
  if (measure instanceof Quantiles && measure.belowRange) {
    const bound = upperBoundSeconds(UNDERFLOW, metric.minExponent);
    notices.push(info(`Some quantiles are below ${bound} s, the lowest bound, and shown as it.`));
  }
  return notices;
}

function info(text: string): Notice {
  return { severity: 'info', text };
}
