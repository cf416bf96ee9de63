// Generated from bpf/tcp.bpf.c by scripts/generate.ts. Do not edit.

/** `struct tcp_connection` */
export interface TcpConnection {
  startedNs: bigint;
  establishedNs: bigint;
  uncountedSent: bigint;
  uncountedReceived: bigint;
  slot: number;
  generation: number;
  role: number;
  flags: number;
  padding: number;
}

/** Bytes. */
export const TCP_CONNECTION_SIZE = 48;

/** Bytes from the start of the struct. */
export const TcpConnectionOffsets = {
  startedNs: 0,
  establishedNs: 8,
  uncountedSent: 16,
  uncountedReceived: 24,
  slot: 32,
  generation: 36,
  role: 40,
  flags: 42,
  padding: 44,
} as const;

export function readTcpConnection(view: DataView, at = 0): TcpConnection {
  return {
    startedNs: view.getBigUint64(at, true),
    establishedNs: view.getBigUint64(at + 8, true),
    uncountedSent: view.getBigUint64(at + 16, true),
    uncountedReceived: view.getBigUint64(at + 24, true),
    slot: view.getUint32(at + 32, true),
    generation: view.getUint32(at + 36, true),
    role: view.getUint16(at + 40, true),
    flags: view.getUint16(at + 42, true),
    padding: view.getUint32(at + 44, true),
  };
}

/** `struct tcp_accounts` */
export interface TcpAccounts {
  seen: bigint;
  found: bigint;
  untracked: bigint;
  overflowed: bigint;
  untimed: bigint;
  missed: bigint;
  resetsUnowned: bigint;
  seriesCreated: bigint;
}

/** Bytes. */
export const TCP_ACCOUNTS_SIZE = 64;

/** Bytes from the start of the struct. */
export const TcpAccountsOffsets = {
  seen: 0,
  found: 8,
  untracked: 16,
  overflowed: 24,
  untimed: 32,
  missed: 40,
  resetsUnowned: 48,
  seriesCreated: 56,
} as const;

export function readTcpAccounts(view: DataView, at = 0): TcpAccounts {
  return {
    seen: view.getBigUint64(at, true),
    found: view.getBigUint64(at + 8, true),
    untracked: view.getBigUint64(at + 16, true),
    overflowed: view.getBigUint64(at + 24, true),
    untimed: view.getBigUint64(at + 32, true),
    missed: view.getBigUint64(at + 40, true),
    resetsUnowned: view.getBigUint64(at + 48, true),
    seriesCreated: view.getBigUint64(at + 56, true),
  };
}

export enum TcpRole {
  TCP_CLIENT = 0,
  TCP_SERVER = 1,
  TCP_ROLES = 2,
}

/** `struct tcp_series` */
export interface TcpSeries {
  cgroupId: bigint;
  role: TcpRole;
  padding: number;
}

/** Bytes. */
export const TCP_SERIES_SIZE = 16;

/** Bytes from the start of the struct. */
export const TcpSeriesOffsets = {
  cgroupId: 0,
  role: 8,
  padding: 12,
} as const;

export function readTcpSeries(view: DataView, at = 0): TcpSeries {
  return {
    cgroupId: view.getBigUint64(at, true),
    role: view.getUint32(at + 8, true),
    padding: view.getUint32(at + 12, true),
  };
}

/** `struct histogram` */
export interface Histogram {
  sumNs: bigint;
  buckets: Uint32Array;
}

/** Bytes. */
export const HISTOGRAM_SIZE = 848;

/** Bytes from the start of the struct. */
export const HistogramOffsets = {
  sumNs: 0,
  buckets: 8,
} as const;

export function readHistogram(view: DataView, at = 0): Histogram {
  return {
    sumNs: view.getBigUint64(at, true),
    buckets: new Uint32Array(copy(view, at + 8, 840)),
  };
}

/** `struct tcp_slot` */
export interface TcpSlot {
  opened: bigint;
  closed: bigint;
  failed: BigUint64Array;
  retransmits: bigint;
  resetsSent: bigint;
  resetsReceived: bigint;
  bytesSent: bigint;
  bytesReceived: bigint;
  connect: Histogram;
  lifetime: Histogram;
  rtt: Histogram;
}

