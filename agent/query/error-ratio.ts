/** `error_ratio`: the share of requests that ended in an error, from 0 to 1; null where there were none. */
import { UNWANTED } from '../history/group-sums';
import { labelOf, type SeriesTable } from '../history/series';
import { isErrorStatus } from '../../wire/metrics';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Columns, MeasureOfSums, type Column } from './measure';

export class ErrorRatio extends MeasureOfSums {
  readonly #errors = new Columns(() => this.column());
  readonly #requests = new Columns(() => this.column());

  /** Each group twice: what ended well, and what did not. */
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
    for (let group = 0; group < this.groups.size; group++) {
      const errors = this.groupSums.events(2 * group + 1);
      this.#errors.of(group)[this.step] += errors;
      this.#requests.of(group)[this.step] += this.groupSums.events(2 * group) + errors;
    }
    this.groupSums.clear();
  }

  columns(group: number): Column[] {
    const errors = this.#errors.of(group);
    const requests = this.#requests.of(group);
    return [{ values: this.valuesOf((step) => (requests[step] > 0 ? errors[step] / requests[step] : null)) }];
  }
}
