/** The kernel's totals, held for the length of one scrape. */
import type { Deltas } from '../../history/deltas';
import { labelOf, type Series, type SeriesTable } from '../../history/series';
import { labelsOf, METRICS, type Metric } from '../../../wire/metrics';
import { classicBounds } from './buckets';
import { labelSet, number, sample, type Format, type LabelPairs } from './format';

interface HistogramTotal {
  series: Series;
  sumSeconds: number;
  /** Events of each classic bucket by itself, +Inf last. */
  counts: Float64Array;
}

interface NumberTotal {
  series: Series;
  value: number;
}

/** Text is handed on in pieces of about this length. */
const CHUNK_LENGTH = 64 * 1024;

export class Totals implements Deltas {
  readonly #series: SeriesTable;
  /** By series: one that is told several times, by cgroups of the same owner, is the sum. */
  readonly #histograms = new Map<Metric, Map<number, HistogramTotal>>();
  readonly #numbers = new Map<Metric, Map<number, NumberTotal>>();

  constructor(series: SeriesTable) {
    this.#series = series;
  }

  histogram(id: number, sumNanoseconds: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    const series = this.#visible(id);
    if (!series) {
      return;
    }
    const bounds = classicBounds(series.metric.minExponent);
    const totals = of(this.#histograms, series.metric);
    const total = totals.get(id) ?? { series, sumSeconds: 0, counts: new Float64Array(bounds.seconds.length + 1) };
    for (let i = 0; i < length; i++) {
      total.counts[bounds.ofBucket(buckets[i])] += counts[i];
    }
    total.sumSeconds += sumNanoseconds / 1e9;
    totals.set(id, total);
  }

  counter(id: number, value: number): void {
    this.#number(id, value);
  }

  gauge(id: number, value: number): void {
    this.#number(id, value);
  }

  /** Every metric of the catalogue, also those without a series: a dashboard finds their names. */
  *lines(format: Format): Generator<string> {
    let chunk = '';
    for (const metric of METRICS) {
      chunk += format.header(metric.name, metric.kind, metric.help, metric.unit);
      for (const total of of(this.#histograms, metric).values()) {
        chunk += histogramLines(total, format);
        if (chunk.length > CHUNK_LENGTH) {
          yield chunk;
          chunk = '';
        }
      }
      for (const { series, value } of of(this.#numbers, metric).values()) {
        chunk += sample(metric.name, labelPairs(series), value);
      }
      yield chunk;
      chunk = '';
    }
  }

  #number(id: number, value: number): void {
    const series = this.#visible(id);
    if (series) {
      const totals = of(this.#numbers, series.metric);
      totals.set(id, { series, value: value + (totals.get(id)?.value ?? 0) });
    }
  }

  #visible(id: number): Series | undefined {
    const series = this.#series.get(id);
    return series?.target.hidden ? undefined : series;
  }
}

function histogramLines({ series, sumSeconds, counts }: HistogramTotal, format: Format): string {
  const { name, minExponent } = series.metric;
  const labels = labelSet(labelPairs(series));
  const before = labels === '' ? '{' : `${labels.slice(0, -1)},`;
  let lines = '';
  let cumulative = 0;
  for (const [index, seconds] of classicBounds(minExponent).seconds.entries()) {
    cumulative += counts[index];
    lines += `${name}_bucket${before}le="${format.bound(seconds)}"} ${number(cumulative)}\n`;
  }
  cumulative += counts[counts.length - 1];
  return (
    `${lines}${name}_bucket${before}le="+Inf"} ${number(cumulative)}\n` +
    `${name}_sum${labels} ${number(sumSeconds)}\n${name}_count${labels} ${number(cumulative)}\n`
  );
}

function labelPairs(series: Series): LabelPairs {
  return labelsOf(series.metric).map((label) => [label, labelOf(series, label)] as const);
}

function of<K, T>(byMetric: Map<Metric, Map<K, T>>, metric: Metric): Map<K, T> {
  const known = byMetric.get(metric) ?? new Map<K, T>();
  byMetric.set(metric, known);
  return known;
}
