// Generated from bpf/http.bpf.c by scripts/generate.ts. Do not edit.

/** `struct http_flow` */
export interface HttpFlow {
  cgroupId: bigint;
  remote: Uint8Array;
  local: Uint8Array;
  remotePort: number;
  localPort: number;
  unused: number;
}

/** Bytes. */
export const HTTP_FLOW_SIZE = 48;

/** Bytes from the start of the struct. */
export const HttpFlowOffsets = {
  cgroupId: 0,
  remote: 8,
  local: 24,
  remotePort: 40,
  localPort: 42,
  unused: 44,
} as const;

export function readHttpFlow(view: DataView, at = 0): HttpFlow {
  return {
    cgroupId: view.getBigUint64(at, true),
    remote: new Uint8Array(copy(view, at + 8, 16)),
    local: new Uint8Array(copy(view, at + 24, 16)),
    remotePort: view.getUint16(at + 40, true),
    localPort: view.getUint16(at + 42, true),
    unused: view.getUint32(at + 44, true),
  };
}

/** `struct http_latest` */
export interface HttpLatest {
  generation: bigint;
  series: bigint;
}

/** Bytes. */
export const HTTP_LATEST_SIZE = 16;

/** Bytes from the start of the struct. */
export const HttpLatestOffsets = {
  generation: 0,
  series: 8,
} as const;

export function readHttpLatest(view: DataView, at = 0): HttpLatest {
  return {
    generation: view.getBigUint64(at, true),
    series: view.getBigUint64(at + 8, true),
  };
}

/** `struct http_stream` */
export interface HttpStream {
  nextSeq: number;
  beyondSeq: number;
  offset: number;
  end: number;
  windowFrom: number;
  windowTo: number;
  partTo: number;
  state: number;
  flags: number;
  name: number;
  matched: number;
  remaining: bigint;
  firstByteNs: bigint;
  latestNs: bigint;
  readers: number;
  unused: number;
  feeds: bigint;
  last: bigint;
  first: BigUint64Array;
  headBytes: number;
  status: number;
  prefix: number;
  event: number;
  unusedToo: Uint8Array;
  window: Uint8Array;
}

/** Bytes. */
export const HTTP_STREAM_SIZE = 384;

/** Bytes from the start of the struct. */
export const HttpStreamOffsets = {
  nextSeq: 0,
  beyondSeq: 4,
  offset: 8,
  end: 12,
  windowFrom: 16,
  windowTo: 20,
  partTo: 24,
  state: 28,
  flags: 29,
  name: 30,
  matched: 31,
  remaining: 32,
  firstByteNs: 40,
  latestNs: 48,
  readers: 56,
  unused: 60,
  feeds: 64,
  last: 72,
  first: 80,
  headBytes: 104,
  status: 108,
  prefix: 110,
  event: 111,
  unusedToo: 112,
  window: 120,
} as const;

export function readHttpStream(view: DataView, at = 0): HttpStream {
  return {
    nextSeq: view.getUint32(at, true),
    beyondSeq: view.getUint32(at + 4, true),
    offset: view.getUint32(at + 8, true),
    end: view.getUint32(at + 12, true),
    windowFrom: view.getUint32(at + 16, true),
    windowTo: view.getUint32(at + 20, true),
    partTo: view.getUint32(at + 24, true),
    state: view.getUint8(at + 28),
    flags: view.getUint8(at + 29),
    name: view.getUint8(at + 30),
    matched: view.getUint8(at + 31),
    remaining: view.getBigUint64(at + 32, true),
    firstByteNs: view.getBigUint64(at + 40, true),
    latestNs: view.getBigUint64(at + 48, true),
    readers: view.getUint32(at + 56, true),
    unused: view.getUint32(at + 60, true),
    feeds: view.getBigUint64(at + 64, true),
    last: view.getBigUint64(at + 72, true),
    first: new BigUint64Array(copy(view, at + 80, 24)),
    headBytes: view.getUint32(at + 104, true),
    status: view.getUint16(at + 108, true),
    prefix: view.getUint8(at + 110),
    event: view.getUint8(at + 111),
    unusedToo: new Uint8Array(copy(view, at + 112, 8)),
    window: new Uint8Array(copy(view, at + 120, 264)),
  };
}

