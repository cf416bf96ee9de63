/**
 * Memory that answers are written to, one piece at a time, and then used again. An answer has 30 of them: pages that nobody
 * has touched yet would take longer than what is written there.
 */
const PIECE_BYTES = 64 * 1024;
/** So many wait for the next answer. */
const SPARE = 2;

export class Pieces {
  readonly #spare: ArrayBufferLike[] = [];

  take(): Buffer {
    return Buffer.from(this.#spare.pop() ?? new ArrayBuffer(PIECE_BYTES));
  }

  /** @param piece nobody reads it any more; a part of one stands for all of it */
  giveBack({ buffer }: Buffer): void {
    if (this.#spare.length < SPARE) {
      this.#spare.push(buffer);
    }
  }
}
