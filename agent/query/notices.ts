/** What a reader of an answer should know about it. */
import type { Notice } from '../../wire/answer';
import { FINITE_BUCKETS, UNDERFLOW, upperBoundSeconds } from '../../wire/histogram';
import type { Query } from '../../wire/query';
import type { Grid } from './grid';
import type { Measure } from './measure';
import type { Plan } from './plan';
import { Quantiles } from './quantiles';
import type { QueryContext } from './query';
import type { ResolvedRange } from './range';

/** About the range and its steps. */
export function rangeNotices(query: Query, grid: Grid, range: ResolvedRange, { history }: QueryContext): Notice[] {
  const notices: Notice[] = [];
  const { startMs } = history;
  if (startMs === null) {
    notices.push(info('Nothing has been recorded yet; history starts with the first second.'));
  } else if (range.from < startMs) {
    notices.push(info(`History starts at ${new Date(startMs).toISOString()}; there is nothing before.`));
  }
  if (query.stepMs !== undefined && grid.steps > 1 && grid.stepMs > Math.ceil(query.stepMs / 1000) * 1000) {
    notices.push(
      info(
        `Steps are ${grid.stepMs / 1000} s instead of ${query.stepMs / 1000} s: that is what is still kept of the start of the range.`
      )
    );
  }
  return notices;
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
