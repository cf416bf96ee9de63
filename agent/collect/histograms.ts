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
import { OwnMemory, type Memory, type Region } from './memory';
import { Wraps } from './wraps';

const BUCKETS_AT = HistogramOffsets.buckets / 4;
const SUM_AT = HistogramOffsets.sumNs / 8;
const WRAP = 2 ** 32;

/** Stores that have to be undone together if a told bucket is not kept: its count, a link to a new cell, a wrap. */
const STORES_A_BUCKET = 4;
const STORES_A_SUM = 2;

const scratchBuckets = new Uint16Array(BUCKETS);
const scratchCounts = new Float64Array(BUCKETS);
/** Where the baseline of each is among the words of the pool; `NO_PLACE` where it has none yet. */
const scratchPlaces = new Int32Array(BUCKETS);
const NO_PLACE = -1;

export class Histograms {
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly #slotBytes: number;
  readonly #offset: number;
  readonly #memory: Memory;
  readonly #baselines: Baselines;
  /** The sum of each slot at the last tick, and the same in two halves, as `#words` has it. */
  readonly #sums: BigUint64Array;
  readonly #sumWords: Uint32Array;
  readonly #sumRegion: Region;
  /** The first cell of each slot. */
  readonly #chains: Uint32Array;
  readonly #chainRegion: Region;
  readonly #wraps: Wraps;

  /**
   * @param memory the mapped array
   * @param slotBytes size of a slot, a multiple of 8
   * @param offset bytes from the start of a slot to this histogram, a multiple of 8
   * @param baselines where what was last seen is kept; all histograms of a slot may share one
   * @param kept where the rest of that is kept, in regions whose names begin so
   */
  constructor(
    memory: ArrayBuffer,
    slotBytes: number,
    offset: number,
    baselines?: Baselines,
    kept: { memory: Memory; name: string } = { memory: new OwnMemory(), name: '' }
  ) {
    const slots = Math.floor(memory.byteLength / slotBytes);
    this.#words = new Uint32Array(memory);
    this.#longs = new BigUint64Array(memory);
    this.#slotBytes = slotBytes;
    this.#offset = offset;
    this.#memory = kept.memory;
    this.#baselines = baselines ?? new Baselines(slots, kept.memory, `${kept.name}-baselines`);
    this.#sumRegion = kept.memory.region(`${kept.name}-sums`, slots * BigUint64Array.BYTES_PER_ELEMENT);
    this.#sums = new BigUint64Array(this.#sumRegion.buffer, 0, slots);
    this.#sumWords = new Uint32Array(this.#sumRegion.buffer);
    this.#chainRegion = kept.memory.region(`${kept.name}-chains`, slots * Uint32Array.BYTES_PER_ELEMENT);
    this.#chains = new Uint32Array(this.#chainRegion.buffer, 0, slots);
    this.#baselines.use(this.#chains);
    this.#wraps = new Wraps(kept.memory, `${kept.name}-wraps`);
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

  /**
   * Tells what was counted since the last tick; `advance` makes this the last tick. First it is told, then it is known to
   * be told: a history that keeps what it has heard so far, in the middle of a tick, keeps no more than that.
   */
  tell(slot: number, series: number, into: Deltas, advance: boolean): void {
    const sum = this.#sum(slot);
    const length = this.#difference(slot);
    // A sum whose bucket was told before is told with the next bucket that moves: then it is not lost.
    if (length === 0 || (advance && !this.#memory.hasRoom(STORES_A_BUCKET * length + STORES_A_SUM))) {
      return;
    }
    into.histogram(series, Number(sum - this.#sums[slot]), scratchBuckets, scratchCounts, length);
    if (advance) {
      this.#advance(slot, length);
      this.#sumRegion.save(2 * slot);
      this.#sumRegion.save(2 * slot + 1);
      this.#sums[slot] = sum;
    }
  }

  /** Whether something was counted that was not told. Looks at every bucket. */
  hasUntold(slot: number): boolean {
    return this.#difference(slot) > 0;
  }

  /** Fills the scratch space with the buckets that have moved, and returns how many these are. */
  #difference(slot: number): number {
    const baselines = this.#baselines;
    const words = this.#words;
    const kept = baselines.words;
    const at = this.#bucketsAt(slot);
    let length = 0;
    let bucket = 0;
    let cell = this.#chains[slot];
    for (;;) {
      // What is between two runs of the chain was 0 so far.
      for (const end = cell === NO_CELL ? BUCKETS : baselines.bucket(cell); bucket < end; bucket++) {
        const count = words[at + bucket];
        if (count !== 0) {
          scratchBuckets[length] = bucket;
          scratchPlaces[length] = NO_PLACE;
          scratchCounts[length++] = count;
        }
      }
      if (cell === NO_CELL) {
        return length;
      }
      let then = baselines.at(cell);
      for (const end = Math.min(bucket + RUN, BUCKETS); bucket < end; bucket++, then++) {
        const increase = (words[at + bucket] - kept[then]) >>> 0;
        if (increase !== 0) {
          scratchBuckets[length] = bucket;
          scratchPlaces[length] = then;
          scratchCounts[length++] = increase;
        }
      }
      cell = baselines.next(cell);
    }
  }

  /** Moves the baseline by what is told, and not up to what is there, which may be more already. */
  #advance(slot: number, length: number): void {
    for (let i = 0; i < length; i++) {
      const known = scratchPlaces[i];
      const place = known === NO_PLACE ? this.#newPlace(slot, scratchBuckets[i]) : known;
      if (this.#baselines.add(place, scratchCounts[i])) {
        this.#wraps.add(slot * BUCKETS + scratchBuckets[i]);
      }
    }
  }

  /** Where the baseline of a bucket is, whose run has moved for the first time. */
  #newPlace(slot: number, bucket: number): number {
    const baselines = this.#baselines;
    const first = bucket - (bucket % RUN);
    let before: number = NO_CELL;
    let cell = this.#chains[slot];
    while (cell !== NO_CELL && baselines.bucket(cell) < first) {
      before = cell;
      cell = baselines.next(cell);
    }
    if (cell === NO_CELL || baselines.bucket(cell) !== first) {
      cell = this.#insert(slot, first, before, cell);
    }
    return baselines.at(cell) + bucket - first;
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
      const wraps = this.#wraps.of(slot * BUCKETS + bucket) + (now < then ? 1 : 0);
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
    const first = this.#chains[slot];
    // Before its cells are in another chain: a process that ends in between must not leave them in two.
    this.#chains[slot] = NO_CELL;
    this.#baselines.give(first);
    this.#sums[slot] = 0n;
    this.#wraps.drop(slot * BUCKETS, (slot + 1) * BUCKETS);
  }

  /** A cell for a run that moves for the first time, between the one before it in the chain and the next. */
  #insert(slot: number, first: number, before: number, next: number): number {
    const baselines = this.#baselines;
    const cell = baselines.take();
    baselines.begin(cell, first, next);
    if (before === NO_CELL) {
      this.#chainRegion.save(slot);
      this.#chains[slot] = cell;
    } else {
      baselines.setNext(before, cell);
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
