/** The ids of the series of each slot, as numbers in a row: an object for each would come as the pods do. */
import type { SeriesTable, Series } from '../history/series';

const NONE = -1;

export class SlotSeries {
  readonly #table: SeriesTable;
  readonly #kinds: number;
  readonly #ids: Int32Array;
  readonly #make: (slot: number, kind: number) => Series;

  /**
   * @param kinds how many series a slot has at most
   * @param make interns one of them; called when the slot has something to tell of that kind for the first time
   */
  constructor(table: SeriesTable, slots: number, kinds: number, make: (slot: number, kind: number) => Series) {
    this.#table = table;
    this.#kinds = kinds;
    this.#ids = new Int32Array(slots * kinds).fill(NONE);
    this.#make = make;
  }

  idOf(slot: number, kind: number): number {
    const at = slot * this.#kinds + kind;
    if (this.#ids[at] === NONE) {
      this.#ids[at] = this.#make(slot, kind).id;
    }
    return this.#ids[at];
  }

  /** Gives all series of a slot back to their table. */
  release(slot: number): void {
    const ids = this.#ids.subarray(slot * this.#kinds, (slot + 1) * this.#kinds);
    ids.forEach((id) => id !== NONE && this.#table.release(id));
    ids.fill(NONE);
  }
}
