/**
 * An agent ends after any single store, and what its history has kept and what the next agent tells are together exactly
 * what the kernel has counted.
 */
import { Baselines } from '../../../agent/collect/baselines';
import { Histograms } from '../../../agent/collect/histograms';
import { NOBODY, type Deltas } from '../../../agent/history/deltas';
import { DurableMemory, type Past, type Shelf } from '../../../agent/pin/durable';
import { Journal } from '../../../agent/pin/journal';
import { BUCKETS } from '../../../wire/histogram';
import fc from '../../support/properties';

const SLOTS = 4;
const HISTOGRAM_BYTES = 8 + 4 * BUCKETS;
const LINEAGE = '00112233445566778899aabbccddeeff';

/** Memory that outlives an agent, and can be copied as it is at a moment. */
class MemoryShelf implements Shelf {
  constructor(readonly buffers = new Map<string, ArrayBuffer>()) {}

  names = () => [...this.buffers.keys()];
  open = (name: string) => this.buffers.get(name)!;

  create(name: string, bytes: number): ArrayBuffer {
    expect(bytes % 8).toBe(0);
    expect(this.buffers.has(name)).toBe(false);
    return this.replace(name, bytes, () => {});
  }

  replace(name: string, bytes: number, fill: (buffer: ArrayBuffer) => void): ArrayBuffer {
    const buffer = new ArrayBuffer(bytes);
    fill(buffer);
    this.buffers.set(name, buffer);
    return buffer;
  }

  copy(): MemoryShelf {
    return new MemoryShelf(new Map([...this.buffers].map(([name, buffer]) => [name, buffer.slice(0)])));
  }
}

/** What was counted, or told, by slot and bucket, and the sums of nanoseconds. */
type Counts = Map<string, number>;

function add(counts: Counts, key: string, increase: number): void {
  counts.set(key, (counts.get(key) ?? 0) + increase);
}

class Kernel {
  readonly memory = new ArrayBuffer(SLOTS * HISTOGRAM_BYTES);
  readonly #view = new DataView(this.memory);
  readonly counted: Counts = new Map();

  count(slot: number, bucket: number, events: number): void {
    const at = slot * HISTOGRAM_BYTES;
    const bucketAt = at + 8 + 4 * bucket;
    this.#view.setUint32(bucketAt, this.#view.getUint32(bucketAt, true) + events, true);
    this.#view.setBigUint64(at, this.#view.getBigUint64(at, true) + BigInt(events * 7), true);
    add(this.counted, `${slot}/${bucket}`, events);
    add(this.counted, `${slot}/sum`, events * 7);
  }

  clear(slot: number): void {
    new Uint8Array(this.memory, slot * HISTOGRAM_BYTES, HISTOGRAM_BYTES).fill(0);
  }
}

interface Crash {
  shelf: MemoryShelf;
  past: Past;
  kept: Counts;
}

/** An agent that notes, at each single step, what would be left of it if it ended there. */
class Agent {
  readonly crashes: Crash[] = [];
  readonly histograms: Histograms;
  readonly baselines: Baselines;
  /** What the history has kept. */
  readonly kept: Counts;
  #untold: Counts = new Map();
  past: { sequence: number; lineage: string | undefined };

  constructor(
    readonly kernel: Kernel,
    readonly shelf: MemoryShelf,
    readonly memory: DurableMemory,
    past: Past,
    kept: Counts
  ) {
    this.past = { ...past };
    this.kept = new Map(kept);
    // Far too small: it has to grow.
    this.baselines = new Baselines(1, memory, 'baselines');
    this.histograms = new Histograms(kernel.memory, HISTOGRAM_BYTES, 0, this.baselines, { memory, name: 'a' });
    this.baselines.restore();
    memory.seal();
  }

  static begin(kernel: Kernel, lineage: string | undefined): Agent {
    const shelf = new MemoryShelf();
    const past = { sequence: 23, lineage };
    const memory = DurableMemory.create(shelf, past, { stores: 4_000, nowMs: 1 });
    return new Agent(kernel, shelf, memory, past, new Map());
  }

  /** The next agent, after one that has ended in this way. */
  static after({ shelf, past, kept }: Crash, kernel: Kernel): Agent {
    return new Agent(kernel, shelf, DurableMemory.recover(shelf, past), past, kept);
  }