/** `struct http_connection` */
export interface HttpConnection {
  cgroupId: bigint;
  role: number;
  ignored: number;
  excluded: number;
  early: number;
  answersLost: number;
  overflowing: number;
  unused: Uint8Array;
  overflowFrom: number;
  firstSeq: number;
  requests: BigUint64Array;
  head: number;
  tail: number;
  ringFrom: number;
  unusedToo: number;
  latest: HttpLatest;
  streams: Array<HttpStream>;
}

/** Bytes. */
export const HTTP_CONNECTION_SIZE = 952;

/** Bytes from the start of the struct. */
export const HttpConnectionOffsets = {
  cgroupId: 0,
  role: 8,
  ignored: 9,
  excluded: 10,
  early: 11,
  answersLost: 12,
  overflowing: 13,
  unused: 14,
  overflowFrom: 16,
  firstSeq: 20,
  requests: 24,
  head: 152,
  tail: 156,
  ringFrom: 160,
  unusedToo: 164,
  latest: 168,
  streams: 184,
} as const;

export function readHttpConnection(view: DataView, at = 0): HttpConnection {
  return {
    cgroupId: view.getBigUint64(at, true),
    role: view.getUint8(at + 8),
    ignored: view.getUint8(at + 9),
    excluded: view.getUint8(at + 10),
    early: view.getUint8(at + 11),
    answersLost: view.getUint8(at + 12),
    overflowing: view.getUint8(at + 13),
    unused: new Uint8Array(copy(view, at + 14, 2)),
    overflowFrom: view.getUint32(at + 16, true),
    firstSeq: view.getUint32(at + 20, true),
    requests: new BigUint64Array(copy(view, at + 24, 128)),
    head: view.getUint32(at + 152, true),
    tail: view.getUint32(at + 156, true),
    ringFrom: view.getUint32(at + 160, true),
    unusedToo: view.getUint32(at + 164, true),
    latest: readHttpLatest(view, at + 168),
    streams: Array.from({ length: 2 }, (_, i) => readHttpStream(view, at + 184 + i * 384)),
  };
}

/** `struct http_key` */
export interface HttpKey {
  cgroupId: bigint;
  status: number;
  method: number;
  role: number;
  unused: number;
}

/** Bytes. */
export const HTTP_KEY_SIZE = 16;

/** Bytes from the start of the struct. */
export const HttpKeyOffsets = {
  cgroupId: 0,
  status: 8,
  method: 10,
  role: 11,
  unused: 12,
} as const;

