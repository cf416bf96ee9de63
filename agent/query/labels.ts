/** The values of a label that were seen in a range: what an editor suggests and a dashboard variable lists. */
import type { HistoryListener } from '../history/scanner';
import { labelOf } from '../history/series';
import { METRICS, LABELS, labelsOf, type LabelName, type Metric } from '../../wire/metrics';
import { WireError } from '../../wire/errors';
import type { Matcher } from '../../wire/query';
import type { LabelValues } from '../../wire/status';
import type { Range } from './grid';
import { nearest } from './nearest';
import { ask, findLabel, findMetric, planMatchers } from './plan';
import type { QueryContext } from './query';
import { resolveRange, tellRange, type ResolvedRange } from './range';
import { LiveSnapshot } from './snapshot';

export const MAX_LABEL_VALUES = 5_000;
/** Seconds do not matter to a list of names: the minutes around the range answer fastest. */
const STEP_MS = 60_000;

export interface LabelQuery extends Range {
  label: string;
  /** Only of series of this metric. */
  metric?: string;
  /** Only of series that match; needs a metric when a label is not one that every series has. */
  where?: Matcher[];
  limit?: number;
}

/** @throws WireError unknown_metric, unknown_label, invalid_regex, invalid_range */
export function answerLabelValues(query: LabelQuery, context: QueryContext): LabelValues {
  const { label, limit = MAX_LABEL_VALUES } = query;
  const metrics = query.metric === undefined ? metricsWith(label, query.where) : [findMetric(query.metric, 'metric')];
  const [any] = metrics;
  const name = findLabel(label, any, 'label');
  const where = planMatchers(query.where, any, 'match');
  const range = resolveRange(query, context);
  const live = range.isLive ? new LiveSnapshot(context.live) : context.live;
  const wanted = new Uint8Array(context.series.capacity);
  for (const series of context.series) {
    if (metrics.includes(series.metric) && where.every(({ label, matches }) => matches(labelOf(series, label)))) {
      wanted[series.id] = 1;
    }
  }
  const values = [...seenValues(name, range, wanted, { ...context, live })].sort();
  return { label, values: values.slice(0, limit), truncated: values.length > limit };
}

/** The metrics that have every label asked for. */
function metricsWith(label: string, where: readonly Matcher[] = []): Metric[] {
  const names = [label, ...where.map((matcher) => matcher.label)];
  names.forEach((name, i) => {
    if (!LABELS.some((known) => known === name)) {
      const meant = nearest(name, LABELS);
      throw new WireError(
        'unknown_label',
        `There is no label "${name}"${ask(meant, `there are ${LABELS.join(', ')}`)}`,
        {
          field: i === 0 ? 'label' : `match[${i - 1}].label`,
          received: name,
          allowed: LABELS,
          nearest: meant,
        }
      );
    }
  });
  const metrics = METRICS.filter((metric) => {
    const labels: readonly string[] = labelsOf(metric);
    return names.every((name) => labels.includes(name));
  });
  if (metrics.length === 0) {
    throw new WireError('unknown_label', `No metric has all of the labels ${names.join(', ')}.`, {
      field: 'match',
      received: names,
    });
  }
  return metrics;
}

function seenValues(label: LabelName, range: ResolvedRange, wanted: Uint8Array, context: QueryContext): Set<string> {
  const values = new Set<string>();
  const see = (series: number) => {
    // Once is enough.
    wanted[series] = 0;
    const known = context.series.get(series);
    const value = known && labelOf(known, label);
    if (value) {
      values.add(value);
    }
  };
  const listener: HistoryListener = { at: () => {}, histogram: see, counter: see, gauge: see };
  if (range.isLive) {
    wanted.forEach((isWanted, series) => {
      if (isWanted === 1 && context.series.isLive(series)) {
        see(series);
      }
    });
  }
  const startMs = Math.floor(range.from / STEP_MS) * STEP_MS;
  tellRange(range, { startMs, stepMs: STEP_MS, steps: 1, endMs: range.to }, wanted, context, listener);
  return values;
}
