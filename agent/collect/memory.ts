/**
 * Where the agent keeps what it has told the history of, so that nothing is told twice: in its own memory, or in memory
 * that outlives it (`agent/pin/durable.ts`).
 */
export interface Memory {
  /** The region of this name: as it was left, or all 0. The same names and sizes are asked for at every start. */
  region(name: string, bytes: number): Region;
  /** Whether so many more stores can be undone. If not, what is to be told waits for the next tick. */
  hasRoom(stores: number): boolean;
  /** What was noted under a name; undefined when nothing was. */
  note(name: string): string | undefined;
  /** Replaces a note, as a whole or not at all. */
  setNote(name: string, text: string): void;
}

export interface Region {
  /** Another one once it has grown. */
  readonly buffer: ArrayBuffer;
  /**
   * To be called before a word of 32 bits is stored into, by its number: the store holds only if the record that is being
   * told is kept. What is stored without holds at once.
   */
  save(word: number): void;
  /** Makes it larger: what there was stays, and behind it all is 0. */
  grow(bytes: number): void;
}

/** Gone with the process, and the history with it: there is nothing to undo. */
export class OwnMemory implements Memory {
  region(_name: string, bytes: number): Region {
    return new OwnRegion(bytes);
  }

  hasRoom(): boolean {
    return true;
  }

  note(): undefined {}

  setNote(): void {}
}

class OwnRegion implements Region {
  buffer: ArrayBuffer;

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes);
    // Written to, or the pages would be no more than a promise, and come one by one as traffic does.
    new Uint8Array(this.buffer).fill(0);
  }

  save(): void {}

  grow(bytes: number): void {
    const grown = new ArrayBuffer(bytes);
    new Uint8Array(grown).set(new Uint8Array(this.buffer));
    this.buffer = grown;
  }
}
