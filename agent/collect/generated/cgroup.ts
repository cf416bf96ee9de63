// Generated from bpf/cgroup.bpf.c by scripts/generate.ts. Do not edit.

export enum CgroupChange {
  CGROUP_MADE = 0,
  CGROUP_REMOVED = 1,
  CGROUP_RELEASED = 2,
}

/** `struct cgroup_event` */
export interface CgroupEvent {
  cgroupId: bigint;
  change: CgroupChange;
  pathBytes: number;
  path: string;
}

/** Bytes. */
export const CGROUP_EVENT_SIZE = 384;

/** Bytes from the start of the struct. */
export const CgroupEventOffsets = {
  cgroupId: 0,
  change: 8,
  pathBytes: 12,
  path: 16,
} as const;

export function readCgroupEvent(view: DataView, at = 0): CgroupEvent {
  return {
    cgroupId: view.getBigUint64(at, true),
    change: view.getUint32(at + 8, true),
    pathBytes: view.getUint32(at + 12, true),
    path: readString(view, at + 16, 368),
  };
}

/** `struct cgroup_accounts` */
export interface CgroupAccounts {
  lost: bigint;
}

/** Bytes. */
export const CGROUP_ACCOUNTS_SIZE = 8;

/** Bytes from the start of the struct. */
export const CgroupAccountsOffsets = {
  lost: 0,
} as const;

export function readCgroupAccounts(view: DataView, at = 0): CgroupAccounts {
  return {
    lost: view.getBigUint64(at, true),
  };
}

/** By name. Sizes are in bytes. */
export const maps = {
  events: { valueSize: 384, readValue: readCgroupEvent, maxEntries: 1024 },
  accounts: { keySize: 4, valueSize: 8, readValue: readCgroupAccounts, maxEntries: 1 },
} as const;

/** Where the variables of .rodata lie in its image, in bytes. */
export const rodata = {
  scopeCgroupId: { offset: 0, size: 8 },
  scopeCgroupLevel: { offset: 8, size: 4 },
} as const;

/** A C string: up to its NUL, or all of it. */
function readString(view: DataView, at: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.slice(0, end < 0 ? length : end));
}
