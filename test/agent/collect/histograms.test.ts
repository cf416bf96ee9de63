import { Baselines } from '../../../agent/collect/baselines';
import { Histograms } from '../../../agent/collect/histograms';
import type { Deltas } from '../../../agent/history/deltas';
import { BUCKETS } from '../../../wire/histogram';
import fc from '../../support/properties';

const SLOTS = 3;
const HISTOGRAM_BYTES = 8 + 4 * BUCKETS;
/** Two histograms in a slot, and something else before them. */
const OFFSETS = [16, 16 + HISTOGRAM_BYTES] as const;
const SLOT_BYTES = 16 + 2 * HISTOGRAM_BYTES;
const SERIES = 23;

/** What was told of one histogram: `[sum, { bucket: count }]`. */
type Told = [sum: number, buckets: Record<number, number>];

/** What a kernel would have counted, in memory of our own. */
class Memory {
  readonly buffer = new ArrayBuffer(SLOTS * SLOT_BYTES);
  readonly #view = new DataView(this.buffer);

  add(slot: number, offset: number, bucket: number, events: number, nanoseconds = 0n): void {
    const at = slot * SLOT_BYTES + offset;
    const bucketAt = at + 8 + 4 * bucket;
    this.#view.setUint32(bucketAt, this.#view.getUint32(bucketAt, true) + events, true);
    this.#view.setBigUint64(at, this.#view.getBigUint64(at, true) + nanoseconds, true);
  }

  clear(slot: number): void {
    new Uint8Array(this.buffer, slot * SLOT_BYTES, SLOT_BYTES).fill(0);
  }
}

/** Hears at most one histogram. */
class Listener implements Deltas {
  told: Told | undefined;

  histogram(series: number, sum: number, buckets: Uint16Array, counts: Float64Array, length: number): void {
    expect(series).toBe(SERIES);
    expect(this.told).toBeUndefined();
    const heard = Array.from({ length }, (_, i): [number, number] => [buckets[i], counts[i]]);
    expect(heard.map(([bucket]) => bucket)).toEqual([...heard.map(([bucket]) => bucket)].sort((a, b) => a - b));
    this.told = [sum, Object.fromEntries(heard)];
  }

  counter = () => fail('There is no counter in a histogram.');
  gauge = () => fail('There is no gauge in a histogram.');
}

function tick(histograms: Histograms, slot: number): Told | undefined {
  const listener = new Listener();
  histograms.tell(slot, SERIES, listener, true);
  return listener.told;
}

function peek(histograms: Histograms, slot: number): Told | undefined {
  const listener = new Listener();
  histograms.tell(slot, SERIES, listener, false);
  return listener.told;
}

function total(histograms: Histograms, slot: number): Told | undefined {
  const listener = new Listener();
  histograms.total(slot, SERIES, listener);
  return listener.told;
}

let memory: Memory;
let histograms: Histograms;

beforeEach(() => {
  memory = new Memory();
  histograms = new Histograms(memory.buffer, SLOT_BYTES, OFFSETS[0]);
});

it('tells what moved since the last tick, once', () => {
  expect(histograms.moved(1)).toBe(false);
  expect(histograms.used(1)).toBe(false);
  memory.add(1, OFFSETS[0], 100, 23, 2311n);
  expect(histograms.moved(1)).toBe(true);
  expect(tick(histograms, 1)).toEqual([2311, { 100: 23 }]);
  expect(histograms.moved(1)).toBe(false);
  expect(histograms.used(1)).toBe(true);
  expect(tick(histograms, 1)).toBeUndefined();
  expect(tick(histograms, 0)).toBeUndefined();
});

it('tells a moment without making it the last tick', () => {
  memory.add(0, OFFSETS[0], 7, 1, 5n);
  expect(peek(histograms, 0)).toEqual([5, { 7: 1 }]);
  expect(peek(histograms, 0)).toEqual([5, { 7: 1 }]);
  expect(tick(histograms, 0)).toEqual([5, { 7: 1 }]);
  memory.add(0, OFFSETS[0], 8, 1, 5n);
  expect(peek(histograms, 0)).toEqual([5, { 8: 1 }]);
  expect(total(histograms, 0)).toEqual([10, { 7: 1, 8: 1 }]);
});

