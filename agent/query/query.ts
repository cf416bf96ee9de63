/**
 * Answers queries from the history and, for the last moments, from the kernel's own memory. Pure: the same history, live
 * source and time give the same answer.
 */
import type { LiveSource } from '../history/deltas';
import type { History } from '../history/history';
import type { SeriesTable } from '../history/series';
import type { Notice, Result } from '../../wire/answer';
import { isWireError } from '../../wire/errors';
import type { Query } from '../../wire/query';
import { Average } from './averages';
import { Cells, Distribution } from './buckets';
import { ErrorRatio } from './error-ratio';
import { Increase, Rate } from './events';
import { framesOf, type QueryResult } from './frame';
import { columnNamesOf, heatmapFrame, histogramFrame, tableFrame, timeSeriesFrames, type Line } from './frames';
import { planGrid, wholeRange, type Grid, type Range } from './grid';
import { Groups } from './groups';
import { AverageLevel, Level } from './levels';
import type { Measure } from './measure';
import { outOfRangeNotices, rangeNotices } from './notices';
import { planQuery, type Plan } from './plan';
import { Quantiles } from './quantiles';
import { resolveRange, tellRange, type ResolvedRange } from './range';
import { LiveSnapshot } from './snapshot';

export interface QueryContext {
  history: History;
  live: LiveSource;
  series: SeriesTable;
  /** By the wall clock. */
  nowMs: number;
}

export interface QueryOptions {
  /** Where the query is in the request, for errors. */
  field?: string;
}

/**
 * @throws WireError for everything that is wrong with the query
 */
export function answerQuery(
  query: Query,
  range: Range,
  context: QueryContext,
  { field = 'queries[0]' }: QueryOptions = {}
): QueryResult {
  const plan = planQuery(query, field);
  const resolved = resolveRange(range, context);
  if (resolved.from >= resolved.to) {
    return { ...framesOf(), notices: [{ severity: 'info', text: 'The range lies in the future.' }] };
  }
  const isWhole = plan.select === 'histogram' || (plan.instant && plan.select !== 'heatmap');
  const grid = isWhole ? wholeRange(resolved) : planGrid(query, resolved, context.history, field);
  const live = resolved.isLive ? new LiveSnapshot(context.live) : context.live;
  const groups = new Groups(plan, context.series, field);
  const { notices, ...frames } = answer(plan, grid, groups, resolved, { ...context, live });
  return { ...frames, notices: [...rangeNotices(query, grid, resolved, context), ...notices] };
}

/** The same, with what is wrong in the answer: one bad query of a batch fails alone. */
export function tryAnswerQuery(query: Query, range: Range, context: QueryContext, options?: QueryOptions): QueryResult {
  try {
    return answerQuery(query, range, context, options);
  } catch (error) {
    if (isWireError(error)) {
      return { ...framesOf(), error: error.toBody() as Result['error'] };
    }
    throw error;
  }
}

type Answer = Pick<QueryResult, 'frames' | 'values'> & { notices: Notice[] };

function answer(plan: Plan, grid: Grid, groups: Groups, range: ResolvedRange, context: QueryContext): Answer {
  const tell = <M extends Measure>(measure: M): M => {
    tellRange(range, grid, groups.wanted, context, measure);
    measure.closeStep();
    return measure;
  };
  switch (plan.select) {
    case 'heatmap':
      return answerHeatmap(plan, grid, tell(new Cells(groups, grid)));
    case 'histogram':
      return answerHistogram(plan, groups, tell(new Distribution(groups, grid)));
    default:
      return answerLines(plan, grid, groups, range, tell(measureOf(plan, grid, groups, context)));
  }
}

function measureOf({ metric, select, quantiles }: Plan, grid: Grid, groups: Groups, { series }: QueryContext): Measure {
  switch (select) {
    case 'rate':
      return new Rate(groups, grid);
    case 'increase':
      return new Increase(groups, grid);
    case 'avg':
      return metric.kind === 'gauge' ? new AverageLevel(groups, grid) : new Average(groups, grid);
    case 'error_ratio':
      return new ErrorRatio(groups, grid, series);
    case 'value':
      return new Level(groups, grid);
    case 'quantile':
      return new Quantiles(groups, grid, quantiles, metric.minExponent);
    default:
      throw new Error(`${select} has no measure`);
  }
}

function answerLines(plan: Plan, grid: Grid, groups: Groups, range: ResolvedRange, measure: Measure): Answer {
  const countsFromZero = plan.select === 'rate' || plan.select === 'increase' || plan.metric.kind === 'gauge';
  if (range.isLive && countsFromZero) {
    groups.addLive();
  }
  const quantiles = plan.select === 'quantile' ? plan.quantiles : [];
  // Lines of what is measured and did nothing are lines, too.
  measure.spendLines(groups.size * Math.max(1, quantiles.length));
  const lines = groups.labels.map((labels, group): Line => ({ labels, columns: measure.columns(group, quantiles) }));
  lines.sort((a, b) => compareLabels(a.labels, b.labels));
  const { kept, notices } = keepTop(plan, lines);
  const frames = plan.instant
    ? framesOf(tableFrame(plan, kept, columnNamesOf(plan)))
    : timeSeriesFrames(plan, grid, kept);
  return { ...frames, notices: [...notices, ...outOfRangeNotices(plan, measure)] };
}

/** The panel draws one heatmap; a second frame would silently be left out. */
function answerHeatmap(plan: Plan, grid: Grid, cells: Cells): Answer {
  const notices: Notice[] = [];
  if (plan.by.length > 0) {
    const text = `A heatmap shows all series together; "by" (${plan.by.join(', ')}) was ignored. Filter to see a part.`;
    notices.push({ severity: 'info', text });
  }
  return { ...framesOf(heatmapFrame(plan, grid, cells)), notices };
}

function answerHistogram(plan: Plan, groups: Groups, distribution: Distribution): Answer {
  const all = groups.labels.map((labels, group) => ({ labels, counts: distribution.counts(group) }));
  all.sort((a, b) => compareLabels(a.labels, b.labels));
  if (all.length === 0) {
    const nothing = plan.by.length === 0 ? [histogramFrame(plan, [], new Float64Array(0))] : [];
    return { ...framesOf(...nothing), notices: [] };
  }
  return { ...framesOf(...all.map(({ labels, counts }) => histogramFrame(plan, labels, counts))), notices: [] };
}

function keepTop({ top }: Plan, lines: Line[]): { kept: Line[]; notices: Notice[] } {
  if (top === undefined) {
    return { kept: lines, notices: [] };
  }
  // Stable: equals stay in the order of their labels.
  const kept = lines
    .map((line) => ({ line, max: largest(line) }))
    .sort((a, b) => b.max - a.max)
    .slice(0, top)
    .map(({ line }) => line);
  const left = lines.length - kept.length;
  const text = `Showing the ${top} of ${lines.length} series with the largest values; ${left} left out.`;
  return { kept, notices: left > 0 ? [{ severity: 'info', text }] : [] };
}

function largest({ columns }: Line): number {
  let max = -Number.MAX_VALUE;
  for (const column of columns) {
    for (const value of column.read()) {
      // Never of what is not known.
      if (value > max) {
        max = value;
      }
    }
  }
  return max;
}

function compareLabels(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}
