/** One kind of measurement: a BPF object, its slots, and how they become series. */
import type { Deltas, LiveSource } from '../history/deltas';
import type { Labels, SeriesTable } from '../history/series';
import type { Status } from '../../wire/status';

export interface Program extends LiveSource {
  /** The stem of its object: `http` for `http.bpf.o`. */
  readonly name: string;
  /** Tells what happened since the last tick, and moves the baseline. */
  tick(into: Deltas): void;
  /** Tells everything since the programs were loaded; of a gauge, what it is now. */
  totals(into: Deltas): void;
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
  /** The value of the label `node`. */
  node: string;
  /** Directory of the `*.bpf.o` files. */
  objects: string;
  maxSeries: number;
  maxConnections: number;
  series: SeriesTable;
  owners: OwnerResolver;
}

export interface Scope {
  path: string;
  /** The inode of its directory. */
  cgroupId: bigint;
  /** How many directories below the root of the hierarchy; 0 is the root. */
  level: number;
}

export interface OwnerResolver {
  /** The target labels of a socket's cgroup. */
  labelsOf(cgroupId: bigint): Labels;
}

/** The cgroup label of what found no room under its own name. */
export const OTHER_OWNER = 'other';
