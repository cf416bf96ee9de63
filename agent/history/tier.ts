/** One resolution of the history: a ring of records, and how records of the finer tier are added up into it. */
import { EntryReader } from './entry';
import type { References } from './references';
import { RecordMerger } from './merge';
import { RecordRing } from './ring';
import { RecordWriter } from './writer';

/** Part of a tier's bytes in which one record is put together, and the most of them; a larger one is kept in several parts. */
const WRITER_SHARE = 1 / 10;
const MOST_WRITER_BYTES = 1024 * 1024;

export class Tier {
  readonly ring: RecordRing;
  readonly writer: RecordWriter;
  readonly #merger: RecordMerger;
  /** The first record that the coarser tier does not have yet. */
  #unmerged = 0;
  #toMs = 0;
  #coveredMs = 0;
  #sources = 0;
  #sourcesEnd = 0;

  constructor(
    readonly stepMs: number,
    bytes: number,
    maxRecords: number,
    private readonly coarser: Tier | undefined,
    private readonly references: References,
    /** Hears of every record that is kept, part by part: its number, and its bytes. */
    private readonly onCommit: (sequence: number, length: number) => void = () => {}
  ) {
    this.writer = new RecordWriter(Math.min(Math.floor(bytes * WRITER_SHARE), MOST_WRITER_BYTES), () =>
      this.#write(true)
    );
    this.ring = new RecordRing(bytes - this.writer.byteLength, maxRecords);
    this.#merger = new RecordMerger(this.ring);
  }

  get byteLength(): number {
    return this.ring.byteLength + this.writer.byteLength;
  }

  /** The next record's entries go to `writer`, until `close`. */
  open(toMs: number, coveredMs: number, sources: number, sourcesEnd: number): void {
    this.#toMs = toMs;
    this.#coveredMs = coveredMs;
    this.#sources = sources;
    this.#sourcesEnd = sourcesEnd;
  }

  close(): void {
    this.#write(false);
  }

  /** Adds what is complete before an instant to the coarser tier. */
  mergeBefore(toMs: number): void {
    while (this.coarser && this.#unmerged < this.ring.end) {
      const windowEndMs = Math.ceil(this.ring.toMs(this.#unmerged) / this.coarser.stepMs) * this.coarser.stepMs;
      if (toMs <= windowEndMs) {
        return;
      }
      this.#mergeUpTo(this.ring.firstAfter(windowEndMs));
    }
  }

  /** Goes on with records that were read back: what the coarser tier has is merged. */
  resume(): void {
    const newest = this.coarser?.ring.newest;
    const merged = newest === undefined ? 0 : this.coarser!.ring.sourcesEnd(newest);
    this.#unmerged = Math.min(Math.max(merged, this.ring.first), this.ring.end);
  }

  /** Finishes a merge that was cut short; the coarser tier first. */
  finish(): void {
    const newest = this.coarser?.ring.newest;
    if (this.coarser && newest !== undefined && this.coarser.ring.more(newest)) {
      this.#finish(this.coarser, newest);
    }
  }

  /** Adds what is missing of a merge whose last part that there is ends with some series. */
  #finish(coarser: Tier, newest: number): void {
    const { ring } = coarser;
    const from = Math.max(ring.sources(newest), this.ring.first);
    const end = Math.min(ring.sourcesEnd(newest), this.ring.end);
    const reader = new EntryReader(ring.bytes);
    reader.open(ring.offset(newest), 0);
    let firstSeries = 0;
    while (reader.next()) {
      firstSeries = reader.series + 1;
    }
    coarser.open(ring.toMs(newest), ring.coveredMs(newest), ring.sources(newest), ring.sourcesEnd(newest));
    this.#merger.merge(from, end, coarser.writer, firstSeries);
    coarser.close();
  }

  /**
   * Lets go of a share of the records, the oldest, as far as the coarser tier has what is in them.
   *
   * @returns how many
   */
  dropOldest(share: number): number {
    const { ring } = this;
    const count = Math.ceil((ring.end - ring.first) * share);
    const end = Math.min(ring.first + count, this.coarser ? this.#unmerged : ring.end);
    const dropped = Math.max(0, end - ring.first);
    for (; ring.first < end; ring.first++) {
      this.references.dropRecord(ring, ring.first);
    }
    return dropped;
  }

  #mergeUpTo(end: number): void {
    const { coarser, ring } = this;
    if (!coarser || end <= this.#unmerged) {
      return;
    }
    const from = this.#unmerged;
    this.#unmerged = end;
    let coveredMs = 0;
    for (let sequence = from; sequence < end; sequence++) {
      coveredMs += ring.countedMs(sequence);
    }
    const toMs = ring.toMs(end - 1);
    coarser.mergeBefore(toMs);
    coarser.open(toMs, coveredMs, from, end);
    this.#merger.merge(from, end, coarser.writer);
    coarser.close();
  }

  /** Writes what the writer holds: the end of the record, or a part of it with more to come. */
  #write(more: boolean): void {
    const { ring, references } = this;
    const length = this.writer.measure();
    const offset = ring.reserve(length, (sequence) => this.#evict(sequence));
    this.writer.writeTo(ring.bytes, offset, (series) => references.add(series));
    ring.commit(offset, length, {
      toMs: this.#toMs,
      coveredMs: this.#coveredMs,
      more,
      sources: this.#sources,
      sourcesEnd: this.#sourcesEnd,
    });
    this.onCommit(ring.end - 1, length);
  }

  #evict(sequence: number): void {
    if (sequence >= this.#unmerged) {
      // The ring is too small for a whole window: hand on early what there is rather than lose it.
      this.#mergeUpTo(this.ring.end);
    }
    this.references.dropRecord(this.ring, sequence);
  }
}
