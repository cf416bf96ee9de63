/** `avg` of a histogram: the sum of the durations over their number, both as the kernel counted them. */
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Columns, MeasureOfSums, type Column } from './measure';

export class Average extends MeasureOfSums {
  readonly #nanoseconds = new Columns(() => this.column());
  readonly #counts = new Columns(() => this.column());

  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: false });
  }

  override closeStep(): void {
    for (let group = 0; group < this.groupSums.size; group++) {
      this.#nanoseconds.of(group)[this.step] += this.groupSums.nanoseconds(group);
      this.#counts.of(group)[this.step] += this.groupSums.events(group);
    }
    this.groupSums.clear();
  }

  columns(group: number): Column[] {
    const nanoseconds = this.#nanoseconds.of(group);
    const counts = this.#counts.of(group);
    return [{ values: this.valuesOf((step) => (counts[step] > 0 ? nanoseconds[step] / counts[step] / 1e9 : null)) }];
  }
}
