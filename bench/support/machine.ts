/** The machine a result was taken on: what its figures depend on, and nothing that says whose it is. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

export interface Machine {
  /** Version of Linux, without what a builder has added to it. */
  kernel: string;
  distribution: string;
  processor: string;
  processors: number;
  memoryGiB: number;
  node: string;
}

export function thisMachine(): Machine {
  return {
    kernel: kernelVersion(release()),
    distribution: /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux',
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** "6.1.0-37-amd64" is 6.1.0: what follows is a builder's own, a name of a machine among it. */
export function kernelVersion(named: string): string {
  return /^\d+(\.\d+)*/.exec(named)?.[0] ?? 'unknown';
}
