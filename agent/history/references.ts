/** How many entries of the history name each series; the series table lets go of those that none names any more. */
import { EntryReader } from './entry';
import type { RecordRing } from './ring';
import type { SeriesTable } from './series';

export class References {
  #counts: Uint32Array;
  readonly #readers = new Map<RecordRing, EntryReader>();

  constructor(
    private readonly table: SeriesTable,
    /** Hears of a series that no record named before. */
    private readonly onNew: (series: number) => void = () => {}
  ) {
    this.#counts = new Uint32Array(table.reserved).fill(0);
  }

  add(series: number): void {
    if (series >= this.#counts.length) {
      const grown = new Uint32Array(Math.max(series + 1, 2 * this.#counts.length));
      grown.set(this.#counts);
      this.#counts = grown;
    }
    if (this.#counts[series]++ === 0) {
      this.table.remember(series);
      this.onNew(series);
    }
  }

  /** A record goes, and with it what it said. */
  dropRecord(ring: RecordRing, sequence: number): void {
    let reader = this.#readers.get(ring);
    if (!reader) {
      this.#readers.set(ring, (reader = new EntryReader(ring.bytes)));
    }
    reader.open(ring.offset(sequence), 0);
    while (reader.next()) {
      if (--this.#counts[reader.series] === 0) {
        this.table.forget(reader.series);
      }
    }
  }
}
