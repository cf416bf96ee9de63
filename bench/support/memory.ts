/** Memory as every contender is charged for it. */
import { readFileSync } from 'node:fs';
import type { Cgroup } from '../../test/support/cgroup';

/**
 * What the processes inside have for themselves and could not get back from a file; pages that two of them share count
 * once. Programs and libraries are left out: a node has one copy of them, however many processes run it.
 */
export function anonymousBytes({ pids }: Cgroup): number {
  return pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return sum + Number(/^Pss_Anon:\s+(\d+) kB$/m.exec(text)?.[1] ?? NaN) * 1024;
  }, 0);
}
