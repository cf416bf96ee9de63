/**
 * Memory that outlives the process, and holds what was told exactly as far as the history has kept it.
 *
 * What is told and the record that says so cannot be stored in one step. So each store is noted in a journal first; when
 * the history has kept the record, the journal is cleared. A process that ends in between leaves a journal: then the next
 * one asks the history whether it has the record. If so, the stores hold; if not, they are undone, and what they were
 * about is told again. A history that is not in a file is gone with the process; then the journal's end is the record's.
 */
import type { Memory, Region } from '../collect/memory';
import { Journal, MOST_REGIONS, MOST_WORDS, journalBytes } from './journal';

/** Where the memory comes from: maps that are pinned, of which each has a name. */
export interface Shelf {
  names(): string[];
  /** Of a name that is there. */
  open(name: string): ArrayBuffer;
  /** All 0. */
  create(name: string, bytes: number): ArrayBuffer;
  /** Puts other memory in the place of what has this name, if anything; once it is filled, and in one step. */
  replace(name: string, bytes: number, fill: (buffer: ArrayBuffer) => void): ArrayBuffer;
}

/** The history, as far as it decides what holds. */
export interface Past {
  /** Records that were ever kept. */
  readonly sequence: number;
  /** Which past it is; undefined when it is gone with the process. */
  readonly lineage: string | undefined;
}

const JOURNAL = 'journal';
const HEAD = 'head';
const REGION = 'region-';
const NOTE = 'note-';

/** Where in the head the numbers are, in 64-bit floats. */
const enum Head {
  CreatedMs,
  Sequence,
  CommittedMs,
  /** 16 bytes; all 0 for none. */
  Lineage,
  Numbers = 5,
}
const LINEAGE_BYTES = 16;

export class DurableMemory implements Memory {
  readonly #shelf: Shelf;
  readonly #journal: Journal;
  readonly #regions = new Map<string, DurableRegion>();
  readonly #head: Float64Array;
  readonly #lineage: Uint8Array;

  private constructor(shelf: Shelf, journal: ArrayBuffer, head: ArrayBuffer) {
    this.#shelf = shelf;
    this.#journal = new Journal(journal);
    this.#head = new Float64Array(head);
    this.#lineage = new Uint8Array(head, Head.Lineage * Float64Array.BYTES_PER_ELEMENT, LINEAGE_BYTES);
  }

  /**
   * Memory that nothing has been told from.
   *
   * @param stores how many can be undone: as many as one record can need
   */
  static create(shelf: Shelf, past: Past, { stores, nowMs }: { stores: number; nowMs: number }): DurableMemory {
    const head = shelf.create(HEAD, Head.Numbers * Float64Array.BYTES_PER_ELEMENT);
    const memory = new DurableMemory(shelf, shelf.create(JOURNAL, journalBytes(stores)), head);
    memory.#head[Head.CreatedMs] = nowMs;
    memory.commit(past, nowMs);
    return memory;
  }

