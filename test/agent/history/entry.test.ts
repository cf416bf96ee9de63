/** What is written of a series is what is read of it, to the last event: the bytes between them are nobody's concern. */
import { EntryKind, EntryReader, MORE_COUNT, MORE_DISTANCE } from '../../../agent/history/entry';
import { Pile } from '../../../agent/history/pile';
import { MAX_BODY_BYTES, RecordWriter } from '../../../agent/history/writer';
import { BUCKETS } from '../../../wire/histogram';
import fc from '../../support/properties';

const MOST = Number.MAX_SAFE_INTEGER;

interface Entry {
  series: number;
  sum: number;
  /** Bucket and count, ascending. */
  buckets: Array<[number, number]>;
}

/** On both sides of where a count or a distance no longer fits into the byte, or into one byte more. */
const COUNTS = [1, 2, MORE_COUNT, MORE_COUNT + 1, MORE_COUNT + 2, MORE_COUNT + 128, MORE_COUNT + 129, 2 ** 32, MOST];
const DISTANCES = [1, 2, MORE_DISTANCE, MORE_DISTANCE + 1, MORE_DISTANCE + 2, 135, 136, 137, BUCKETS - 1];

const anyCount = fc.oneof(
  fc.constantFrom(...COUNTS),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: MOST })
);
const anyDistance = fc.oneof(fc.constantFrom(...DISTANCES), fc.integer({ min: 1, max: 12 }));
/** The first distance counts from -1; those that lead beyond the last bucket are left out. */
const anyBuckets = fc
  .array(fc.tuple(anyDistance, anyCount), { minLength: 1, maxLength: BUCKETS, size: 'max' })
  .map((steps) => {
    const buckets: Array<[number, number]> = [];
    let bucket = -1;
    for (const [distance, count] of steps) {
      if (bucket + distance < BUCKETS) {
        bucket += distance;
        buckets.push([bucket, count]);
      }
    }
    return buckets;
  });
const anyEntry: fc.Arbitrary<Entry> = fc.record({
  series: fc.oneof(fc.nat(300), fc.nat(2 ** 24 - 1)),
  sum: fc.oneof(fc.nat(1_000), fc.integer({ min: 0, max: MOST })),
  buckets: anyBuckets,
});
const anyRecord = fc.uniqueArray(anyEntry, { minLength: 1, maxLength: 12, selector: ({ series }) => series });

/** All buckets of an entry, and how many events they are, in the order in which a writer adds them up. */
function denseOf({ buckets }: Entry): Float64Array {
  const dense = new Float64Array(BUCKETS);
  buckets.forEach(([bucket, count]) => (dense[bucket] = count));
  return dense;
}
const eventsOf = ({ buckets }: Entry) => buckets.reduce((events, [, count]) => events + count, 0);

const bucketsOf = ({ buckets }: Entry) => Uint16Array.from(buckets, ([bucket]) => bucket);
const countsOf = ({ buckets }: Entry) => Float64Array.from(buckets, ([, count]) => count);

/** The bytes of a record in which the series are told in this order, between others that are not its own. */
function written(entries: readonly Entry[], tellMore: (writer: RecordWriter) => void = () => {}): EntryReader {
  const writer = new RecordWriter(64 * MAX_BODY_BYTES, () => {
    throw new Error('the writer is full');
  });
  for (const entry of entries) {
    writer.histogram(entry.series, entry.sum, bucketsOf(entry), countsOf(entry), entry.buckets.length);
  }
  tellMore(writer);
  const BEFORE = 5;
  const length = writer.measure();
  const bytes = new Uint8Array(BEFORE + length + 5).fill(0xff);
  const told: number[] = [];
  writer.writeTo(bytes, BEFORE, (series) => told.push(series));
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect([...bytes.subarray(0, BEFORE), ...bytes.subarray(BEFORE + length)]).toEqual(Array(10).fill(0xff));
  const reader = new EntryReader(bytes);
  reader.open(BEFORE, 1_000);
  return reader;
}

