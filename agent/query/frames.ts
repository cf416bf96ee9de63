/** Answers as Grafana's data frames. */
import type { Field } from '../../wire/answer';
import { BUCKETS } from '../../wire/histogram';
import { drawnBounds, type Cells } from './buckets';
import { numbersOf, type QueryFrame, type QueryResult } from './frame';
import { pointTimes, type Grid } from './grid';
import type { Column } from './measure';
import type { Plan } from './plan';
import { unitOf } from './units';

/** The lines of one group. */
export interface Line {
  /** In the order of `by`. */
  labels: readonly string[];
  columns: Column[];
}

/** One frame a line: Time and Value. */
export function timeSeriesFrames(
  plan: Plan,
  grid: Grid,
  lines: readonly Line[]
): Pick<QueryResult, 'frames' | 'values'> {
  const columns = lines.reduce((sum, { columns: { length } }) => sum + length, 0);
  return { frames: eachTimeSeries(plan, grid, lines), values: columns * 2 * grid.steps };
}

function* eachTimeSeries(plan: Plan, grid: Grid, lines: readonly Line[]): IterableIterator<QueryFrame> {
  const times = numbersOf(pointTimes(grid));
  for (const { labels, columns } of lines) {
    for (const column of columns) {
      const { quantile } = column;
      const named: Record<string, string> = Object.fromEntries(plan.by.map((label, i) => [label, labels[i]]));
      if (quantile !== undefined) {
        named.quantile = String(quantile);
      }
      const displayName = displayNameOf(plan, labels, quantile);
      yield {
        schema: {
          refId: plan.refId,
          name: displayName,
          meta: { type: 'timeseries-multi', preferredVisualisationType: 'graph' },
          fields: [
            { name: 'Time', type: 'time', config: { interval: grid.stepMs } },
            {
              name: 'Value',
              type: 'number',
              labels: named,
              config: { ...valueConfig(plan), displayNameFromDS: displayName },
            },
          ],
        },
        values: [times, column],
      };
    }
  }
}

/** One row a group: its labels, then its values. */
export function tableFrame(plan: Plan, lines: readonly Line[], columnNames: readonly string[]): QueryFrame {
  const fields: Field[] = [
    ...plan.by.map((label): Field => ({ name: label, type: 'string' })),
    ...columnNames.map((name): Field => ({ name, type: 'number', config: valueConfig(plan) })),
  ];
  return {
    schema: {
      refId: plan.refId,
      name: `${plan.metric.name} ${plan.select}`,
      meta: { type: 'table', preferredVisualisationType: 'table' },
      fields,
    },
    values: [
      ...plan.by.map((_, i) => lines.map(({ labels }) => labels[i])),
      ...columnNames.map((_, i) => numbersOf(Float64Array.from(lines, ({ columns }) => columns[i].read()[0]))),
    ],
  };
}

/** Names of the value columns of a table. */
export function columnNamesOf(plan: Plan): string[] {
  return plan.select === 'quantile' ? plan.quantiles.map(percentile) : [plan.select];
}

/**
 * Grafana's sparse heatmap. Its panel takes the fields by position, and the width of a cell from the first two columns:
 * where the second one is empty, a cell of 0 stands for it.
 */
export function heatmapFrame(plan: Plan, grid: Grid, { steps, buckets, counts, size }: Cells): QueryFrame {
  const second = steps[0] + 1;
  const lacksSecond = size > 0 && second < grid.steps && !steps.subarray(0, size).includes(second);
  const [xMax, yMin, yMax, count] = [0, 1, 2, 3].map(() => new Float64Array(size + Number(lacksSecond)));
  // There are many cells, and few buckets.
  const bounds = Array.from({ length: BUCKETS }, (_, bucket) => drawnBounds(bucket, plan.metric.minExponent));
  for (let cell = 0, from = 0; cell < count.length; cell++) {
    const isMissing = lacksSecond && from === cell && (from === size || steps[from] > second) && cell > 0;
    const { min, max } = bounds[buckets[isMissing ? from - 1 : from]];
    xMax[cell] = grid.startMs + ((isMissing ? second : steps[from]) + 1) * grid.stepMs;
    yMin[cell] = min;
    yMax[cell] = max;
    count[cell] = isMissing ? 0 : counts[from];
    from += Number(!isMissing);
  }
  return {
    schema: {
      refId: plan.refId,
      name: plan.metric.name,
      meta: { type: 'heatmap-cells' },
      fields: [
        { name: 'xMax', type: 'time', config: { interval: grid.stepMs } },
        { name: 'yMin', type: 'number', config: { unit: 's' } },
        { name: 'yMax', type: 'number', config: { unit: 's' } },
        { name: 'count', type: 'number', config: { unit: 'short' } },
      ],
    },
    values: [xMax, yMin, yMax, count].map(numbersOf),
  };
}

/** Buckets from the first to the last that is not empty, without holes: the panel draws bars side by side. */
export function histogramFrame(plan: Plan, labels: readonly string[], counts: Float64Array): QueryFrame {
  const values: [number[], number[], number[]] = [[], [], []];
  let last = BUCKETS - 1;
  while (last >= 0 && counts[last] === 0) {
    last--;
  }
  for (let bucket = counts.findIndex((count) => count > 0); bucket >= 0 && bucket <= last; bucket++) {
    const { min, max } = drawnBounds(bucket, plan.metric.minExponent);
    [min, max, counts[bucket]].forEach((value, i) => values[i].push(value));
  }
  const named = Object.fromEntries(plan.by.map((label, i) => [label, labels[i]]));
  const displayName = displayNameOf(plan, labels);
  return {
    schema: {
      refId: plan.refId,
      name: displayName,
      meta: { type: 'histogram' },
      fields: [
        { name: 'xMin', type: 'number', config: { unit: 's' } },
        { name: 'xMax', type: 'number', config: { unit: 's' } },
        { name: 'count', type: 'number', labels: named, config: { unit: 'short', displayNameFromDS: displayName } },
      ],
    },
    values: values.map((column) => numbersOf(Float64Array.from(column))),
  };
}

function valueConfig(plan: Plan): Field['config'] {
  return { unit: unitOf(plan.metric, plan.select), min: 0 };
}

/** 0.99 is p99, 0.999 is p99.9. */
function percentile(quantile: number): string {
  return `p${Number((quantile * 100).toPrecision(12))}`;
}

function displayNameOf({ metric, select, by }: Plan, labels: readonly string[], quantile?: number): string {
  const known = labels.filter((label) => label !== '');
  const rank = quantile === undefined ? [] : [percentile(quantile)];
  if (by.length === 0) {
    return rank[0] ?? `${metric.name} ${select}`;
  }
  return [...(known.length > 0 ? known : [`no ${by.join(', ')}`]), ...rank].join(' ');
}
