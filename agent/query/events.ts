/** `rate` and `increase`: how many events, bytes or segments. */
import type { Grid } from './grid';
import type { Groups } from './groups';
import { Columns, MeasureOfSums, type Column } from './measure';

/** A rate over less than this jumps with every single event. */
const SHORTEST_RATE_MS = 1_000;

class Events extends MeasureOfSums {
  protected readonly events = new Columns(() => this.column());

  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: false });
  }

  override closeStep(): void {
    for (let group = 0; group < this.groupSums.size; group++) {
      this.events.of(group)[this.step] += this.groupSums.events(group);
    }
    this.groupSums.clear();
  }

  columns(group: number): Column[] {
    const events = this.events.of(group);
    return [{ values: this.valuesOf((step) => (this.isKnown(step) ? events[step] : null)) }];
  }
}

export class Increase extends Events {}

/**
 * Events a second, of the time that was watched: the first step of the history and the step that is not over yet are no
 * dips. A last step that has only just begun is taken together with the one before.
 */
export class Rate extends Events {
  override columns(group: number): Column[] {
    const events = this.events.of(group);
    return [{ values: this.valuesOf((step) => this.#rate(events, step)) }];
  }

  #rate(column: Float64Array, step: number): number | null {
    let events = column[step];
    let coveredMs = this.coveredMs[step];
    if (!this.isKnown(step)) {
      return null;
    }
    const hasJustBegun = step === this.grid.steps - 1 && step > 0 && coveredMs < SHORTEST_RATE_MS;
    if (hasJustBegun) {
      events += column[step - 1];
      coveredMs += this.coveredMs[step - 1];
    }
    return coveredMs > 0 ? (events * 1000) / coveredMs : null;
  }
}
