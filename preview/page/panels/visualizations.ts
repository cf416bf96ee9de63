import { type DataFrame, FieldColorModeId, type FieldConfig, FieldType, ThresholdsMode } from '@grafana/data';
import { GraphDrawStyle, VisibilityMode } from '@grafana/schema';
import { HeatmapPanel, isHeatmap } from './HeatmapPanel';
import { HistogramPanel, isHistogram } from './HistogramPanel';
import { TablePanel } from './TablePanel';
import { TextPanel } from './TextPanel';
import { TimeSeriesPanel, plottable } from './TimeSeriesPanel';
import { BarGaugePanel, GaugePanel, StatPanel } from './reduced';
import type { Visualization } from './visualization';

const THRESHOLDS: FieldConfig = {
  thresholds: { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }] },
};
const PALETTE: FieldConfig = { ...THRESHOLDS, color: { mode: FieldColorModeId.PaletteClassic } };
const BY_THRESHOLD: FieldConfig = { ...THRESHOLDS, color: { mode: FieldColorModeId.Thresholds } };
const LINES: FieldConfig = {
  ...PALETTE,
  custom: {
    drawStyle: GraphDrawStyle.Line,
    lineWidth: 1,
    fillOpacity: 0,
    showPoints: VisibilityMode.Auto,
    pointSize: 5,
  },
};

/** By the id that a dashboard's JSON has as a panel's `type`. */
export const VISUALIZATIONS: Record<string, Visualization> = {
  timeseries: { name: 'Time series', Component: TimeSeriesPanel, fieldDefaults: LINES },
  table: { name: 'Table', Component: TablePanel, fieldDefaults: BY_THRESHOLD },
  heatmap: { name: 'Heatmap', Component: HeatmapPanel, fieldDefaults: {} },
  histogram: { name: 'Histogram', Component: HistogramPanel, fieldDefaults: PALETTE },
  stat: { name: 'Stat', Component: StatPanel, fieldDefaults: BY_THRESHOLD },
  bargauge: { name: 'Bar gauge', Component: BarGaugePanel, fieldDefaults: BY_THRESHOLD },
  gauge: { name: 'Gauge', Component: GaugePanel, fieldDefaults: BY_THRESHOLD },
  text: { name: 'Text', Component: TextPanel, fieldDefaults: {} },
};

/** The panel that Explore would choose for these frames. */
export function suitable(series: DataFrame[]): string {
  if (series.some(isHeatmap)) {
    return 'heatmap';
  }
  if (series.some(isHistogram)) {
    return 'histogram';
  }
  const asTable = series.some((frame) => frame.meta?.preferredVisualisationType === 'table');
  const hasTime = series.some((frame) => frame.fields.some(({ type }) => type === FieldType.time));
  return !asTable && (plottable(series).length > 0 || hasTime || series.length === 0) ? 'timeseries' : 'table';
}
