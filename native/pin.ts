import { binding, type NativePinnedLink, type NativePinnedProgram, type ProgramStats } from './binding';
import { checkPath } from './check';

/** A program that is pinned in a BPF file system, by its path. `EINVAL` when what is pinned there is no program. */
export class PinnedProgram {
  readonly #native: NativePinnedProgram;

  private constructor(native: NativePinnedProgram) {
    this.#native = native;
  }

  static open(path: string): PinnedProgram {
    checkPath('path', path);
    return new PinnedProgram(new (binding().PinnedProgram)(path));
  }

  /** What it has cost since it was loaded, by whomever. */
  stats(): ProgramStats {
    return this.#native.stats();
  }

  /** Lets go of it; it stays pinned. May be called again. */
  close(): void {
    this.#native.close();
  }
}

/** What attaches a program, or an iterator, pinned in a BPF file system. `EINVAL` when what is pinned there is no link. */
export class PinnedLink {
  readonly #native: NativePinnedLink;

  private constructor(native: NativePinnedLink) {
    this.#native = native;
  }

  static open(path: string): PinnedLink {
    checkPath('path', path);
    return new PinnedLink(new (binding().PinnedLink)(path));
  }

  /** False when the cgroup that its program was attached to is gone, or somebody has detached it. */
  isAttached(): boolean {
    return this.#native.isAttached();
  }

  /** Runs an iterator once and returns all it wrote. */
  runIterator(): Uint8Array {
    return new Uint8Array(this.#native.run());
  }

  /** Lets go of it; it stays pinned, and its program attached. May be called again. */
  close(): void {
    this.#native.close();
  }
}
