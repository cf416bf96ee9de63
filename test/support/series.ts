/** Series by their labels alone, as tests like to name them: one owner for each set of target labels. */
import type { Labels, Series, SeriesTable, Target } from '../../agent/history/series';
import { OWN_LABELS, TARGET_LABELS, type LabelName, type Metric } from '../../wire/metrics';

const targets = new WeakMap<SeriesTable, Map<string, Target>>();

export function intern(table: SeriesTable, metric: Metric, labels: Labels): Series {
  const known = targets.get(table) ?? new Map<string, Target>();
  targets.set(table, known);
  const owner = pick(labels, TARGET_LABELS);
  const key = JSON.stringify(owner);
  const target = known.get(key) ?? { labels: owner, hidden: false };
  known.set(key, target);
  return table.intern(metric, target, pick(labels, OWN_LABELS));
}

/** All labels of a series, the absent ones left out. */
export function labelsOf({ target, own }: Series): Labels {
  return { ...target.labels, ...own };
}

function pick(labels: Labels, names: readonly LabelName[]): Labels {
  return Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
}
