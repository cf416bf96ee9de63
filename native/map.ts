import { readFileSync } from 'node:fs';
import { checkBoolean, checkBytes } from './check';
import type { NativeMap } from './binding';

/** Entry i is bytes `i * keySize` of `keys` and `i * valueSize` of `values`. */
export interface Entries {
  keys: Uint8Array;
  values: Uint8Array;
  count: number;
}

/** A map of a loaded object. Got from `BpfObject.map`; closed with its object, after which every method throws `EBADF`. */
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

  /** @internal called when the object is closed */
  release(): void {
    for (const memory of this.#memory.values()) {
      this.#native.release(memory);
    }
    this.#memory.clear();
  }
}
