/** How often buckets went past 2^32: of all but the oldest and busiest, never. */
import type { Memory, Region } from './memory';

/**
 * Each stands for more than four billion events of one bucket of one series: at a million a second it takes the busiest
 * node months to have so many. What comes after is missing in the totals, not in the history.
 */
const MOST = 1024;
/** The bucket's key, counted from 1, and how often. */
const PAIR_WORDS = 2;

export class Wraps {
  readonly #region: Region;
  readonly #words: Uint32Array;
  /** Where the pair of a key is. */
  readonly #places = new Map<number, number>();

  constructor(memory: Memory, name: string) {
    this.#region = memory.region(name, MOST * PAIR_WORDS * Uint32Array.BYTES_PER_ELEMENT);
    this.#words = new Uint32Array(this.#region.buffer);
    for (let at = 0; at < this.#words.length; at += PAIR_WORDS) {
      if (this.#words[at] !== 0) {
        this.#places.set(this.#words[at] - 1, at);
      }
    }
  }

  of(key: number): number {
    const at = this.#places.get(key);
    return at === undefined ? 0 : this.#words[at + 1];
  }

  add(key: number): void {
    const at = this.#places.get(key) ?? this.#freePlace();
    if (at >= 0) {
      this.#places.set(key, at);
      this.#region.save(at);
      this.#words[at] = key + 1;
      this.#region.save(at + 1);
      this.#words[at + 1]++;
    }
  }

  /** Forgets all with a key from `first` up to the one before `end`, at once. */
  drop(first: number, end: number): void {
    for (const [key, at] of this.#places) {
      if (key >= first && key < end) {
        this.#words[at] = 0;
        this.#words[at + 1] = 0;
        this.#places.delete(key);
      }
    }
  }

  #freePlace(): number {
    for (let at = 0; at < this.#words.length; at += PAIR_WORDS) {
      if (this.#words[at] === 0) {
        return at;
      }
    }
    return -1;
  }
}
