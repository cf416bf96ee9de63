/** The made-up traffic as an agent would have remembered it, in a history file that a real agent then starts with. */
import { History } from '../../agent/history/history';
import { HistoryFile } from '../../agent/history/file/file';
import { SeriesTable } from '../../agent/history/series';
import { METRIC, type Gain, type SeriesSketch } from './traffic';

export interface PastOptions {
  path: string;
  node: string;
  /** As the agent will be told by --history-bytes. */
  bytes: number;
  series: readonly SeriesSketch[];
  fromMs: number;
}

export class Past {
  readonly #history: History;
  readonly #ids: number[];

  constructor({ path, node, bytes, series, fromMs }: PastOptions) {
    const table = new SeriesTable({ capacity: series.length });
    this.#history = new History({ bytes, series: table, file: new HistoryFile({ path, node }) });
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

  /** The oldest instant that is known by the second, and by whatever it is. */
  get starts(): { finestMs: number; oldestMs: number } {
    const starts = this.#history.starts().map(({ startMs }) => startMs ?? Infinity);
    return { finestMs: starts[0], oldestMs: Math.min(...starts) };
  }

  /** What is used of the budget, by tier. */
  get used(): number[] {
    return this.#history.starts().map(({ usedBytes, bytes }) => usedBytes / bytes);
  }
}
