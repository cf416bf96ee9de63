/**
 * The slots of a program: whose each is, from the moment the kernel takes it to the moment the kernel has it back.
 *
 * The kernel gives a slot to each new series by itself. Taking it back needs two steps, a tick apart. First the series
 * goes out of the kernel's index, so that nothing new can be counted in the slot; a program that has looked it up just
 * before is done long before the next tick, which tells what it counted. Then the slot is cleared and free again.
 *
 * An agent can end at any moment, and another one goes on where it was (docs/design/011-pins.md). So each step is noted
 * before it is taken, in memory that outlives the agent, and can be taken twice.
 */
import type { BpfMap } from '../../native';
import type { Target } from '../history/series';
import type { Owner } from '../identity/owners';
import type { Memory, Region } from './memory';
import type { LoadedObject } from './object';
import type { ProgramContext } from './program';

/** So long after its end, what still has open sockets loses its slot all the same. */
const GRACE_MS = 60_000;

export interface SlotsOptions {
  /** Of the program; the names of its regions begin with it. */
  name: string;
  memory: Memory;
  /** How many there are, those of "other" included, which are the first ones. */
  slots: number;
  others: number;
  slotBytes: number;
  keyBytes: number;
  /** Where in a key the cgroup id is. */
  cgroupIdAt: number;
  /** Called when a slot is new. */
  onTake?(slot: number): void;
  /** Called when slots are about to be free: the last chance to look at what was counted in them. */
  onReturn(slots: readonly ReturnedSlot[]): void;
  /** Called before the counts of a slot are cleared, once more if the agent ended in between. */
  onClear(slot: number): void;
  /** Called when all series of a cgroup are out of the kernel's index. */
  onRetire?(cgroupId: bigint): void;
}

/** A slot that is given back. */
export interface ReturnedSlot {
  slot: number;
  /** Another one each time, ascending; the same one when it is returned again after a crash. */
  number: number;
}

/** Of a slot that is in the kernel's index. */
const STAYS = -1;

/** What is noted of a slot: nothing, that it is leaving, or, from 2 on, the number of its return and one. */
const enum State {
  Stays,
  Leaving,
}

