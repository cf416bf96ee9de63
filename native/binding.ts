import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BpfError } from './errors';

/** What the addon exports. It trusts its caller: arguments are checked in the classes beside this file, nowhere else. */
export interface Binding {
  initialize(errorClass: typeof BpfError): void;
  /** The descriptor to close for turning them off. */
  enableStats(): number;
  setUpAllocator(): void;
  trimAllocator(): void;
  /**
   * See `addRecord`; the cursor has 3 numbers.
   *
   * @returns a series whose class has no group, -1 at the end, -2 for what is no record
   */
  addRecord(
    bytes: Uint8Array,
    cursor: Uint32Array,
    classOf: Int32Array,
    groupOf: Int32Array,
    totals: Float64Array,
    counts: Float64Array,
    buckets: number
  ): number;
  /** See `takeQuantiles`. */
  takeQuantiles(
    totals: Float64Array,
    counts: Float64Array,
    buckets: number,
    quantiles: Float64Array,
    into: Int16Array
  ): void;
  /** See `writeNumbers`. */
  writeNumbers(numbers: Float64Array, into: Uint8Array, at: number): number;
  BpfObject: new (path: string) => NativeObject;
  /** The descriptor that holds the lock, to be closed. */
  lock(path: string): number;
  BpfMap: {
    new (object: NativeObject, name: string): NativeMap;
    /** One that is pinned. */
    new (path: string): NativeMap;
    /** A new one. Arrays can be mapped; hashes take memory for what is in them. */
    new (type: 'array' | 'hash', name: string, keySize: number, valueSize: number, maxEntries: number): NativeMap;
  };
  PinnedProgram: new (path: string) => NativePinnedProgram;
  PinnedLink: new (path: string) => NativePinnedLink;
}

export interface ProgramInfo {
  name: string;
  /** The section it was compiled into, which is how it attaches: `tp_btf/inet_sock_set_state`. */
  section: string;
}

export interface MapInfo {
  name: string;
  /** As in `bpftool map`: `hash`, `array`, `queue`, … */
  type: string;
  /** Bytes; 0 for queues. */
  keySize: number;
  /** Bytes. */
  valueSize: number;
  maxEntries: number;
}

export interface ProgramStats {
  /** Times the program ran; counted only while statistics are on (`enableStats`, or sysctl `kernel.bpf_stats_enabled`). */
  runs: number;
  /** Time all those runs took together. */
  nanoseconds: number;
  /**
   * Times it was not run because it was running on that CPU already: a tracing program whose event a softirq raised in
   * the middle of it. Always counted, since Linux 5.12.
   */
  misses: number;
  /** Length as the kernel runs it. */
  instructions: number;
}

/** Keys and values are handed over as a whole, in order: entry i is bytes i * keySize and i * valueSize. */
export interface NativeEntries {
  keys: ArrayBuffer;
  values: ArrayBuffer;
  count: number;
}

export interface NativeObject {
  programs(): ProgramInfo[];
  maps(): MapInfo[];
  initialValue(map: string): ArrayBuffer;
  setInitialValue(map: string, value: Uint8Array): void;
  setMaxEntries(map: string, entries: number): void;
  setAutoload(program: string, on: boolean): void;
  load(): void;
  attachCgroup(program: string, path: string): void;
  attach(program: string): void;
  runIterator(program: string, map?: string): ArrayBuffer;
  stats(program: string): ProgramStats;
  pinProgram(program: string, path: string): void;
  pinLink(program: string, path: string): void;
  pinIterator(program: string, map: string | undefined, path: string): void;
  close(): void;
}

export interface NativePinnedProgram {
  stats(): ProgramStats;
  close(): void;
}

export interface NativePinnedLink {
  isAttached(): boolean;
  run(): ArrayBuffer;
  close(): void;
}

export interface NativeMap {
  /** `valueSize` is what a lookup returns: all CPUs' values together for per-CPU maps. */
  info(): MapInfo;
  memory(writable: boolean): ArrayBuffer;
  release(memory: ArrayBuffer): void;
  lookup(key: Uint8Array): ArrayBuffer | null;
  update(key: Uint8Array | null, value: Uint8Array): void;
  delete(key: Uint8Array): boolean;
  peek(): ArrayBuffer | null;
  pop(): ArrayBuffer | null;
  entries(): NativeEntries;
  fd(): number;
  pin(path: string): void;
  /** Of one that stands by itself; one of an object is closed with it. */
  close(): void;
}

/** Beside the agent's bundle when installed; where node-gyp leaves it in the source tree. */
const PLACES = ['ringside.node', 'build/Release/ringside.node', 'build/Debug/ringside.node'];

function requireAddon(path: string): Binding {
  try {
    return require(path);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(
      `The native addon cannot be loaded: ${reason}. Install its libraries: apt-get install libbpf1 libelf1 zlib1g`
    );
  }
}

function load(): Binding {
  const places = PLACES.map((place) => join(__dirname, place));
  const path = places.find(existsSync);
  if (path === undefined) {
    throw new Error(`The native addon is not built. Run: node native/build.mjs (looked for ${places.join(', ')})`);
  }
  const addon = requireAddon(path);
  // Errors are made by the addon, but of the class of this module's own realm: `instanceof` holds, under Jest too.
  addon.initialize(BpfError);
  return addon;
}

let loaded: Binding | undefined;

/** The addon, loaded when it is first needed: what it lacks is then said where somebody listens. */
export function binding(): Binding {
  return (loaded ??= load());
}
