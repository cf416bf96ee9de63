/**
 * Which cgroups there are. The kernel tells of each as it comes and goes; the tree itself is looked at once at the
 * start, now and then in case something was missed, and at once when it is known that something was.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface CgroupListener {
  /** A cgroup is there; told again for one that is known. */
  made(cgroupId: bigint, path: string): void;
  /** Its directory is gone. Sockets of it may still be open. */
  removed(cgroupId: bigint): void;
  /** No socket of it is open any more. */
  released(cgroupId: bigint): void;
}

/** What the kernel tells, in the order in which it happened. */
export interface CgroupEvents {
  /** @returns whether nothing was lost since the last time */
  drain(into: CgroupListener): boolean;
}

export interface CgroupsOptions {
  /** Where the cgroup v2 hierarchy is mounted. */
  mount: string;
  /** The directory of the cgroup that is measured. */
  scope: string;
  events: CgroupEvents;
}

/** So often the tree is looked at, whatever the kernel tells. */
const REPAIR_MS = 60_000;

export class Cgroups {
  readonly #options: CgroupsOptions;
  readonly #listener: CgroupListener;
  /** Paths by id: under another path, an id is another cgroup's. */
  readonly #known = new Map<bigint, string>();
  readonly #events: CgroupEvents;
  #walkedAtMs = -Infinity;

  constructor(options: CgroupsOptions, listener: CgroupListener) {
    this.#options = options;
    // Of the root of a cgroup namespace, unlike that of the machine, there is such a file.
    this.#events = existsSync(join(options.mount, 'cgroup.events')) ? withoutPaths(options.events) : options.events;
    this.#listener = {
      made: (id, path) => {
        this.#known.set(id, path);
        listener.made(id, path);
      },
      removed: (id) => {
        this.#known.delete(id);
        listener.removed(id);
      },
      released: (id) => listener.released(id),
    };
    this.walk();
  }

  /** Passes on what happened since the last time. */
  update(): void {
    const complete = this.#events.drain(this.#listener);
    if (!complete || performance.now() - this.#walkedAtMs >= REPAIR_MS) {
      this.walk();
    }
  }

  /** Looks at the whole tree, and tells of what was not known or is gone. */
  walk(): void {
    const { mount, scope } = this.#options;
    const gone = new Set(this.#known.keys());
    const pending = [scope];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      try {
        const { ino, nlink } = statSync(directory, { bigint: true });
        const path = `/${relative(mount, directory)}`;
        gone.delete(ino);
        if (this.#known.get(ino) !== path) {
          this.#listener.made(ino, path);
        }
        // Each cgroup inside has a link to this one, "..": where there is none, 70 control files need not be listed.
        if (nlink > 2n) {
          pending.push(...childrenOf(directory));
        }
      } catch (error) {
        // Removed between being listed and being read.
        if (!['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) {
          throw error;
        }
      }
    }
    gone.forEach((id) => this.#listener.removed(id));
    this.#walkedAtMs = performance.now();
  }
}

function childrenOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name));
}

/**
 * The kernel tells paths from the machine's root on. Where that is not what is mounted here, they would not be those that
 * a walk finds: one walks then, as soon as a cgroup is made.
 */
function withoutPaths(events: CgroupEvents): CgroupEvents {
  return {
    drain: (into) => {
      let made = false;
      const complete = events.drain({
        made: () => (made = true),
        removed: (id) => into.removed(id),
        released: (id) => into.released(id),
      });
      return complete && !made;
    },
  };
}
