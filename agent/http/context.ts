/** What the routes know of the agent they answer for. */
import type { Deltas, LiveSource } from '../history/deltas';
import type { History } from '../history/history';
import type { SeriesTable } from '../history/series';
import type { Readiness, TickStats } from '../ticker';
import type { Status } from '../../wire/status';
import type { TokenFile } from './token';

export interface AgentContext {
  version: string;
  node: string;
  /** `uname -r`. */
  kernelRelease: string;
  /** The cgroup that is measured. */
  scope: string;
  /** When this agent started measuring. */
  bootEpochMs: number;
  history: History;
  series: SeriesTable;
  owners: { status(): Status['identity'] };
  collector: Measuring;
  ticker: { readonly readiness: Readiness; readonly liveness: Readiness; readonly stats: Readonly<TickStats> };
  access: Access;
  /** Whether the programs are pinned. */
  pins?: Status['pins'];
  /** What was doubtful at the start; part of the status’ notices. */
  warnings: readonly string[];
}

/** The collector, as far as a route is concerned. */
export interface Measuring extends LiveSource {
  /** Everything since boot; of a gauge, what it is now. */
  totals(into: Deltas): void;
  status(): MeasuringStatus;
}

export interface MeasuringStatus extends Pick<Status, 'programs' | 'series' | 'losses' | 'notices'> {
  kernelMapBytes: number;
}

/** Who may ask: without either, everyone who reaches the socket. With both, both are asked for. */
export interface Access {
  token?: TokenFile;
  clientCertificates: boolean;
  /** Without a secret, an address on loopback is all that keeps others out: a browser must not be talked past it. */
  loopbackOnly?: boolean;
}
