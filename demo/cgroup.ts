/** Control groups, version 2: where each process of the shop lives, and how all of them are ended at once. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { findCgroup2Mount } from '../agent/cgroup';

/** Where cgroup v2 is mounted; undefined when it is not. */
export function findCgroupRoot(): string | undefined {
  return findCgroup2Mount(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** @returns its path */
export function makeCgroup(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  return path;
}

/** Ends every process of a cgroup and of those below it, and removes them. Does nothing when it is gone already. */
export async function removeCgroup(path: string): Promise<void> {
  for (let attempt = 0; existsSync(path); attempt++) {
    if (attempt === 100) {
      throw new Error(`${path} still has processes after ten seconds: ${pidsBelow(path).join(' ')}`);
    }
    pidsBelow(path).forEach(kill);
    if (!treeRemoved(path)) {
      // Busy until its processes are not only killed, but gone.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The processes of a cgroup and of those below it. */
export function pidsBelow(path: string): number[] {
  const own = readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  return [...own, ...childrenOf(path).flatMap(pidsBelow)];
}

function treeRemoved(path: string): boolean {
  try {
    childrenOf(path).forEach(treeRemoved);
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function childrenOf(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(path, entry.name));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}
