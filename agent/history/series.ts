/** The series an agent knows: a metric, whose it is and what it is about, by a small number. */
import type { LabelName, Metric } from '../../wire/metrics';

export type Labels = Readonly<Partial<Record<LabelName, string>>>;

/**
 * Whose a series is. One object an owner, shared by all of its series: when the owner's name becomes known, every one of
 * them has it from that moment on, for all of its past.
 */
export interface Target {
  /** The target labels; absent ones are empty strings to a query. */
  labels: Labels;
  /** Nobody shall see it: it turned out to be excluded. */
  hidden: boolean;
}

export interface Series {
  readonly id: number;
  readonly metric: Metric;
  readonly target: Target;
  /** What the series is about: method, status, role … Series of different owners may share the object. */
  readonly own: Labels;
}

/** The value of a label; an empty string where the series has none. */
export function labelOf({ own, target }: Series, label: LabelName): string {
  return own[label] ?? target.labels[label] ?? '';
}

/**
 * Ids are dense and start at 0, so that a query can keep its per-series state in typed arrays.
 *
 * An id is used again only when nobody needs the series any more: neither the collector, which owns what it interned
 * until it calls `release`, nor the history, which remembers what one of its records names. So no old record is ever
 * taken for a newer series, and ids stay bounded by what is alive or remembered.
 */
export class SeriesTable {
  readonly #byTarget = new Map<Target, Entry[]>();
  readonly #byId: Array<Entry | undefined> = [];
  readonly #free: number[] = [];
  #size = 0;

  /** The series of this owner with these labels, made if it is new. The caller owns it, once more for each call. */
  intern(metric: Metric, target: Target, own: Labels = {}): Series {
    let entries = this.#byTarget.get(target);
    if (!entries) {
      this.#byTarget.set(target, (entries = []));
    }
    let entry = entries.find((known) => known.metric === metric && sameLabels(known.own, own));
    if (!entry) {
      entry = { id: this.#free.pop() ?? this.#byId.length, metric, target, own, owners: 0, remembered: false };
      entries.push(entry);
      this.#byId[entry.id] = entry;
      this.#size++;
    }
    entry.owners++;
    return entry;
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

  #dropIfUnused(entry: Entry): void {
    if (entry.owners > 0 || entry.remembered) {
      return;
    }
    this.#byId[entry.id] = undefined;
    this.#free.push(entry.id);
    this.#size--;
    const entries = this.#byTarget.get(entry.target) ?? [];
    entries.splice(entries.indexOf(entry), 1);
    if (entries.length === 0) {
      this.#byTarget.delete(entry.target);
    }
  }

  get(id: number): Series | undefined {
    return this.#byId[id];
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
    return this.#size;
  }

  /** All that may be seen. */
  *[Symbol.iterator](): IterableIterator<Series> {
    for (const entry of this.#byId) {
      if (entry && !entry.target.hidden) {
        yield entry;
      }
    }
  }
}

interface Entry extends Series {
  owners: number;
  remembered: boolean;
}

function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a) as LabelName[];
  return a === b || (names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]));
}
