/** What a collector has counted since it was opened, in the form that tests compare. */
import type { Deltas } from '../../agent/history/deltas';
import type { Labels, SeriesTable } from '../../agent/history/series';
import { BUCKETS, LATENCY_MIN_EXPONENT, lowerBoundSeconds, upperBoundSeconds } from '../../wire/histogram';
import type { LabelName } from '../../wire/metrics';
import { labelsOf } from './series';

export interface Total {
  metric: string;
  labels: Labels;
  /** Of a histogram: its events. Of a counter or a gauge: its value. */
  value: number;
  sumSeconds: number;
  buckets: number[];
}

/** Counts by `method status`, such as `{ 'GET 200': 3 }`. */
export type Counts = Record<string, number>;

export class Totals {
  readonly all: Total[] = [];

  constructor(series: SeriesTable, tell: (into: Deltas) => void) {
    const add = (id: number, rest: Omit<Total, 'metric' | 'labels'>) => {
      const known = series.get(id)!;
      this.all.push({ metric: known.metric.name, labels: labelsOf(known), ...rest });
    };
    tell({
      histogram(id, sumNanoseconds, buckets, counts, length) {
        const dense = new Array<number>(BUCKETS).fill(0);
        for (let i = 0; i < length; i++) {
          dense[buckets[i]] += counts[i];
        }
        add(id, { value: sum(dense), sumSeconds: sumNanoseconds / 1e9, buckets: dense });
      },
      counter: (id, value) => add(id, { value, sumSeconds: 0, buckets: [] }),
      gauge: (id, value) => add(id, { value, sumSeconds: 0, buckets: [] }),
    });
  }

  /** The series of a metric that have these labels. */
  of(metric: string, labels: Labels = {}): Total[] {
    const wanted = Object.entries(labels) as Array<[LabelName, string]>;
    return this.all.filter(
      (total) => total.metric === metric && wanted.every(([name, value]) => (total.labels[name] ?? '') === value)
    );
  }

  /** Their sum: of a counter its value, of a histogram its events. */
  value(metric: string, labels: Labels = {}): number {
    return sum(this.of(metric, labels).map(({ value }) => value));
  }

  /** One histogram made of all series of the metric that have these labels. */
  merged(metric: string, labels: Labels = {}): { count: number; sumSeconds: number; buckets: number[] } {
    const buckets = new Array<number>(BUCKETS).fill(0);
    let sumSeconds = 0;
    for (const total of this.of(metric, labels)) {
      sumSeconds += total.sumSeconds;
      total.buckets.forEach((count, bucket) => (buckets[bucket] += count));
    }
    return { count: sum(buckets), sumSeconds, buckets };
  }

  /** HTTP requests by `method status`, as one side of the connection saw them. */
  requests(role: 'server' | 'client', labels: Labels = {}): Counts {
    return byMethodAndStatus(this.of(`http_${role}_request_duration_seconds`, labels));
  }

  /** The same from the time to first byte, which is a histogram of its own and has to agree. */
  firstBytes(role: 'server' | 'client', labels: Labels = {}): Counts {
    return byMethodAndStatus(this.of(`http_${role}_time_to_first_byte_seconds`, labels));
  }
}

/**
 * The quantile of a histogram as the geometric middle of the bucket that holds the event of that rank: the most naive
 * reading there is, on purpose.
 */
export function quantileSeconds(
  buckets: readonly number[],
  quantile: number,
  minExponent = LATENCY_MIN_EXPONENT
): number {
  const rank = Math.max(1, Math.ceil(quantile * sum(buckets)));
  let seen = 0;
  for (const [bucket, count] of buckets.entries()) {
    seen += count;
    if (seen >= rank) {
      return Math.sqrt(lowerBoundSeconds(bucket, minExponent) * upperBoundSeconds(bucket, minExponent));
    }
  }
  return NaN;
}

function byMethodAndStatus(totals: readonly Total[]): Counts {
  const counts: Counts = {};
  for (const { labels, value } of totals) {
    const key = `${labels.method} ${labels.status}`;
    if (value > 0) {
      counts[key] = (counts[key] ?? 0) + value;
    }
  }
  return counts;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