it('knows the first and the last bucket, and the slot at the end of the memory', () => {
  const second = new Histograms(memory.buffer, SLOT_BYTES, OFFSETS[1]);
  memory.add(SLOTS - 1, OFFSETS[1], 0, 2, 3n);
  memory.add(SLOTS - 1, OFFSETS[1], BUCKETS - 1, 4, 5n);
  expect(tick(second, SLOTS - 1)).toEqual([8, { 0: 2, [BUCKETS - 1]: 4 }]);
  expect(tick(histograms, SLOTS - 1)).toBeUndefined();
});

it('counts on when a bucket wraps, also when nobody has looked since', () => {
  memory.add(2, OFFSETS[0], 50, 2 ** 32 - 1, 1n);
  expect(tick(histograms, 2)).toEqual([1, { 50: 2 ** 32 - 1 }]);
  memory.add(2, OFFSETS[0], 50, 3, 1n);
  expect(total(histograms, 2)).toEqual([2, { 50: 2 ** 32 + 2 }]);
  expect(tick(histograms, 2)).toEqual([1, { 50: 3 }]);
  expect(total(histograms, 2)).toEqual([2, { 50: 2 ** 32 + 2 }]);
  memory.add(2, OFFSETS[0], 50, 2 ** 32 - 2, 1n);
  expect(tick(histograms, 2)).toEqual([1, { 50: 2 ** 32 - 2 }]);
  // The bucket shows 0 now.
  expect(total(histograms, 2)).toEqual([3, { 50: 2 ** 33 }]);
});

it('tells the sum of an event with the next one, if its bucket was read a moment before its sum', () => {
  memory.add(0, OFFSETS[0], 90, 1, 100n);
  memory.add(0, OFFSETS[0], 91, 1);
  expect(tick(histograms, 0)).toEqual([100, { 90: 1, 91: 1 }]);
  memory.add(0, OFFSETS[0], 91, 0, 200n);
  expect(tick(histograms, 0)).toBeUndefined();
  memory.add(0, OFFSETS[0], 92, 1, 300n);
  expect(tick(histograms, 0)).toEqual([500, { 92: 1 }]);
});

it('keeps differences of a sum exact that a floating-point number is too short for', () => {
  memory.add(0, OFFSETS[0], 90, 1, 2n ** 60n);
  tick(histograms, 0);
  expect(histograms.moved(0)).toBe(false);
  memory.add(0, OFFSETS[0], 90, 1, 1n);
  expect(histograms.moved(0)).toBe(true);
  expect(tick(histograms, 0)).toEqual([1, { 90: 1 }]);
});

it('forgets a slot that was given back, and nothing of its neighbours', () => {
  for (const slot of [0, 1, 2]) {
    memory.add(slot, OFFSETS[0], 50, 2 ** 32 - 1, 7n);
    tick(histograms, slot);
    memory.add(slot, OFFSETS[0], 50, 2, 7n);
    tick(histograms, slot);
  }
  memory.clear(1);
  histograms.reset(1);
  expect(histograms.moved(1)).toBe(false);
  expect(total(histograms, 1)).toBeUndefined();
  memory.add(1, OFFSETS[0], 50, 1, 9n);
  expect(total(histograms, 1)).toEqual([9, { 50: 1 }]);
  expect(tick(histograms, 1)).toEqual([9, { 50: 1 }]);
  expect(total(histograms, 0)).toEqual([14, { 50: 2 ** 32 + 1 }]);
  expect(total(histograms, 2)).toEqual([14, { 50: 2 ** 32 + 1 }]);
});

it('takes no more memory while slots come and go', () => {
  const baselines = new Baselines(SLOTS);
  histograms = new Histograms(memory.buffer, SLOT_BYTES, OFFSETS[0], baselines);
  const { words } = baselines;
  for (let life = 0; life < 100; life++) {
    for (let bucket = life % 50; bucket < (life % 50) + 40; bucket++) {
      memory.add(1, OFFSETS[0], bucket, 1, 1n);
    }
    expect(tick(histograms, 1)?.[0]).toBe(40);
    memory.clear(1);
    histograms.reset(1);
  }
  expect(baselines.words).toBe(words);
});