/** Reads the next entry in each way there is. */
function expectNext(reader: EntryReader, entry: Entry): void {
  expect(reader.next()).toBe(true);
  expect([reader.series, reader.kind]).toEqual([entry.series, EntryKind.Histogram]);
  reader.readTotals();
  expect([reader.events, reader.sumNanoseconds]).toEqual([eventsOf(entry), entry.sum]);
  const pile = new Pile();
  reader.events = reader.sumNanoseconds = NaN;
  reader.readInto(pile);
  expect([reader.events, reader.sumNanoseconds]).toEqual([eventsOf(entry), entry.sum]);
  expectPile(pile, entry);
}

function expectPile(pile: Pile, entry: Entry): void {
  const { buckets } = entry;
  expect(pile.counts).toEqual(denseOf(entry));
  expect(pile.events).toBe(eventsOf(entry));
  expect([pile.lowest, pile.highest]).toEqual([buckets[0][0], buckets[buckets.length - 1][0]]);
}

const ascending = (entries: readonly Entry[]) => [...entries].sort((a, b) => a.series - b.series);

describe('a histogram in a record', () => {
  it('is read back as it was told, whatever it is and whatever comes before and after it', () => {
    fc.assert(
      fc.property(anyRecord, (entries) => {
        const reader = written(entries);
        ascending(entries).forEach((entry) => expectNext(reader, entry));
        expect(reader.next()).toBe(false);
        expect(reader.done).toBe(true);
      }),
      { numRuns: 300 }
    );
  });

  it.each(COUNTS.flatMap((count) => DISTANCES.map((distance) => [count, distance])))(
    'is read back where %i events are %i buckets from the last ones',
    (count, distance) => {
      // From the beginning, from another bucket, and where nothing comes after them.
      const first: Entry = { series: 1, sum: count, buckets: [[distance - 1, count]] };
      const second: Entry = {
        ...first,
        series: 2,
        buckets: [
          [0, count],
          [distance, count],
        ],
      };
      const third: Entry = {
        ...first,
        series: 400,
        buckets: [
          [BUCKETS - 1 - distance, 1],
          [BUCKETS - 1, count],
        ],
      };
      const reader = written([first, second, third]);
      [first, second, third].forEach((entry) => expectNext(reader, entry));
      expect(reader.next()).toBe(false);
    }
  );

  it.each([1, MORE_COUNT, MORE_COUNT + 1, MOST])('is read back where each of its buckets has %i events', (count) => {
    const entry: Entry = { series: 7, sum: MOST, buckets: Array.from({ length: BUCKETS }, (_, i) => [i, count]) };
    const reader = written([entry, { ...entry, series: 8 }]);
    expectNext(reader, entry);
    expectNext(reader, { ...entry, series: 8 });
    expect(reader.next()).toBe(false);
  });

  it('takes no more bytes than a writer has for the longest one', () => {
    const entry: Entry = { series: 0, sum: MOST, buckets: Array.from({ length: BUCKETS }, (_, i) => [i, MOST]) };
    const reader = written([entry]);
    expect(reader.next()).toBe(true);
    expect(reader.end - reader.body).toBeLessThanOrEqual(MAX_BODY_BYTES);
  });

  it('takes a byte a bucket where they are near each other and hold little', () => {
    const buckets = Array.from({ length: 20 }, (_, i): [number, number] => [6 + 7 * i, 1 + i]);
    const reader = written([{ series: 3, sum: 100, buckets }]);
    expect(reader.next()).toBe(true);
    // 210 events are two bytes, their sum is one.
    expect(reader.end - reader.body).toBe(2 + 1 + buckets.length);
  });

  it('can be left out, and stands beside what is none', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(MOST), fc.nat(MOST), (entries, increase, level) => {
        const known = ascending(entries);
        const after = known[known.length - 1].series + 1;
        const reader = written(entries, (writer) => {
          writer.levels(after + 2, -0.25, 1e300);
          writer.level(after + 1, level);
          writer.counter(after, increase);
        });
        // Every other one is not looked at.
        known.forEach((entry, i) => (i % 2 === 0 ? expect(reader.next()).toBe(true) : expectNext(reader, entry)));
        expect(reader.next()).toBe(true);
        expect([reader.series, reader.kind, reader.increase()]).toEqual([after, EntryKind.Counter, increase]);
        expect(reader.next()).toBe(true);
        expect([reader.series, reader.kind, reader.lastLevel()]).toEqual([after + 1, EntryKind.Level, level]);
        expect(reader.levelMilliseconds()).toBe(level * 1_000);
        expect(reader.next()).toBe(true);
        expect([reader.series, reader.kind, reader.lastLevel()]).toEqual([after + 2, EntryKind.Levels, -0.25]);
        expect(reader.levelMilliseconds()).toBe(1e300);
        expect(reader.next()).toBe(false);
      }),
      { numRuns: 100 }
    );
  });

  it('without events moves nothing', () => {
    const reader = written([{ series: 5, sum: 0, buckets: [] }]);
    expect(reader.next()).toBe(true);
    const pile = new Pile();
    reader.readInto(pile);
    expect([reader.events, reader.sumNanoseconds]).toEqual([0, 0]);
    expect(pile).toEqual(new Pile());
    expect(reader.next()).toBe(false);
  });
});

