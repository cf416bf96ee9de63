/**
 * What the buckets of many histograms showed at the last tick, in memory that is taken at the start.
 *
 * A full copy of every histogram would be as large as the kernel's map. But durations of one kind lie close together: a
 * histogram is 27 runs of eight buckets, and most only ever move in three to seven of them. So it keeps a chain of the
 * runs that have moved, in ascending order, and all histograms of a program take theirs from one pool.
 */

import { OwnMemory, type Memory, type Region } from './memory';

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

const WRAP = 2 ** 32;

/** The cell of every run that never moved: all 0. Also the end of a chain. */
export const NO_CELL = 0;

const CELL_BYTES = CELL_WORDS * Uint32Array.BYTES_PER_ELEMENT;

export class Baselines {
  /** Another array once the pool has grown. */
  words: Uint32Array;
  readonly #region: Region;
  /** Where the chains of the histograms begin, by slot. */
  readonly #chains: Uint32Array[] = [];
  /** Cells that were given back, as a chain. */
  #free = NO_CELL;
  /** The first cell that was never taken. */
  #fresh = NO_CELL + 1;

  /**
   * @param histograms how many there can be
   * @param name of the region that holds the pool
   */
  constructor(histograms: number, memory: Memory = new OwnMemory(), name = 'baselines') {
    this.#region = memory.region(name, (histograms * RUNS_A_HISTOGRAM + 1) * CELL_BYTES);
    this.words = new Uint32Array(this.#region.buffer);
  }

  /** Adds the chains of some histograms, so that `restore` knows which cells are theirs. */
  use(chains: Uint32Array): void {
    this.#chains.push(chains);
  }

  /** After another process: what is in no chain is free, whatever that process was doing when it ended. */
  restore(): void {
    const taken = new Uint8Array(Math.floor(this.words.length / CELL_WORDS));
    for (const chains of this.#chains) {
      for (const first of chains) {
        for (let cell = first; cell !== NO_CELL; cell = this.next(cell)) {
          taken[cell] = 1;
        }
      }
    }
    this.#fresh = taken.lastIndexOf(1) + 1 || NO_CELL + 1;
    this.#free = NO_CELL;
    for (let cell = NO_CELL + 1; cell < this.#fresh; cell++) {
      if (taken[cell] === 0) {
        this.#linkFree(cell);
      }
    }
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

  /** Makes a cell, which is in no chain yet, the one of a run. */
  begin(cell: number, bucket: number, next: number): void {
    this.words[cell * CELL_WORDS + RUN] = (next << BUCKET_BITS) | bucket;
  }

  /** Has another cell follow in the chain. */
  setNext(cell: number, next: number): void {
    const at = cell * CELL_WORDS + RUN;
    this.#region.save(at);
    this.words[at] = (next << BUCKET_BITS) | (this.words[at] & BUCKET_MASK);
  }

  /** Adds to one of the counts, by its place in `words`. True: it went past 2^32. */
  add(place: number, increase: number): boolean {
    this.#region.save(place);
    const count = this.words[place] + increase;
    this.words[place] = count;
    return count >= WRAP;
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
    // After a process that ended in the middle of taking it, it may have been written to.
    this.words.fill(0, this.at(this.#fresh), this.at(this.#fresh + 1));
    return this.#fresh++;
  }

  /** Gives back a whole chain, which nothing may refer to any more. */
  give(first: number): void {
    for (let cell = first; cell !== NO_CELL;) {
      const next = this.next(cell);
      this.#linkFree(cell);
      cell = next;
    }
  }

  #linkFree(cell: number): void {
    this.words[cell * CELL_WORDS + RUN] = this.#free << BUCKET_BITS;
    this.#free = cell;
  }

  #grow(): void {
    this.#region.grow((Math.ceil(this.#fresh * (1 + GROWTH)) + 1) * CELL_BYTES);
    this.words = new Uint32Array(this.#region.buffer);
  }
}
