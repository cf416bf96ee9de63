/** What the addon reads of records, held against plain sums of what was written, and against bytes that are no record. */
import { EntryReader, MORE_COUNT, MORE_DISTANCE } from '../../../agent/history/entry';
import { GroupSums, UNWANTED } from '../../../agent/history/group-sums';
import { MAX_BODY_BYTES, RecordWriter } from '../../../agent/history/writer';
import { BUCKETS } from '../../../wire/histogram';
import fc from '../../support/properties';

const SERIES = 300;
const GROUPS = 7;

type Entry =
  | { kind: 'histogram'; series: number; sum: number; buckets: Array<[number, number]> }
  | { kind: 'counter'; series: number; increase: number }
  | { kind: 'gauge'; series: number; level: number };

const anyNumber = fc.oneof(
  fc.constantFrom(0, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32, 2 ** 40),
  fc.nat(1_000),
  fc.integer({ min: 0, max: 2 ** 45 })
);
const anyCount = fc.oneof(
  fc.constantFrom(MORE_COUNT, MORE_COUNT + 1, MORE_COUNT + 129),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 2 ** 40 })
);
const anyBuckets = fc
  .uniqueArray(fc.tuple(fc.nat(BUCKETS - 1), anyCount), {
    minLength: 1,
    maxLength: 3 * MORE_DISTANCE,
    selector: ([bucket]) => bucket,
  })
  .map((buckets) => buckets.sort(([a], [b]) => a - b));
const anySeries = fc.nat(SERIES + 20);
const anyEntry: fc.Arbitrary<Entry> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('histogram'), series: anySeries, sum: anyNumber, buckets: anyBuckets }),
  },
  fc.record({ kind: fc.constant('counter'), series: anySeries, increase: anyNumber }),
  fc.record({ kind: fc.constant('gauge'), series: anySeries, level: fc.oneof(anyNumber, fc.constant(-0.5)) })
);
const anyRecord = fc.uniqueArray(anyEntry, { maxLength: 12, selector: ({ series }) => series });
/** Several of them have one group. */
const CLASSES = 3 * GROUPS;
/** Every third series is not wanted, and those beyond `SERIES` are not even known. */
const classOf = Int32Array.from({ length: SERIES }, (_, series) => (series % 3 > 0 ? series % CLASSES : UNWANTED));
const isWanted = ({ series }: Entry) => (classOf[series] ?? UNWANTED) !== UNWANTED;

function written(entries: readonly Entry[]): EntryReader {
  const writer = new RecordWriter(64 * MAX_BODY_BYTES, () => {
    throw new Error('the writer is full');
  });
  for (const entry of entries) {
    if (entry.kind === 'histogram') {
      const buckets = Uint16Array.from(entry.buckets, ([bucket]) => bucket);
      const counts = Float64Array.from(entry.buckets, ([, count]) => count);
      writer.histogram(entry.series, entry.sum, buckets, counts, buckets.length);
    } else if (entry.kind === 'counter') {
      writer.counter(entry.series, entry.increase);
    } else {
      writer.levels(entry.series, entry.level, entry.level * 1_000);
    }
  }
  const BEFORE = 3;
  const bytes = new Uint8Array(BEFORE + writer.measure()).fill(0xff);
  writer.writeTo(bytes, BEFORE, () => {});
  return opened(bytes, BEFORE);
}

function opened(bytes: Uint8Array, offset: number): EntryReader {
  const reader = new EntryReader(bytes);
  reader.open(offset, 1_000);
  return reader;
}

/** The same sums, of plain arrays. */
class PlainSums {
  readonly groups: number[] = [];
  readonly events: number[] = [];
  readonly nanoseconds: number[] = [];
  readonly counts: number[][] = [];

  add(entries: readonly Entry[]): this {
    for (const entry of entries.filter(isWanted).sort((a, b) => a.series - b.series)) {
      if (entry.kind !== 'gauge') {
        const group = this.groupOf(entry.series);
        this.events[group] +=
          entry.kind === 'counter' ? entry.increase : total(entry.buckets.map(([, count]) => count));
        if (entry.kind === 'histogram') {
          this.nanoseconds[group] += entry.sum;
          entry.buckets.forEach(([bucket, count]) => (this.counts[group][bucket] += count));
        }
      }
    }
    return this;
  }

