/**
 * The slots of a program: whose each is, from the moment the kernel takes it to the moment the kernel has it back.
 *
 * The kernel gives a slot to each new series by itself. Taking it back needs two steps, a tick apart. First the series
 * goes out of the kernel's index, so that nothing new can be counted in the slot; a program that has looked it up just
 * before is done long before the next tick, which tells what it counted. Then the slot is cleared and free again.
 */
import type { BpfMap } from '../../native';
import type { Owner } from '../identity/owners';
import type { LoadedObject } from './object';
import type { ProgramContext } from './program';

/** So long after its end, what still has open sockets loses its slot all the same. */
const GRACE_MS = 60_000;

export interface SlotSeries {
  /** Gives all series of the slot back to their table. */
  release(): void;
}

export interface SlotsOptions<S> {
  slotBytes: number;
  keyBytes: number;
  /** Where in a key the cgroup id is. */
  cgroupIdAt: number;
  /** @param at where the key starts */
  seriesOf(keys: DataView, at: number, owner: Owner): S;
  /** Called when a slot is about to be free: the last chance to look at it. */
  onFree(slot: number, series: S): void;
}

interface Slot<S> {
  key: Uint8Array;
  owner: Owner;
  series: S;
  /** Out of the kernel's index since this many ticks; undefined: still in it. */
  leavingForTicks?: number;
}

export class Slots<S extends SlotSeries> {
  readonly #options: SlotsOptions<S>;
  readonly #context: Pick<ProgramContext, 'owners'>;
  readonly #index: BpfMap;
  readonly #queue: BpfMap;
  readonly #excluded: BpfMap;
  readonly #bytes: Uint8Array;
  readonly #slots: Array<Slot<S> | undefined> = [];
  readonly #byOwner = new Map<Owner, Set<number>>();
  readonly #leaving = new Set<number>();
  /** Cgroups the kernel was to leave out and had no room for in its list. */
  readonly #unlisted = new Set<bigint>();

  constructor(object: LoadedObject, context: Pick<ProgramContext, 'owners'>, options: SlotsOptions<S>) {
    this.#options = options;
    this.#context = context;
    this.#index = object.map('series');
    this.#queue = object.map('free_slots');
    this.#excluded = object.map('excluded');
    this.#bytes = new Uint8Array(object.map('slots').memory(true));
  }

  /** Reads the kernel's index for slots that are new. */
  update(): void {
    const { keyBytes, cgroupIdAt, seriesOf } = this.#options;
    const { keys, values, count } = this.#index.entries();
    const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
    for (let i = 0; i < count; i++) {
      const slot = valueView.getUint32(i * 4, true);
      if (this.#slots[slot]) {
        continue;
      }
      const at = i * keyBytes;
      const owner = this.#context.owners.ownerOf(keyView.getBigUint64(at + cgroupIdAt, true));
      this.#slots[slot] = { key: keys.slice(at, at + keyBytes), owner, series: seriesOf(keyView, at, owner) };
      const slots = this.#byOwner.get(owner) ?? new Set();
      this.#byOwner.set(owner, slots.add(slot));
    }
  }

  get(slot: number): S | undefined {
    return this.#slots[slot]?.series;
  }

  forEach(see: (series: S, slot: number) => void): void {
    this.#slots.forEach((slot, number) => slot && see(slot.series, number));
  }

  /** Slots that are not free. */
  get used(): number {
    let used = 0;
    this.#byOwner.forEach((slots) => (used += slots.size));
    return used;
  }

  holds(owner: Owner): boolean {
    return this.#byOwner.has(owner);
  }

  /** Cgroups that should be left out and are not, for want of room in the kernel's list: they are measured and hidden. */
  get unlisted(): number {
    return this.#unlisted.size;
  }

  setExcluded(cgroupId: bigint, excluded: boolean): void {
    const key = new BigUint64Array([cgroupId]);
    if (!excluded) {
      this.#excluded.delete(key);
      this.#unlisted.delete(cgroupId);
      return;
    }
    try {
      this.#excluded.update(key, new Uint8Array([1]));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'E2BIG') {
        throw error;
      }
      this.#unlisted.add(cgroupId);
      return;
    }
    for (const [owner, slots] of this.#byOwner) {
      if (owner.cgroupId === cgroupId) {
        slots.forEach((slot) => this.#retire(slot));
      }
    }
  }

  /**
   * To be called after every tick.
   *
   * @param isQuiet whether nothing can be counted in a slot that is out of the index
   * @returns the cgroups that have lost their last slot
   */
  reclaim(departed: Iterable<Owner>, isQuiet: (slot: number, owner: Owner) => boolean): bigint[] {
    for (const slot of this.#leaving) {
      const { owner, leavingForTicks } = this.#slots[slot]!;
      this.#slots[slot]!.leavingForTicks!++;
      if (leavingForTicks! > 0 && isQuiet(slot, owner)) {
        this.#free(slot);
      }
    }
    const gone: bigint[] = [];
    for (const owner of departed) {
      const slots = this.#byOwner.get(owner);
      if (slots && (owner.released || (owner.removedForMs() ?? 0) >= GRACE_MS)) {
        slots.forEach((slot) => this.#retire(slot));
        gone.push(owner.cgroupId);
      }
    }
    return gone;
  }

  #retire(slot: number): void {
    const entry = this.#slots[slot]!;
    if (entry.leavingForTicks === undefined) {
      this.#index.delete(entry.key);
      entry.leavingForTicks = 0;
      this.#leaving.add(slot);
    }
  }

  #free(slot: number): void {
    const { series, owner } = this.#slots[slot]!;
    const { slotBytes, onFree } = this.#options;
    onFree(slot, series);
    series.release();
    this.#slots[slot] = undefined;
    this.#leaving.delete(slot);
    const slots = this.#byOwner.get(owner)!;
    slots.delete(slot);
    if (slots.size === 0) {
      this.#byOwner.delete(owner);
    }
    this.#bytes.fill(0, slot * slotBytes, (slot + 1) * slotBytes);
    this.#queue.push(new Uint32Array([slot]));
  }
}
