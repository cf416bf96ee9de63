/** `rate` and `increase`: how many events, bytes or segments. */
import { Total } from '../history/group-sums';
import type { Grid } from './grid';
import type { Groups } from './groups';
import { MeasureOfSums, Rows } from './measure';

/** A rate over less than this jumps with every single event. */
const SHORTEST_RATE_MS = 1_000;

class Events extends MeasureOfSums {
  protected readonly events = new Rows();

  constructor(groups: Groups, grid: Grid) {
    super(groups, grid, { buckets: false });
  }

  override closeStep(): void {
    this.spendLines(this.groupSums.size);
    this.events.set(this.step, this.groupSums.take(Total.Events));
    this.groupSums.clear();
  }

  protected valueAt(step: number, group: number): number {
    return this.isKnown(step) ? this.events.at(step, group) : NaN;
  }
}

export class Increase extends Events {}

/**
 * Events a second, of the time that was watched: the first step of the history and the step that is not over yet are no
 * dips. A last step that has only just begun is taken together with the one before.
 */
export class Rate extends Events {
  protected override valueAt(step: number, group: number): number {
    if (!this.isKnown(step)) {
      return NaN;
    }
    let events = this.events.at(step, group);
    let coveredMs = this.coveredMs[step];
    const hasJustBegun = step === this.grid.steps - 1 && step > 0 && coveredMs < SHORTEST_RATE_MS;
    if (hasJustBegun) {
      events += this.events.at(step - 1, group);
      coveredMs += this.coveredMs[step - 1];
    }
    return coveredMs > 0 ? (events * 1000) / coveredMs : NaN;
  }
}
