/**
 * Cuts a stream of bytes into JSON documents, so that never more than one pod is in memory: 500 of them are 10 MB of
 * JSON and 30 MB once parsed, none of which the agent wants to keep.
 */

/** The largest object that is looked at; etcd takes 1.5 MiB. A larger one is skipped, whatever its size. */
export const MAX_OBJECT_BYTES = 4 * 1024 * 1024;

/** What came is not what was asked for: JSON, in pieces of a bearable size. */
export class GarbageError extends Error {
  override readonly name = 'GarbageError';
}

export interface SplitterOptions {
  maxBytes?: number;
  /** Called for each document that was too large. */
  onSkipped?: () => void;
}

/** Bytes of one document, which may come in several pieces. Nothing is kept of one that is too large. */
class Document {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isTooLarge(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.isTooLarge) {
      this.#pieces = [];
    } else if (piece.length > 0) {
      this.#pieces.push(piece);
    }
  }

  /** The text, and begins with the next one. */
  take(): string {
    const text = (this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces)).toString('utf8');
    this.#pieces = [];
    this.#bytes = 0;
    return text;
  }
}

const LINE_FEED = 0x0a;

/** A watch: one document a line. What stands behind the last line feed was cut, and is nothing. */
export class Lines {
  readonly #line: Document;
  readonly #onSkipped: () => void;

  constructor({ maxBytes = MAX_OBJECT_BYTES, onSkipped = () => {} }: SplitterOptions = {}) {
    this.#line = new Document(maxBytes);
    this.#onSkipped = onSkipped;
  }

  /** @throws GarbageError */
  *push(piece: Buffer): Generator<unknown, void> {
    let from = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, from)) {
      this.#line.add(piece.subarray(from, end));
      from = end + 1;
      const { isTooLarge } = this.#line;
      const text = this.#line.take();
      if (isTooLarge) {
        this.#onSkipped();
      } else if (text.trim() !== '') {
        yield parse(text);
      }
    }
    this.#line.add(piece.subarray(from));
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const STRUCTURE = new Uint8Array(256);
[QUOTE, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, COMMA].forEach((byte) => (STRUCTURE[byte] = 1));
/** The list is an object, its items are in an array. */
const ITEMS_DEPTH = 2;

/** A list: the objects of the array in it come one by one, the rest of it at the end. */
export class ListItems {
  readonly #item: Document;
  readonly #rest: Document;
  readonly #onSkipped: () => void;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #inItems = false;

  constructor({ maxBytes = MAX_OBJECT_BYTES, onSkipped = () => {} }: SplitterOptions = {}) {
    this.#item = new Document(maxBytes);
    this.#rest = new Document(maxBytes);
    this.#onSkipped = onSkipped;
  }

  /** @throws GarbageError */
  *push(piece: Buffer): Generator<unknown, void> {
    let from = 0;
    for (let at = this.#next(piece, 0); at < piece.length; at = this.#next(piece, at + 1)) {
      const isBetween = this.#inItems && this.#depth === ITEMS_DEPTH;
      const byte = piece[at];
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (isBetween) {
          this.#rest.add(piece.subarray(from, at));
          from = at;
        }
        this.#depth++;
        this.#inItems ||= byte === OPEN_BRACKET && this.#depth === ITEMS_DEPTH;
      } else if (byte === COMMA) {
        if (isBetween) {
          // Neither of the two items is left in the rest.
          this.#rest.add(piece.subarray(from, at));
          from = at + 1;
        }
      } else {
        this.#depth--;
        if (this.#inItems && this.#depth === ITEMS_DEPTH) {
          this.#item.add(piece.subarray(from, at + 1));
          from = at + 1;
          yield* this.#takeItem();
        }
        this.#inItems &&= this.#depth >= ITEMS_DEPTH;
      }
    }
    (this.#inItems && this.#depth > ITEMS_DEPTH ? this.#item : this.#rest).add(piece.subarray(from));
  }

  /** Where the next bracket, brace or comma is that is not in a string. */
  #next(piece: Buffer, from: number): number {
    let at = from;
    while (at < piece.length) {
      if (this.#inString) {
        at = this.#endOfString(piece, at);
      }
      const found = structureAt(piece, at);
      if (piece[found] !== QUOTE) {
        return found;
      }
      this.#inString = true;
      at = found + 1;
    }
    return at;
  }

  /** @returns the place after the quote that closes it, or the end of the piece */
  #endOfString(piece: Buffer, from: number): number {
    let at = from;
    if (this.#isEscaped && at < piece.length) {
      at++;
      this.#isEscaped = false;
    }
    for (;;) {
      const quote = piece.indexOf(QUOTE, at);
      const end = quote < 0 ? piece.length : quote;
      let backslashes = 0;
      while (end - backslashes > at && piece[end - backslashes - 1] === BACKSLASH) {
        backslashes++;
      }
      const isEscaped = backslashes % 2 === 1;
      if (quote < 0) {
        this.#isEscaped = isEscaped;
        return end;
      }
      at = quote + 1;
      if (!isEscaped) {
        this.#inString = false;
        return at;
      }
    }
  }

  /**
   * The list without its items.
   *
   * @throws GarbageError also where it was cut
   */
  end(): unknown {
    if (this.#rest.isTooLarge) {
      throw new GarbageError('it is too large');
    }
    return parse(this.#rest.take());
  }

  *#takeItem(): Generator<unknown, void> {
    const { isTooLarge } = this.#item;
    const text = this.#item.take();
    if (isTooLarge) {
      this.#onSkipped();
    } else {
      yield parse(text);
    }
  }
}

function structureAt(piece: Buffer, from: number): number {
  let at = from;
  while (at < piece.length && STRUCTURE[piece[at]] === 0) {
    at++;
  }
  return at;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new GarbageError('it is not JSON, or was cut');
  }
}