describe('a pile', () => {
  /** Small, so that sums of them are exact whatever the order. */
  const anySmall = anyBuckets.map((buckets) =>
    buckets.map(([bucket, count]): [number, number] => [bucket, count % 997])
  );
  const anyHeap = fc.array(
    fc.record({
      buckets: anySmall.map((buckets) => buckets.map(([bucket, count]): [number, number] => [bucket, count + 1])),
      isRead: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 }
  );

  it('is the sum of what was added and read into it, and copies it, again and again', () => {
    fc.assert(
      fc.property(fc.array(anyHeap, { minLength: 1, maxLength: 4 }), (heaps) => {
        const pile = new Pile();
        const [buckets, counts] = [new Uint16Array(BUCKETS), new Float64Array(BUCKETS)];
        for (const heap of heaps) {
          const sums = new Map<number, number>();
          for (const { buckets: added, isRead } of heap) {
            const entry: Entry = { series: 0, sum: 1, buckets: added };
            added.forEach(([bucket, count]) => sums.set(bucket, count + (sums.get(bucket) ?? 0)));
            if (isRead) {
              const reader = written([entry]);
              reader.next();
              reader.readInto(pile);
            } else {
              // What lies beyond the length counts for nothing.
              pile.add(Uint16Array.of(...bucketsOf(entry), 0), Float64Array.of(...countsOf(entry), 9), added.length);
            }
          }
          const sum: Entry = { series: 0, sum: 1, buckets: [...sums].sort(([a], [b]) => a - b) };
          expectPile(pile, sum);
          const length = pile.copyTo(buckets, counts);
          expect(buckets.slice(0, length)).toEqual(bucketsOf(sum));
          expect(counts.slice(0, length)).toEqual(countsOf(sum));
          // A copy takes nothing away; the other pile is the same.
          expectPile(pile, sum);
          const other = new Pile();
          other.add(buckets, counts, length);
          expect(other).toEqual(pile);
          pile.clear();
          expect(pile).toEqual(new Pile());
        }
      }),
      { numRuns: 100 }
    );
  });

  it('stays empty when nothing is added to it', () => {
    const pile = new Pile();
    const [buckets, counts] = [Uint16Array.of(23), Float64Array.of(5)];
    pile.add(buckets, counts, 0);
    expect(pile.copyTo(buckets, counts)).toBe(0);
    pile.clear();
    expect(pile).toEqual(new Pile());
    expect([pile.lowest, pile.highest, pile.events]).toEqual([BUCKETS, -1, 0]);
  });
});

it('leaves out a bucket that gained nothing: there is no byte that says so', () => {
  const reader = written([
    {
      series: 3,
      sum: 10,
      buckets: [
        [7, 0],
        [40, 2],
        [41, 0],
        [60, 1],
      ],
    },
  ]);
  expect(reader.next()).toBe(true);
  const pile = new Pile();
  reader.readInto(pile);
  expect([pile.events, pile.lowest, pile.highest, pile.counts[40], pile.counts[60]]).toEqual([3, 40, 60, 2, 1]);
  expect(reader.next()).toBe(false);
});
