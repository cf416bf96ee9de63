/** Reads back what a file has of the past, as far as it is whole, and makes rings of it that hold together. */
import { EntryReader } from '../entry';
import { RecordRing, ringBudget } from '../ring';
import type { Disk } from './disk';
import { seedOf, type Header, type TierRegion } from './layout';
import { RecordFile, lengthOf, type Entry } from './records';

export interface ReadBack {
  /** How far the clock had been set back, in all. */
  shiftMs: number;
  records: number;
  /** Of the records that there should be, those that are not whole. */
  lost: number;
}

/** Empty rings of the sizes that a file has. */
export function ringsOf(tiers: readonly TierRegion[]): RecordRing[] {
  return tiers.map(({ slots, bytes }) => new RecordRing(ringBudget(slots, bytes), slots));
}

/**
 * @param rings of the file's own sizes, finest first; nothing is in them
 * @param names the generation of the names that can be read, and the first record of each tier that they speak of
 */
export function readRecords(
  disk: Disk,
  { layout, lineage }: Header,
  rings: readonly RecordRing[],
  names: { generation: number; firsts: readonly number[] }
): ReadBack {
  const salvages = rings.map((ring, tier) => {
    const salvage = new Salvage(ring);
    const file = new RecordFile(disk, layout.tiers[tier], seedOf(lineage));
    file.read(ring.bytes, names.generation, (entry) => salvage.take(entry));
    return salvage;
  });
  salvages.forEach((salvage, tier) => salvage.settle(names.firsts[tier] ?? 0));
  const shiftMs = Math.min(0, ...salvages.map((salvage) => salvage.leastShiftMs));
  salvages.forEach((salvage) => salvage.fill(shiftMs));
  let lost = salvages.reduce((sum, salvage) => sum + salvage.lost, 0);
  for (let tier = rings.length - 2; tier >= 0; tier--) {
    lost += reachSources(rings, tier);
  }
  return { shiftMs, records: rings.reduce((sum, { first, end }) => sum + end - first, 0), lost };
}

/** One ring, while it is found out which of its records are there. */
class Salvage {
  /** By slot: which record is in it, or NONE. */
  readonly #sequences: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #shifts: Float64Array;
  #newest: Entry | undefined;
  #first = 0;
  #end = 0;
  leastShiftMs = 0;
  lost = 0;

  constructor(private readonly ring: RecordRing) {
    this.#sequences = new Float64Array(ring.slots).fill(NONE);
    this.#lengths = new Uint32Array(ring.slots);
    this.#shifts = new Float64Array(ring.slots);
  }

  take(entry: Entry): void {
    const { sequence, offset, length, shiftMs } = entry;
    const slot = sequence % this.ring.slots;
    this.#sequences[slot] = sequence;
    this.#lengths[slot] = length;
    this.#shifts[slot] = shiftMs;
    if (entry.isLost) {
      this.ring.putLost(sequence, offset, entry);
    } else {
      this.ring.put(sequence, offset, entry);
    }
    if (!this.#newest || sequence > this.#newest.sequence) {
      this.#newest = entry;
    }
  }

