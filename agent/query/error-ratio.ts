/** `error_ratio`: the share of requests that ended in an error, from 0 to 1; null where there were none. */
import { labelOf, type SeriesTable } from '../history/series';
import { isErrorStatus } from '../../wire/metrics';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfTotals, Sums, type Column } from './measure';

export class ErrorRatio extends MeasureOfTotals {
  readonly #errors = new Sums(() => this.column());
  readonly #requests = new Sums(() => this.column());
  readonly #isError: Uint8Array;

  constructor(groups: Groups, grid: Grid, table: SeriesTable) {
    super(groups, grid);
    this.#isError = new Uint8Array(table.capacity);
    for (const series of table) {
      this.#isError[series.id] = Number(isErrorStatus(labelOf(series, 'status')));
    }
  }

  totals(series: number, _sumNanoseconds: number, events: number): void {
    const group = this.groups.of(series);
    this.#requests.of(group)[this.step] += events;
    if (this.#isError[series] === 1) {
      this.#errors.of(group)[this.step] += events;
    }
  }

  columns(group: number): Column[] {
    const errors = this.#errors.of(group);
    const requests = this.#requests.of(group);
    return [{ values: this.valuesOf((step) => (requests[step] > 0 ? errors[step] / requests[step] : null)) }];
  }
}
