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

export interface SlotsOptions {
  /** How many there are, those of "other" included. */
  slots: number;
  slotBytes: number;
  keyBytes: number;
  /** Where in a key the cgroup id is. */
  cgroupIdAt: number;
  /** Called when a slot is new. */
  onTake?(slot: number): void;
  /** Called when a slot is about to be free: the last chance to look at it. */
  onFree(slot: number): void;
  /** Called when all series of a cgroup are out of the kernel's index. */
  onRetire?(cgroupId: bigint): void;
}

/** Of a slot that is in the kernel's index. */
const STAYS = -1;

export class Slots {
  readonly #options: SlotsOptions;
  readonly #context: Pick<ProgramContext, 'owners'>;
  readonly #index: BpfMap;
  readonly #queue: BpfMap;
  readonly #excluded: BpfMap;
  readonly #bytes: Uint8Array;
  /** Of the slots that are not free. */
  readonly #owners: Array<Owner | undefined>;
  readonly #keys: Uint8Array;
  /** For how many ticks a slot is out of the kernel's index. */
  readonly #leavingForTicks: Int8Array;
  readonly #leaving = new Set<number>();
  /** How many slots each owner has. */
  readonly #counts = new Map<Owner, number>();
  #used = 0;
  /** Cgroups the kernel leaves out. */
  readonly #listed = new Set<bigint>();
  /** Cgroups the kernel was to leave out and had no room for in its list. */
  readonly #unlisted = new Set<bigint>();
  /** The keys of all slots, each where `keyAt` says. */
  readonly keys: DataView;

  constructor(object: LoadedObject, context: Pick<ProgramContext, 'owners'>, options: SlotsOptions) {
    const { slots, keyBytes } = options;
    this.#options = options;
    this.#context = context;
    this.#index = object.map('series');
    this.#queue = object.map('free_slots');
    this.#excluded = object.map('excluded');
    this.#bytes = new Uint8Array(object.map('slots').memory(true));
    this.#owners = Array<Owner | undefined>(slots).fill(undefined);
    this.#keys = new Uint8Array(slots * keyBytes).fill(0);
    this.#leavingForTicks = new Int8Array(slots).fill(STAYS);
    this.keys = new DataView(this.#keys.buffer);
  }

  keyAt(slot: number): number {
    return slot * this.#options.keyBytes;
  }

  /** Reads the kernel's index for slots that are new. */
  update(): void {
    const { keyBytes, cgroupIdAt, onTake } = this.#options;
    const { keys, values, count } = this.#index.entries();
    const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
    for (let i = 0; i < count; i++) {
      const slot = valueView.getUint32(i * 4, true);
      if (this.#owners[slot]) {
        continue;
      }
      this.#keys.set(keys.subarray(i * keyBytes, (i + 1) * keyBytes), this.keyAt(slot));
      const owner = this.#context.owners.ownerOf(this.keys.getBigUint64(this.keyAt(slot) + cgroupIdAt, true));
      this.#owners[slot] = owner;
      this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
      this.#used++;
      onTake?.(slot);
    }
  }

  /** Whose it is; undefined while it is free, or as long as `update` has not seen it. */
  ownerOf(slot: number): Owner | undefined {
    return this.#owners[slot];
  }

  /** Those that are not free. */
  forEach(see: (slot: number) => void): void {
    for (let slot = 0; slot < this.#owners.length; slot++) {
      if (this.#owners[slot]) {
        see(slot);
      }
    }
  }

  /** Slots that are not free. */
  get used(): number {
    return this.#used;
  }

  holds(owner: Owner): boolean {
    return this.#counts.has(owner);
  }

  /** What an operator should know. */
  notices(): string[] {
    const { size } = this.#unlisted;
    return size === 0
      ? []
      : [
          `${size} excluded cgroups are measured all the same, and hidden: the kernel’s list has room for ` +
            `${this.#excluded.maxEntries}. They cost what those cost that are measured, and take series.`,
        ];
  }

  setExcluded(cgroupId: bigint, excluded: boolean): void {
    if (!excluded) {
      this.#unlist(cgroupId);
      return;
    }
    try {
      this.#excluded.update(new BigUint64Array([cgroupId]), new Uint8Array([1]));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'E2BIG') {
        throw error;
      }
      this.#unlisted.add(cgroupId);
      return;
    }
    this.#listed.add(cgroupId);
    for (const owner of this.#counts.keys()) {
      if (owner.cgroupId === cgroupId) {
        this.#retireAllOf(owner);
      }
    }
  }

  /** The place in the kernel's list goes to the first who waits for one. */
  #unlist(cgroupId: bigint): void {
    this.#unlisted.delete(cgroupId);
    if (!this.#listed.delete(cgroupId)) {
      return;
    }
    this.#excluded.delete(new BigUint64Array([cgroupId]));
    const [waiting] = this.#unlisted;
    if (waiting !== undefined) {
      this.#unlisted.delete(waiting);
      this.setExcluded(waiting, true);
    }
  }

  /**
   * To be called after every tick.
   *
   * @param isQuiet whether nothing can be counted in a slot that is out of the index
   */
  reclaim(departed: Iterable<Owner>, isQuiet: (slot: number, owner: Owner) => boolean): void {
    for (const slot of this.#leaving) {
      if (this.#leavingForTicks[slot] > 0 && isQuiet(slot, this.#owners[slot]!)) {
        this.#free(slot);
      } else {
        this.#leavingForTicks[slot] = 1;
      }
    }
    for (const owner of departed) {
      if (owner.released || (owner.removedForMs() ?? 0) >= GRACE_MS) {
        // What is gone needs no place in the kernel's list: it holds thousands, of which containers come every day.
        this.#unlist(owner.cgroupId);
        this.#retireAllOf(owner);
      }
    }
  }

  #retireAllOf(owner: Owner): void {
    if (!this.#counts.has(owner)) {
      return;
    }
    this.forEach((slot) => {
      if (this.#owners[slot] === owner && this.#leavingForTicks[slot] === STAYS) {
        this.#index.delete(this.#keys.subarray(this.keyAt(slot), this.keyAt(slot + 1)));
        this.#leavingForTicks[slot] = 0;
        this.#leaving.add(slot);
      }
    });
    this.#options.onRetire?.(owner.cgroupId);
  }

  #free(slot: number): void {
    const { slotBytes, onFree } = this.#options;
    const owner = this.#owners[slot]!;
    onFree(slot);
    this.#owners[slot] = undefined;
    this.#leavingForTicks[slot] = STAYS;
    this.#leaving.delete(slot);
    this.#used--;
    const left = this.#counts.get(owner)! - 1;
    if (left === 0) {
      this.#counts.delete(owner);
    } else {
      this.#counts.set(owner, left);
    }
    this.#bytes.fill(0, slot * slotBytes, (slot + 1) * slotBytes);
    this.#queue.push(new Uint32Array([slot]));
  }
}
