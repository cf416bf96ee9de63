/** `error_ratio`: the share of requests that ended in an error, from 0 to 1; null where there were none. */
import { labelOf, type SeriesTable } from '../history/series';
import { isErrorStatus } from '../../wire/metrics';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Measure, Sums, type Column } from './measure';

export class ErrorRatio extends Measure {
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

  override histogram(series: number, _sum: number, _buckets: Uint16Array, counts: Float64Array, length: number): void {
    const group = this.groups.of(series);
    let requests = 0;
    for (let i = 0; i < length; i++) {
      requests += counts[i];
    }
    this.#requests.of(group)[this.step] += requests;
    if (this.#isError[series] === 1) {
      this.#errors.of(group)[this.step] += requests;
    }
  }

  columns(group: number): Column[] {
    const errors = this.#errors.of(group);
    const requests = this.#requests.of(group);
    return [{ values: this.valuesOf((step) => (requests[step] > 0 ? errors[step] / requests[step] : null)) }];
  }
}
