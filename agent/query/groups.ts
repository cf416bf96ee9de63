/** Which series a query wants, and which of its groups each belongs to. */
import { UNKNOWN, UNWANTED, type Classes } from '../history/group-sums';
import { labelOf, type Labels, type SeriesTable } from '../history/series';
import { WireError } from '../../wire/errors';
import type { LabelName } from '../../wire/metrics';
import { LIMITS } from '../../wire/query';
import type { LabelMatcher } from './matchers';
import type { Plan } from './plan';

export class Groups implements Classes {
  /** 1 for each series that matches, by id. */
  readonly wanted: Uint8Array;
  /** Series of one owner, unless the query tells them apart by what they are about. */
  readonly classOf: Int32Array;
  readonly classes: number;
  /** The labels of each group, in the order of `by`. */
  readonly labels: string[][] = [];
  /** By class. */
  readonly #groupOf: Int32Array;
  readonly #byKey = new Map<string, number>();

  constructor(
    private readonly plan: Pick<Plan, 'metric' | 'by' | 'where'>,
    private readonly table: SeriesTable,
    /** Where the query is in the request. */
    readonly field: string
  ) {
    const { metric, by, where } = plan;
    const isOwn = (label: LabelName) => (metric.labels as readonly LabelName[]).includes(label);
    const areApart = by.some(isOwn);
    this.classes = areApart ? table.capacity : table.targetNumbers;
    this.wanted = new Uint8Array(table.capacity);
    this.classOf = new Int32Array(table.capacity).fill(UNWANTED);
    this.#groupOf = new Int32Array(this.classes).fill(UNKNOWN);
    const wanted = {
      own: matcherOf(where.filter(({ label }) => isOwn(label))),
      target: matcherOf(where.filter(({ label }) => !isOwn(label))),
    };
    table.each(metric, wanted, (id, targetNumber) => {
      this.wanted[id] = 1;
      this.classOf[id] = areApart ? id : targetNumber;
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
    const known = this.#groupOf[this.classOf[series]];
    return known === UNKNOWN ? this.#add(series) : known;
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
    const group = this.#groupWith(this.plan.by.map((label) => (known ? labelOf(known, label) : '')));
    this.#groupOf[this.classOf[series]] = group;
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

/** Whether all of these are true of labels; an absent one is an empty string. */
function matcherOf(where: readonly LabelMatcher[]): (labels: Labels) => boolean {
  return (labels) => where.every(({ label, matches }) => matches(labels[label] ?? ''));
}
