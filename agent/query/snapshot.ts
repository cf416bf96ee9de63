/**
 * What the live source told, kept for the length of a query. It is taken first: to tell a new series the source has to
 * name it, and a query looks up names once, before it starts to count.
 */
import type { Deltas, LiveSource } from '../history/deltas';
import { BUCKETS } from '../../wire/histogram';

const enum Kind {
  Histogram,
  Counter,
  Gauge,
}

export class LiveSnapshot implements LiveSource {
  /** Kind, series and value of each; of a histogram also the number of its buckets, which follow in `#buckets`. */
  readonly #told: number[] = [];
  readonly #buckets: number[] = [];

  constructor(live: LiveSource) {
    live.peek({
      histogram: (series, sum, buckets, counts, length) => {
        this.#told.push(Kind.Histogram, series, sum, length);
        for (let i = 0; i < length; i++) {
          this.#buckets.push(buckets[i], counts[i]);
        }
      },
      counter: (series, increase) => this.#told.push(Kind.Counter, series, increase, 0),
      gauge: (series, value) => this.#told.push(Kind.Gauge, series, value, 0),
    });
  }

  peek(into: Deltas): void {
    const buckets = new Uint16Array(BUCKETS);
    const counts = new Float64Array(BUCKETS);
    for (let i = 0, next = 0; i < this.#told.length; i += 4) {
      const [kind, series, value, length] = this.#told.slice(i, i + 4);
      if (kind === Kind.Counter) {
        into.counter(series, value);
      } else if (kind === Kind.Gauge) {
        into.gauge(series, value);
      } else {
        for (let bucket = 0; bucket < length; bucket++) {
          buckets[bucket] = this.#buckets[next++];
          counts[bucket] = this.#buckets[next++];
        }
        into.histogram(series, value, buckets, counts, length);
      }
    }
  }
}
