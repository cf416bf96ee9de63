/** The series an agent knows: a metric and its labels, by a small number. */
import { LABELS, type LabelName, type Metric } from '../../wire/metrics';

export type Labels = Readonly<Partial<Record<LabelName, string>>>;

export interface Series {
  readonly id: number;
  readonly metric: Metric;
  /** Absent labels are empty strings to a query. */
  readonly labels: Labels;
}

/**
 * Ids are dense and start at 0, so that a query can keep its per-series state in typed arrays.
 *
 * An id is used again only when nobody needs the series any more: neither the collector, which owns what it interned
 * until it calls `release`, nor the history, which remembers what one of its records names. So no old record is ever
 * taken for a newer series, and ids stay bounded by what is alive or remembered.
 */
export class SeriesTable {
  readonly #byKey = new Map<string, Entry>();
  readonly #byId: Array<Entry | undefined> = [];
  readonly #free: number[] = [];

  /** The series with these labels, made if it is new. The caller owns it, once more for each call, until `release`. */
  intern(metric: Metric, labels: Labels): Series {
    const key = keyOf(metric, labels);
    let entry = this.#byKey.get(key);
    if (!entry) {
      const series = { id: this.#free.pop() ?? this.#byId.length, metric, labels };
      entry = { series, key, owners: 0, remembered: false };
      this.#byKey.set(key, entry);
      this.#byId[series.id] = entry;
    }
    entry.owners++;
    return entry.series;
  }

  /** Takes back one `intern`: its owner is gone and will not tell this series again. */
  release(id: number): void {
    const entry = this.#byId[id];
    if (entry && entry.owners > 0) {
      entry.owners--;
      this.#dropIfUnused(entry);
    }
  }

  /** The history names the series in a record. */
  remember(id: number): void {
    const entry = this.#byId[id];
    if (entry) {
      entry.remembered = true;
    }
  }

  /** The history's last record that named the series is gone. */
  forget(id: number): void {
    const entry = this.#byId[id];
    if (entry) {
      entry.remembered = false;
      this.#dropIfUnused(entry);
    }
  }

  #dropIfUnused({ series, key, owners, remembered }: Entry): void {
    if (owners === 0 && !remembered) {
      this.#byId[series.id] = undefined;
      this.#byKey.delete(key);
      this.#free.push(series.id);
    }
  }

  get(id: number): Series | undefined {
    return this.#byId[id]?.series;
  }

  /** Whether it is still being measured, as opposed to only remembered. */
  isLive(id: number): boolean {
    return (this.#byId[id]?.owners ?? 0) > 0;
  }

  /** One more than the largest id in use. */
  get capacity(): number {
    return this.#byId.length;
  }

  get size(): number {
    return this.#byKey.size;
  }

  *[Symbol.iterator](): IterableIterator<Series> {
    for (const entry of this.#byId) {
      if (entry) {
        yield entry.series;
      }
    }
  }
}

interface Entry {
  series: Series;
  key: string;
  owners: number;
  remembered: boolean;
}

function keyOf(metric: Metric, labels: Labels): string {
  return JSON.stringify([metric.name, ...LABELS.map((label) => labels[label] ?? '')]);
}
