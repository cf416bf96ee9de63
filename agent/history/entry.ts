/**
 * What a record says about one series. A record is the number of its entries and then, in ascending order of series:
 *
 *     varint  series - series of the entry before
 *     varint  length of the body << 2 | kind
 *     body    histogram        varint sum in nanoseconds, then (varint bucket - bucket before, varint count) …
 *             counter          varint increase
 *             level            varint: a gauge's level, held for the whole interval
 *             levels           float64 last level, float64 level × milliseconds
 *
 * The length comes first so that a query skips the series it does not want without reading them.
 */
import { VarintReader } from './varint';

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
  readonly numbers: VarintReader;
  readonly #floats: DataView;
  #left = 0;

  constructor(readonly bytes: Uint8Array) {
    this.numbers = new VarintReader(bytes);
    this.#floats = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Stands before the first entry of the record that starts at `offset`. */
  open(offset: number, coveredMs: number): void {
    this.coveredMs = coveredMs;
    this.done = false;
    this.numbers.at = offset;
    this.#left = this.numbers.read();
    this.end = this.numbers.at;
    this.series = 0;
  }

  next(): boolean {
    if (this.#left === 0) {
      this.done = true;
      return false;
    }
    this.#left--;
    this.numbers.at = this.end;
    this.series += this.numbers.read();
    const head = this.numbers.read();
    this.kind = head & 3;
    this.body = this.numbers.at;
    this.end = this.body + (head >>> 2);
    return true;
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
