/**
 * All that one layout of the programs has pinned, in a directory of its own: maps, programs, what attaches them, and the
 * agent's own memory. A set is whole or it is not there: it is made under another name and renamed when it is complete.
 */
import { existsSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BpfMap, PinnedLink, PinnedProgram, type BpfObject, type ProgramStats } from '../../native';
import type { Status } from '../../wire/status';
import { DurableMemory, type Past, type Shelf } from './durable';

const VALUE_BYTES = 8;
/** What is in the way of a replacement that was never finished. */
const UNFINISHED = 'unfinished';

/** What is known of an object besides its pins. */
export interface PinnedReport {
  attached: Array<{ program: string; attach: string }>;
  off: Status['programs'];
}

export interface PinnedPrograms {
  /** Those that are attached. */
  attached: readonly string[];
  iterators: ReadonlyArray<{ program: string; map?: string }>;
  report: PinnedReport;
}

export class PinSet {
  readonly memory: DurableMemory;
  #path: string;
  readonly #shelf: PinnedShelf;

  private constructor(
    path: string,
    readonly isNew: boolean,
    settle: (shelf: Shelf) => DurableMemory
  ) {
    this.#path = path;
    this.#shelf = new PinnedShelf(() => this.#path);
    try {
      this.memory = settle(this.#shelf);
    } catch (error) {
      this.#shelf.close();
      throw error;
    }
  }

  /** @param path of an empty directory */
  static create(path: string, past: Past, limits: { stores: number; nowMs: number }): PinSet {
    return new PinSet(path, true, (shelf) => DurableMemory.create(shelf, past, limits));
  }

  /** Takes over what another process has left. */
  static open(path: string, past: Past): PinSet {
    return new PinSet(path, false, (shelf) => DurableMemory.recover(shelf, past));
  }

  get path(): string {
    return this.#path;
  }

  /** Whether an object is pinned here. */
  has(object: string): boolean {
    return this.memory.note(`programs-${object}`) !== undefined;
  }

  /** Pins all of a loaded object; it can be closed then. */
  add(name: string, object: BpfObject, { attached, iterators, report }: PinnedPrograms): void {
    const pins = pinsOf(this.#path, name);
    object.maps.forEach((map) => object.map(map.name).pin(pins.map(map.name)));
    attached.forEach((program) => {
      object.pinProgram(program, pins.program(program));
      object.pinLink(program, pins.link(program));
    });
    iterators.forEach(({ program, map }) => {
      object.pinProgram(program, pins.program(program));
      object.pinIterator(program, pins.link(program), map);
    });
    this.memory.setNote(`programs-${name}`, JSON.stringify(report));
  }

  /** What `add` has pinned. */
  object(name: string): PinnedObject {
    const report: PinnedReport = JSON.parse(this.memory.note(`programs-${name}`) ?? '{}');
    return new PinnedObject(this.#path, name, report);
  }

  /** A table that no program knows, made if it is not there; closed with the set. */
  table(name: string, keySize: number, valueSize: number, maxEntries: number): BpfMap {
    return this.#shelf.table(name, keySize, valueSize, maxEntries);
  }

  /** Gives it the name by which the next agent finds it. */
  rename(path: string): void {
    renameSync(this.#path, path);
    this.#path = path;
  }

  /** Bytes the kernel keeps for the agent's own memory. */
  kernelBytes(): number {
    return this.#shelf.kernelBytes();
  }

  /** Lets go of it; it stays pinned, and the kernel goes on counting. */
  close(): void {
    this.#shelf.close();
  }
}

/** An object whose file is not needed any more. */
export class PinnedObject {
  readonly #maps = new Map<string, BpfMap>();
  readonly #programs = new Map<string, PinnedProgram>();
  readonly #links = new Map<string, PinnedLink>();
  readonly #pins: ReturnType<typeof pinsOf>;

  constructor(
    path: string,
    name: string,
    readonly report: PinnedReport
  ) {
    this.#pins = pinsOf(path, name);
    try {
      for (const file of readdirSync(path)) {
        if (file.startsWith(`${name}-map-`)) {
          this.#maps.set(file, BpfMap.open(join(path, file)));
        }
      }
      for (const { program } of report.attached) {
        this.#programs.set(program, PinnedProgram.open(this.#pins.program(program)));
        const link = PinnedLink.open(this.#pins.link(program));
        this.#links.set(program, link);
        if (!link.isAttached()) {
          throw new Error(`${program} is not attached any more: somebody has detached it.`);
        }
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  map(name: string): BpfMap {
    const map = this.#maps.get(mapFile(this.#pins.name, name));
    if (map === undefined) {
      throw new Error(`No map ${name} of ${this.#pins.name} is pinned.`);
    }
    return map;
  }

  stats(program: string): ProgramStats {
    return this.#programs.get(program)!.stats();
  }

  runIterator(program: string): Uint8Array {
    return this.#links.get(program)!.runIterator();
  }

  kernelMapBytes(): number {
    return [...this.#maps.values()].reduce((sum, map) => sum + map.kernelBytes(), 0);
  }

  close(): void {
    [this.#maps, this.#programs, this.#links].forEach((held) => held.forEach((each) => each.close()));
  }
}

/** Where the pins of an object are. */
function pinsOf(path: string, name: string) {
  return {
    name,
    map: (map: string) => join(path, mapFile(name, map)),
    program: (program: string) => join(path, `${name}-program-${program}`),
    link: (program: string) => join(path, `${name}-link-${program}`),
  };
}

/** A BPF file system has no names with dots, and `.rodata` is a map, too. */
function mapFile(object: string, map: string): string {
  return `${object}-map-${map.replaceAll('.', '_')}`;
}

/** Removes a set: first what attaches its programs, so that none runs without its maps. */
export function removeSet(path: string): void {
  const files = readdirSync(path);
  files.filter((file) => file.includes('-link-')).forEach((file) => unlinkSync(join(path, file)));
  rmSync(path, { recursive: true });
}

const KEPT = 'agent-';

/** The agent's own memory: arrays that are mapped, each pinned by its name. */
class PinnedShelf implements Shelf {
  readonly #directory: () => string;
  readonly #maps = new Map<string, BpfMap>();

  constructor(directory: () => string) {
    this.#directory = directory;
  }

  names(): string[] {
    return readdirSync(this.#directory()).flatMap((file) => (file.startsWith(KEPT) ? [file.slice(KEPT.length)] : []));
  }

  open(name: string): ArrayBuffer {
    return this.#keep(name, BpfMap.open(this.#pathOf(name))).memory(true);
  }

  create(name: string, bytes: number): ArrayBuffer {
    const map = newArray(name, bytes);
    map.pin(this.#pathOf(name));
    return this.#keep(name, map).memory(true);
  }

  replace(name: string, bytes: number, fill: (buffer: ArrayBuffer) => void): ArrayBuffer {
    const unfinished = join(this.#directory(), UNFINISHED);
    if (existsSync(unfinished)) {
      unlinkSync(unfinished);
    }
    const map = newArray(name, bytes);
    try {
      fill(map.memory(true));
      map.pin(unfinished);
      renameSync(unfinished, this.#pathOf(name));
    } catch (error) {
      map.close();
      throw error;
    }
    return this.#keep(name, map).memory(true);
  }

  table(name: string, keySize: number, valueSize: number, maxEntries: number): BpfMap {
    const path = this.#pathOf(name);
    if (existsSync(path)) {
      return this.#keep(name, BpfMap.open(path));
    }
    const map = BpfMap.create({ type: 'hash', name, keySize, valueSize, maxEntries });
    map.pin(path);
    return this.#keep(name, map);
  }

  kernelBytes(): number {
    return [...this.#maps.values()].reduce((sum, map) => sum + map.kernelBytes(), 0);
  }

  close(): void {
    this.#maps.forEach((map) => map.close());
    this.#maps.clear();
  }

  #keep(name: string, map: BpfMap): BpfMap {
    this.#maps.get(name)?.close();
    this.#maps.set(name, map);
    return map;
  }

  #pathOf(name: string): string {
    return join(this.#directory(), KEPT + name);
  }
}

function newArray(name: string, bytes: number): BpfMap {
  return BpfMap.create({ type: 'array', name, keySize: 4, valueSize: VALUE_BYTES, maxEntries: bytes / VALUE_BYTES });
}
