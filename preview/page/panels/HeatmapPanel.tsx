import {
  type DataFrame,
  DataFrameType,
  dateTimeFormat,
  formattedValueToString,
  getDisplayProcessor,
  getValueFormat,
} from '@grafana/data';
import { SeriesTable, useTheme2 } from '@grafana/ui';
import React, { useMemo } from 'react';
import { type Box, BoxChart } from './BoxChart';
import { type ColorScale, ColorLegend, colorScaleOf } from './colorScale';
import type { VisualizationProps } from './visualization';

interface Cell extends Box {
  count: number;
}

const LEGEND_HEIGHT = 34;

/** Draws `heatmap-cells` frames: xMax (time), yMin, yMax, count, in that order, as Grafana's heatmap panel reads them. */
export function HeatmapPanel({ data, options, width, height, onZoom }: VisualizationProps) {
  const theme = useTheme2();
  const frame = data.series.find(isHeatmap);
  const scale = useMemo(() => colorScaleOf(options.color, theme, highest(frame)), [options.color, theme, frame]);
  const cells = useMemo(() => (frame ? cellsOf(frame, scale) : []), [frame, scale]);
  if (!frame) {
    return <NoHeatmap />;
  }
  const [, yMin, , count] = frame.fields;
  const unit = yMin.config.unit ?? 's';
  const format = (value: number) => formattedValueToString(getValueFormat(unit)(value, undefined));
  const display = count.display ?? getDisplayProcessor({ field: count, theme });
  const { from, to } = data.timeRange;
  return (
    <div data-testid="heatmap" data-cells={cells.length}>
      <BoxChart
        boxes={cells}
        x={{ min: from.valueOf(), max: to.valueOf(), isTime: true }}
        y={{ ...extent(cells), log: true, format }}
        width={width}
        height={height - LEGEND_HEIGHT}
        onZoom={onZoom}
        tooltip={(cell) => (
          <SeriesTable
            timestamp={dateTimeFormat(cell.x1)}
            series={[
              {
                color: cell.color,
                label: `${format(cell.y0)} – ${format(cell.y1)}`,
                value: formattedValueToString(display(cell.count)),
              },
            ]}
          />
        )}
      />
      <ColorLegend scale={scale} format={(value) => formattedValueToString(display(value))} />
    </div>
  );
}

export function isHeatmap(frame: DataFrame): boolean {
  return frame.meta?.type === DataFrameType.HeatmapCells && frame.fields.length >= 4;
}

function NoHeatmap() {
  return <p style={{ padding: 16 }}>The data is not a heatmap. Choose &ldquo;heatmap&rdquo; in the query.</p>;
}

function cellsOf({ fields, length }: DataFrame, scale: ColorScale): Cell[] {
  const [xMax, yMin, yMax, count] = fields.map((field) => field.values);
  const interval = fields[0].config.interval ?? 1000;
  return Array.from({ length }, (_, i) => ({
    x0: xMax[i] - interval,
    x1: xMax[i],
    y0: yMin[i],
    y1: yMax[i],
    count: count[i],
    color: scale.colorOf(count[i]),
  })).filter((cell) => cell.count > 0);
}

function highest(frame?: DataFrame): number {
  return frame ? frame.fields[3].values.reduce((most, value) => Math.max(most, value), 1) : 1;
}

/** Half an octave of air on either side. */
function extent(cells: Cell[]): { min: number; max: number } {
  let min = Infinity;
  let max = 0;
  for (const { y0, y1 } of cells) {
    min = Math.min(min, y0 > 0 ? y0 : y1 / 2);
    max = Math.max(max, Number.isFinite(y1) ? y1 : y0 * 2);
  }
  return cells.length > 0 ? { min: min / Math.SQRT2, max: max * Math.SQRT2 } : { min: 0.001, max: 1 };
}
