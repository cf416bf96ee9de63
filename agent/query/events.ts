/** `rate` and `increase`: how many events, bytes or segments. */
import { MeasureOfTotals, Sums, type Column } from './measure';

/** A rate over less than this jumps with every single event. */
const SHORTEST_RATE_MS = 1_000;

class Events extends MeasureOfTotals {
  protected readonly sums = new Sums(() => this.column());

  totals(series: number, _sumNanoseconds: number, events: number): void {
    this.sums.of(this.groups.of(series))[this.step] += events;
  }

  override counter(series: number, increase: number): void {
    this.sums.of(this.groups.of(series))[this.step] += increase;
  }

  columns(group: number): Column[] {
    const sums = this.sums.of(group);
    return [{ values: this.valuesOf((step) => (this.isKnown(step) ? sums[step] : null)) }];
  }
}

export class Increase extends Events {}

/**
 * Events a second, of the time that was watched: the first step of the history and the step that is not over yet are no
 * dips. A last step that has only just begun is taken together with the one before.
 */
export class Rate extends Events {
  override columns(group: number): Column[] {
    const sums = this.sums.of(group);
    return [{ values: this.valuesOf((step) => this.#rate(sums, step)) }];
  }

  #rate(sums: Float64Array, step: number): number | null {
    let events = sums[step];
    let coveredMs = this.coveredMs[step];
    if (!this.isKnown(step)) {
      return null;
    }
    const hasJustBegun = step === this.grid.steps - 1 && step > 0 && coveredMs < SHORTEST_RATE_MS;
    if (hasJustBegun) {
      events += sums[step - 1];
      coveredMs += this.coveredMs[step - 1];
    }
    return coveredMs > 0 ? (events * 1000) / coveredMs : null;
  }
}
