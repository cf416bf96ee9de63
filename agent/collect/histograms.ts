/**
 * One histogram of every slot of a mapped array: what moved in it since the last tick.
 *
 * The kernel adds to these pages while we read them. It adds to the bucket first and to the sum last, so a sum that
 * moved means that its bucket has moved too, and a sum that did not is looked at again next time. Buckets are 32 bits
 * wide and wrap; a difference does not mind, and the totals remember how often.
 */
import { BUCKETS } from '../../wire/histogram';
import type { Deltas } from '../history/deltas';
import { HistogramOffsets } from './generated/http';

const BUCKETS_AT = HistogramOffsets.buckets / 4;
const SUM_AT = HistogramOffsets.sumNs / 8;
const WRAP = 2 ** 32;

/** What a slot showed at the last tick. */
interface Baseline {
  sumNanoseconds: number;
  buckets: Uint32Array;
  /** How often a bucket went past 2^32; empty for all but the oldest and busiest. */
  wraps: Map<number, number>;
}

const scratchBuckets = new Uint16Array(BUCKETS);
const scratchCounts = new Float64Array(BUCKETS);

export class Histograms {
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly #slotBytes: number;
  readonly #offset: number;
  /** Made when a slot first moves: unused slots cost nothing here. */
  readonly #baselines: Array<Baseline | undefined> = [];

  /**
   * @param memory the mapped array
   * @param slotBytes size of a slot, a multiple of 8
   * @param offset bytes from the start of a slot to this histogram, a multiple of 8
   */
  constructor(memory: ArrayBuffer, slotBytes: number, offset: number) {
    this.#words = new Uint32Array(memory);
    this.#longs = new BigUint64Array(memory);
    this.#slotBytes = slotBytes;
    this.#offset = offset;
  }

  /** Whether anything was counted in the slot since the last tick. */
  moved(slot: number): boolean {
    return this.#sum(slot) !== (this.#baselines[slot]?.sumNanoseconds ?? 0);
  }

  /** Whether anything was ever counted in it. */
  used(slot: number): boolean {
    return this.#sum(slot) !== 0;
  }

  /** Tells what was counted since the last tick; `advance` makes this the last tick. */
  tell(slot: number, series: number, into: Deltas, advance: boolean): void {
    const baseline = this.#baselineOf(slot);
    const sumNanoseconds = this.#sum(slot);
    const at = this.#bucketsAt(slot);
    let length = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const now = this.#words[at + bucket];
      const before = baseline.buckets[bucket];
      if (now === before) {
        continue;
      }
      scratchBuckets[length] = bucket;
      scratchCounts[length] = (now - before) >>> 0;
      length++;
      if (advance) {
        baseline.buckets[bucket] = now;
        if (now < before) {
          baseline.wraps.set(bucket, (baseline.wraps.get(bucket) ?? 0) + 1);
        }
      }
    }
    if (length > 0) {
      into.histogram(series, sumNanoseconds - baseline.sumNanoseconds, scratchBuckets, scratchCounts, length);
    }
    if (advance) {
      baseline.sumNanoseconds = sumNanoseconds;
    }
  }

  /** Tells everything since the array was made. */
  total(slot: number, series: number, into: Deltas): void {
    const baseline = this.#baselineOf(slot);
    const sumNanoseconds = this.#sum(slot);
    const at = this.#bucketsAt(slot);
    let length = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const now = this.#words[at + bucket];
      const wraps = (baseline.wraps.get(bucket) ?? 0) + (now < baseline.buckets[bucket] ? 1 : 0);
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

  #baselineOf(slot: number): Baseline {
    return (this.#baselines[slot] ??= { sumNanoseconds: 0, buckets: new Uint32Array(BUCKETS), wraps: new Map() });
  }

  #bucketsAt(slot: number): number {
    return (slot * this.#slotBytes + this.#offset) / 4 + BUCKETS_AT;
  }

  /** One load of 64 bits: two of 32 could be torn by a carry. Exact up to 2^53 ns, which is 104 days of waiting. */
  #sum(slot: number): number {
    return Number(this.#longs[(slot * this.#slotBytes + this.#offset) / 8 + SUM_AT]);
  }
}
