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

/** `struct http_stream` */
export interface HttpStream {
  remaining: bigint;
  first: BigUint64Array;
  last: bigint;
  feeds: bigint;
  firstByteNs: bigint;
  latestNs: bigint;
  nextSeq: number;
  beyondSeq: number;
  offset: number;
  end: number;
  windowFrom: number;
  windowTo: number;
  headBytes: number;
  status: number;
  state: number;
  flags: number;
  name: number;
  matched: number;
  prefix: number;
  unused: number;
  window: Uint8Array;
}

/** Bytes. */
export const HTTP_STREAM_SIZE = 176;

/** Bytes from the start of the struct. */
export const HttpStreamOffsets = {
  remaining: 0,
  first: 8,
  last: 32,
  feeds: 40,
  firstByteNs: 48,
  latestNs: 56,
  nextSeq: 64,
  beyondSeq: 68,
  offset: 72,
  end: 76,
  windowFrom: 80,
  windowTo: 84,
  headBytes: 88,
  status: 92,
  state: 94,
  flags: 95,
  name: 96,
  matched: 97,
  prefix: 98,
  unused: 99,
  window: 104,
} as const;

export function readHttpStream(view: DataView, at = 0): HttpStream {
  return {
    remaining: view.getBigUint64(at, true),
    first: new BigUint64Array(copy(view, at + 8, 24)),
    last: view.getBigUint64(at + 32, true),
    feeds: view.getBigUint64(at + 40, true),
    firstByteNs: view.getBigUint64(at + 48, true),
    latestNs: view.getBigUint64(at + 56, true),
    nextSeq: view.getUint32(at + 64, true),
    beyondSeq: view.getUint32(at + 68, true),
    offset: view.getUint32(at + 72, true),
    end: view.getUint32(at + 76, true),
    windowFrom: view.getUint32(at + 80, true),
    windowTo: view.getUint32(at + 84, true),
    headBytes: view.getUint32(at + 88, true),
    status: view.getUint16(at + 92, true),
    state: view.getUint8(at + 94),
    flags: view.getUint8(at + 95),
    name: view.getUint8(at + 96),
    matched: view.getUint8(at + 97),
    prefix: view.getUint8(at + 98),
    unused: view.getUint8(at + 99),
    window: new Uint8Array(copy(view, at + 104, 72)),
  };
}

/** `struct http_connection` */
export interface HttpConnection {
  streams: Array<HttpStream>;
  startedNs: BigUint64Array;
  methods: Uint8Array;
  cgroupId: bigint;
  head: number;
  tail: number;
  overflowFrom: number;
  firstSeq: number;
  overflowing: number;
  role: number;
  ignored: number;
  excluded: number;
  early: number;
  unused: Uint8Array;
  readers: number;
}

/** Bytes. */
export const HTTP_CONNECTION_SIZE = 536;

/** Bytes from the start of the struct. */
export const HttpConnectionOffsets = {
  streams: 0,
  startedNs: 352,
  methods: 480,
  cgroupId: 496,
  head: 504,
  tail: 508,
  overflowFrom: 512,
  firstSeq: 516,
  overflowing: 520,
  role: 521,
  ignored: 522,
  excluded: 523,
  early: 524,
  unused: 525,
  readers: 528,
} as const;

export function readHttpConnection(view: DataView, at = 0): HttpConnection {
  return {
    streams: Array.from({ length: 2 }, (_, i) => readHttpStream(view, at + i * 176)),
    startedNs: new BigUint64Array(copy(view, at + 352, 128)),
    methods: new Uint8Array(copy(view, at + 480, 16)),
    cgroupId: view.getBigUint64(at + 496, true),
    head: view.getUint32(at + 504, true),
    tail: view.getUint32(at + 508, true),
    overflowFrom: view.getUint32(at + 512, true),
    firstSeq: view.getUint32(at + 516, true),
    overflowing: view.getUint8(at + 520),
    role: view.getUint8(at + 521),
    ignored: view.getUint8(at + 522),
    excluded: view.getUint8(at + 523),
    early: view.getUint8(at + 524),
    unused: new Uint8Array(copy(view, at + 525, 3)),
    readers: view.getUint32(at + 528, true),
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
  started: bigint;
  ended: bigint;
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
  unused: BigUint64Array;
}

/** Bytes. */
export const HTTP_COUNTERS_SIZE = 128;

/** Bytes from the start of the struct. */
export const HttpCountersOffsets = {
  seen: 0,
  recorded: 8,
  started: 16,
  ended: 24,
  unparsed: 32,
  overflowed: 40,
  excluded: 48,
  other: 56,
  capped: 64,
  unmatched: 72,
  refused: 80,
  lost: 88,
  early: 96,
  adopted: 104,
  unused: 112,
} as const;

export function readHttpCounters(view: DataView, at = 0): HttpCounters {
  return {
    seen: view.getBigUint64(at, true),
    recorded: view.getBigUint64(at + 8, true),
    started: view.getBigUint64(at + 16, true),
    ended: view.getBigUint64(at + 24, true),
    unparsed: view.getBigUint64(at + 32, true),
    overflowed: view.getBigUint64(at + 40, true),
    excluded: view.getBigUint64(at + 48, true),
    other: view.getBigUint64(at + 56, true),
    capped: view.getBigUint64(at + 64, true),
    unmatched: view.getBigUint64(at + 72, true),
    refused: view.getBigUint64(at + 80, true),
    lost: view.getBigUint64(at + 88, true),
    early: view.getBigUint64(at + 96, true),
    adopted: view.getBigUint64(at + 104, true),
    unused: new BigUint64Array(copy(view, at + 112, 16)),
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
  ingress_readers: { keySize: 4, maxEntries: 2 },
  egress_readers: { keySize: 4, maxEntries: 1 },
  early: { keySize: 48, readKey: readHttpFlow, valueSize: 536, readValue: readHttpConnection, maxEntries: 512 },
  excluded: { keySize: 8, valueSize: 1, maxEntries: 4096 },
  series: { keySize: 16, readKey: readHttpKey, valueSize: 4, maxEntries: 4096 },
  slots: { keySize: 4, valueSize: 1696, readValue: readHttpSlot, maxEntries: 4096 },
  series_of_owner: { keySize: 8, valueSize: 4, maxEntries: 4096 },
  free_slots: { valueSize: 4, maxEntries: 4096 },
  counters: { keySize: 4, valueSize: 128, readValue: readHttpCounters, maxEntries: 1024 },
  connections: { keySize: 4, valueSize: 536, readValue: readHttpConnection },
  strangers: { keySize: 4, valueSize: 1 },
} as const;

/** Where the variables of .rodata lie in its image, in bytes. */
export const rodata = {
  maxSeriesOfOwner: { offset: 0, size: 4 },
  streamNames: { offset: 4, size: 64 },
  newConnection: { offset: 72, size: 536 },
  methodCharacters: { offset: 608, size: 32 },
} as const;

/** Bytes of their own, so that typed arrays over them are aligned. */
function copy(view: DataView, at: number, length: number): ArrayBuffer {
  return new Uint8Array(new Uint8Array(view.buffer, view.byteOffset + at, length)).buffer;
}
