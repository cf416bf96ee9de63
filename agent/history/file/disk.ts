/** A file of fixed size, read and written at positions: an error is an answer, where mapped memory would be a signal. */
import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/** What the history needs of a file. Everything throws what `node:fs` throws. */
export interface Disk {
  readonly size: number;
  /** Fills `into` from this position on; with zeros where the file has ended. */
  read(into: Uint8Array, at: number): void;
  /** Writes `length` bytes of `bytes` from `from` on, all or an error; after an error, any part may have been written. */
  write(bytes: Uint8Array, from: number, length: number, at: number): void;
  /** Returns when what was written is on the medium. */
  sync(): void;
  /** What became of the file meanwhile: the verb for a sentence, or undefined if it is the same as ever. */
  fate(): 'removed' | 'truncated' | undefined;
  close(): void;
}

export type OpenDisk = (path: string, flags: string) => Disk;

/** Who may read it: its labels are names of what runs here. */
const MODE = 0o600;

export const openDisk: OpenDisk = (path, flags) => new FileDisk(openSync(path, flags, MODE));

class FileDisk implements Disk {
  #size: number;

  constructor(private readonly fd: number) {
    this.#size = fstatSync(fd).size;
  }

  get size(): number {
    return this.#size;
  }

  read(into: Uint8Array, at: number): void {
    for (let done = 0; done < into.length;) {
      const read = readSync(this.fd, into, done, into.length - done, at + done);
      if (read === 0) {
        into.fill(0, done);
        return;
      }
      done += read;
    }
  }

  write(bytes: Uint8Array, from: number, length: number, at: number): void {
    for (let done = 0; done < length;) {
      done += writeSync(this.fd, bytes, from + done, length - done, at + done);
    }
    this.#size = Math.max(this.#size, at + length);
  }

  sync(): void {
    fdatasyncSync(this.fd);
  }

  fate(): 'removed' | 'truncated' | undefined {
    const { nlink, size } = fstatSync(this.fd);
    if (nlink === 0) {
      return 'removed';
    }
    return size < this.#size ? 'truncated' : undefined;
  }

  close(): void {
    closeSync(this.fd);
  }
}
