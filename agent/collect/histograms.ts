/**
 * One histogram of every slot of a mapped array: what moved in it since the last tick.
 *
 * The kernel adds to these pages while we read them. It adds to the bucket first and to the sum last, so a sum that
 * moved means that its bucket has moved too, and a sum that did not is looked at again next time. Buckets are 32 bits
 * wide and wrap; a difference does not mind, and the totals remember how often.
 */
import { BUCKETS } from '../../wire/histogram';
import type { Deltas } from '../history/deltas';
import { Baselines, NO_CELL, RUN } from './baselines';
import { HistogramOffsets } from './generated/http';

const BUCKETS_AT = HistogramOffsets.buckets / 4;
const SUM_AT = HistogramOffsets.sumNs / 8;
const WRAP = 2 ** 32;

const scratchBuckets = new Uint16Array(BUCKETS);
const scratchCounts = new Float64Array(BUCKETS);

export class Histograms {
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly #slotBytes: number;
  readonly #offset: number;
  readonly #baselines: Baselines;
  /** The sum of each slot at the last tick, and the same in two halves, as `#words` has it. */
  readonly #sums: BigUint64Array;
  readonly #sumWords: Uint32Array;
  /** The first cell of each slot. */
  readonly #chains: Uint32Array;
  /** How often a bucket went past 2^32; empty for all but the oldest and busiest. */
  readonly #wraps = new Map<number, number>();

  /**
   * @param memory the mapped array
   * @param slotBytes size of a slot, a multiple of 8
   * @param offset bytes from the start of a slot to this histogram, a multiple of 8
   * @param baselines where what was last seen is kept; all histograms of a slot may share one
   */
  constructor(memory: ArrayBuffer, slotBytes: number, offset: number, baselines?: Baselines) {
    const slots = Math.floor(memory.byteLength / slotBytes);
    this.#words = new Uint32Array(memory);
    this.#longs = new BigUint64Array(memory);
    this.#slotBytes = slotBytes;
    this.#offset = offset;
    this.#baselines = baselines ?? new Baselines(slots);
    this.#sums = new BigUint64Array(slots).fill(0n);
    this.#sumWords = new Uint32Array(this.#sums.buffer);
    this.#chains = new Uint32Array(slots).fill(NO_CELL);
  }

  /**
   * Whether anything was counted in the slot since the last tick.
   *
   * Two loads of 32 bits, which a carry may tear: of a sum that moves at this moment, so it is only the answer to a
   * question that was asked too early. Read as one, every look at every slot would make a BigInt.
   */
  moved(slot: number): boolean {
    const at = this.#sumAt(slot) * 2;
    return this.#words[at] !== this.#sumWords[2 * slot] || this.#words[at + 1] !== this.#sumWords[2 * slot + 1];
  }

  /** Whether anything was ever counted in it. */
  used(slot: number): boolean {
    const at = this.#sumAt(slot) * 2;
    return this.#words[at] !== 0 || this.#words[at + 1] !== 0;
  }

  /** Tells what was counted since the last tick; `advance` makes this the last tick. */
  tell(slot: number, series: number, into: Deltas, advance: boolean): void {
    const sum = this.#sum(slot);
    const length = this.#difference(slot, advance);
    // A sum whose bucket was told before is told with the next bucket that moves: then it is not lost.
    if (length > 0) {
      into.histogram(series, Number(sum - this.#sums[slot]), scratchBuckets, scratchCounts, length);
      if (advance) {
        this.#sums[slot] = sum;
      }
    }
  }

  /** Fills the scratch space with the buckets that have moved, and returns how many these are. */
  #difference(slot: number, advance: boolean): number {
    const baselines = this.#baselines;
    const words = this.#words;
    const at = this.#bucketsAt(slot);
    let length = 0;
    let bucket = 0;
    let before: number = NO_CELL;
    let cell = this.#chains[slot];
    for (;;) {
      // What is between two runs of the chain was 0 so far.
      for (const end = cell === NO_CELL ? BUCKETS : baselines.bucket(cell); bucket < end; bucket++) {
        const count = words[at + bucket];
        if (count === 0) {
          continue;
        }
        if (advance) {
          cell = this.#insert(slot, bucket - (bucket % RUN), before, cell);
          break;
        }
        scratchBuckets[length] = bucket;
        scratchCounts[length++] = count;
      }
      if (cell === NO_CELL) {
        return length;
      }
      const kept = baselines.words;
      let then = baselines.at(cell) + (bucket % RUN);
      for (const end = Math.min(baselines.bucket(cell) + RUN, BUCKETS); bucket < end; bucket++, then++) {
        const increase = (words[at + bucket] - kept[then]) >>> 0;
        if (increase === 0) {
          continue;
        }
        scratchBuckets[length] = bucket;
        scratchCounts[length++] = increase;
        if (advance) {
          // By what is told, and not up to what is there, which may be more already.
          const count = kept[then] + increase;
          kept[then] = count;
          if (count >= WRAP) {
            this.#wrapped(slot, bucket);
          }
        }
      }
      before = cell;
      cell = baselines.next(cell);
    }
  }

  #wrapped(slot: number, bucket: number): void {
    const key = slot * BUCKETS + bucket;
    this.#wraps.set(key, (this.#wraps.get(key) ?? 0) + 1);
  }

  /** Tells everything since the slot was given to its series. */
  total(slot: number, series: number, into: Deltas): void {
    const baselines = this.#baselines;
    const sumNanoseconds = Number(this.#sum(slot));
    const first = this.#bucketsAt(slot);
    let length = 0;
    let cell = this.#chains[slot];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (cell !== NO_CELL && bucket === baselines.bucket(cell) + RUN) {
        cell = baselines.next(cell);
      }
      const kept = cell !== NO_CELL && bucket >= baselines.bucket(cell);
      const then = kept ? baselines.words[baselines.at(cell) + (bucket % RUN)] : 0;
      const now = this.#words[first + bucket];
      const wraps = (this.#wraps.get(slot * BUCKETS + bucket) ?? 0) + (now < then ? 1 : 0);
      if (now > 0 || wraps > 0) {
        scratchBuckets[length] = bucket;
        scratchCounts[length] = now + wraps * WRAP;
        length++;
      }
    }
    if (length > 0) {
      into.histogram(series, sumNanoseconds, scratchBuckets, scratchCounts, length);
    }
  }

  /** The slot was given back, and is all 0 again: what is counted in it from now on is another series'. */
  reset(slot: number): void {
    this.#baselines.give(this.#chains[slot]);
    this.#chains[slot] = NO_CELL;
    this.#sums[slot] = 0n;
    for (const key of this.#wraps.keys()) {
      if (Math.floor(key / BUCKETS) === slot) {
        this.#wraps.delete(key);
      }
    }
  }

  /** A cell for a run that moves for the first time, between the one before it in the chain and the next. */
  #insert(slot: number, first: number, before: number, next: number): number {
    const baselines = this.#baselines;
    const cell = baselines.take();
    baselines.link(cell, first, next);
    if (before === NO_CELL) {
      this.#chains[slot] = cell;
    } else {
      baselines.link(before, baselines.bucket(before), cell);
    }
    return cell;
  }

  #bucketsAt(slot: number): number {
    return (slot * this.#slotBytes + this.#offset) / 4 + BUCKETS_AT;
  }

  #sumAt(slot: number): number {
    return (slot * this.#slotBytes + this.#offset) / 8 + SUM_AT;
  }

  /** One load of 64 bits: two of 32 could be torn by a carry. */
  #sum(slot: number): bigint {
    return this.#longs[this.#sumAt(slot)];
  }
}
