/** One resolution of the history: a ring of records, and how records of the finer tier are added up into it. */
import type { References } from './references';
import { RecordMerger } from './merge';
import { RecordRing } from './ring';
import { RecordWriter } from './writer';

/** Part of a tier's bytes in which one record is put together; a larger one is kept in several parts. */
const WRITER_SHARE = 1 / 10;

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
    /** Hears of every record that is kept, part by part. */
    private readonly onCommit: () => void = () => {}
  ) {
    this.writer = new RecordWriter(Math.floor(bytes * WRITER_SHARE), () => this.#write(true));
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
    this.onCommit();
  }

  #evict(sequence: number): void {
    if (sequence >= this.#unmerged) {
      // The ring is too small for a whole window: hand on early what there is rather than lose it.
      this.#mergeUpTo(this.ring.end);
    }
    this.references.dropRecord(this.ring, sequence);
  }
}
