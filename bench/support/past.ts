/** The made-up traffic as an agent would have remembered it: for this process, or in a file that a real agent starts with. */
import { answerQuery } from '../../agent/query/query';
import type { Result } from '../../wire/answer';
import type { Query } from '../../wire/query';
import { History } from '../../agent/history/history';
import { HistoryFile } from '../../agent/history/file/file';
import { SeriesTable } from '../../agent/history/series';
import { plain } from '../../test/support/plain';
import { METRIC, type Gain, type SeriesSketch } from './traffic';

export interface PastOptions {
  /** Of the history file; default: none. */
  path?: string;
  node: string;
  /** As the agent will be told by --history-bytes. */
  bytes: number;
  series: readonly SeriesSketch[];
  fromMs: number;
}

export class Past {
  readonly #history: History;
  readonly #table: SeriesTable;
  readonly #ids: number[];

  constructor({ path, node, bytes, series, fromMs }: PastOptions) {
    const table = new SeriesTable({ capacity: series.length });
    const file = path === undefined ? undefined : new HistoryFile({ path, node });
    this.#table = table;
    this.#history = new History({ bytes, series: table, file });
    this.#history.begin(fromMs);
    const targets = new Map(
      series.map(({ pod, namespace }) => [
        pod,
        { labels: { node, namespace, pod, workload: pod.slice(0, -6), container: 'main' }, hidden: false },
      ])
    );
    this.#ids = series.map(({ pod, method, status }) => table.intern(METRIC, targets.get(pod)!, { method, status }).id);
  }

  /** One tick. @param tell tells each series that moved since the last one */
  add(toMs: number, tell: (hear: (gain: Gain) => void) => void): void {
    this.#history.record(toMs, (into) =>
      tell(({ series, sumNanoseconds, buckets, counts, length }) =>
        into.histogram(this.#ids[series], sumNanoseconds, buckets, counts, length)
      )
    );
  }

  /** As the agent would, without the way there and back. */
  answer(query: Query, fromMs: number, toMs: number): Result {
    const live = { peek: () => {} };
    return plain(
      answerQuery(query, { from: fromMs, to: toMs }, { history: this.#history, series: this.#table, live, nowMs: toMs })
    );
  }

  /** In what steps an instant is known. */
  resolutionMs(ms: number): number {
    return this.#history.resolutionMs(ms);
  }

  /** What is used of the budget, by tier. */
  get used(): number[] {
    return this.#history.starts().map(({ usedBytes, bytes }) => usedBytes / bytes);
  }
}
