/** A node with a past that is known exactly: what happened is kept event by event, beside the history under test. */
import { HistoryFile } from '../../../agent/history/file/file';
import { History } from '../../../agent/history/history';
import { SeriesTable, type Labels, type Series } from '../../../agent/history/series';
import type { Deltas } from '../../../agent/history/deltas';
import { answerQuery, tryAnswerQuery, type QueryContext } from '../../../agent/query/query';
import type { Frame, Result } from '../../../wire/answer';
import { bucketOfNanoseconds } from '../../../wire/histogram';
import { METRICS, type Metric } from '../../../wire/metrics';
import type { Query } from '../../../wire/query';
import { plain } from '../../support/plain';
import { intern } from '../../support/series';

/** A whole hour. */
export const T0 = 1_790_002_800_000;

export const HTTP = 'http_server_request_duration_seconds';
export const BYTES = 'tcp_bytes_total';
export const ACTIVE = 'tcp_connections_active';
export const LIFETIME = 'tcp_connection_duration_seconds';

export interface Happening {
  atMs: number;
  series: Series;
  /** Of a histogram nanoseconds, of a counter its increase, of a gauge its level. */
  value: number;
}

export class World {
  readonly series = new SeriesTable();
  readonly history: History;
  readonly past: Happening[] = [];
  nowMs: number;
  /** Since the last tick. */
  #pending: Happening[] = [];
  readonly #levels = new Map<Series, number>();
  /** The table makes another object each time it is asked; here it is the same one for the same series. */
  readonly #known = new Map<number, Series>();

  /** @param path of a history file: what is in it happened, too */
  constructor({ bytes, startMs = T0, path }: { bytes?: number; startMs?: number; path?: string } = {}) {
    const file = path === undefined ? undefined : new HistoryFile({ path, node: 'n1' });
    this.history = new History({ series: this.series, bytes, file });
    this.history.begin(startMs, true);
    this.nowMs = startMs;
  }

  the(metric: string, labels: Labels): Series {
    const series = intern(this.series, metricNamed(metric), labels);
    const known = this.#known.get(series.id) ?? series;
    this.#known.set(series.id, known);
    return known;
  }

  /** Something happens now. */
  happen(series: Series, ...values: number[]): this {
    for (const value of values) {
      const happening = { atMs: this.nowMs, series, value };
      if (series.metric.kind === 'gauge') {
        this.#levels.set(series, value);
      }
      this.#pending.push(happening);
      this.past.push(happening);
    }
    return this;
  }

  /** Time passes; at every whole second there is a tick. */
  pass(seconds: number): this {
    const end = this.nowMs + seconds * 1000;
    for (let tickMs = (Math.floor(this.nowMs / 1000) + 1) * 1000; tickMs <= end; tickMs += 1000) {
      this.nowMs = tickMs;
      this.tick();
    }
    this.nowMs = end;
    return this;
  }

  tick(): void {
    this.history.record(this.nowMs, (into) => this.#tell(into));
    this.#pending = [];
    this.#levels.forEach((level, series) => level === 0 && this.#levels.delete(series));
  }

  #tell(into: Deltas): void {
    const bySeries = new Map<Series, number[]>();
    for (const { series, value } of this.#pending) {
      bySeries.set(series, [...(bySeries.get(series) ?? []), value]);
    }
    for (const [{ id, metric }, values] of bySeries) {
      const sum = values.reduce((a, b) => a + b, 0);
      if (metric.kind === 'counter') {
        into.counter(id, sum);
      } else if (metric.kind === 'histogram') {
        const counts = new Map<number, number>();
        for (const value of values) {
          const bucket = bucketOfNanoseconds(value, metric.minExponent);
          counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
        }
        const buckets = [...counts.keys()].sort((a, b) => a - b);
        into.histogram(
          id,
          sum,
          Uint16Array.from(buckets),
          Float64Array.from(buckets, (bucket) => counts.get(bucket) ?? 0),
          buckets.length
        );
      }
    }
    this.#levels.forEach((level, { id }) => into.gauge(id, level));
  }

  get context(): QueryContext {
    return {
      history: this.history,
      series: this.series,
      live: { peek: (into) => this.#tell(into) },
      nowMs: this.nowMs,
    };
  }

  ask(query: Partial<Query>, from = T0, to = this.nowMs): Result {
    return plain(answerQuery({ refId: 'A', metric: HTTP, select: 'rate', ...query }, { from, to }, this.context));
  }

  tryAsk(query: Partial<Query>, from = T0, to = this.nowMs): Result {
    return plain(tryAnswerQuery({ refId: 'A', metric: HTTP, select: 'rate', ...query }, { from, to }, this.context));
  }
}

export function metricNamed(name: string): Metric {
  const metric = METRICS.find((candidate) => candidate.name === name);
  if (!metric) {
    throw new Error(`no metric ${name}`);
  }
  return metric;
}

export const SECOND = 1e9;
export const MILLISECOND = 1e6;

/** The points of a time series: seconds after T0, and value. */
export function pointsOf({ data }: Frame): Array<[number, number | null]> {
  const [times, values] = data.values as [number[], Array<number | null>];
  return times.map((time, i) => [(time - T0) / 1000, values[i]]);
}

/** The points of the only frame there is. */
export function points({ frames }: Result): Array<[number, number | null]> {
  expect(frames).toHaveLength(1);
  return pointsOf(frames[0]);
}

export function namesOf({ frames }: Result): Array<string | undefined> {
  return frames.map(({ schema }) => schema.fields[1].config?.displayNameFromDS);
}

/** A table as rows. */
export function rowsOf({ frames }: Result): Array<Array<string | number | null>> {
  expect(frames).toHaveLength(1);
  const { values } = frames[0].data;
  return values[0].map((_, row) => values.map((column) => column[row]));
}