  crash(): void {
    this.crashes.push({ shelf: this.shelf.copy(), past: { ...this.past }, kept: new Map(this.kept) });
  }

  /** @param full after how many entries the history writes a part of the record, and goes on with another one */
  tick(full: number): void {
    let entries = 0;
    const into: Deltas = {
      ...NOBODY,
      histogram: (slot, sum, buckets, counts, length) => {
        if (entries++ === full) {
          this.#keep();
        }
        for (let i = 0; i < length; i++) {
          add(this.#untold, `${slot}/${buckets[i]}`, counts[i]);
        }
        add(this.#untold, `${slot}/sum`, sum);
      },
    };
    const original = Journal.prototype.add;
    const clear = Journal.prototype.clear;
    const step = () => this.crash();
    const spies = [
      jest.spyOn(Journal.prototype, 'add').mockImplementation(function (this: Journal, ...entry) {
        step();
        original.apply(this, entry);
        step();
      }),
      jest.spyOn(Journal.prototype, 'clear').mockImplementation(function (this: Journal) {
        step();
        clear.apply(this);
        step();
      }),
    ];
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.histograms.moved(slot)) {
        this.histograms.tell(slot, slot, into, true);
      }
    }
    this.crash();
    this.#keep();
    this.crash();
    spies.forEach((spy) => spy.mockRestore());
  }

  /** The record is in the file first; without one, it is kept when the memory says so. */
  #keep(): void {
    const keep = () => {
      this.#untold.forEach((count, key) => add(this.kept, key, count));
      this.#untold = new Map();
      this.past = { ...this.past, sequence: this.past.sequence + 1 };
    };
    if (this.past.lineage !== undefined) {
      keep();
      this.crash();
      this.memory.commit(this.past, 2);
      return;
    }
    // What was told to a history that is gone is of no interest: it counts as kept from the moment it is not told again.
    const crashes = this.crashes.length;
    this.memory.commit({ ...this.past, sequence: this.past.sequence + 1 }, 2);
    keep();
    this.crashes.slice(crashes + 1).forEach((crash) => {
      crash.kept.clear();
      this.kept.forEach((count, key) => crash.kept.set(key, count));
    });
  }
}

const sorted = (counts: Counts) => [...counts].filter(([, count]) => count !== 0).sort();

function expectAllTold(agent: Agent): void {
  agent.tick(Infinity);
  expect(sorted(agent.kept)).toEqual(sorted(agent.kernel.counted));
}

const events = fc.array(
  fc.record({
    slot: fc.nat(SLOTS - 1),
    bucket: fc.nat(BUCKETS - 1),
    events: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2 ** 31)),
  }),
  { maxLength: 25 }
);

it.each([LINEAGE, undefined])('ends anywhere in a tick (history: %s)', (lineage) => {
  fc.assert(
    fc.property(events, events, fc.nat(4), (before, during, full) => {
      const kernel = new Kernel();
      const first = Agent.begin(kernel, lineage);
      // Fewer than 2^32 in a bucket from one tick to the next: that is the kernel's side of the contract.
      before.forEach(({ slot, bucket, events }) => kernel.count(slot, bucket, Math.min(events, 2 ** 26)));
      first.tick(full);
      first.crashes.splice(0);
      during.forEach(({ slot, bucket, events }) => kernel.count(slot, bucket, Math.min(events, 2 ** 26)));
      first.tick(full);
      const { crashes } = first;
      expect(crashes.length).toBeGreaterThan(2);
      // Every one, and again: the next agent may end where it was about to recover.
      for (const crash of crashes) {
        expectAllTold(Agent.after(crash, kernel));
      }
    }),
    { numRuns: 60 }
  );
});

