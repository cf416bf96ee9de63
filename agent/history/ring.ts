/** Bytes of the index that a record takes. */
const SLOT_BYTES = 1 + 3 * Uint32Array.BYTES_PER_ELEMENT + 2 * Float64Array.BYTES_PER_ELEMENT;

/** What is said of a record in a byte. */
const enum Mark {
  Whole,
  /** It goes on in the next one. */
  More,
  /** It could not be read back: its place is empty, and stands for no time. */
  Lost,
}

export interface RecordHead {
  /** The instant all of a record's events are attributed to. */
  toMs: number;
  /** How much time it is about. */
  coveredMs: number;
  /** Whether it goes on in the next one, because it was too long for the writer. */
  more: boolean;
  /** Which records of the finer tier it is the sum of: from `sources`, up to the one before `sourcesEnd`. */
  sources: number;
  sourcesEnd: number;
}

/**
 * A fixed block of bytes that holds records of any length, oldest first. A record lies in one piece; what does not fit
 * before the end of the block starts over at its beginning. Records have sequence numbers: the first ever is 0, and none
 * is used twice, so that "which records does this one summarise" has an exact answer whatever the clock did.
 */
export class RecordRing {
  readonly bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  readonly #toMs: Float64Array;
  readonly #coveredMs: Float64Array;
  readonly #marks: Uint8Array;
  /** 32 bits are enough for a record a second over a century. */
  readonly #sources: Uint32Array;
  readonly #sourcesEnd: Uint32Array;
  readonly #slots: number;
  #head = 0;
  /** Sequence number of the oldest record, and of the next one. */
  first = 0;
  end = 0;

