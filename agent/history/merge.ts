/** Adds up records series by series and bucket by bucket: the sum of the parts, exactly. */
import { BUCKETS } from '../../wire/histogram';
import { EntryKind, EntryReader } from './entry';
import { Pile } from './pile';
import type { RecordRing } from './ring';
import type { RecordWriter } from './writer';

/** Every record is sorted by series, so a merge needs the state of one series at a time, however many there are. */
export class RecordMerger {
  readonly #readers: EntryReader[] = [];
  readonly #pile = new Pile();
  readonly #buckets = new Uint16Array(BUCKETS);
  readonly #counts = new Float64Array(BUCKETS);

  constructor(private readonly ring: RecordRing) {}

  /**
   * Tells the sum of the records from `from` up to the one before `end`.
   *
   * @param firstSeries what comes before it is left out
   */
  merge(from: number, end: number, into: RecordWriter, firstSeries = 0): void {
    for (let open = this.#open(from, end, firstSeries); open > 0; open = this.#dropFinished(open)) {
      let series = Infinity;
      for (let i = 0; i < open; i++) {
        series = Math.min(series, this.#readers[i].series);
      }
      this.#sum(series, open, into);
    }
  }

  #open(from: number, end: number, firstSeries: number): number {
    let open = 0;
    for (let sequence = from; sequence < end; sequence++) {
      const reader = (this.#readers[open] ??= new EntryReader(this.ring.bytes));
      reader.open(this.ring.offset(sequence), this.ring.coveredMs(sequence));
      while (reader.next() && reader.series < firstSeries) {
        // Wanted from there on.
      }
      if (!reader.done) {
        open++;
      }
    }
    return open;
  }

  /** Keeps the order of the readers: the last level of a gauge is the one of the last record. */
  #dropFinished(open: number): number {
    let kept = 0;
    for (let i = 0; i < open; i++) {
      const reader = this.#readers[i];
      if (!reader.done) {
        this.#readers[i] = this.#readers[kept];
        this.#readers[kept++] = reader;
      }
    }
    return kept;
  }

  #sum(series: number, open: number, into: RecordWriter): void {
    const pile = this.#pile;
    let sum = 0;
    let last = 0;
    let levelMilliseconds = 0;
    let kind = EntryKind.Histogram;
    for (let i = 0; i < open; i++) {
      const reader = this.#readers[i];
      while (!reader.done && reader.series === series) {
        kind = reader.kind;
        switch (kind) {
          case EntryKind.Histogram:
            reader.readInto(pile);
            sum += reader.sumNanoseconds;
            break;
          case EntryKind.Counter:
            sum += reader.increase();
            break;
          case EntryKind.Level:
          case EntryKind.Levels:
            last = reader.lastLevel();
            levelMilliseconds += reader.levelMilliseconds();
        }
        reader.next();
      }
    }
    if (kind === EntryKind.Histogram) {
      const length = pile.copyTo(this.#buckets, this.#counts);
      into.histogram(series, sum, this.#buckets, this.#counts, length);
      pile.clear();
    } else if (kind === EntryKind.Counter) {
      into.counter(series, sum);
    } else {
      into.levels(series, last, levelMilliseconds);
    }
  }
}
