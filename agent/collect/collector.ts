/** All programs as one: opened together, ticked together, told as one stream of deltas. */
import { readFileSync, statSync } from 'node:fs';
import { relative, sep } from 'node:path';
import type { Deltas, LiveSource } from '../history/deltas';
import type { SeriesTable } from '../history/series';
import { findCgroup2Mount } from '../cgroup';
import { Owners } from './owners';
import type { Program, ProgramContext, ProgramStatus, Scope } from './program';
import { HttpProgram } from './programs/http';
import { TcpProgram } from './programs/tcp';

export interface CollectorOptions {
  /** Directory of the cgroup to measure. */
  cgroup: string;
  /** The value of the label `node`. */
  node: string;
  /** Directory of the `*.bpf.o` files. */
  objects: string;
  /** Series of each program; the rest is counted under "other". */
  maxSeries: number;
  /** TCP connections followed at the same time. */
  maxConnections: number;
  series: SeriesTable;
}

export class Collector implements LiveSource {
  readonly #programs: readonly Program[];

  private constructor(programs: readonly Program[]) {
    this.#programs = programs;
  }

  /** Loads and attaches every program. A failure leaves nothing attached. */
  static open(options: CollectorOptions): Collector {
    const { cgroup, node } = options;
    const mount = findCgroup2Mount(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (mount === undefined) {
      throw new Error('No cgroup v2 hierarchy is mounted. Mount one: mount -t cgroup2 none /sys/fs/cgroup');
    }
    const owners = new Owners({ mount, scope: cgroup, node });
    const context: ProgramContext = { ...options, scope: scopeOf(cgroup, mount), owners };
    const programs: Program[] = [];
    try {
      programs.push(new HttpProgram(context));
      programs.push(new TcpProgram(context));
      return new Collector(programs);
    } catch (error) {
      programs.forEach((program) => program.close());
      throw error;
    }
  }

  /** Tells what happened since the last tick, and moves the baseline. */
  tick(into: Deltas): void {
    this.#programs.forEach((program) => program.tick(into));
  }

  peek(into: Deltas): void {
    this.#programs.forEach((program) => program.peek(into));
  }

  /** Tells everything since the programs were loaded. */
  totals(into: Deltas): void {
    this.#programs.forEach((program) => program.totals(into));
  }

  status(): ProgramStatus {
    const parts = this.#programs.map((program) => program.status());
    return {
      programs: parts.flatMap((part) => part.programs),
      series: parts.flatMap((part) => part.series),
      losses: parts.flatMap((part) => part.losses),
      notices: parts.flatMap((part) => part.notices),
      kernelMapBytes: parts.reduce((sum, part) => sum + part.kernelMapBytes, 0),
    };
  }

  close(): void {
    this.#programs.forEach((program) => program.close());
  }
}

function scopeOf(cgroup: string, mount: string): Scope {
  const path = relative(mount, cgroup);
  return {
    path: cgroup,
    cgroupId: statSync(cgroup, { bigint: true }).ino,
    level: path === '' ? 0 : path.split(sep).length,
  };
}
