/** One kind of measurement: a BPF object, its slots, and how they become series. */
import type { Deltas, LiveSource } from '../history/deltas';
import type { SeriesTable, Target } from '../history/series';
import type { Owner } from '../identity/owners';
import type { Status } from '../../wire/status';
import type { PinSet } from '../pin/pin-set';
import type { Memory } from './memory';
import type { Scope } from './scope';

export interface Program extends LiveSource {
  /** The stem of its object: `http` for `http.bpf.o`. */
  readonly name: string;
  /** Tells what happened since the last tick, and moves the baseline. */
  tick(into: Deltas): void;
  /** Tells everything since the programs were loaded; of a gauge, what it is now. */
  totals(into: Deltas): void;
  /** From now on nothing is counted for a cgroup, and what was is not told; or it is measured again. */
  setExcluded(cgroupId: bigint, excluded: boolean): void;
  /** Cgroups that the kernel was told to leave out. */
  readonly excluded: Iterable<bigint>;
  /**
   * Takes the slots of owners that are gone back, as soon as nothing can be counted in them any more. To be called when
   * the history has kept what the last tick has told.
   */
  reclaim(departed: Iterable<Owner>): void;
  /** Whether anything is still counted for the owner. */
  holds(owner: Owner): boolean;
  status(): ProgramStatus;
  /** Detaches and unloads; the mapped memory is gone. */
  close(): void;
}

export interface ProgramStatus extends Pick<Status, 'programs' | 'series' | 'losses' | 'notices'> {
  kernelMapBytes: number;
}

/** What a program is given to work with. */
export interface ProgramContext {
  /** Directory of the cgroup to measure, and where it is in the hierarchy. */
  scope: Scope;
  /** Directory of the `*.bpf.o` files. */
  objects: string;
  limits: Limits;
  series: SeriesTable;
  owners: OwnerResolver;
  /** Whose series that is that found no room under its own name. */
  other: Target;
  /** Where it is kept what the history was told of. */
  memory: Memory;
  /** Where programs are pinned, if they are. */
  pins?: PinSet;
}

/** What there is memory for, all of it taken at the start. */
export interface Limits {
  /** HTTP series; the rest is counted under "other". */
  maxSeries: number;
  /** HTTP series of one cgroup; the rest is counted under the cgroup's own "other". */
  maxSeriesPerContainer: number;
  /** TCP series: two an owner, one for each end of its connections. */
  maxTcpSeries: number;
  /** TCP connections followed at the same time. */
  maxConnections: number;
}

export interface OwnerResolver {
  ownerOf(cgroupId: bigint): Owner;
}

/** The labels of what found no room under its own name. */
export const OTHER = 'other';
