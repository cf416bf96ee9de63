/** `avg` of a histogram: the sum of the durations over their number, both as the kernel counted them. */
import { Total } from '../history/group-sums';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfSums, Rows } from './measure';

export class Average extends MeasureOfSums {
  readonly #nanoseconds = new Rows();
  readonly #counts = new Rows();

  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: false });
  }

  override closeStep(): void {
    this.spendLines(2 * this.groupSums.size);
    this.#nanoseconds.set(this.step, this.groupSums.take(Total.Nanoseconds));
    this.#counts.set(this.step, this.groupSums.take(Total.Events));
    this.groupSums.clear();
  }

  protected valueAt(step: number, group: number): number {
    const count = this.#counts.at(step, group);
    return count > 0 ? this.#nanoseconds.at(step, group) / count / 1e9 : NaN;
  }
}