  constructor(budgetBytes: number, maxRecords: number) {
    this.#slots = Math.max(8, Math.min(maxRecords, Math.floor(budgetBytes / 8 / SLOT_BYTES)));
    // All of it is written to: memory that is promised only would be taken bit by bit, as history fills up.
    this.#offsets = new Uint32Array(this.#slots).fill(0);
    this.#toMs = new Float64Array(this.#slots).fill(0);
    this.#coveredMs = new Float64Array(this.#slots).fill(0);
    this.#marks = new Uint8Array(this.#slots).fill(0);
    this.#sources = new Uint32Array(this.#slots).fill(0);
    this.#sourcesEnd = new Uint32Array(this.#slots).fill(0);
    this.bytes = new Uint8Array(budgetBytes - this.#slots * SLOT_BYTES).fill(0);
  }

  get byteLength(): number {
    const index = [this.#offsets, this.#toMs, this.#coveredMs, this.#marks, this.#sources, this.#sourcesEnd];
    return index.reduce((sum, { byteLength }) => sum + byteLength, this.bytes.byteLength);
  }

  /** The most records it can hold. */
  get slots(): number {
    return this.#slots;
  }

  get usedBytes(): number {
    if (this.first === this.end) {
      return 0;
    }
    const tail = this.offset(this.first);
    return this.#head > tail ? this.#head - tail : this.bytes.length - tail + this.#head;
  }

  offset(sequence: number): number {
    return this.#offsets[sequence % this.#slots];
  }

  /** The instant all of a record's events are attributed to. Never falls from one record to the next. */
  toMs(sequence: number): number {
    return this.#toMs[sequence % this.#slots];
  }

  /** How much time a record is about. */
  coveredMs(sequence: number): number {
    return this.#coveredMs[sequence % this.#slots];
  }

  /** The same, but 0 for every part of a record except its last: it adds up to the time that was watched. */
  countedMs(sequence: number): number {
    const slot = sequence % this.#slots;
    return this.#marks[slot] === Mark.More ? 0 : this.#coveredMs[slot];
  }

  /** The number of the newest record; undefined where there is none. */
  get newest(): number | undefined {
    return this.first < this.end ? this.end - 1 : undefined;
  }

  /**
   * The oldest record of which no part can be gone; `end` if there is none. Records go part by part, and nobody knows what
   * was before the oldest part that is left.
   */
  get firstWhole(): number {
    let sequence = this.first;
    if (sequence === 0) {
      return 0;
    }
    while (sequence < this.end && this.more(sequence)) {
      sequence++;
    }
    return Math.min(sequence + 1, this.end);
  }

  /** Whether the record goes on in the next one. */
  more(sequence: number): boolean {
    return this.#marks[sequence % this.#slots] === Mark.More;
  }

  isLost(sequence: number): boolean {
    return this.#marks[sequence % this.#slots] === Mark.Lost;
  }

  sources(sequence: number): number {
    return this.#sources[sequence % this.#slots];
  }

  sourcesEnd(sequence: number): number {
    return this.#sourcesEnd[sequence % this.#slots];
  }

  /** Makes room for a record, dropping the oldest ones; `onEvict` hears of each before it goes. */
  reserve(length: number, onEvict: (sequence: number) => void): number {
    if (length > this.bytes.length) {
      throw new RangeError(`A record of ${length} bytes cannot be kept in a ring of ${this.bytes.length}.`);
    }
    for (;;) {
      if (this.end - this.first < this.#slots) {
        const at = this.#place(length);
        if (at >= 0) {
          return at;
        }
      }
      onEvict(this.first);
      this.first++;
    }
  }

  /** Where `length` bytes are free in one piece, or -1. */
  #place(length: number): number {
    if (this.first === this.end) {
      return 0;
    }
    const tail = this.offset(this.first);
    // Every record has at least one byte: equal positions mean full, not empty.
    if (this.#head <= tail) {
      return tail - this.#head >= length ? this.#head : -1;
    }
    if (this.bytes.length - this.#head >= length) {
      return this.#head;
    }
    return tail >= length ? 0 : -1;
  }

  /** Adds the record whose bytes were written at `offset`. */
  commit(offset: number, length: number, head: RecordHead): void {
    this.put(this.end, offset, head);
    this.#head = offset + length;
    this.end++;
  }

  /** Fills the index entry of a record that was read back; `resume` says then which of them count. */
  put(sequence: number, offset: number, head: RecordHead): void {
    const slot = sequence % this.#slots;
    this.#offsets[slot] = offset;
    this.#toMs[slot] = head.toMs;
    this.#coveredMs[slot] = head.coveredMs;
    this.#marks[slot] = head.more ? Mark.More : Mark.Whole;
    this.#sources[slot] = head.sources;
    this.#sourcesEnd[slot] = head.sourcesEnd;
  }

  /** The same for one that could not be read back: `offset` is a byte of it, which becomes that of an empty record. */
  putLost(sequence: number, offset: number, head: Pick<RecordHead, 'toMs' | 'sources' | 'sourcesEnd'>): void {
    this.put(sequence, offset, { ...head, coveredMs: 0, more: false });
    this.#marks[sequence % this.#slots] = Mark.Lost;
    this.bytes[offset] = 0;
  }

  /** The ring is as it was when its last record ended at `head`. */
  resume(first: number, end: number, head: number): void {
    this.first = first;
    this.end = end;
    this.#head = head;
  }

  /** Moves one record in time. */
  shiftOne(sequence: number, ms: number): void {
    this.#toMs[sequence % this.#slots] += ms;
  }

  /** The first record that ends after an instant; `end` if there is none. */
  firstAfter(ms: number): number {
    return this.#firstWhere((sequence) => this.toMs(sequence) > ms);
  }

  /** The first record that needs nothing of the finer tier before `source`; `end` if there is none. */
  firstWithSourcesFrom(source: number): number {
    return this.#firstWhere((sequence) => this.sources(sequence) >= source);
  }

  /** The first record that needs some of the finer tier from `source` on; `end` if there is none. */
  firstWithSourcesBeyond(source: number): number {
    return this.#firstWhere((sequence) => this.sourcesEnd(sequence) > source);
  }

  /** Of a condition that stays true once it is. */
  #firstWhere(isTrue: (sequence: number) => boolean): number {
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isTrue(middle)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /**
   * Tells the times that no record is about, if they are longer than `leastMs`; the first one begins at `endMs`.
   *
   * @returns where the last of the records ends
   */
  gaps(
    { first, end, leastMs }: { first: number; end: number; leastMs: number },
    endMs: number,
    hear: (fromMs: number, toMs: number) => void
  ): number {
    for (let sequence = first; sequence < end; sequence++) {
      const slot = sequence % this.#slots;
      // The parts of a long one end together, and the last of them says how much time they are about.
      if (this.#marks[slot] === Mark.Whole) {
        const startMs = this.#toMs[slot] - this.#coveredMs[slot];
        if (startMs - endMs > leastMs) {
          hear(endMs, startMs);
        }
        endMs = this.#toMs[slot];
      }
    }
    return endMs;
  }

  /** Moves every record in time. */
  shift(ms: number): void {
    for (let sequence = this.first; sequence < this.end; sequence++) {
      this.shiftOne(sequence, ms);
    }
  }
}

/** The budget of a ring with this many slots and bytes. */
export function ringBudget(slots: number, bytes: number): number {
  return slots * SLOT_BYTES + bytes;
}
