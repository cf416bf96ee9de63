/**
 * What the buckets of many histograms showed at the last tick, in memory that is taken at the start.
 *
 * A full copy of every histogram would be as large as the kernel's map. But durations of one kind lie close together: a
 * histogram is 27 runs of eight buckets, and most only ever move in three to seven of them. So it keeps a chain of the
 * runs that have moved, in ascending order, and all histograms of a program take theirs from one pool.
 */

/** Adjacent buckets that are kept together. */
export const RUN = 8;
/** What the pool has for each histogram on average: see docs/design/008-memory.md. */
const RUNS_A_HISTOGRAM = 4;
/** The counts of a run, and behind them a word that says which run it is and what follows in the chain. */
const CELL_WORDS = RUN + 1;
/** Bits of that word for the first bucket; the rest is for the next cell. */
const BUCKET_BITS = 8;
const BUCKET_MASK = (1 << BUCKET_BITS) - 1;
/** When all are taken, more is moving than was planned for: the pool then grows by this share. */
const GROWTH = 1 / 4;

/** The cell of every run that never moved: all 0. Also the end of a chain. */
export const NO_CELL = 0;

export class Baselines {
  /** Another array once the pool has grown. */
  words: Uint32Array;
  /** Cells that were given back, as a chain. */
  #free = NO_CELL;
  /** The first cell that was never taken. */
  #fresh = NO_CELL + 1;

  /** @param histograms how many there can be */
  constructor(histograms: number) {
    // Written to, or the pages would be no more than a promise, and come one by one as traffic does.
    this.words = new Uint32Array((histograms * RUNS_A_HISTOGRAM + 1) * CELL_WORDS).fill(0);
  }

  /** Where the counts of a cell start in `words`. */
  at(cell: number): number {
    return cell * CELL_WORDS;
  }

  /** The first bucket of a cell's run. */
  bucket(cell: number): number {
    return this.words[cell * CELL_WORDS + RUN] & BUCKET_MASK;
  }

  /** The cell that follows in the chain, or `NO_CELL`. */
  next(cell: number): number {
    return this.words[cell * CELL_WORDS + RUN] >>> BUCKET_BITS;
  }

  link(cell: number, bucket: number, next: number): void {
    this.words[cell * CELL_WORDS + RUN] = (next << BUCKET_BITS) | bucket;
  }

  /** A cell whose counts are 0. */
  take(): number {
    const cell = this.#free;
    if (cell !== NO_CELL) {
      this.#free = this.next(cell);
      this.words.fill(0, this.at(cell), this.at(cell + 1));
      return cell;
    }
    if (this.at(this.#fresh + 1) > this.words.length) {
      this.#grow();
    }
    return this.#fresh++;
  }

  /** Gives back a whole chain. */
  give(first: number): void {
    for (let cell = first; cell !== NO_CELL;) {
      const next = this.next(cell);
      this.link(cell, 0, this.#free);
      this.#free = cell;
      cell = next;
    }
  }

  #grow(): void {
    const grown = new Uint32Array(this.at(Math.ceil(this.#fresh * (1 + GROWTH)) + 1));
    grown.set(this.words);
    this.words = grown;
  }
}
