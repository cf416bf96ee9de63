/** Which series a query wants, and which of its groups each belongs to. */
import { labelOf, type SeriesTable, type Target } from '../history/series';
import { WireError } from '../../wire/errors';
import { LIMITS } from '../../wire/query';
import type { Plan } from './plan';

const NONE = -1;

export class Groups {
  /** 1 for each series that matches, by id. */
  readonly wanted: Uint8Array;
  /** The labels of each group, in the order of `by`. */
  readonly labels: string[][] = [];
  readonly #groupOf: Int32Array;
  readonly #byKey = new Map<string, number>();
  /** Where the labels are all the owner's, its series have one group: they need not be looked at one by one. */
  readonly #byTarget = new Map<Target, number>();

  constructor(
    private readonly plan: Pick<Plan, 'metric' | 'by' | 'where'>,
    private readonly table: SeriesTable,
    /** Where the query is in the request. */
    readonly field: string
  ) {
    this.wanted = new Uint8Array(table.capacity);
    this.#groupOf = new Int32Array(table.capacity).fill(NONE);
    table.each(plan.metric, (id, target, own) => {
      if (plan.where.every(({ label, matches }) => matches(labelOf({ own, target }, label)))) {
        this.wanted[id] = 1;
      }
    });
  }

  get size(): number {
    return this.labels.length;
  }

  /**
   * The group of a series that matches; made when it is first asked for, so that what did not happen in the range has
   * none.
   */
  of(series: number): number {
    const known = this.#groupOf[series];
    return known === NONE ? this.#add(series) : known;
  }

  /** Gives every matching series that is still measured a group: it is 0 where nothing happened to it. */
  addLive(): void {
    for (let series = 0; series < this.wanted.length; series++) {
      if (this.wanted[series] === 1 && this.table.isLive(series)) {
        this.of(series);
      }
    }
  }

  #add(series: number): number {
    const known = this.table.get(series);
    const isOfTarget = known !== undefined && this.plan.by.every((label) => known.own[label] === undefined);
    let group = isOfTarget ? this.#byTarget.get(known.target) : undefined;
    if (group === undefined) {
      group = this.#groupWith(this.plan.by.map((label) => (known ? labelOf(known, label) : '')));
      if (isOfTarget) {
        this.#byTarget.set(known.target, group);
      }
    }
    this.#groupOf[series] = group;
    return group;
  }

  #groupWith(labels: string[]): number {
    const key = JSON.stringify(labels);
    let group = this.#byKey.get(key);
    if (group === undefined) {
      group = this.labels.length;
      if (group >= LIMITS.series) {
        throw new WireError(
          'too_many_series',
          `The query has more than ${LIMITS.series} series; group by fewer labels, or filter.`,
          { field: `${this.field}.by`, received: this.plan.by, limit: LIMITS.series }
        );
      }
      this.labels.push(labels);
      this.#byKey.set(key, group);
    }
    return group;
  }
}