/** So many looks, a tick apart, before a slot that is nowhere is taken for lost: the kernel may hold it for a moment. */
const LOOKS = 3;

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
  readonly #states: Uint32Array;
  /** The number of the last return; and 1 while a slot may be neither in the kernel's index nor in its queue. */
  readonly #returns: Uint32Array;
  readonly #search: Uint32Array;
  /** For how many ticks a slot is out of the kernel's index. */
  readonly #leavingForTicks: Int8Array;
  readonly #leaving = new Set<number>();
  readonly #interrupted: number[] = [];
  /** Slots that were nowhere at each look so far, and how many looks are left. */
  #lost: ReadonlySet<number> | undefined;
  #looksLeft = 0;
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
    const { slots, keyBytes, memory, name } = options;
    this.#options = options;
    this.#context = context;
    this.#index = object.map('series');
    this.#queue = object.map('free_slots');
    this.#excluded = object.map('excluded');
    this.#bytes = new Uint8Array(object.map('slots').memory(true));
    this.#owners = Array<Owner | undefined>(slots).fill(undefined);
    this.#keys = new Uint8Array(memory.region(`${name}-keys`, slots * keyBytes).buffer);
    const states: Region = memory.region(`${name}-slots`, (slots + 2) * Uint32Array.BYTES_PER_ELEMENT);
    this.#states = new Uint32Array(states.buffer, 0, slots);
    this.#returns = new Uint32Array(states.buffer, slots * Uint32Array.BYTES_PER_ELEMENT, 1);
    this.#search = new Uint32Array(states.buffer, (slots + 1) * Uint32Array.BYTES_PER_ELEMENT, 1);
    this.#leavingForTicks = new Int8Array(slots).fill(STAYS);
    this.keys = new DataView(this.#keys.buffer);
  }

  /** Finds everything again after another agent, which ended in the middle of whatever; `finish` goes on with that. */
  restore(): void {
    this.#states.forEach((state, slot) => {
      if (state === State.Stays) {
        return;
      }
      this.#take(slot);
      if (state === State.Leaving) {
        this.#retire(slot);
      } else {
        this.#interrupted.push(slot);
      }
    });
    this.update();
    const { keys } = this.#excluded.entries();
    new BigUint64Array(keys.buffer, keys.byteOffset, keys.length / 8).forEach((id) => this.#listed.add(id));
    this.#looksLeft = this.#search[0] === 0 ? 0 : LOOKS;
  }

  /** Returns the slots that another agent was about to return. */
  finish(): void {
    this.#finishReturn(this.#interrupted.splice(0));
  }

  /** Cgroups that the kernel leaves out. */
  get listed(): ReadonlySet<bigint> {
    return this.#listed;
  }

  /** Those for whom something is counted. */
  get owners(): Iterable<Owner> {
    return this.#counts.keys();
  }

  keyAt(slot: number): number {
    return slot * this.#options.keyBytes;
  }

  /** Reads the kernel's index for slots that are new. */
  update(): void {
    const { keyBytes } = this.#options;
    const { keys, values, count } = this.#index.entries();
    const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
    for (let i = 0; i < count; i++) {
      const slot = valueView.getUint32(i * 4, true);
      if (this.#owners[slot]) {
        continue;
      }
      this.#keys.set(keys.subarray(i * keyBytes, (i + 1) * keyBytes), this.keyAt(slot));
      this.#take(slot);
    }
  }

  #take(slot: number): void {
    const { cgroupIdAt, onTake } = this.#options;
    const owner = this.#context.owners.ownerOf(this.keys.getBigUint64(this.keyAt(slot) + cgroupIdAt, true));
    this.#owners[slot] = owner;
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
    this.#used++;
    onTake?.(slot);
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
   * To be called before every tick, when the history has kept what the one before has told.
   *
   * @param isQuiet whether nothing can be counted any more in a slot that is out of the index, and all that was is told
   */
  reclaim(departed: Iterable<Owner>, isQuiet: (slot: number, owner: Owner) => boolean): void {
    this.#findLost();
    const returning: number[] = [];
    for (const slot of this.#leaving) {
      if (this.#leavingForTicks[slot] > 0 && isQuiet(slot, this.#owners[slot]!)) {
        returning.push(slot);
      } else {
        this.#leavingForTicks[slot] = 1;
      }
    }
    for (const slot of returning) {
      this.#returns[0]++;
      this.#states[slot] = this.#returns[0] + 1;
    }
    this.#finishReturn(returning);
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
        this.#states[slot] = State.Leaving;
        this.#retire(slot);
      }
    });
    this.#options.onRetire?.(owner.cgroupId);
  }

  #retire(slot: number): void {
    const key = this.#keys.subarray(this.keyAt(slot), this.keyAt(slot + 1));
    const value = this.#index.lookup(key);
    // After a crash it may be out already, and its series in another slot.
    if (value && new DataView(value.buffer).getUint32(0, true) === slot) {
      this.#index.delete(key);
    }
    this.#leavingForTicks[slot] = 0;
    this.#leaving.add(slot);
  }

  /** Nothing counts in these slots any more, and all of it is told. */
  #finishReturn(slots: readonly number[]): void {
    if (slots.length > 0) {
      this.#options.onReturn(slots.map((slot) => ({ slot, number: this.#states[slot] - 1 })));
      slots.forEach((slot) => this.#clear(slot));
    }
  }

  #clear(slot: number): void {
    const { slotBytes, onClear } = this.#options;
    const owner = this.#owners[slot]!;
    onClear(slot);
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
    this.#search[0] = 1;
    // From here on it must not be cleared again: the kernel may have given it to another series.
    this.#states[slot] = State.Stays;
    this.#queue.push(new Uint32Array([slot]));
    this.#search[0] = Number(this.#looksLeft > 0);
  }

  /** An agent that ended between two steps may have left a slot that is nowhere. Nobody counts in it: it is free. */
  #findLost(): void {
    if (this.#looksLeft === 0) {
      return;
    }
    const queued = this.#queued();
    this.update();
    const lost = new Set<number>();
    for (let slot = this.#options.others; slot < this.#owners.length; slot++) {
      if (!queued.has(slot) && !this.#owners[slot] && (this.#lost?.has(slot) ?? true)) {
        lost.add(slot);
      }
    }
    this.#lost = lost;
    this.#looksLeft--;
    if (this.#looksLeft === 0) {
      lost.forEach((slot) => this.#queue.push(new Uint32Array([slot])));
      this.#lost = undefined;
      this.#search[0] = 0;
    }
  }

  /** What is in the kernel's queue. It can only be read by taking each out, and is put back at its end. */
  #queued(): ReadonlySet<number> {
    const queued = new Set<number>();
    for (let i = 0; i <= this.#owners.length; i++) {
      const value = this.#queue.pop();
      if (value === null) {
        break;
      }
      this.#queue.push(value);
      const slot = new DataView(value.buffer).getUint32(0, true);
      if (queued.has(slot)) {
        break;
      }
      queued.add(slot);
    }
    return queued;
  }
}

/** Whose target has this cgroup for a label, if anybody's. */
export function targetOf(owners: Iterable<Owner>, cgroup: string | undefined): Target | undefined {
  for (const { target } of owners) {
    if (target.labels.cgroup === cgroup) {
      return target;
    }
  }
  return undefined;
}
