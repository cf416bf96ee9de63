/** All programs as one: opened together, ticked together, told as one stream of deltas. */
import { readFileSync } from 'node:fs';
import { findCgroup2Mount } from '../cgroup';
import type { Deltas, LiveSource } from '../history/deltas';
import type { SeriesTable } from '../history/series';
import { Cgroups } from '../identity/cgroups';
import type { Owners } from '../identity/owners';
import { OwnerNotes } from '../pin/owner-notes';
import type { PinSet } from '../pin/pin-set';
import { OwnMemory } from './memory';
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
  /** Where everything is pinned, so that it outlives the agent; it is closed with the collector. */
  pins?: PinSet;
}

interface CollectorParts {
  owners: Owners;
  cgroups: Cgroups;
  cgroupProgram: CgroupProgram;
  programs: readonly Program[];
  pins?: PinSet;
  notes?: OwnerNotes;
}

export class Collector implements LiveSource {
  readonly #owners: Owners;
  readonly #cgroups: Cgroups;
  readonly #cgroupProgram: CgroupProgram;
  readonly #programs: readonly Program[];
  readonly #pins: PinSet | undefined;
  readonly #notes: OwnerNotes | undefined;

  private constructor(parts: CollectorParts) {
    this.#owners = parts.owners;
    this.#cgroups = parts.cgroups;
    this.#cgroupProgram = parts.cgroupProgram;
    this.#programs = parts.programs;
    this.#pins = parts.pins;
    this.#notes = parts.notes;
    this.#exclude();
    // What another agent has left out, and this one does not.
    for (const program of this.#programs) {
      for (const cgroupId of [...program.excluded]) {
        if (!this.#owners.recallExcluded(cgroupId)) {
          program.setExcluded(cgroupId, false);
        }
      }
    }
    this.#exclude();
    this.#notes?.update(this.#owners);
  }

  /** Loads and attaches every program, or takes over what is pinned. A failure leaves nothing attached that was not. */
  static open(options: CollectorOptions): Collector {
    const { cgroup, node, owners, limits, pins } = options;
    const mount = findCgroup2Mount(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (mount === undefined) {
      throw new Error('No cgroup v2 hierarchy is mounted. Mount one: mount -t cgroup2 none /sys/fs/cgroup');
    }
    const other = { labels: { node, workload: OTHER, cgroup: OTHER }, hidden: false };
    const memory = pins?.memory ?? new OwnMemory();
    const context: ProgramContext = { ...options, scope: scopeOf(cgroup, mount), other, memory };
    const opened: Array<{ close(): void }> = [];
    const open = <T extends { close(): void }>(program: T): T => {
      opened.push(program);
      return program;
    };
    try {
      const notes =
        pins &&
        new OwnerNotes(
          pins.table('owners', OwnerNotes.keyBytes, OwnerNotes.noteBytes, limits.maxSeries + limits.maxTcpSeries)
        );
      // Before the tree is looked at: what is made meanwhile is told by the kernel.
      const events = open(new CgroupProgram(context, notes));
      const cgroups = new Cgroups({ mount, scope: cgroup, events }, owners);
      owners.onUnknown(() => {
        cgroups.update();
        cgroups.walk();
      });
      // What is there has a name of its own. Of what is not, the kernel may have more to tell: that it is released.
      notes?.recall(owners);
      cgroups.update();
      const programs = [open(new HttpProgram(context)), open(new TcpProgram(context))];
      pins?.memory.seal();
      return new Collector({ owners, cgroups, cgroupProgram: events, programs, pins, notes });
    } catch (error) {
      opened.forEach((program) => program.close());
      throw error;
    }
  }

  /** Tells what happened since the last tick, and moves the baseline: with pins, once the history has kept it. */
  tick(into: Deltas): void {
    this.#cgroups.update();
    this.#exclude();
    // First what cannot be undone: the last tick is kept, and nothing of this one is told yet.
    this.#programs.forEach((program) => program.reclaim(this.#owners.departed()));
    this.#owners.forget((owner) => this.#programs.some((program) => program.holds(owner)));
    this.#programs.forEach((program) => program.tick(into));
    this.#notes?.update(this.#owners);
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
      kernelMapBytes: parts.reduce((sum, part) => sum + part.kernelMapBytes, this.#pins?.kernelBytes() ?? 0),
    };
  }

  close(): void {
    this.#programs.forEach((program) => program.close());
    this.#cgroupProgram.close();
    this.#pins?.close();
  }

  /** Tells the kernel of the owners that are to be measured from now on, or not any more. */
  #exclude(): void {
    for (const { cgroupId, excluded } of this.#owners.refresh()) {
      this.#programs.forEach((program) => program.setExcluded(cgroupId, excluded));
    }
  }
}
