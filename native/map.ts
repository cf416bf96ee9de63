import { readFileSync } from 'node:fs';
import { binding, type NativeMap } from './binding';
import { checkBoolean, checkBytes, checkEntries, checkName, checkPath } from './check';

/** BPF_OBJ_NAME_LEN, without the NUL at the end. */
const LONGEST_NAME = 15;

/** Entry i is bytes `i * keySize` of `keys` and `i * valueSize` of `values`. */
export interface Entries {
  keys: Uint8Array;
  values: Uint8Array;
  count: number;
}

export interface NewMap {
  /** An array is made to be mapped (`memory`); a hash takes the memory that its entries need, as they come. */
  type: 'array' | 'hash';
  /** For who lists the kernel's maps; 15 letters of it are kept. */
  name: string;
  /** Bytes; 4 for arrays. */
  keySize: number;
  /** Bytes. */
  valueSize: number;
  maxEntries: number;
}

/**
 * A map: one of a loaded object (`BpfObject.map`), one that is pinned (`open`), or a new one of user space's own
 * (`create`). Closed with its object, or by `close`, after which every method throws `EBADF`.
 */
export class BpfMap {
  readonly name: string;
  /** As in `bpftool map`: `hash`, `array`, `queue`, … */
  readonly type: string;
  /** Bytes; 0 for queues. */
  readonly keySize: number;
  /** Bytes. For per-CPU maps: of the values of all CPUs together, each rounded up to 8. */
  readonly valueSize: number;
  readonly maxEntries: number;

  readonly #native: NativeMap;
  readonly #memory = new Map<boolean, ArrayBuffer>();

  /** A pinned map, by its path in a BPF file system. `EINVAL` when what is pinned there is no map. */
  static open(path: string): BpfMap {
    checkPath('path', path);
    return new BpfMap(new (binding().BpfMap)(path));
  }

  /** A map that no program needs to know. It is gone when it is closed, unless it is pinned. */
  static create({ type, name, keySize, valueSize, maxEntries }: NewMap): BpfMap {
    checkName('name', name);
    checkEntries('keySize', keySize);
    checkEntries('valueSize', valueSize);
    checkEntries('maxEntries', maxEntries);
    // Longer names are refused, and so is anything but letters, digits, "_" and ".".
    const shown = name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, LONGEST_NAME);
    return new BpfMap(new (binding().BpfMap)(type, shown, keySize, valueSize, maxEntries));
  }

  /** @internal */
  constructor(native: NativeMap) {
    const info = native.info();
    this.#native = native;
    this.name = info.name;
    this.type = info.type;
    this.keySize = info.keySize;
    this.valueSize = info.valueSize;
    this.maxEntries = info.maxEntries;
  }

  /**
   * The values themselves, in the kernel's own memory: what a program writes is there at once, with no system call.
   * Value i starts at byte `i * valueSize`, `valueSize` rounded up to 8. Only for arrays with `BPF_F_MMAPABLE`.
   *
   * Unless `writable`, storing into it ends the process: the pages are read-only. `close` detaches it (length 0).
   */
  memory(writable = false): ArrayBuffer {
    checkBoolean('writable', writable);
    let memory = this.#memory.get(writable);
    if (memory === undefined) {
      // Another thread cannot take it, and go on using it when this one has ended: Node does not transfer an addon's
      // memory. To mark it as untransferable besides would lock it for good, also for `close`, since Node 24.
      memory = this.#native.memory(writable);
      this.#memory.set(writable, memory);
    }
    return memory;
  }

  /** The value of a key, or null when there is none. */
  lookup(key: ArrayBufferView): Uint8Array | null {
    const value = this.#native.lookup(checkBytes(`a key of ${this.name}`, key, this.keySize));
    return value && new Uint8Array(value);
  }

  /** Adds or replaces. `E2BIG` when the map is full. */
  update(key: ArrayBufferView, value: ArrayBufferView): void {
    this.#native.update(
      checkBytes(`a key of ${this.name}`, key, this.keySize),
      checkBytes(`a value of ${this.name}`, value, this.valueSize)
    );
  }

  /** False when there was no such key. */
  delete(key: ArrayBufferView): boolean {
    return this.#native.delete(checkBytes(`a key of ${this.name}`, key, this.keySize));
  }

  /** Appends to a queue or stack. `E2BIG` when it is full. */
  push(value: ArrayBufferView): void {
    this.#native.update(null, checkBytes(`a value of ${this.name}`, value, this.valueSize));
  }

  /** What `pop` would take from a queue or stack, and leaves there; null when it is empty. */
  peek(): Uint8Array | null {
    const value = this.#native.peek();
    return value && new Uint8Array(value);
  }

  /** Takes from a queue or stack; null when it is empty. */
  pop(): Uint8Array | null {
    const value = this.#native.pop();
    return value && new Uint8Array(value);
  }

  /**
   * Every entry, in the kernel's order. The map may change meanwhile: what was there throughout is in the answer, what
   * came or went may be.
   */
  entries(): Entries {
    const { keys, values, count } = this.#native.entries();
    return { keys: new Uint8Array(keys), values: new Uint8Array(values), count };
  }

  /** Bytes the kernel keeps for this map. */
  kernelBytes(): number {
    const text = readFileSync(`/proc/self/fdinfo/${this.#native.fd()}`, 'latin1');
    return Number(/^memlock:\s*(\d+)$/m.exec(text)?.[1] ?? 0);
  }

  /**
   * Keeps the map in a BPF file system, for as long as the file is there: a path without dots in its last name, which
   * must not exist yet. Removed by removing the file.
   */
  pin(path: string): void {
    checkPath('path', path);
    this.#native.pin(path);
  }

  /** Detaches mapped memory, and lets go of the map unless it is an object's. May be called again. */
  close(): void {
    this.release();
    this.#native.close();
  }

  /** @internal called when the object is closed */
  release(): void {
    for (const memory of this.#memory.values()) {
      this.#native.release(memory);
    }
    this.#memory.clear();
  }
}