  /** What another process has left, as it was when the last record was kept. */
  static recover(shelf: Shelf, past: Past): DurableMemory {
    const memory = new DurableMemory(shelf, shelf.open(JOURNAL), shelf.open(HEAD));
    const names = shelf.names().filter((name) => name.startsWith(REGION));
    names.forEach((name) => memory.#add(name.slice(REGION.length), shelf.open(name)));
    memory.seal();
    memory.#settle(past);
    return memory;
  }

  /** When it was created: the kernel's own counts are from then. By the wall clock. */
  get createdMs(): number {
    return this.#head[Head.CreatedMs];
  }

  /** When the last record was kept: what comes next happened after it. By the wall clock. */
  get committedMs(): number {
    return this.#head[Head.CommittedMs];
  }

  region(name: string, bytes: number): Region {
    const known = this.#regions.get(name);
    if (known === undefined) {
      return this.#add(name, this.#shelf.create(REGION + name, wholeWords(bytes)));
    }
    if (known.buffer.byteLength < bytes) {
      throw new Error(`What is kept of ${name} has ${known.buffer.byteLength} bytes, and ${bytes} are needed.`);
    }
    return known;
  }

  /** All regions are there: from now on stores can be undone. The order of names is the same for every process. */
  seal(): void {
    if (this.#regions.size > MOST_REGIONS) {
      throw new RangeError(`There are ${this.#regions.size} regions; ${MOST_REGIONS} can be told apart.`);
    }
    [...this.#regions.keys()].sort().forEach((name, number) => (this.#regions.get(name)!.number = number));
  }

  hasRoom(stores: number): boolean {
    return this.#journal.room >= stores;
  }

  note(name: string): string | undefined {
    if (!this.#shelf.names().includes(NOTE + name)) {
      return undefined;
    }
    const buffer = this.#shelf.open(NOTE + name);
    const [length] = new Uint32Array(buffer, 0, 1);
    return new TextDecoder().decode(new Uint8Array(buffer, Uint32Array.BYTES_PER_ELEMENT, length).slice());
  }

  setNote(name: string, text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#shelf.replace(NOTE + name, wholeWords(Uint32Array.BYTES_PER_ELEMENT + bytes.length), (buffer) => {
      new Uint32Array(buffer, 0, 1)[0] = bytes.length;
      new Uint8Array(buffer, Uint32Array.BYTES_PER_ELEMENT, bytes.length).set(bytes);
    });
  }

  /**
   * A record is kept: what was told so far holds.
   *
   * @param timeMs up to when it has told everything, by the wall clock
   */
  commit({ sequence, lineage }: Past, timeMs: number): void {
    this.#head[Head.CommittedMs] = timeMs;
    // In this order: a journal that is found beside an older number belongs to the record that comes next.
    this.#journal.clear();
    if (lineage !== this.#lineageText()) {
      this.#lineage.set(lineage === undefined ? new Uint8Array(LINEAGE_BYTES) : Buffer.from(lineage, 'hex'));
    }
    this.#head[Head.Sequence] = sequence;
  }

  /** Decides what became of the record that was being told when the other process ended. */
  #settle(past: Past): void {
    const isKept =
      past.lineage !== undefined &&
      past.lineage === this.#lineageText() &&
      past.sequence === this.#head[Head.Sequence] + 1;
    if (!isKept) {
      const regions = [...this.#regions.values()];
      const words = new Map(regions.map(({ number, buffer }) => [number, new Uint32Array(buffer)]));
      this.#journal.undo((region, word, value) => {
        words.get(region)![word] = value;
      });
    }
    this.commit(past, this.committedMs);
  }

  #lineageText(): string | undefined {
    return this.#lineage.every((byte) => byte === 0) ? undefined : Buffer.from(this.#lineage).toString('hex');
  }

  #add(name: string, buffer: ArrayBuffer): DurableRegion {
    const region = new DurableRegion(this.#shelf, this.#journal, REGION + name, buffer);
    this.#regions.set(name, region);
    return region;
  }
}

class DurableRegion implements Region {
  /** By which the journal knows it; none as long as it is new, and nothing in it was told. */
  number = -1;
  #words: Uint32Array;

  constructor(
    private readonly shelf: Shelf,
    private readonly journal: Journal,
    private readonly name: string,
    public buffer: ArrayBuffer
  ) {
    this.#words = new Uint32Array(buffer);
  }

  save(word: number): void {
    this.journal.add(this.number, word, this.#words[word]);
  }

  grow(bytes: number): void {
    const { buffer } = this;
    if (bytes > MOST_WORDS * Uint32Array.BYTES_PER_ELEMENT) {
      throw new RangeError(`A region can have ${MOST_WORDS} words; ${bytes} bytes are more.`);
    }
    this.buffer = this.shelf.replace(this.name, wholeWords(bytes), (grown) =>
      new Uint8Array(grown).set(new Uint8Array(buffer))
    );
    this.#words = new Uint32Array(this.buffer);
  }
}

/** Maps are made of values of 8 bytes. */
function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