  /** Groups are numbered in the order in which they come. */
  groupOf(series: number): number {
    let group = this.groups.indexOf(series % GROUPS);
    if (group < 0) {
      group = this.groups.push(series % GROUPS) - 1;
      this.events.push(0);
      this.nanoseconds.push(0);
      this.counts.push(Array(BUCKETS).fill(0));
    }
    return group;
  }
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Sums whose groups are numbered as those of `PlainSums`. */
function sumsOf(buckets: boolean): GroupSums {
  const { groupOf } = PlainSums.prototype;
  const plain = new PlainSums();
  const asked = new Set<number>();
  return new GroupSums({
    classOf,
    classes: CLASSES,
    buckets,
    groupOf: (series) => {
      expect(asked.has(classOf[series])).toBe(false);
      asked.add(classOf[series]);
      return groupOf.call(plain, series);
    },
  });
}

function totalsOf(sums: GroupSums): number[][] {
  return Array.from({ length: sums.size }, (_, group) => [sums.events(group), sums.nanoseconds(group)]);
}

const noCounters = (records: Entry[][]) => records.map((entries) => entries.filter(({ kind }) => kind !== 'counter'));

describe('records that are added up by group', () => {
  it('have the totals of what was told, in as many groups as were told of', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 4 }), (records) => {
        const plain = new PlainSums();
        const sums = sumsOf(false);
        for (const entries of records) {
          plain.add(entries);
          sums.addRecord(written(entries));
        }
        expect(totalsOf(sums)).toEqual(plain.events.map((events, group) => [events, plain.nanoseconds[group]]));
      }),
      { numRuns: 300 }
    );
  });

  it('have the buckets of what was told, whether the addon was told or this', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 4 }).map(noCounters), (records) => {
        const plain = new PlainSums();
        const sums = sumsOf(true);
        records.forEach((entries, i) => {
          plain.add(entries);
          if (i % 2 === 0) {
            sums.addRecord(written(entries));
          } else {
            tellOneByOne(entries, sums);
          }
        });
        expect(totalsOf(sums)).toEqual(plain.events.map((events, group) => [events, plain.nanoseconds[group]]));
        plain.counts.forEach((counts, group) => {
          expect([...sums.counts(group)]).toEqual(counts);
          expect(sums.lowest(group)).toBe(counts.findIndex((count) => count > 0));
          expect(sums.highest(group)).toBe(BUCKETS - 1 - [...counts].reverse().findIndex((count) => count > 0));
        });
      }),
      { numRuns: 300 }
    );
  });

  it('have the quantiles of the events one by one, and nothing after that', () => {
    const quantiles = [0, 0.07, 0.5, 0.99, 1];
    const fewEvents = fc.array(
      fc.record({
        kind: fc.constant('histogram' as const),
        series: anySeries,
        sum: anyNumber,
        buckets: anyBuckets.map(few),
      }),
      { maxLength: 6 }
    );
    fc.assert(
      fc.property(fewEvents, (entries) => {
        const sums = sumsOf(true);
        const plain = new PlainSums();
        for (const entry of entries) {
          plain.add([entry]);
          sums.addRecord(written([entry]));
        }
        const expected = plain.counts.flatMap((counts) => {
          const events = counts.flatMap((count, bucket) => Array<number>(count).fill(bucket));
          return quantiles.map((quantile) => events[Math.max(1, Math.ceil(exact(quantile * events.length))) - 1]);
        });
        expect([...sums.takeQuantiles(Float64Array.from(quantiles))]).toEqual(expected);

        expect(totalsOf(sums)).toEqual(plain.groups.map(() => [0, 0]));
        plain.groups.forEach((_, group) => expect(total([...sums.counts(group)])).toBe(0));
        const nothing = expected.map(() => BUCKETS);
        expect([...sums.takeQuantiles(Float64Array.from(quantiles))]).toEqual(nothing);
        entries.forEach((entry) => sums.addRecord(written([entry])));
        expect([...sums.takeQuantiles(Float64Array.from(quantiles))]).toEqual(expected);
      }),
      { numRuns: 200 }
    );
  });

  it.each([true, false])('begin again when they are cleared, with buckets: %s', (buckets) => {
    const entries: Entry[] = [
      { kind: 'histogram', series: 1, sum: 5, buckets: [[3, 2]] },
      { kind: 'histogram', series: 5, sum: 7, buckets: [[9, 40]] },
    ];
    const sums = sumsOf(buckets);
    for (let i = 0; i < 3; i++) {
      sums.clear();
      sums.addRecord(written(entries));
      expect(totalsOf(sums)).toEqual([
        [2, 5],
        [40, 7],
      ]);
    }
    expect([sums.events(2), sums.size]).toEqual([0, 2]);
  });
});

describe('bytes that are no record', () => {
  const entries: Entry[] = [
    {
      kind: 'histogram',
      series: 1,
      sum: 2 ** 40,
      buckets: [
        [0, 1],
        [BUCKETS - 1, 2 ** 40],
      ],
    },
    { kind: 'counter', series: 200, increase: 2 ** 50 },
  ];

  it('are refused where they end too soon', () => {
    const { bytes, end } = written(entries);
    for (let length = end; length < bytes.length; length++) {
      // An entry of zeros is one, of a series that is not wanted; a body is not.
      const cut = opened(bytes.slice(0, length), 3);
      expect(() => {
        sumsOf(true).addRecord(cut);
        throw new RangeError(`Expected a record's entry, was read`);
      }).toThrow(/Expected a record's entry/);
    }
  });

  it('are refused where a bucket is beyond the last', () => {
    const { bytes } = written([{ kind: 'histogram', series: 1, sum: 1, buckets: [[BUCKETS - 1, 1]] }]);
    const more = bytes.slice();
    // The distance is the last byte.
    more[more.length - 1]++;
    expect(() => sumsOf(true).addRecord(opened(more, 3))).toThrow(RangeError);
    expect(() => sumsOf(false).addRecord(opened(more, 3))).not.toThrow();
  });

  it('end no process, whatever they are', () => {
    const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(anyBytes, fc.boolean(), (bytes, buckets) => {
        const sums = sumsOf(buckets);
        try {
          sums.addRecord(opened(bytes, 0));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 20_000 }
    );
  });
});

/** Told as the live source does, series by series. */
function tellOneByOne(entries: readonly Entry[], sums: GroupSums): void {
  for (const entry of entries.filter(isWanted).sort((a, b) => a.series - b.series)) {
    if (entry.kind === 'histogram') {
      const buckets = Uint16Array.from(entry.buckets, ([bucket]) => bucket);
      sums.addHistogram(
        entry.series,
        entry.sum,
        buckets,
        Float64Array.from(entry.buckets, ([, count]) => count),
        buckets.length
      );
    }
  }
}

/** So few events that they can be listed. */
function few(buckets: Array<[number, number]>): Array<[number, number]> {
  return buckets.map(([bucket, count]) => [bucket, 1 + (count % 40)]);
}

/** Without what binary fractions add: 0.07 × 100 is 7. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
