/** The past as the agent keeps it: a real collector read into a real history once a second, and queries on both. */
import { History } from '../../agent/history/history';
import { answerQuery } from '../../agent/query/query';
import { Ticker } from '../../agent/ticker';
import type { LabelName } from '../../wire/metrics';
import type { Query } from '../../wire/query';
import { plain } from './plain';
import type { TestCollector } from './collector';
import type { Counts } from './totals';

/** One row of a table: the labels asked for, and the value. */
export interface Row {
  labels: string[];
  value: number;
}

export interface Line {
  labels: Readonly<Record<string, string>>;
  timesMs: number[];
  values: Array<number | null>;
}

export class Recording {
  readonly startMs = Date.now();
  readonly #collector: TestCollector;
  readonly #history: History;
  readonly #ticker: Ticker;
  /** Why the last tick that failed did. */
  failure?: unknown;

  constructor(collector: TestCollector, { tickMs = 1_000, bytes }: { tickMs?: number; bytes?: number } = {}) {
    this.#collector = collector;
    this.#history = new History({ series: collector.series, bytes });
    this.#history.begin(this.startMs);
    this.#ticker = new Ticker({
      intervalMs: tickMs,
      tick: (timeMs) => this.#history.record(timeMs, (into) => collector.collector.tick(into)),
      onFailure: (error) => (this.failure = error),
      onRecovery: () => {},
    });
    this.#ticker.start();
  }

  /** What was added from the start until this moment, a row for each combination of these labels. */
  increases(metric: string, by: readonly LabelName[], where: Query['where'] = []): Row[] {
    const { frames } = this.#answer({ refId: 'A', metric, select: 'increase', by: [...by], where, instant: true });
    const [frame] = frames;
    const columns = frame.data.values;
    const values = columns.at(-1) as number[];
    return values
      .map((value, row) => ({ labels: by.map((_, column) => String(columns[column][row])), value }))
      .filter(({ value }) => value !== 0);
  }

  /** Requests by whose they are (the values of these labels, joined by "/"), then by `method status`. */
  requests(side: 'server' | 'client', by: readonly LabelName[]): Record<string, Counts> {
    const owners: Record<string, Counts> = {};
    const rows = this.increases(`http_${side}_request_duration_seconds`, [...by, 'method', 'status']);
    for (const { labels, value } of rows) {
      const owner = (owners[labels.slice(0, by.length).join('/')] ??= {});
      const key = labels.slice(by.length).join(' ');
      owner[key] = (owner[key] ?? 0) + value;
    }
    return owners;
  }

  /** A graph of it from the start on, a point a second. */
  lines(metric: string, select: Query['select'], by: readonly LabelName[], where: Query['where'] = []): Line[] {
    const { frames } = this.#answer({ refId: 'A', metric, select, by: [...by], where, stepMs: 1_000 });
    return frames.map(({ schema, data }) => ({
      labels: schema.fields[1].labels ?? {},
      timesMs: data.values[0] as number[],
      values: data.values[1] as Array<number | null>,
    }));
  }

  /** What a question about all of it is told beside the answer. */
  notices(metric: string): string[] {
    return (this.#answer({ refId: 'A', metric, select: 'increase', instant: true }).notices ?? []).map(
      ({ text }) => text
    );
  }

  stop(): void {
    this.#ticker.stop();
  }

  #answer(query: Query) {
    const { collector: live, series } = this.#collector;
    const nowMs = Date.now();
    const range = { from: this.startMs - 1_000, to: nowMs + 1_000 };
    return plain(answerQuery(query, range, { history: this.#history, live, series, nowMs }));
  }
}
