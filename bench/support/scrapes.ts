/** The made-up traffic as a database would have scraped it from the agent: totals every 15 s, in its classic buckets. */
import { classicBounds } from '../../agent/http/exposition/buckets';
import { OPEN_METRICS } from '../../agent/http/exposition/format';
import { labelsMessage, RemoteWrite } from './remote-write';
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

  /** @param job the target's labels, as a scrape adds them */
  constructor(
    private readonly databases: readonly RemoteWrite[],
    series: readonly SeriesSketch[],
    job: Record<string, string>
  ) {
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
    }
    if (this.#instantsMs.length === BATCH) {
      await this.flush();
    }
  }

  async flush(): Promise<void> {
    const instants = this.#instantsMs;
    this.#instantsMs = [];
    await Promise.all(
      this.databases.map(async (database) => {
        for (const [row, labels] of this.#labels.entries()) {
          await database.samples(labels, instants, this.#rows[row]);
        }
        await database.flush();
      })
    );
  }

  #labelsOf({ pod, namespace, method, status }: SeriesSketch, job: Record<string, string>): Buffer[] {
    const common = { ...job, pod, namespace, method, status, workload: pod.slice(0, -6), container: 'main' };
    const line = (suffix: string, more: Record<string, string> = {}) =>
      labelsMessage(
        Object.entries({ __name__: METRIC.name + suffix, ...common, ...more }).sort(([a], [b]) => (a < b ? -1 : 1))
      );
    return [
      ...this.#bounds.seconds.map((seconds) => line('_bucket', { le: OPEN_METRICS.bound(seconds) })),
      line('_bucket', { le: '+Inf' }),
      line('_sum'),
      line('_count'),
    ];
  }
}
