/** JSON as bytes, piece by piece: what is written is neither a string in between nor garbage afterwards. */
import { NUMBER_BYTES, writeNumbers } from '../../native';
import type { Pieces } from './pieces';

/** At a time. */
const NUMBERS = 1_024;
/** UTF-8 has three bytes at the most for a unit of UTF-16. */
const UNIT_BYTES = 3;

export class JsonWriter {
  readonly #full: Buffer[] = [];
  #piece: Buffer;
  #at = 0;

  constructor(private readonly pieces: Pieces) {
    this.#piece = pieces.take();
  }

  /** What is JSON already. */
  text(text: string): this {
    if (text.length * UNIT_BYTES > this.#piece.length) {
      return this.bytes(Buffer.from(text));
    }
    this.#makeRoom(text.length * UNIT_BYTES);
    this.#at += this.#piece.write(text, this.#at);
    return this;
  }

  /** The same as bytes, which are copied. */
  bytes(bytes: Buffer): this {
    for (let from = 0; from < bytes.length;) {
      this.#makeRoom(1);
      const length = bytes.copy(this.#piece, this.#at, from);
      this.#at += length;
      from += length;
    }
    return this;
  }

  /** An array; of what is no number, `null`. */
  numbers(numbers: Float64Array): this {
    this.text('[');
    for (let from = 0; from < numbers.length; from += NUMBERS) {
      const some = numbers.subarray(from, from + NUMBERS);
      this.text(from > 0 ? ',' : '');
      this.#makeRoom(some.length * NUMBER_BYTES);
      this.#at = writeNumbers(some, this.#piece, this.#at);
    }
    return this.text(']');
  }

  /** The pieces that are full. Whoever has no use for one any more gives it back. */
  takeFull(): Buffer[] {
    return this.#full.splice(0);
  }

  /** The piece that is not full, and the end of this. */
  takeLast(): Buffer {
    return this.#piece.subarray(0, this.#at);
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes > this.#piece.length) {
      this.#full.push(this.takeLast());
      this.#piece = this.pieces.take();
      this.#at = 0;
    }
  }
}
