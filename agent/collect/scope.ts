/** The cgroup that is measured, with all below it. */
import { statSync } from 'node:fs';
import { relative, sep } from 'node:path';

export interface Scope {
  path: string;
  /** The inode of its directory. */
  cgroupId: bigint;
  /** How many directories below the root of the hierarchy; 0 is the root. */
  level: number;
}

/** @param mount where the cgroup v2 hierarchy is mounted */
export function scopeOf(cgroup: string, mount: string): Scope {
  const path = relative(mount, cgroup);
  return {
    path: cgroup,
    cgroupId: statSync(cgroup, { bigint: true }).ino,
    level: path === '' ? 0 : path.split(sep).length,
  };
}

/** Where the constants of `bpf/scope.h` lie in an object's .rodata. */
export interface ScopeConstants {
  scopeCgroupId: { offset: number };
  scopeCgroupLevel: { offset: number };
}

export function setScope(image: DataView, { scopeCgroupId, scopeCgroupLevel }: ScopeConstants, scope: Scope): void {
  image.setBigUint64(scopeCgroupId.offset, scope.cgroupId, true);
  image.setUint32(scopeCgroupLevel.offset, scope.level, true);
}
