/** Control groups of a test's own. Nothing outside of them is ever measured, and nothing of them is left behind. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { cgroupMount, requireRoot } from './requirements';
import { until } from './wait';

/**
 * Moves itself in, then becomes the command: every socket the command opens is born in the cgroup. It is killed with the
 * test process, whatever becomes of that.
 */
const ENTER = 'echo $$ > "$1/cgroup.procs" && shift && exec setpriv --pdeathsig TERM -- "$@"';

let made = 0;

export interface CgroupSpawnOptions extends SpawnOptions {
  /** Run inside this network namespace (its name under `ip netns`). */
  netns?: string;
}

export class Cgroup {
  readonly #children: Cgroup[] = [];
  readonly #processes: ChildProcess[] = [];

  readonly #wanted: string;

  private constructor(
    readonly path: string,
    wanted = basename(path)
  ) {
    this.#wanted = wanted;
    mkdirSync(path);
  }

  /** A new cgroup below the v2 root: `ringside-test-<pid>-<n>`. */
  static make(): Cgroup {
    requireRoot();
    return new Cgroup(join(cgroupMount(), `ringside-test-${process.pid}-${++made}`));
  }

  /** A second one of the same name, as a test that is tried again makes it, is `name-2`. */
  child(name: string): Cgroup {
    const again = this.#children.filter((child) => child.#wanted === name).length;
    const child = new Cgroup(join(this.path, again ? `${name}-${again + 1}` : name), name);
    this.#children.push(child);
    return child;
  }

  /** The `cgroup` label of its series: the path below the v2 root, `/ringside-test-1-1/server`. */
  get label(): string {
    return `/${relative(cgroupMount(), this.path)}`;
  }

  get name(): string {
    return basename(this.path);
  }

  /** Starts a command inside. It ends at `remove()` at the latest. */
  spawn(command: string, args: readonly string[], { netns, ...options }: CgroupSpawnOptions = {}): ChildProcess {
    const prefix = netns ? ['ip', 'netns', 'exec', netns] : [];
    const child = spawn('/bin/sh', ['-c', ENTER, 'enter', this.path, ...prefix, command, ...args], options);
    this.#processes.push(child);
    return child;
  }

  /** Pids inside, of this cgroup alone. */
  get pids(): number[] {
    return readFileSync(join(this.path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  }

  /** Ends what runs inside (all of it was started by `spawn`) and removes the cgroup, children first. May come twice. */
  async remove(): Promise<void> {
    await Promise.all(this.#children.splice(0).map((child) => child.remove()));
    if (!existsSync(this.path)) {
      return;
    }
    const started = this.#processes.splice(0);
    started.forEach((process) => process.kill('SIGTERM'));
    let asked = 0;
    await until(
      () => `${this.path} to be empty; inside: ${this.pids.join(' ')}`,
      () => {
        const left = this.pids;
        // A worker of a killed master is nobody's child any more; after a second of politeness it goes too.
        if (left.length > 0 && ++asked % 200 === 0) {
          left.forEach(killQuietly);
        }
        return left.length === 0;
      }
    );
    // Out of the cgroup they are still zombies, until Node has asked how they ended.
    await until(`the processes of ${this.path} to be reaped`, () =>
      started.every(({ pid, exitCode, signalCode }) => pid === undefined || exitCode !== null || signalCode !== null)
    );
    // The kernel keeps a cgroup busy for a moment after its last process has gone.
    await until(`${this.path} to be removable`, () => removed(this.path));
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') {
      return false;
    }
    throw error;
  }
}
