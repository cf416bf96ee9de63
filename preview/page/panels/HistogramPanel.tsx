import {
  type DataFrame,
  DataFrameType,
  FieldType,
  formattedValueToString,
  getDisplayProcessor,
  getFieldDisplayName,
  getValueFormat,
} from '@grafana/data';
import { SeriesTable, VizLegend, useTheme2 } from '@grafana/ui';
import { LegendDisplayMode } from '@grafana/schema';
import React, { useMemo } from 'react';
import { type Box, BoxChart } from './BoxChart';
import type { VisualizationProps } from './visualization';

interface Bar extends Box {
  count: number;
}

const LEGEND_HEIGHT = 28;

/** Draws `histogram` frames: xMin, xMax, and a field of counts for each series. */
export function HistogramPanel({ data, width, height }: VisualizationProps) {
  const theme = useTheme2();
  const frame = data.series.find(isHistogram);
  const bars = useMemo(() => (frame ? barsOf(frame) : []), [frame]);
  if (!frame) {
    return <p style={{ padding: 16 }}>The data is not a histogram. Choose &ldquo;histogram&rdquo; in the query.</p>;
  }
  const unit = frame.fields[0].config.unit ?? 's';
  const format = (value: number) => formattedValueToString(getValueFormat(unit)(value, undefined));
  const counts = countsOf(frame);
  const display = getDisplayProcessor({ field: counts[0], theme });
  const drawn = bars.filter((bar) => bar.count > 0);
  const items = counts.map((field) => ({
    label: getFieldDisplayName(field, frame),
    color: colorOf(field),
    yAxis: 1,
  }));
  return (
    <div data-testid="histogram" data-bars={drawn.length}>
      <BoxChart
        boxes={drawn}
        x={{
          min: Math.min(...drawn.map(({ x0, x1 }) => (x0 > 0 ? x0 : x1 / 2)), 1) / Math.SQRT2,
          max: Math.max(...drawn.map(({ x0, x1 }) => (Number.isFinite(x1) ? x1 : x0 * 2)), 0.001) * Math.SQRT2,
          log: true,
          format,
        }}
        y={{
          min: 0,
          max: Math.max(1, ...drawn.map((bar) => bar.count)) * 1.05,
          format: (value) => formattedValueToString(display(value)),
        }}
        width={width}
        height={height - LEGEND_HEIGHT}
        tooltip={({ x0, x1, count, color }) => (
          <SeriesTable
            series={[{ color, label: `${format(x0)} – ${format(x1)}`, value: formattedValueToString(display(count)) }]}
          />
        )}
      />
      <VizLegend items={items} displayMode={LegendDisplayMode.List} placement="bottom" />
    </div>
  );
}

export function isHistogram(frame: DataFrame): boolean {
  return frame.meta?.type === DataFrameType.Histogram && frame.fields.length >= 3;
}

function countsOf(frame: DataFrame) {
  return frame.fields.slice(2).filter(({ type }) => type === FieldType.number);
}

function colorOf(field: DataFrame['fields'][number]): string {
  return field.display?.(field.values[0]).color ?? '#73BF69';
}

/** Largest first, so that a smaller bar of another series is drawn over it. */
function barsOf(frame: DataFrame): Bar[] {
  const [xMin, xMax] = frame.fields.map((field) => field.values);
  return countsOf(frame)
    .flatMap((field) =>
      field.values.map((count: number, i) => ({
        x0: xMin[i],
        x1: xMax[i],
        y0: 0,
        y1: count,
        count,
        color: colorOf(field),
      }))
    )
    .sort((a, b) => b.count - a.count);
}
