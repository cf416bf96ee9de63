/** Who uses the processors, and which of them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Cgroup } from '../../test/support/cgroup';

/**
 * Processor time a cgroup and all below it have used, in seconds; what the kernel does for them in passing included.
 * Version 2 keeps this account also where it has no processor controller.
 */
export function processorSeconds(cgroup: Cgroup): number {
  const usage = /^usage_usec (\d+)$/m.exec(readFileSync(join(cgroup.path, 'cpu.stat'), 'utf8'))?.[1];
  if (usage === undefined) {
    throw new Error(`${cgroup.path}/cpu.stat has no usage_usec.`);
  }
  return Number(usage) / 1e6;
}

/** What a load that spins has to itself; everybody else has the others. Nothing to part where there is only one. */
export const LOADS_OWN = availableParallelism() - 1;

/** Keeps what runs in these cgroups off the load's processor, or lets it go everywhere again. */
export function keepOff(cgroups: readonly Cgroup[], isApart: boolean): void {
  const last = availableParallelism() - 1;
  keepOn(cgroups, isApart && last > 0 ? `0-${last - 1}` : `0-${last}`);
}

/** @param processors as a list for taskset: `0`, `0-3` */
export function keepOn(cgroups: readonly Cgroup[], processors: string): void {
  for (const pid of cgroups.flatMap(({ pids }) => pids)) {
    execFileSync('taskset', ['-a', '-c', '-p', processors, String(pid)], { stdio: 'ignore' });
  }
}
