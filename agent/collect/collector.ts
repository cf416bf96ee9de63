/** All programs as one: opened together, ticked together, told as one stream of deltas. */
import { readFileSync } from 'node:fs';
import { findCgroup2Mount } from '../cgroup';
import type { Deltas, LiveSource } from '../history/deltas';
import type { SeriesTable } from '../history/series';
import { Cgroups } from '../identity/cgroups';
import type { Owners } from '../identity/owners';
import { OTHER, type Limits, type Program, type ProgramContext, type ProgramStatus } from './program';
import { CgroupProgram } from './programs/cgroup';
import { HttpProgram } from './programs/http';
import { TcpProgram } from './programs/tcp';
import { scopeOf } from './scope';

export interface CollectorOptions {
  /** Directory of the cgroup to measure. */
  cgroup: string;
  /** The value of the label `node`. */
  node: string;
  /** Directory of the `*.bpf.o` files. */
  objects: string;
  limits: Limits;
  series: SeriesTable;
  owners: Owners;
}

export class Collector implements LiveSource {
  readonly #owners: Owners;
  readonly #cgroups: Cgroups;
  readonly #cgroupProgram: CgroupProgram;
  readonly #programs: readonly Program[];

  private constructor(owners: Owners, cgroups: Cgroups, cgroupProgram: CgroupProgram, programs: readonly Program[]) {
    this.#owners = owners;
    this.#cgroups = cgroups;
    this.#cgroupProgram = cgroupProgram;
    this.#programs = programs;
    this.#exclude();
  }

  /** Loads and attaches every program. A failure leaves nothing attached. */
  static open(options: CollectorOptions): Collector {
    const { cgroup, node, owners } = options;
    const mount = findCgroup2Mount(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (mount === undefined) {
      throw new Error('No cgroup v2 hierarchy is mounted. Mount one: mount -t cgroup2 none /sys/fs/cgroup');
    }
    const other = { labels: { node, workload: OTHER, cgroup: OTHER }, hidden: false };
    const context: ProgramContext = { ...options, scope: scopeOf(cgroup, mount), other };
    const opened: Array<{ close(): void }> = [];
    const open = <T extends { close(): void }>(program: T): T => {
      opened.push(program);
      return program;
    };
    try {
      // Before the tree is looked at: what is made meanwhile is told by the kernel.
      const events = open(new CgroupProgram(context));
      const cgroups = new Cgroups({ mount, scope: cgroup, events }, owners);
      owners.onUnknown(() => {
        cgroups.update();
        cgroups.walk();
      });
      const programs = [open(new HttpProgram(context)), open(new TcpProgram(context))];
      return new Collector(owners, cgroups, events, programs);
    } catch (error) {
      opened.forEach((program) => program.close());
      throw error;
    }
  }

  /** Tells what happened since the last tick, and moves the baseline. */
  tick(into: Deltas): void {
    this.#cgroups.update();
    this.#exclude();
    this.#programs.forEach((program) => program.tick(into));
    this.#programs.forEach((program) => program.reclaim(this.#owners.departed()));
    this.#owners.forget((owner) => this.#programs.some((program) => program.holds(owner)));
  }

  peek(into: Deltas): void {
    this.#cgroups.update();
    this.#exclude();
    this.#programs.forEach((program) => program.peek(into));
  }

  /** Tells everything since the programs were loaded. */
  totals(into: Deltas): void {
    this.#cgroups.update();
    this.#exclude();
    this.#programs.forEach((program) => program.totals(into));
  }

  status(): ProgramStatus {
    const parts = [...this.#programs, this.#cgroupProgram].map((program) => program.status());
    return {
      programs: parts.flatMap((part) => part.programs),
      series: parts.flatMap((part) => part.series),
      losses: parts.flatMap((part) => part.losses),
      // Two programs may have the same to say.
      notices: [...new Set(parts.flatMap((part) => part.notices))],
      kernelMapBytes: parts.reduce((sum, part) => sum + part.kernelMapBytes, 0),
    };
  }

  close(): void {
    this.#programs.forEach((program) => program.close());
    this.#cgroupProgram.close();
  }

  /** Tells the kernel of the owners that are to be measured from now on, or not any more. */
  #exclude(): void {
    for (const { cgroupId, excluded } of this.#owners.refresh()) {
      this.#programs.forEach((program) => program.setExcluded(cgroupId, excluded));
    }
  }
}
