import { binding, type MapInfo, type NativeObject, type ProgramInfo, type ProgramStats } from './binding';
import { checkBoolean, checkEntries, checkName, checkPath } from './check';
import { BpfMap } from './map';

/**
 * A compiled BPF object file: open it, set its constants and sizes, load it, attach its programs, read its maps.
 *
 * Programs run until `close` or until the process ends, however it ends; what was pinned stays. Keep the object
 * referenced as long as they should: one that is garbage collected together with its maps is closed. Failures of the
 * kernel are `BpfError`, wrong arguments `TypeError` or `RangeError`.
 */
export class BpfObject {
  readonly programs: readonly ProgramInfo[];
  readonly maps: readonly MapInfo[];

  readonly #native: NativeObject;
  readonly #images = new Map<string, Uint8Array>();
  readonly #open = new Map<string, BpfMap>();

  private constructor(native: NativeObject) {
    this.#native = native;
    this.programs = native.programs();
    this.maps = native.maps();
  }

  static open(path: string): BpfObject {
    checkName('path', path);
    return new BpfObject(new (binding().BpfObject)(path));
  }

  /** The initial image of a section of constants or variables. What is written to it before `load` is what the programs see. */
  rodata(name = '.rodata'): Uint8Array {
    checkName('name', name);
    const image = this.#images.get(name) ?? new Uint8Array(this.#native.initialValue(name));
    this.#images.set(name, image);
    return image;
  }

  /** Before `load`: how many entries a map holds. */
  setMaxEntries(map: string, entries: number): void {
    checkName('map', map);
    checkEntries('entries', entries);
    this.#native.setMaxEntries(map, entries);
    const info = this.maps.find(({ name }) => name === map);
    if (info) {
      info.maxEntries = entries;
    }
  }

  /** Before `load`: whether a program is loaded at all. */
  setAutoload(program: string, on: boolean): void {
    checkName('program', program);
    checkBoolean('on', on);
    this.#native.setAutoload(program, on);
  }

  /** Gives everything to the kernel. After a failure the object is closed. */
  load(): void {
    for (const [name, image] of this.#images) {
      this.#native.setInitialValue(name, image);
    }
    this.#native.load();
    this.#images.clear();
  }

  /** Attaches a program to a cgroup v2 directory and all below it, beside whatever else is attached there. */
  attachCgroup(program: string, path: string): void {
    checkName('program', program);
    checkName('path', path);
    this.#native.attachCgroup(program, path);
  }

  /** Attaches a program to what its section names: `tp_btf/…`, `raw_tp/…`, `tracepoint/…`. */
  attach(program: string): void {
    checkName('program', program);
    this.#native.attach(program);
  }

  /** A map of the loaded object, or by its section's name the variables of one: `.bss`, `.data`. */
  map(name: string): BpfMap {
    checkName('name', name);
    let map = this.#open.get(name);
    if (map === undefined) {
      map = new BpfMap(new (binding().BpfMap)(this.#native, name));
      this.#open.set(name, map);
    }
    return map;
  }

  /** Runs a program of a section `iter/…` once over all there is, or over a map's elements; returns all it wrote. */
  runIterator(program: string, map?: string): Uint8Array {
    checkName('program', program);
    if (map !== undefined) {
      checkName('map', map);
    }
    return new Uint8Array(this.#native.runIterator(program, map));
  }

  /** What a program has cost so far. */
  stats(program: string): ProgramStats {
    checkName('program', program);
    return this.#native.stats(program);
  }

  /** Keeps a loaded program in a BPF file system, attached or not: see `BpfMap.pin`. */
  pinProgram(program: string, path: string): void {
    checkName('program', program);
    checkPath('path', path);
    this.#native.pinProgram(program, path);
  }

  /** Keeps a program attached for as long as the file is there: see `BpfMap.pin`. `ENOENT` when it is not attached. */
  pinLink(program: string, path: string): void {
    checkName('program', program);
    checkPath('path', path);
    this.#native.pinLink(program, path);
  }

  /** Keeps an iterator, over all there is or over a map's elements, so that `PinnedLink.run` can run it. */
  pinIterator(program: string, path: string, map?: string): void {
    checkName('program', program);
    checkPath('path', path);
    if (map !== undefined) {
      checkName('map', map);
    }
    this.#native.pinIterator(program, map, path);
  }

  /** Detaches, unloads, and detaches mapped memory. May be called again. */
  close(): void {
    for (const map of this.#open.values()) {
      map.release();
    }
    this.#open.clear();
    this.#native.close();
  }
}
