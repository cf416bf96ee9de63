/**
 * What was counted in slots that have been given back, for series that go on in another one: a service that is started
 * again has the same name and another cgroup, and its totals must not fall.
 */
import type { Deltas } from '../history/deltas';
import type { Labels, SeriesTable, Target } from '../history/series';
import { BUCKETS } from '../../wire/histogram';
import type { Memory } from './memory';
import { metric } from './metric';

interface Distribution {
  sumNanoseconds: number;
  counts: Float64Array;
}

/** How a series is noted: ids are another process's, names are not. */
interface Note {
  metric: string;
  cgroup?: string;
  own: Labels;
  total?: number;
  sumNanoseconds?: number;
  /** Bucket and count in turn. */
  counts?: number[];
}

interface Notes {
  /** All slots that were given back up to this one are in it: see `Slots`. */
  upTo: number;
  series: Note[];
}

const ALL_BUCKETS = Uint16Array.from({ length: BUCKETS }, (_, bucket) => bucket);

export interface CarriedOptions {
  series: SeriesTable;
  memory: Memory;
  /** Of the note in which it is kept. */
  name: string;
}

export class Carried {
  readonly #options: CarriedOptions;
  readonly #counters = new Map<number, number>();
  readonly #histograms = new Map<number, Distribution>();
  #isChanged = false;
  /** The last slot given back whose totals are noted. */
  #notedUpTo = 0;
  /** Takes totals in. */
  readonly #add: Deltas = {
    counter: (id, total) => this.#counters.set(id, total + (this.#counters.get(id) ?? 0)),
    histogram: (id, sumNanoseconds, buckets, counts, length) => {
      const known = this.#histograms.get(id) ?? { sumNanoseconds: 0, counts: new Float64Array(BUCKETS) };
      this.#histograms.set(id, known);
      known.sumNanoseconds += sumNanoseconds;
      for (let i = 0; i < length; i++) {
        known.counts[buckets[i]] += counts[i];
      }
    },
    // A level is no total.
    gauge: () => {},
  };

  constructor(options: CarriedOptions) {
    this.#options = options;
  }

  tell(into: Deltas): void {
    this.#counters.forEach((total, id) => into.counter(id, total));
    this.#histograms.forEach(({ sumNanoseconds, counts }, id) =>
      into.histogram(id, sumNanoseconds, ALL_BUCKETS, counts, BUCKETS)
    );
  }

  /** Drops the series that do not go on. */
  keep(): void {
    for (const totals of [this.#counters, this.#histograms]) {
      for (const id of totals.keys()) {
        if (!this.#options.series.isLive(id)) {
          totals.delete(id);
          this.#isChanged = true;
        }
      }
    }
  }

  /**
   * Takes in the totals of slots that are given back, each once, whoever is interrupted in it.
   *
   * @param tell tells the totals of those after the one with this number, and lets go of their series
   * @param upTo the number of the last one
   */
  add(tell: (after: number, into: Deltas) => void, upTo: number): void {
    tell(this.#notedUpTo, this.#add);
    this.keep();
    if (this.#isChanged || this.#counters.size + this.#histograms.size > 0) {
      this.#note(upTo);
    }
  }

  #note(upTo: number): void {
    const series: Note[] = [];
    this.#counters.forEach((total, id) => series.push({ ...this.#nameOf(id), total }));
    this.#histograms.forEach(({ sumNanoseconds, counts }, id) => {
      const pairs = Array.from(counts).flatMap((count, bucket) => (count > 0 ? [bucket, count] : []));
      series.push({ ...this.#nameOf(id), sumNanoseconds, counts: pairs });
    });
    const notes: Notes = { upTo, series };
    this.#options.memory.setNote(this.#options.name, JSON.stringify(notes));
    this.#isChanged = false;
    this.#notedUpTo = upTo;
  }

  #nameOf(id: number): Pick<Note, 'metric' | 'cgroup' | 'own'> {
    const { metric: about, target, own } = this.#options.series.get(id)!;
    return { metric: about.name, cgroup: target.labels.cgroup, own };
  }

  /**
   * Finds again what another process has noted.
   *
   * @param targetOf whose a cgroup's label is; undefined when nothing of it goes on
   */
  restore(targetOf: (cgroup: string | undefined) => Target | undefined): void {
    const text = this.#options.memory.note(this.#options.name);
    const notes: Notes = text === undefined ? { upTo: 0, series: [] } : JSON.parse(text);
    this.#notedUpTo = notes.upTo;
    for (const note of notes.series) {
      const target = targetOf(note.cgroup);
      if (target) {
        this.#take(note, target);
      }
    }
    this.keep();
  }

  #take({ metric: name, own, total = 0, sumNanoseconds, counts = [] }: Note, target: Target): void {
    const { id } = this.#options.series.intern(metric(name), target, own);
    if (sumNanoseconds === undefined) {
      this.#add.counter(id, total);
    } else {
      const buckets = Uint16Array.from(counts.filter((_, i) => i % 2 === 0));
      const gained = Float64Array.from(counts.filter((_, i) => i % 2 === 1));
      this.#add.histogram(id, sumNanoseconds, buckets, gained, buckets.length);
    }
    // Only what somebody else has, too, goes on.
    this.#options.series.release(id);
  }
}
