/** Answers as Grafana's data frames. */
import type { Field, Frame } from '../../wire/answer';
import { BUCKETS } from '../../wire/histogram';
import { drawnBounds, type Cells } from './buckets';
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
export function timeSeriesFrames(plan: Plan, grid: Grid, lines: readonly Line[]): Frame[] {
  const times = pointTimes(grid);
  return lines.flatMap(({ labels, columns }) =>
    columns.map(({ quantile, values }): Frame => {
      const named: Record<string, string> = Object.fromEntries(plan.by.map((label, i) => [label, labels[i]]));
      if (quantile !== undefined) {
        named.quantile = String(quantile);
      }
      const displayName = displayNameOf(plan, labels, quantile);
      return {
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
        data: { values: [times, values] },
      };
    })
  );
}

/** One row a group: its labels, then its values. */
export function tableFrame(plan: Plan, lines: readonly Line[], columnNames: readonly string[]): Frame {
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
    data: {
      values: [
        ...plan.by.map((_, i) => lines.map(({ labels }) => labels[i])),
        ...columnNames.map((_, i) => lines.map(({ columns }) => columns[i].values[0])),
      ],
    },
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
export function heatmapFrame(plan: Plan, grid: Grid, { steps, buckets, counts }: Cells): Frame {
  const [xMax, yMin, yMax, count]: [number[], number[], number[], number[]] = [[], [], [], []];
  // There are many cells, and few buckets.
  const bounds = Array.from({ length: BUCKETS }, (_, bucket) => drawnBounds(bucket, plan.metric.minExponent));
  const add = (step: number, bucket: number, events: number) => {
    const { min, max } = bounds[bucket];
    xMax.push(grid.startMs + (step + 1) * grid.stepMs);
    yMin.push(min);
    yMax.push(max);
    count.push(events);
  };
  const second = steps[0] + 1;
  const lacksSecond = second < grid.steps && !steps.includes(second);
  for (let i = 0; i < steps.length; i++) {
    add(steps[i], buckets[i], counts[i]);
    if (lacksSecond && steps[i] < second && steps[i + 1] !== steps[i]) {
      add(second, buckets[i], 0);
    }
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
    data: { values: [xMax, yMin, yMax, count] },
  };
}

/** Buckets from the first to the last that is not empty, without holes: the panel draws bars side by side. */
export function histogramFrame(plan: Plan, labels: readonly string[], counts: Float64Array): Frame {
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
    data: { values },
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
