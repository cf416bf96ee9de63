/**
 * What was counted in slots that have been given back, for series that go on in another one: a service that is started
 * again has the same name and another cgroup, and its totals must not fall.
 */
import type { Deltas } from '../history/deltas';
import { BUCKETS } from '../../wire/histogram';

interface Distribution {
  sumNanoseconds: number;
  counts: Float64Array;
}

const ALL_BUCKETS = Uint16Array.from({ length: BUCKETS }, (_, bucket) => bucket);

export class Carried {
  readonly #counters = new Map<number, number>();
  readonly #histograms = new Map<number, Distribution>();
  /** Takes totals in. */
  readonly add: Deltas = {
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

  tell(into: Deltas): void {
    this.#counters.forEach((total, id) => into.counter(id, total));
    this.#histograms.forEach(({ sumNanoseconds, counts }, id) =>
      into.histogram(id, sumNanoseconds, ALL_BUCKETS, counts, BUCKETS)
    );
  }

  /** Drops the series that do not go on. */
  keep(goesOn: (id: number) => boolean): void {
    for (const totals of [this.#counters, this.#histograms]) {
      for (const id of totals.keys()) {
        if (!goesOn(id)) {
          totals.delete(id);
        }
      }
    }
  }
}
