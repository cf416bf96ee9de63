/** `avg` of a histogram: the sum of the durations over their number, both as the kernel counted them. */
import { Measure, Sums, type Column } from './measure';

export class Average extends Measure {
  readonly #nanoseconds = new Sums(() => this.column());
  readonly #counts = new Sums(() => this.column());

  override histogram(series: number, sum: number, _buckets: Uint16Array, counts: Float64Array, length: number): void {
    const group = this.groups.of(series);
    this.#nanoseconds.of(group)[this.step] += sum;
    const column = this.#counts.of(group);
    for (let i = 0; i < length; i++) {
      column[this.step] += counts[i];
    }
  }

  columns(group: number): Column[] {
    const nanoseconds = this.#nanoseconds.of(group);
    const counts = this.#counts.of(group);
    return [{ values: this.valuesOf((step) => (counts[step] > 0 ? nanoseconds[step] / counts[step] / 1e9 : null)) }];
  }
}
