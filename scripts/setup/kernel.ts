import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { findCgroupRoot } from '../../demo/cgroup';
import { StepError } from './steps.mjs';

const MOUNT_POINT = '/sys/fs/cgroup';

/** Refuses at once what could only fail after all has been built. */
export function requireRoot(what: string): void {
  if (process.getuid?.() !== 0) {
    throw new StepError(`${what} loads programs into the kernel and makes cgroups: run it as root (sudo npm …).`);
  }
}

/** Mounts cgroup v2 where the system has not, beside version 1 when that is there. Only root can; others go without. */
export function mountCgroup2(): void {
  if (findCgroupRoot() !== undefined || process.getuid?.() !== 0) {
    return;
  }
  const point = readdirSync(MOUNT_POINT).length === 0 ? MOUNT_POINT : `${MOUNT_POINT}/unified`;
  mkdirSync(point, { recursive: true });
  const { status, stderr } = spawnSync('mount', ['-t', 'cgroup2', 'none', point], { encoding: 'utf8' });
  if (status !== 0) {
    throw new StepError(`cgroup v2 is not mounted, and cannot be at ${point}: ${stderr.trim()}`);
  }
}
