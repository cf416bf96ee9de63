/** `error_ratio`: the share of requests that ended in an error, from 0 to 1; not known where there were none. */
import { Total, UNWANTED } from '../history/group-sums';
import { labelOf, type SeriesTable } from '../history/series';
import { isErrorStatus } from '../../wire/metrics';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfSums, Rows } from './measure';

export class ErrorRatio extends MeasureOfSums {
  /** Of each group first what ended well, then what did not. */
  readonly #requests = new Rows();

  constructor(groups: Groups, grid: Grid, table: SeriesTable) {
    const isError = (series: number) => Number(isErrorStatus(labelOf(table.get(series)!, 'status')));
    super(groups, grid, {
      buckets: false,
      classOf: groups.classOf.map((its, series) => (its === UNWANTED ? UNWANTED : 2 * its + isError(series))),
      classes: 2 * groups.classes,
      groupOf: (series) => 2 * groups.of(series) + isError(series),
    });
  }

  override closeStep(): void {
    this.spendLines(this.groupSums.size);
    this.#requests.set(this.step, this.groupSums.take(Total.Events));
    this.groupSums.clear();
  }

  protected valueAt(step: number, group: number): number {
    const errors = this.#requests.at(step, 2 * group + 1);
    const requests = this.#requests.at(step, 2 * group) + errors;
    return requests > 0 ? errors / requests : NaN;
  }
}