it('takes more memory rather than lose a count, when every bucket of every histogram moves', () => {
  const baselines = new Baselines(SLOTS);
  const both = OFFSETS.map((offset) => new Histograms(memory.buffer, SLOT_BYTES, offset, baselines));
  const { words } = baselines;
  const all = Object.fromEntries(Array.from({ length: BUCKETS }, (_, bucket) => [bucket, bucket + 1]));
  for (let slot = 0; slot < SLOTS; slot++) {
    both.forEach((one, i) => {
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        memory.add(slot, OFFSETS[i], bucket, bucket + 1, 1n);
      }
      expect(tick(one, slot)).toEqual([BUCKETS, all]);
    });
  }
  expect(baselines.words.length).toBeGreaterThan(words.length);
  for (let slot = 0; slot < SLOTS; slot++) {
    expect(both.map((one) => tick(one, slot))).toEqual([undefined, undefined]);
    expect(both.map((one) => total(one, slot))).toEqual([
      [BUCKETS, all],
      [BUCKETS, all],
    ]);
  }
});

/** The same from two whole copies: what there is, and what there was at the last tick. */
class Reference {
  readonly #now = Array.from({ length: SLOTS }, empty);
  readonly #then = Array.from({ length: SLOTS }, empty);

  add(slot: number, bucket: number, events: number, nanoseconds: bigint): void {
    this.#now[slot].counts[bucket] += events;
    this.#now[slot].sum += nanoseconds;
  }

  clear(slot: number): void {
    this.#now[slot] = empty();
    this.#then[slot] = empty();
  }

  /** Since the last tick. */
  gained(slot: number, bucket: number): number {
    return this.#now[slot].counts[bucket] - this.#then[slot].counts[bucket];
  }

  peek(slot: number): Told | undefined {
    return difference(this.#now[slot], this.#then[slot]);
  }

  tick(slot: number): Told | undefined {
    const told = this.peek(slot);
    this.#then[slot] = structuredClone(this.#now[slot]);
    return told;
  }

  total(slot: number): Told | undefined {
    return difference(this.#now[slot], empty());
  }
}

interface Plain {
  sum: bigint;
  counts: number[];
}

function empty(): Plain {
  return { sum: 0n, counts: Array<number>(BUCKETS).fill(0) };
}

function difference(now: Plain, then: Plain): Told | undefined {
  const buckets = now.counts.map((count, bucket): [number, number] => [bucket, count - then.counts[bucket]]);
  const moved = buckets.filter(([, events]) => events > 0);
  return moved.length > 0 ? [Number(now.sum - then.sum), Object.fromEntries(moved)] : undefined;
}

const slot = fc.nat(SLOTS - 1);
const histogram = fc.nat(OFFSETS.length - 1);
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      slot,
      histogram,
      bucket: fc.nat(BUCKETS - 1),
      events: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
      nanoseconds: fc.bigInt({ min: 1n, max: 2n ** 34n }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('tick' as const, 'peek' as const, 'total' as const), slot, histogram }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), slot }) }
);

it('says the same as two whole copies would, whatever happens in which order', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      memory = new Memory();
      // One pool for both, and far too small.
      const baselines = new Baselines(1);
      const tested = OFFSETS.map((offset) => new Histograms(memory.buffer, SLOT_BYTES, offset, baselines));
      const references = OFFSETS.map(() => new Reference());
      for (const each of actions) {
        switch (each.do) {
          case 'add':
            // A bucket may not gain 2^32 between two ticks: that is the kernel's side of the contract.
            if (references[each.histogram].gained(each.slot, each.bucket) + each.events >= 2 ** 32) {
              expect(tick(tested[each.histogram], each.slot)).toEqual(references[each.histogram].tick(each.slot));
            }
            memory.add(each.slot, OFFSETS[each.histogram], each.bucket, each.events, each.nanoseconds);
            references[each.histogram].add(each.slot, each.bucket, each.events, each.nanoseconds);
            expect(tested[each.histogram].moved(each.slot)).toBe(true);
            break;
          case 'tick':
            expect(tick(tested[each.histogram], each.slot)).toEqual(references[each.histogram].tick(each.slot));
            expect(tested[each.histogram].moved(each.slot)).toBe(false);
            break;
          case 'peek':
            expect(peek(tested[each.histogram], each.slot)).toEqual(references[each.histogram].peek(each.slot));
            break;
          case 'total':
            expect(total(tested[each.histogram], each.slot)).toEqual(references[each.histogram].total(each.slot));
            break;
          case 'clear':
            memory.clear(each.slot);
            tested.forEach((one) => one.reset(each.slot));
            references.forEach((one) => one.clear(each.slot));
        }
      }
    })
  );
});