export function readHttpKey(view: DataView, at = 0): HttpKey {
  return {
    cgroupId: view.getBigUint64(at, true),
    status: view.getUint16(at + 8, true),
    method: view.getUint8(at + 10),
    role: view.getUint8(at + 11),
    unused: view.getUint32(at + 12, true),
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

/** `struct http_slot` */
export interface HttpSlot {
  duration: Histogram;
  timeToFirstByte: Histogram;
}

/** Bytes. */
export const HTTP_SLOT_SIZE = 1696;

/** Bytes from the start of the struct. */
export const HttpSlotOffsets = {
  duration: 0,
  timeToFirstByte: 848,
} as const;

export function readHttpSlot(view: DataView, at = 0): HttpSlot {
  return {
    duration: readHistogram(view, at),
    timeToFirstByte: readHistogram(view, at + 848),
  };
}

/** `struct http_counters` */
export interface HttpCounters {
  seen: bigint;
  recorded: bigint;
  unparsed: bigint;
  overflowed: bigint;
  excluded: bigint;
  other: bigint;
  capped: bigint;
  unmatched: bigint;
  refused: bigint;
  lost: bigint;
  early: bigint;
  adopted: bigint;
  generation: bigint;
  unused: BigUint64Array;
}

/** Bytes. */
export const HTTP_COUNTERS_SIZE = 128;

/** Bytes from the start of the struct. */
export const HttpCountersOffsets = {
  seen: 0,
  recorded: 8,
  unparsed: 16,
  overflowed: 24,
  excluded: 32,
  other: 40,
  capped: 48,
  unmatched: 56,
  refused: 64,
  lost: 72,
  early: 80,
  adopted: 88,
  generation: 96,
  unused: 104,
} as const;

export function readHttpCounters(view: DataView, at = 0): HttpCounters {
  return {
    seen: view.getBigUint64(at, true),
    recorded: view.getBigUint64(at + 8, true),
    unparsed: view.getBigUint64(at + 16, true),
    overflowed: view.getBigUint64(at + 24, true),
    excluded: view.getBigUint64(at + 32, true),
    other: view.getBigUint64(at + 40, true),
    capped: view.getBigUint64(at + 48, true),
    unmatched: view.getBigUint64(at + 56, true),
    refused: view.getBigUint64(at + 64, true),
    lost: view.getBigUint64(at + 72, true),
    early: view.getBigUint64(at + 80, true),
    adopted: view.getBigUint64(at + 88, true),
    generation: view.getBigUint64(at + 96, true),
    unused: new BigUint64Array(copy(view, at + 104, 24)),
  };
}

export enum HttpMethod {
  HTTP_METHOD_OTHER = 0,
  HTTP_METHOD_GET = 1,
  HTTP_METHOD_POST = 2,
  HTTP_METHOD_PUT = 3,
  HTTP_METHOD_DELETE = 4,
  HTTP_METHOD_HEAD = 5,
  HTTP_METHOD_OPTIONS = 6,
  HTTP_METHOD_PATCH = 7,
  HTTP_METHOD_CONNECT = 8,
  HTTP_METHOD_TRACE = 9,
}

export enum HttpRole {
  HTTP_ROLE_CLIENT = 0,
  HTTP_ROLE_SERVER = 1,
  HTTP_ROLES = 2,
}

/** By name. Sizes are in bytes. */
export const maps = {
  ingress_programs: { keySize: 4, maxEntries: 3 },
  egress_programs: { keySize: 4, maxEntries: 2 },
  early: { keySize: 48, readKey: readHttpFlow, valueSize: 952, readValue: readHttpConnection, maxEntries: 512 },
  excluded: { keySize: 8, valueSize: 1, maxEntries: 4096 },
  series: { keySize: 16, readKey: readHttpKey, valueSize: 4, maxEntries: 4096 },
  slots: { keySize: 4, valueSize: 1696, readValue: readHttpSlot, maxEntries: 4096 },
  series_of_owner: { keySize: 8, valueSize: 4, maxEntries: 4096 },
  free_slots: { valueSize: 4, maxEntries: 4096 },
  counters: { keySize: 4, valueSize: 128, readValue: readHttpCounters, maxEntries: 1024 },
  connections: { keySize: 4, valueSize: 952, readValue: readHttpConnection },
  strangers: { keySize: 4, valueSize: 1 },
} as const;

/** Where the variables of .rodata lie in its image, in bytes. */
export const rodata = {
  maxSeriesOfOwner: { offset: 0, size: 4 },
  newConnection: { offset: 8, size: 952 },
  methodCharacters: { offset: 960, size: 32 },
  streamNames: { offset: 992, size: 64 },
} as const;

/** Bytes of their own, so that typed arrays over them are aligned. */
function copy(view: DataView, at: number, length: number): ArrayBuffer {
  return new Uint8Array(new Uint8Array(view.buffer, view.byteOffset + at, length)).buffer;
}
