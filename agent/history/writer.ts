/**
 * Collects the entries of one record in whatever order they are told, and then writes them in ascending order of series.
 * The scratch space is fixed: when it is full, `onFull` writes out what there is and the record goes on in a second part.
 */
import { BUCKETS } from '../../wire/histogram';
import { COUNT_SHIFT, EntryKind, MORE_COUNT, MORE_DISTANCE } from './entry';
import { MAX_VARINT_BYTES, varintBytes, writeVarint } from './varint';

/** A bucket's byte, and what of its count and its distance does not fit there. */
const MAX_BUCKET_BYTES = 1 + MAX_VARINT_BYTES + 2;
/** The longest body there is: a histogram in which every bucket moved. */
export const MAX_BODY_BYTES = 2 * MAX_VARINT_BYTES + BUCKETS * MAX_BUCKET_BYTES;
/** Scratch bytes for each entry that can be held: about the size of a small entry. */
const BYTES_AN_ENTRY = 12;
const INDEX_BYTES = Float64Array.BYTES_PER_ELEMENT + Uint32Array.BYTES_PER_ELEMENT + 1;
const ORDER = 2 ** 24;

export class RecordWriter {
  readonly bodies: Uint8Array;
  readonly #floats: DataView;
  /** series × 2^24 + order of telling: sorting the numbers sorts the entries. */
  readonly #keys: Float64Array;
  readonly #starts: Uint32Array;
  readonly #kinds: Uint8Array;
  #at = 0;
  #entries = 0;
  #ascending = true;

  constructor(
    bytes: number,
    private readonly onFull: () => void
  ) {
    const entries = Math.min(ORDER - 1, Math.floor(bytes / (BYTES_AN_ENTRY + INDEX_BYTES)));
    this.bodies = new Uint8Array(Math.max(entries * BYTES_AN_ENTRY, MAX_BODY_BYTES)).fill(0);
    this.#floats = new DataView(this.bodies.buffer);
    this.#keys = new Float64Array(entries).fill(0);
    this.#starts = new Uint32Array(entries + 1).fill(0);
    this.#kinds = new Uint8Array(entries).fill(0);
  }

  get byteLength(): number {
    return this.bodies.byteLength + this.#keys.byteLength + this.#starts.byteLength + this.#kinds.byteLength;
  }

  get entries(): number {
    return this.#entries;
  }

  histogram(series: number, sumNanoseconds: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    const { bodies } = this;
    let at = this.#open(series, EntryKind.Histogram, 2 * MAX_VARINT_BYTES + length * MAX_BUCKET_BYTES);
    let events = 0;
    for (let i = 0; i < length; i++) {
      events += counts[i];
    }
    at = writeVarint(bodies, at, events);
    at = writeVarint(bodies, at, sumNanoseconds);
    for (let i = 0, before = -1; i < length; i++) {
      if (counts[i] === 0) {
        // There is no byte that says so.
        continue;
      }
      const count = counts[i] - 1;
      const distance = buckets[i] - before - 1;
      before = buckets[i];
      bodies[at++] = (Math.min(count, MORE_COUNT) << COUNT_SHIFT) | Math.min(distance, MORE_DISTANCE);
      if (count >= MORE_COUNT) {
        at = writeVarint(bodies, at, count - MORE_COUNT);
      }
      if (distance >= MORE_DISTANCE) {
        at = writeVarint(bodies, at, distance - MORE_DISTANCE);
      }
    }
    this.#close(at);
  }

  counter(series: number, increase: number): void {
    const at = this.#open(series, EntryKind.Counter, MAX_VARINT_BYTES);
    this.#close(writeVarint(this.bodies, at, increase));
  }

  level(series: number, level: number): void {
    const at = this.#open(series, EntryKind.Level, MAX_VARINT_BYTES);
    this.#close(writeVarint(this.bodies, at, level));
  }

  levels(series: number, last: number, levelMilliseconds: number): void {
    const at = this.#open(series, EntryKind.Levels, 16);
    this.#floats.setFloat64(at, last, true);
    this.#floats.setFloat64(at + 8, levelMilliseconds, true);
    this.#close(at + 16);
  }

  #open(series: number, kind: EntryKind, room: number): number {
    if (this.#entries === this.#keys.length || this.#at + room > this.bodies.length) {
      this.onFull();
    }
    const key = series * ORDER + this.#entries;
    this.#ascending &&= this.#entries === 0 || key > this.#keys[this.#entries - 1];
    this.#keys[this.#entries] = key;
    this.#kinds[this.#entries] = kind;
    return this.#at;
  }

  #close(at: number): void {
    this.#at = at;
    this.#starts[++this.#entries] = at;
  }

  /** Bytes `writeTo` will write. Sorts. */
  measure(): number {
    if (!this.#ascending) {
      this.#keys.subarray(0, this.#entries).sort();
      this.#ascending = true;
    }
    let bytes = varintBytes(this.#entries);
    for (let i = 0, before = 0; i < this.#entries; i++) {
      const series = Math.floor(this.#keys[i] / ORDER);
      const entry = this.#keys[i] % ORDER;
      const length = this.#starts[entry + 1] - this.#starts[entry];
      bytes += varintBytes(series - before) + varintBytes(length * 4) + length;
      before = series;
    }
    return bytes;
  }

  /** Writes the record; `onEntry` hears the series of each entry. The writer is empty afterwards. */
  writeTo(bytes: Uint8Array, at: number, onEntry: (series: number) => void): void {
    at = writeVarint(bytes, at, this.#entries);
    for (let i = 0, before = 0; i < this.#entries; i++) {
      const series = Math.floor(this.#keys[i] / ORDER);
      const entry = this.#keys[i] % ORDER;
      const start = this.#starts[entry];
      const end = this.#starts[entry + 1];
      at = writeVarint(bytes, at, series - before);
      at = writeVarint(bytes, at, (end - start) * 4 + this.#kinds[entry]);
      // Bodies are short: a loop beats `set(subarray())`, which allocates a view for each.
      for (let from = start; from < end; from++) {
        bytes[at++] = this.bodies[from];
      }
      onEntry(series);
      before = series;
    }
    this.#entries = 0;
    this.#at = 0;
    this.#ascending = true;
  }
}