  /** Which records there should be: those the newest one knew, without what has been overwritten since. */
  settle(firstNamed: number): void {
    this.#end = Math.max(this.#newest ? this.#newest.sequence + 1 : 0, firstNamed);
    this.#first = Math.max(this.#newest?.first ?? 0, firstNamed, this.#end - this.ring.slots);
    while (this.#first < this.#end && !this.#has(this.#first)) {
      this.#first++;
    }
    for (let sequence = this.#first; sequence < this.#end; sequence++) {
      if (this.#has(sequence)) {
        this.leastShiftMs = Math.min(this.leastShiftMs, this.#shifts[sequence % this.ring.slots]);
      }
    }
  }

  /** Brings all times to the same clock, and puts an empty record where one is missing. */
  fill(shiftMs: number): void {
    const { ring } = this;
    for (let sequence = this.#first; sequence < this.#end; sequence++) {
      if (!this.#has(sequence)) {
        sequence = this.#replace(sequence) - 1;
        continue;
      }
      ring.shiftOne(sequence, shiftMs - this.#shifts[sequence % ring.slots]);
      if (sequence > this.#first) {
        // Never falls, whatever was written there.
        ring.shiftOne(sequence, Math.max(0, ring.toMs(sequence - 1) - ring.toMs(sequence)));
      }
    }
    const last = this.#end - 1;
    const head = this.#first < this.#end ? ring.offset(last) + this.#lengths[last % ring.slots] : 0;
    ring.resume(this.#first, this.#end, head);
  }

  /**
   * Puts empty records where some are missing.
   *
   * @param from the first that is; the one before it is there
   * @returns the next one that is there
   */
  #replace(from: number): number {
    const { ring } = this;
    let next = from + 1;
    while (!this.#has(next)) {
      next++;
    }
    this.lost += next - from;
    const before = from - 1;
    const end = ring.offset(before) + this.#lengths[before % ring.slots];
    const offset = end < ring.bytes.length ? end : 0;
    if (offset === ring.offset(next)) {
      // Nothing fits between its neighbours, so where they are cannot be true: history starts after it.
      this.#first = next;
      return next;
    }
    const head = {
      toMs: ring.toMs(before),
      sources: Math.min(ring.sourcesEnd(before), ring.sources(next)),
      sourcesEnd: Math.max(ring.sourcesEnd(before), ring.sources(next)),
    };
    for (let sequence = from; sequence < next; sequence++) {
      ring.putLost(sequence, offset, head);
    }
    return next;
  }

  #has(sequence: number): boolean {
    return this.#sequences[sequence % this.ring.slots] === sequence;
  }
}

const NONE = -1;

/**
 * What a coarser tier is the sum of has been there: its numbers are not used again, though the records are gone.
 *
 * @returns how many are
 */
function reachSources(rings: readonly RecordRing[], tier: number): number {
  const ring = rings[tier];
  const coarser = rings[tier + 1];
  if (coarser.first === coarser.end) {
    return 0;
  }
  const newest = coarser.end - 1;
  const end = Math.max(ring.end, coarser.sourcesEnd(newest));
  const isEmpty = ring.first === ring.end;
  if (tier === 0 && isEmpty) {
    ring.resume(end, end, 0);
    return 0;
  }
  // An empty one gets a record, too: it is where the next finer tier goes on from.
  const from = isEmpty ? end - 1 : Math.max(ring.end, end - ring.slots);
  if (from === end) {
    return 0;
  }
  const toMs = coarser.toMs(newest);
  const before = isEmpty ? 0 : ring.sourcesEnd(ring.end - 1);
  // What they were made of is not known any more: all that there was at that time, at the most.
  const sources = Math.max(before, rings[tier - 1]?.firstAfter(toMs) ?? 0);
  const after = isEmpty ? 0 : endOf(ring);
  const offset = after < ring.bytes.length ? after : 0;
  for (let sequence = from; sequence < end; sequence++) {
    ring.putLost(sequence, offset, { toMs, sources, sourcesEnd: sources });
  }
  ring.resume(isEmpty ? from : Math.max(ring.first, end - ring.slots), end, offset + 1);
  return end - from;
}

/** Where the newest record ends. */
function endOf(ring: RecordRing): number {
  const newest = ring.end - 1;
  return ring.offset(newest) + lengthOf(ring, newest, new EntryReader(ring.bytes));
}
/** Copies records into a ring of another size: the newest ones, as many as it holds. */
export function moveRecords(from: RecordRing, to: RecordRing): void {
  const reader = new EntryReader(from.bytes);
  to.resume(from.first, from.first, 0);
  for (let sequence = from.first; sequence < from.end; sequence++) {
    const length = lengthOf(from, sequence, reader);
    const isKept = !from.isLost(sequence) && length <= to.bytes.length;
    const offset = to.reserve(isKept ? length : 1, () => {});
    const head = {
      toMs: from.toMs(sequence),
      coveredMs: from.coveredMs(sequence),
      more: from.more(sequence),
      sources: from.sources(sequence),
      sourcesEnd: from.sourcesEnd(sequence),
    };
    if (isKept) {
      to.bytes.set(from.bytes.subarray(from.offset(sequence), from.offset(sequence) + length), offset);
    }
    to.commit(offset, isKept ? length : 1, head);
    if (!isKept) {
      to.putLost(sequence, offset, head);
    }
  }
}

/** 1 for each id that a record names. */
export function namedSeries(rings: readonly RecordRing[]): Uint8Array {
  let named = new Uint8Array(1024);
  eachEntry(rings, (series) => {
    if (series >= named.length) {
      const grown = new Uint8Array(Math.max(series + 1, 2 * named.length));
      grown.set(named);
      named = grown;
    }
    named[series] = 1;
  });
  return named;
}

export function eachEntry(rings: readonly RecordRing[], hear: (series: number) => void): void {
  for (const ring of rings) {
    const reader = new EntryReader(ring.bytes);
    for (let sequence = ring.first; sequence < ring.end; sequence++) {
      reader.open(ring.offset(sequence), 0);
      while (reader.next()) {
        hear(reader.series);
      }
    }
  }
}
