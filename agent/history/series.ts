/** The series an agent knows: a metric and its labels, by a small number. */
import { LABELS, type LabelName, type Metric } from '../../wire/metrics';

export type Labels = Readonly<Partial<Record<LabelName, string>>>;

export interface Series {
  readonly id: number;
  readonly metric: Metric;
  /** Absent labels are empty strings to a query. */
  readonly labels: Labels;
}

/** Ids are dense and start at 0, so that a query can keep its per-series state in typed arrays. */
export class SeriesTable {
  readonly #byKey = new Map<string, Series>();
  readonly #byId: Array<Series | undefined> = [];
  readonly #free: number[] = [];

  /** The series with these labels, made if it is new. */
  intern(metric: Metric, labels: Labels): Series {
    const key = keyOf(metric, labels);
    const known = this.#byKey.get(key);
    if (known) {
      return known;
    }
    const series: Series = { id: this.#free.pop() ?? this.#byId.length, metric, labels };
    this.#byKey.set(key, series);
    this.#byId[series.id] = series;
    return series;
  }

  get(id: number): Series | undefined {
    return this.#byId[id];
  }

  /** Forgets a series that no record of the history names any more; its id is used again. */
  release(id: number): void {
    const series = this.#byId[id];
    if (!series) {
      return;
    }
    this.#byId[id] = undefined;
    this.#byKey.delete(keyOf(series.metric, series.labels));
    this.#free.push(id);
  }

  /** One more than the largest id in use. */
  get capacity(): number {
    return this.#byId.length;
  }

  get size(): number {
    return this.#byKey.size;
  }

  *[Symbol.iterator](): IterableIterator<Series> {
    for (const series of this.#byId) {
      if (series) {
        yield series;
      }
    }
  }
}

function keyOf(metric: Metric, labels: Labels): string {
  return JSON.stringify([metric.name, ...LABELS.map((label) => labels[label] ?? '')]);
}