/** Bytes. */
export const TCP_SLOT_SIZE = 2640;

/** Bytes from the start of the struct. */
export const TcpSlotOffsets = {
  opened: 0,
  closed: 8,
  failed: 16,
  retransmits: 56,
  resetsSent: 64,
  resetsReceived: 72,
  bytesSent: 80,
  bytesReceived: 88,
  connect: 96,
  lifetime: 944,
  rtt: 1792,
} as const;

export function readTcpSlot(view: DataView, at = 0): TcpSlot {
  return {
    opened: view.getBigUint64(at, true),
    closed: view.getBigUint64(at + 8, true),
    failed: new BigUint64Array(copy(view, at + 16, 40)),
    retransmits: view.getBigUint64(at + 56, true),
    resetsSent: view.getBigUint64(at + 64, true),
    resetsReceived: view.getBigUint64(at + 72, true),
    bytesSent: view.getBigUint64(at + 80, true),
    bytesReceived: view.getBigUint64(at + 88, true),
    connect: readHistogram(view, at + 96),
    lifetime: readHistogram(view, at + 944),
    rtt: readHistogram(view, at + 1792),
  };
}

/** `struct tcp_live` */
export interface TcpLive {
  active: bigint;
  handshakes: bigint;
  followed: bigint;
  bytesSent: bigint;
  bytesReceived: bigint;
}

/** Bytes. */
export const TCP_LIVE_SIZE = 40;

/** Bytes from the start of the struct. */
export const TcpLiveOffsets = {
  active: 0,
  handshakes: 8,
  followed: 16,
  bytesSent: 24,
  bytesReceived: 32,
} as const;

export function readTcpLive(view: DataView, at = 0): TcpLive {
  return {
    active: view.getBigUint64(at, true),
    handshakes: view.getBigUint64(at + 8, true),
    followed: view.getBigUint64(at + 16, true),
    bytesSent: view.getBigUint64(at + 24, true),
    bytesReceived: view.getBigUint64(at + 32, true),
  };
}

/** `struct tcp_walk` */
export interface TcpWalk {
  generation: number;
  sampleRtt: number;
}

/** Bytes. */
export const TCP_WALK_SIZE = 8;

/** Bytes from the start of the struct. */
export const TcpWalkOffsets = {
  generation: 0,
  sampleRtt: 4,
} as const;

export function readTcpWalk(view: DataView, at = 0): TcpWalk {
  return {
    generation: view.getUint32(at, true),
    sampleRtt: view.getUint32(at + 4, true),
  };
}

/** By name. Sizes are in bytes. */
export const maps = {
  connections: { keySize: 8, valueSize: 48, readValue: readTcpConnection, maxEntries: 32768 },
  accounts: { keySize: 4, valueSize: 64, readValue: readTcpAccounts, maxEntries: 1 },
  excluded: { keySize: 8, valueSize: 1, maxEntries: 4096 },
  series: { keySize: 16, readKey: readTcpSeries, valueSize: 4, maxEntries: 1024 },
  free_slots: { valueSize: 4, maxEntries: 1024 },
  slots: { keySize: 4, valueSize: 2640, readValue: readTcpSlot, maxEntries: 1024 },
  live: { keySize: 4, valueSize: 40, readValue: readTcpLive, maxEntries: 1024 },
  walk: { keySize: 4, valueSize: 8, readValue: readTcpWalk, maxEntries: 1 },
} as const;

/** Where the variables of .rodata lie in its image, in bytes. */
export const rodata = {
  scopeCgroupId: { offset: 0, size: 8 },
  scopeCgroupLevel: { offset: 8, size: 4 },
  zero: { offset: 12, size: 4 },
} as const;

/** Bytes of their own, so that typed arrays over them are aligned. */
function copy(view: DataView, at: number, length: number): ArrayBuffer {
  return new Uint8Array(new Uint8Array(view.buffer, view.byteOffset + at, length)).buffer;
}
