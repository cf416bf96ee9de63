import { dataFrameFromJSON, FieldType, type DataFrame, type DataFrameJSON, type QueryResultMeta } from '@grafana/data';
import type { Frame, Notice } from '../wire/answer';
import { renderLegend } from './legend';
import type { FilledQuery, Format } from './types';

/** Where Explore shows each format. Dashboards have their panel chosen and pass over this. */
const EXPLORE: Record<
  Format,
  Pick<QueryResultMeta, 'preferredVisualisationType' | 'preferredVisualisationPluginId'>
> = {
  time_series: { preferredVisualisationType: 'graph' },
  table: { preferredVisualisationType: 'table' },
  heatmap: { preferredVisualisationPluginId: 'heatmap' },
  histogram: { preferredVisualisationPluginId: 'histogram' },
};

/** The frames of one query, marked for the panels and named where the query says how; the notices travel on the first. */
export function toFrames(query: FilledQuery, frames: Frame[], notices: Notice[]): DataFrame[] {
  const decoded = frames.map((frame) => toFrame(query, frame));
  if (notices.length > 0) {
    // A panel looks for notices on frames, so one that has none gets an empty frame to carry them.
    const [first = emptyFrame(query)] = decoded;
    first.meta = { ...first.meta, notices: [...(first.meta?.notices ?? []), ...notices] };
    decoded[0] = first;
  }
  return decoded;
}

function toFrame(query: FilledQuery, json: Frame): DataFrame {
  const frame = dataFrameFromJSON(json as DataFrameJSON);
  frame.refId = query.refId;
  frame.meta = { ...frame.meta, ...EXPLORE[query.format] };
  if (query.legend !== '' && query.format === 'time_series') {
    for (const field of frame.fields.filter(({ type }) => type === FieldType.number)) {
      field.config = { ...field.config, displayNameFromDS: renderLegend(query.legend, field.labels ?? {}) };
    }
  }
  return frame;
}

function emptyFrame(query: FilledQuery): DataFrame {
  return { refId: query.refId, fields: [], length: 0, meta: {} };
}
