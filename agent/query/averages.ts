/** `avg` of a histogram: the sum of the durations over their number, both as the kernel counted them. */
import { MeasureOfTotals, Sums, type Column } from './measure';

export class Average extends MeasureOfTotals {
  readonly #nanoseconds = new Sums(() => this.column());
  readonly #counts = new Sums(() => this.column());

  totals(series: number, sumNanoseconds: number, events: number): void {
    const group = this.groups.of(series);
    this.#nanoseconds.of(group)[this.step] += sumNanoseconds;
    this.#counts.of(group)[this.step] += events;
  }

  columns(group: number): Column[] {
    const nanoseconds = this.#nanoseconds.of(group);
    const counts = this.#counts.of(group);
    return [{ values: this.valuesOf((step) => (counts[step] > 0 ? nanoseconds[step] / counts[step] / 1e9 : null)) }];
  }
}