it('ends in the middle of undoing, and again', () => {
  const kernel = new Kernel();
  const agent = Agent.begin(kernel, LINEAGE);
  [3, 50, 51, 120, 200].forEach((bucket, i) => kernel.count(i % SLOTS, bucket, 5));
  agent.tick(Infinity);
  agent.crashes.splice(0);
  [3, 4, 90, 51, 121].forEach((bucket, i) => kernel.count(i % SLOTS, bucket, 2));
  agent.tick(Infinity);
  const longest = agent.crashes.filter(({ past }) => past.sequence === 24).at(-1)!;
  const journal = new Journal(longest.shelf.open('journal'));
  const { length } = journal;
  expect(length).toBeGreaterThan(10);
  for (let undone = 0; undone <= length; undone++) {
    const shelf = longest.shelf.copy();
    const regions = shelf
      .names()
      .filter((name) => name.startsWith('region-'))
      .sort();
    let left = undone;
    const half = () =>
      new Journal(shelf.open('journal')).undo((region, word, value) => {
        if (left-- === 0) {
          throw new Error('It ends here.');
        }
        new Uint32Array(shelf.open(regions[region]))[word] = value;
      });
    if (undone < length) {
      expect(half).toThrow('It ends here.');
    } else {
      half();
    }
    expectAllTold(Agent.after({ ...longest, shelf }, kernel));
  }
});

it('tells a history that does not know it what another one had not kept', () => {
  const kernel = new Kernel();
  const agent = Agent.begin(kernel, LINEAGE);
  kernel.count(0, 1, 5);
  agent.tick(Infinity);
  agent.crashes.splice(0);
  kernel.count(0, 1, 3);
  kernel.count(1, 9, 2);
  agent.tick(Infinity);
  // The record that came last is in the other file, and its number fits by chance.
  const crash = agent.crashes.filter(({ past }) => past.sequence === 24).at(-1)!;
  const other = Agent.after({ ...crash, past: { sequence: 25, lineage: 'ff'.repeat(16) }, kept: new Map() }, kernel);
  other.tick(Infinity);
  expect(sorted(other.kept)).toEqual([
    ['0/1', 3],
    ['0/sum', 21],
    ['1/9', 2],
    ['1/sum', 14],
  ]);
});

it('waits for the next tick with what it could not undo', () => {
  const kernel = new Kernel();
  const shelf = new MemoryShelf();
  const past = { sequence: 0, lineage: LINEAGE };
  // Room for one histogram at a time.
  const memory = DurableMemory.create(shelf, past, { stores: 8, nowMs: 1 });
  const agent = new Agent(kernel, shelf, memory, past, new Map());
  for (let slot = 0; slot < SLOTS; slot++) {
    kernel.count(slot, 10 + slot, slot + 1);
  }
  const told: number[] = [];
  for (let tick = 0; tick < SLOTS; tick++) {
    agent.tick(Infinity);
    told.push(agent.kept.size);
  }
  expect(told[0]).toBeLessThan(told[SLOTS - 1]);
  expect(sorted(agent.kept)).toEqual(sorted(kernel.counted));
});

it('keeps a note as a whole, and when it was made', () => {
  const shelf = new MemoryShelf();
  const memory = DurableMemory.create(shelf, { sequence: 5, lineage: undefined }, { stores: 10, nowMs: 1_234 });
  expect(memory.note('carried')).toBeUndefined();
  memory.setNote('carried', 'größer als vorher');
  memory.setNote('carried', 'ü');
  memory.commit({ sequence: 6, lineage: undefined }, 2_345);
  const next = DurableMemory.recover(shelf, { sequence: 0, lineage: undefined });
  expect([next.note('carried'), next.createdMs, next.committedMs]).toEqual(['ü', 1_234, 2_345]);
});

it('wraps and slots that are given back are durable, too', () => {
  const kernel = new Kernel();
  let agent = Agent.begin(kernel, LINEAGE);
  for (let i = 0; i < 3; i++) {
    kernel.count(2, 100, 2 ** 31);
    agent.tick(Infinity);
  }
  agent.crash();
  agent = Agent.after(agent.crashes.at(-1)!, kernel);
  const total = (): Counts => {
    const counts: Counts = new Map();
    const into: Deltas = {
      ...NOBODY,
      histogram: (slot, _, buckets, events, length) => {
        for (let i = 0; i < length; i++) {
          add(counts, `${slot}/${buckets[i]}`, events[i]);
        }
      },
    };
    agent.histograms.total(2, 2, into);
    return counts;
  };
  expect([...total()]).toEqual([['2/100', 3 * 2 ** 31]]);
  agent.histograms.reset(2);
  kernel.clear(2);
  agent.crash();
  agent = Agent.after(agent.crashes.at(-1)!, kernel);
  expect([...total()]).toEqual([]);
  expect(agent.histograms.moved(2)).toBe(false);
});
