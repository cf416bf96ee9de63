/** `value` and `avg` of a gauge. A series that is not told is at 0: a gauge says so once when it falls there. */
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Columns, Measure } from './measure';

/** The level at the end of each step, summed over the series of a group. */
export class Level extends Measure {
  readonly #levels = new Columns(() => this.column());
  /** What each series has put into the current step. */
  readonly #last: Float64Array;
  readonly #lastStep: Int32Array;

  constructor(groups: Groups, grid: Grid) {
    super(groups, grid);
    this.#last = new Float64Array(groups.wanted.length);
    this.#lastStep = new Int32Array(groups.wanted.length).fill(-1);
  }

  override gauge(series: number, last: number): void {
    const levels = this.#levels.of(this.groups.of(series));
    const before = this.#lastStep[series] === this.step ? this.#last[series] : 0;
    levels[this.step] += last - before;
    this.#last[series] = last;
    this.#lastStep[series] = this.step;
  }

  protected valueAt(step: number, group: number): number {
    return this.isKnown(step) ? this.#levels.at(step, group) : NaN;
  }
}

/** The level over the time that was watched, summed over the series of a group. */
export class AverageLevel extends Measure {
  readonly #levelMilliseconds = new Columns(() => this.column());
  #recordMs = 0;

  override at(toMs: number, coveredMs: number): void {
    super.at(toMs, coveredMs);
    this.#recordMs = coveredMs;
  }

  override gauge(series: number, last: number, levelMilliseconds = last * this.#recordMs): void {
    this.#levelMilliseconds.of(this.groups.of(series))[this.step] += levelMilliseconds;
  }

  protected valueAt(step: number, group: number): number {
    return this.coveredMs[step] > 0 ? this.#levelMilliseconds.at(step, group) / this.coveredMs[step] : NaN;
  }
}
