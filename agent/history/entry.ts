/**
 * What a record says about one series. A record is the number of its entries and then, in ascending order of series:
 *
 *     varint  series - series of the entry before
 *     varint  length of the body << 2 | kind
 *     body    histogram        varint events, varint sum in nanoseconds, then of each bucket that moved
 *                                  byte: (count - 1) << 3 | (bucket - bucket before - 1), the first one counts from -1;
 *                                  a count that does not fit is 31 there, and the rest of it follows as a varint;
 *                                  a distance that does not fit is 7 there, and the rest of it follows as a varint
 *             counter          varint increase
 *             level            varint: a gauge's level, held for the whole interval
 *             levels           float64 last level, float64 level × milliseconds
 *
 * The length comes first so that a query skips the series it does not want without reading them, and the events so that
 * a rate needs no buckets. Nearly every bucket is one byte, which is read without a loop: it is what takes a query's time.
 */
import type { Pile } from './pile';
import { HIGH_BIT, VarintReader } from './varint';

/** Where a bucket's byte keeps its count, and the largest numbers that say "and more". */
export const COUNT_SHIFT = 3;
export const MORE_COUNT = 31;
export const MORE_DISTANCE = 7;

export const enum EntryKind {
  Histogram,
  Counter,
  /** One sample of a gauge that is a whole number: by far the most common. */
  Level,
  /** Anything else a gauge can be: several samples, or a fraction. */
  Levels,
}

/** Walks over the entries of one record. */
export class EntryReader {
  /** Time the record is about. */
  coveredMs = 0;
  done = true;
  series = 0;
  kind = EntryKind.Histogram;
  /** First byte of the body, and the first one after it. */
  body = 0;
  end = 0;
  /** Of a histogram, after `readTotals` or `readInto`: how many events, and the sum of their durations. */
  events = 0;
  sumNanoseconds = 0;
  /** How many entries there are from `end` on. */
  left = 0;
  readonly numbers: VarintReader;
  readonly #floats: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.numbers = new VarintReader(bytes);
    this.#floats = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Stands before the first entry of the record that starts at `offset`. */
  open(offset: number, coveredMs: number): void {
    this.coveredMs = coveredMs;
    this.done = false;
    this.numbers.at = offset;
    this.left = this.numbers.read();
    this.end = this.numbers.at;
    this.series = 0;
  }

  next(): boolean {
    if (this.left === 0) {
      this.done = true;
      return false;
    }
    this.left--;
    const { bytes, numbers } = this;
    let at = this.end;
    // Nearly always one byte each; a copy of `at` on the stack is faster than the reader's.
    let distance = bytes[at++];
    if (distance >= HIGH_BIT) {
      numbers.at = at - 1;
      distance = numbers.read();
      at = numbers.at;
    }
    let head = bytes[at++];
    if (head >= HIGH_BIT) {
      numbers.at = at - 1;
      head = numbers.read();
      at = numbers.at;
    }
    this.series += distance;
    this.kind = head & 3;
    this.body = at;
    this.end = at + (head >>> 2);
    return true;
  }

  /** Of a histogram: what it counted altogether. */
  readTotals(): void {
    const { numbers } = this;
    numbers.at = this.body;
    this.events = numbers.read();
    this.sumNanoseconds = numbers.read();
  }

  /** Of a histogram: its totals, and its buckets into a pile. */
  readInto(pile: Pile): void {
    this.readTotals();
    const { bytes, numbers, end } = this;
    const { counts } = pile;
    let { at } = numbers;
    let bucket = -1;
    let first = -1;
    while (at < end) {
      const byte = bytes[at++];
      let count = (byte >>> COUNT_SHIFT) + 1;
      let distance = (byte & MORE_DISTANCE) + 1;
      if (count > MORE_COUNT) {
        numbers.at = at;
        count += numbers.read();
        at = numbers.at;
      }
      if (distance > MORE_DISTANCE) {
        numbers.at = at;
        distance += numbers.read();
        at = numbers.at;
      }
      bucket += distance;
      counts[bucket] += count;
      if (first < 0) {
        first = bucket;
      }
    }
    if (first >= 0) {
      pile.events += this.events;
      pile.widen(first, bucket);
    }
  }

  /** Of a counter: by how much it went up. */
  increase(): number {
    this.numbers.at = this.body;
    return this.numbers.read();
  }

  /** Of a gauge: the level at the end of the interval. */
  lastLevel(): number {
    if (this.kind === EntryKind.Levels) {
      return this.#floats.getFloat64(this.body, true);
    }
    this.numbers.at = this.body;
    return this.numbers.read();
  }

  /** Of a gauge: the integral of the level over the interval. */
  levelMilliseconds(): number {
    return this.kind === EntryKind.Levels
      ? this.#floats.getFloat64(this.body + 8, true)
      : this.lastLevel() * this.coveredMs;
  }
}
