/**
 * What has to be undone when the record that is being told is not kept: for each word that is stored, which it is and
 * what it held before. It lies in memory that outlives the process, like the words themselves, so that whoever comes
 * after a crash finds everything as it was when the last record was kept.
 */

/** The length, and a word that is not used. */
const HEAD_WORDS = 2;
/** Region and word in one number, and the value. */
const ENTRY_WORDS = 2;
/** Bits for the number of the word; those above it are the region's. */
const WORD_BITS = 27;
const WORD_MASK = 2 ** WORD_BITS - 1;
/** How many regions there can be, and how many words one can have. */
export const MOST_REGIONS = 2 ** (32 - WORD_BITS);
export const MOST_WORDS = 2 ** WORD_BITS;

export function journalBytes(entries: number): number {
  return (HEAD_WORDS + entries * ENTRY_WORDS) * Uint32Array.BYTES_PER_ELEMENT;
}

export class Journal {
  readonly #words: Uint32Array;
  readonly #capacity: number;

  constructor(buffer: ArrayBuffer) {
    this.#words = new Uint32Array(buffer);
    this.#capacity = Math.floor((this.#words.length - HEAD_WORDS) / ENTRY_WORDS);
  }

  get length(): number {
    return this.#words[0];
  }

  /** How many more stores it can undo. */
  get room(): number {
    return this.#capacity - this.length;
  }

  /** To be called before a word is stored. Only when the entry is whole does it count: the length is stored last. */
  add(region: number, word: number, value: number): void {
    const length = this.#words[0];
    if (length >= this.#capacity) {
      throw new RangeError(`The journal holds ${this.#capacity} stores and cannot take one more.`);
    }
    const at = HEAD_WORDS + length * ENTRY_WORDS;
    this.#words[at] = region * MOST_WORDS + word;
    this.#words[at + 1] = value;
    Atomics.store(this.#words, 0, length + 1);
  }

  /** What was stored holds from now on. */
  clear(): void {
    Atomics.store(this.#words, 0, 0);
  }

  /** Undoes it, the latest first. Whoever is interrupted in it can start over: the journal stays until all is undone. */
  undo(restore: (region: number, word: number, value: number) => void): void {
    for (let entry = this.length - 1; entry >= 0; entry--) {
      const at = HEAD_WORDS + entry * ENTRY_WORDS;
      restore(this.#words[at] >>> WORD_BITS, this.#words[at] & WORD_MASK, this.#words[at + 1]);
    }
    this.clear();
  }
}
