/** The directory of a BPF file system in which the agent pins: one agent's at a time, one set for each layout. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmdirSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lock } from '../../native';
import { removeSet } from './pin-set';

export const DEFAULT_PIN_DIRECTORY = '/sys/fs/bpf/ringside';

/** BPF_FS_MAGIC of <linux/magic.h>. */
const BPF_FS_MAGIC = 0xcafe4a11;
/** A set that is complete, and one that is being made, by the layout they are of. */
const SET = /^(?:set|new)-[0-9a-f]{16}$/;
const RETRY_MS = 100;

/** Why nothing can be pinned here: one sentence. Measuring does not depend on it. */
export class PinProblem extends Error {
  override readonly name = 'PinProblem';
}

/** Another agent has the directory. */
export class PinsAreHeld extends Error {
  override readonly name = 'PinsAreHeld';
}

export class PinDirectory {
  private constructor(
    readonly path: string,
    readonly release: () => void
  ) {}

  /**
   * Takes the directory, which is made if it is not there.
   *
   * @param patienceMs how long to wait for an agent that has it and is about to end
   * @throws PinProblem, PinsAreHeld
   */
  static async open(path: string, patienceMs: number): Promise<PinDirectory> {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      const release = tryLock(path);
      if (release) {
        return new PinDirectory(path, release);
      }
      if (performance.now() >= deadlineMs) {
        throw new PinsAreHeld(`Another agent measures with what is pinned in ${path}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Where the complete set of a layout is, if there is one. */
  find(layout: string): string | undefined {
    const path = this.#setOf(layout);
    if (!existsSync(path)) {
      return undefined;
    }
    if (!statSync(path).isDirectory()) {
      throw new PinProblem(`${path} is no directory: somebody else has pinned something there.`);
    }
    return path;
  }

  /** An empty directory for a set of a layout, which is complete when it is renamed to what `nameOf` says. */
  begin(layout: string): string {
    const path = join(this.path, `new-${layout}`);
    if (existsSync(path)) {
      // Of an agent that ended while it was making it.
      removeSet(path);
    }
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  nameOf(layout: string): string {
    return this.#setOf(layout);
  }

  /** Removes every set but one. Returns their paths. */
  removeSets(keep?: string): string[] {
    const paths = readdirSync(this.path)
      .filter((name) => SET.test(name))
      .map((name) => join(this.path, name))
      .filter((path) => path !== keep);
    paths.forEach(removeSet);
    return paths;
  }

  /** What is there and none of ours. */
  foreign(): string[] {
    return readdirSync(this.path).filter((name) => !SET.test(name));
  }

  /** Gives it back; removes it first if it is empty. Another file system's root stays. */
  leave(): void {
    try {
      rmdirSync(this.path);
    } catch {
      // Something is in it, or it is where a file system is mounted.
    }
    this.release();
  }

  #setOf(layout: string): string {
    return join(this.path, `set-${layout}`);
  }
}

/** Undefined: another process has it. */
function tryLock(path: string): (() => void) | undefined {
  for (;;) {
    makeDirectory(path);
    let release: () => void;
    try {
      release = lock(path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN' || code === 'EWOULDBLOCK') {
        return undefined;
      }
      if (code === 'ENOENT') {
        continue;
      }
      throw new PinProblem(`${path} cannot be used: ${message}.`);
    }
    if (existsSync(path)) {
      return release;
    }
    // Whoever had it before has removed it.
    release();
  }
}

function makeDirectory(path: string): void {
  try {
    if (!existsSync(path)) {
      checkFileSystem(dirname(path));
      mkdirSync(path, { mode: 0o700 });
    }
    checkFileSystem(path);
    if (!statSync(path).isDirectory()) {
      throw new PinProblem(`${path} is a file, and a directory is needed.`);
    }
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof PinProblem) {
      throw error;
    }
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw new PinProblem(`${path} ${WHY_NOT[code] ?? `cannot be used (${code})`}.`);
    }
  }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EROFS: 'is in a file system that is mounted read-only',
  EACCES: 'may not be written to by this process',
  EPERM: 'may not be made by this process',
  ENOENT: 'cannot be made: the directory around it is not there',
  ENOTDIR: 'cannot be made: what is around it is a file',
};

function checkFileSystem(path: string): void {
  if (statfsSync(path).type !== BPF_FS_MAGIC) {
    throw new PinProblem(`${path} is not in a BPF file system; mount one with "mount -t bpf bpf /sys/fs/bpf".`);
  }
}
