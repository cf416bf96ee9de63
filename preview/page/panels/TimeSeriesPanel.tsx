import { DashboardCursorSync, type DataFrame, FieldType, getFieldDisplayName } from '@grafana/data';
import {
  LegendDisplayMode,
  PanelContextProvider,
  SeriesVisibilityChangeMode,
  TimeSeries,
  TooltipPlugin2,
  usePanelContext,
} from '@grafana/ui';
import React, { useMemo, useState } from 'react';
import { SeriesTooltip } from './SeriesTooltip';
import type { VisualizationProps } from './visualization';

const LEGEND = { displayMode: LegendDisplayMode.List, placement: 'bottom' as const, showLegend: true, calcs: [] };
/** TooltipHoverMode is a const enum, which esbuild cannot read: xAll. */
const HOVER_ALL = 1;

export function TimeSeriesPanel({ data, options, width, height, onZoom }: VisualizationProps) {
  const panel = usePanelContext();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const frames = useMemo(() => withHidden(plottable(data.series), hidden), [data.series, hidden]);
  const names = frames.flatMap((frame) => numbersOf(frame).map((field) => getFieldDisplayName(field, frame, frames)));

  const context = {
    ...panel,
    sync: () => DashboardCursorSync.Off,
    onToggleSeriesVisibility: (name: string | null, mode: SeriesVisibilityChangeMode) =>
      setHidden((before) => toggled(before, name, mode, names)),
  };
  return (
    <PanelContextProvider value={context}>
      <TimeSeries
        frames={frames}
        structureRev={structureOf(frames, hidden)}
        timeRange={data.timeRange}
        timeZone="browser"
        width={width}
        height={height}
        legend={{ ...LEGEND, ...options.legend }}
        options={options}
      >
        {(config, alignedFrame) => (
          <TooltipPlugin2
            config={config}
            hoverMode={HOVER_ALL}
            queryZoom={onZoom && (({ from, to }) => onZoom(from, to))}
            render={(_u, indexes, series) => <SeriesTooltip frame={alignedFrame} indexes={indexes} series={series} />}
          />
        )}
      </TimeSeries>
    </PanelContextProvider>
  );
}

/** Frames with a time and at least one number; what else there is belongs to other panels. */
export function plottable(series: DataFrame[]): DataFrame[] {
  return series.filter(
    (frame) =>
      frame.length > 0 && frame.fields.some(({ type }) => type === FieldType.time) && numbersOf(frame).length > 0
  );
}

function numbersOf(frame: DataFrame) {
  return frame.fields.filter(({ type }) => type === FieldType.number);
}

function withHidden(frames: DataFrame[], hidden: ReadonlySet<string>): DataFrame[] {
  if (hidden.size === 0) {
    return frames;
  }
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      const viz = hidden.has(getFieldDisplayName(field, frame, frames));
      const custom = { ...field.config.custom, hideFrom: { viz, legend: false, tooltip: viz } };
      return { ...field, config: { ...field.config, custom } };
    }),
  }));
}

/** A click on a legend entry shows it alone, and everything again the second time; with a modifier key it adds or removes. */
function toggled(
  hidden: ReadonlySet<string>,
  name: string | null,
  mode: SeriesVisibilityChangeMode,
  names: string[]
): ReadonlySet<string> {
  if (name === null) {
    return new Set();
  }
  if (mode === SeriesVisibilityChangeMode.AppendToSelection) {
    const next = new Set(hidden);
    return next.delete(name) ? next : next.add(name);
  }
  const others = names.filter((one) => one !== name);
  const alone = !hidden.has(name) && others.every((one) => hidden.has(one));
  return new Set(alone ? [] : others);
}

let structures = new Map<string, number>();

/** A number that changes with names, units or visibility, so that the plot is rebuilt then and only then. */
function structureOf(frames: DataFrame[], hidden: ReadonlySet<string>): number {
  const key = JSON.stringify([
    frames.map((frame) => frame.fields.map((field) => [field.name, field.labels, field.config])),
    [...hidden],
  ]);
  if (!structures.has(key)) {
    structures = new Map([...structures].slice(-200)).set(key, Math.random());
  }
  return structures.get(key)!;
}
