/** How a `select` turns events into values: it listens to a scan and then answers for each group, step by step. */
import { GroupSums, type Classes } from '../history/group-sums';
import type { HistoryListener } from '../history/scanner';
import { WireError } from '../../wire/errors';
import type { Groups } from './groups';
import type { Numbers } from './frame';
import { stepOf, type Grid } from './grid';

/** One line of a chart: a number a step. */
export interface Column extends Numbers {
  /** Of a quantile: its rank, like 0.99. */
  quantile?: number;
}

/** Numbers one query may gather, over all its series: 8 MB of them. Grafana draws far fewer. */
export const MAX_VALUES = 1_000_000;

export abstract class Measure implements HistoryListener {
  /** How much of each step was watched. */
  protected readonly coveredMs: Float64Array;
  readonly #isKnown: Uint8Array;
  /** Of the column that was read last. */
  readonly #read: Float64Array;
  protected step = -1;
  #values = 0;
  #lines = 0;
  #columns = 0;

  constructor(
    protected readonly groups: Groups,
    protected readonly grid: Grid
  ) {
    this.coveredMs = new Float64Array(grid.steps);
    this.#isKnown = new Uint8Array(grid.steps);
    this.#read = new Float64Array(grid.steps);
  }

  at(toMs: number, coveredMs: number): void {
    const step = Math.max(0, Math.min(stepOf(this.grid, toMs), this.grid.steps - 1));
    if (step !== this.step) {
      this.closeStep();
      this.step = step;
    }
    this.coveredMs[step] += coveredMs;
    this.#isKnown[step] = 1;
  }

  /** Everything of the current step has been told. */
  closeStep(): void {}

  histogram(_series: number, _sum: number, _buckets: Uint16Array, _counts: Float64Array, _length: number): void {}
  counter(_series: number, _increase: number): void {}
  gauge(_series: number, _last: number, _levelMilliseconds?: number): void {}

  /** After the scan: the lines of one group, one for each of the quantiles if there are any. */
  columns(group: number, quantiles: readonly number[] = []): Column[] {
    return quantiles.length === 0
      ? [new Line(this, this.grid.steps, group, 0)]
      : quantiles.map((quantile, place) => new Line(this, this.grid.steps, group, place, quantile));
  }

  /** Room for a number a step, for one more line. */
  protected column(): Float64Array {
    this.spendLines(++this.#columns);
    return new Float64Array(this.grid.steps);
  }

  /**
   * So many lines there are by now, which will have a number a step.
   *
   * @throws WireError too_many_points, when these are too many
   */
  spendLines(lines: number): void {
    if (lines > this.#lines) {
      this.spend((lines - this.#lines) * this.grid.steps);
      this.#lines = lines;
    }
  }

  /** @throws WireError too_many_points, when the numbers of the query are too many */
  protected spend(values: number): void {
    this.#values += values;
    if (this.#values > MAX_VALUES) {
      throw new WireError(
        'too_many_points',
        `The query makes more than ${MAX_VALUES} values in ${this.grid.steps} steps; take a longer step, or group by fewer labels.`,
        { field: `${this.groups.field}.stepMs`, received: this.grid.stepMs, limit: MAX_VALUES }
      );
    }
  }

  /** Whether anybody looked: the difference between 0 and not knowing. */
  protected isKnown(step: number): boolean {
    return this.#isKnown[step] === 1;
  }

  /** All steps of a line, in the array that the next one will be read into. */
  read(group: number, quantile: number): Float64Array {
    for (let step = 0; step < this.grid.steps; step++) {
      this.#read[step] = this.valueAt(step, group, quantile);
    }
    return this.#read;
  }

  /** NaN where nothing is known. @param quantile which of those that were asked for */
  protected abstract valueAt(step: number, group: number, quantile: number): number;
}

/** One of a measure's lines. Not a function, of which each would have to be made anew. */
class Line implements Column {
  constructor(
    private readonly measure: Measure,
    readonly length: number,
    private readonly group: number,
    private readonly place: number,
    readonly quantile?: number
  ) {}

  read(): Float64Array {
    return this.measure.read(this.group, this.place);
  }
}

/** One of histograms or counters: they are added up for a step, which `closeStep` then takes what it needs of. */
export abstract class MeasureOfSums extends Measure {
  readonly groupSums: GroupSums;

  /** @param options `groupOf`, and classes for it, where the sums are not by the query's own groups */
  constructor(
    groups: Groups,
    grid: Grid,
    options: { buckets: boolean; groupOf?: (series: number) => number } & Partial<Classes>
  ) {
    super(groups, grid);
    const { classOf, classes } = groups;
    this.groupSums = new GroupSums({ classOf, classes, groupOf: (series) => groups.of(series), ...options });
  }

  override histogram(series: number, sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    this.groupSums.addHistogram(series, sum, buckets, counts, length);
  }

  override counter(series: number, increase: number): void {
    this.groupSums.addCounter(series, increase);
  }
}

/** A number for each group and step, as they are when a step is over: 0 of a group that came later. */
export class Rows {
  readonly #rows: Float64Array[] = [];

  set(step: number, row: Float64Array): void {
    this.#rows[step] = row;
  }

  at(step: number, group: number): number {
    return this.#rows[step]?.[group] ?? 0;
  }
}

/** A number for each group and step that starts at 0. */
export class Columns {
  readonly #columns: Float64Array[] = [];

  constructor(private readonly make: () => Float64Array) {}

  of(group: number): Float64Array {
    return (this.#columns[group] ??= this.make());
  }

  /** 0 of a group that was never asked for. */
  at(step: number, group: number): number {
    return this.#columns[group]?.[step] ?? 0;
  }
}
