/**
 * The made-up traffic as a database would have scraped it from the agent: totals every 15 s, in its classic buckets. Some
 * take it as native histograms, which the agent does not offer yet.
 */
import { classicBounds } from '../../agent/http/exposition/buckets';
import { OPEN_METRICS } from '../../agent/http/exposition/format';
import { BUCKETS } from '../../wire/histogram';
import { nativeHistogram } from './native-histogram';
import { labelsMessage, type Labels, type RemoteWrite } from './remote-write';
import { METRIC, SCRAPE_MS, type Gain, type SeriesSketch } from './traffic';

/** Half an hour: what is sent late is still new enough for a head that keeps two. */
const BATCH = (30 * 60_000) / SCRAPE_MS;

export class Scrapes {
  readonly #bounds = classicBounds(METRIC.minExponent);
  /** Lines of the exposition for one series: a bucket each, then sum and count. */
  readonly #lines = this.#bounds.seconds.length + 3;
  readonly #labels: Buffer[];
  /** Running totals of each bucket by itself, and the sum. */
  readonly #counts: Float64Array[];
  readonly #sums: Float64Array;
  /** A row a line of the exposition, a column a scrape. */
  readonly #rows: Float64Array[];
  #instantsMs: number[] = [];
  readonly #nativeLabels: Buffer[];
  /** Running totals of the fine buckets, and of each series its histograms since the last flush. */
  readonly #fine: Float64Array[];
  readonly #natives: Buffer[][];

  /**
   * @param databases that take classic buckets
   * @param job the target's labels, as a scrape adds them
   * @param natively those that take native histograms instead
   */
  constructor(
    private readonly databases: readonly RemoteWrite[],
    series: readonly SeriesSketch[],
    job: Record<string, string>,
    private readonly natively: readonly RemoteWrite[] = []
  ) {
    this.#nativeLabels = series.map((each) => labelsMessage(sorted({ __name__: METRIC.name, ...namesOf(each, job) })));
    this.#fine = series.map(() => new Float64Array(natively.length > 0 ? BUCKETS : 0));
    this.#natives = series.map(() => []);
    this.#labels = series.flatMap((each) => this.#labelsOf(each, job));
    this.#counts = series.map(() => new Float64Array(this.#bounds.seconds.length + 1));
    this.#sums = new Float64Array(series.length);
    this.#rows = this.#labels.map(() => new Float64Array(BATCH));
  }

  gain({ series, sumNanoseconds, buckets, counts, length }: Gain): void {
    const totals = this.#counts[series];
    for (let i = 0; i < length; i++) {
      totals[this.#bounds.ofBucket(buckets[i])] += counts[i];
    }
    if (this.natively.length > 0) {
      const fine = this.#fine[series];
      for (let i = 0; i < length; i++) {
        fine[buckets[i]] += counts[i];
      }
    }
    this.#sums[series] += sumNanoseconds / 1e9;
  }

  /** What `/metrics` would have said at this instant. */
  async scrape(atMs: number): Promise<void> {
    const column = this.#instantsMs.push(atMs) - 1;
    for (let series = 0; series < this.#counts.length; series++) {
      let row = series * this.#lines;
      let cumulative = 0;
      for (const count of this.#counts[series]) {
        this.#rows[row++][column] = cumulative += count;
      }
      this.#rows[row++][column] = this.#sums[series];
      this.#rows[row][column] = cumulative;
      if (this.natively.length > 0) {
        this.#natives[series].push(nativeHistogram(this.#fine[series], this.#sums[series], atMs));
      }
    }
    if (this.#instantsMs.length === BATCH) {
      await this.flush();
    }
  }

  async flush(): Promise<void> {
    const instants = this.#instantsMs;
    this.#instantsMs = [];
    const natives = this.#natives.map((each) => each.splice(0));
    await Promise.all([
      ...this.databases.map(async (database) => {
        for (const [row, labels] of this.#labels.entries()) {
          await database.samples(labels, instants, this.#rows[row]);
        }
        await database.flush();
      }),
      ...this.natively.map(async (database) => {
        for (const [series, labels] of this.#nativeLabels.entries()) {
          await database.histograms(labels, natives[series]);
        }
        await database.flush();
      }),
    ]);
  }

  #labelsOf(series: SeriesSketch, job: Record<string, string>): Buffer[] {
    const common = namesOf(series, job);
    const line = (suffix: string, more: Record<string, string> = {}) =>
      labelsMessage(sorted({ __name__: METRIC.name + suffix, ...common, ...more }));
    return [
      ...this.#bounds.seconds.map((seconds) => line('_bucket', { le: OPEN_METRICS.bound(seconds) })),
      line('_bucket', { le: '+Inf' }),
      line('_sum'),
      line('_count'),
    ];
  }
}

function namesOf({ pod, namespace, method, status }: SeriesSketch, job: Record<string, string>) {
  return { ...job, pod, namespace, method, status, workload: pod.slice(0, -6), container: 'main' };
}

function sorted(labels: Record<string, string>): Labels {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}
