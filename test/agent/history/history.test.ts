import { History, MIN_HISTORY_BYTES } from '../../../agent/history/history';
import { SeriesTable } from '../../../agent/history/series';
import { BUCKETS } from '../../../wire/histogram';
import { METRICS, type Metric } from '../../../wire/metrics';
import { intern } from '../../support/series';
import { Adder, addUp, tellEvents, type Event, type Tick } from './events';
import fc from '../../support/properties';

/** Ten whole minutes, so that every tier is aligned with it. */
const T0 = 1_790_000_400_000;
/** The tiers' lengths. */
const STEPS = [1_000, 5_000, 15_000, 60_000, 600_000];

const metricOf = (kind: Metric['kind']) => METRICS.find((metric) => metric.kind === kind)!;

/** Series 0 to 3 are histograms, 4 to 7 counters, 8 and 9 gauges. */
function tenSeries(): SeriesTable {
  const table = new SeriesTable();
  const kinds = [
    'histogram',
    'histogram',
    'histogram',
    'histogram',
    'counter',
    'counter',
    'counter',
    'counter',
    'gauge',
    'gauge',
  ];
  kinds.forEach((kind, i) => intern(table, metricOf(kind as Metric['kind']), { cgroup: `/${i}` }));
  return table;
}

const all = (table: SeriesTable) => new Uint8Array(table.capacity).fill(1);

function scanAll(
  history: History,
  table: SeriesTable,
  range: { fromMs?: number; toMs?: number; stepMs?: number } = {}
): Adder {
  const adder = new Adder();
  history.scan({ fromMs: -Infinity, toMs: Infinity, wanted: all(table), ...range }, adder);
  return adder;
}

const anyCount = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 40 }));
const anyHistogram = fc.record({
  kind: fc.constant('histogram' as const),
  series: fc.integer({ min: 0, max: 3 }),
  sum: fc.oneof(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 2 ** 43 })),
  buckets: fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: BUCKETS - 1 }), anyCount), {
    minLength: 1,
    maxLength: 12,
    selector: ([bucket]) => bucket,
  }),
});
const anyCounter = fc.record({
  kind: fc.constant('counter' as const),
  series: fc.integer({ min: 4, max: 7 }),
  increase: fc.integer({ min: 1, max: 2 ** 43 }),
});
const anyGauge = fc.record({
  kind: fc.constant('gauge' as const),
  series: fc.integer({ min: 8, max: 9 }),
  // Dyadic, so that sums of them are exact whatever the order.
  value: fc.oneof(
    fc.integer({ min: 0, max: 10_000 }),
    fc.integer({ min: -4000, max: 4000 }).map((n) => n / 4)
  ),
});
const anyEvents = fc.uniqueArray(fc.oneof(anyHistogram, anyCounter, anyGauge), {
  maxLength: 8,
  selector: ({ series }) => series,
});

describe('a history of one tick a second', () => {
  /** A past that is repeated until most tiers have had to drop something. Arrays as long as that are made only if asked. */
  const anyTicks = fc
    .tuple(fc.array(anyEvents, { minLength: 1, maxLength: 400, size: 'max' }), fc.integer({ min: 1, max: 5 }))
    .map(([past, times]) => Array.from({ length: past.length * times }, (_, i) => past[i % past.length]));

  function recordAll(events: readonly Event[][], bytes = MIN_HISTORY_BYTES) {
    const table = tenSeries();
    const history = new History({ series: table, bytes });
    const ticks = events.map((told, i): Tick => ({ toMs: T0 + (i + 1) * 1000, coveredMs: 1000, events: told }));
    for (const { toMs, events: told } of ticks) {
      history.record(toMs, (into) => tellEvents(told, into));
    }
    return { table, history, ticks };
  }

  /** @returns how many steps there were to look at */
  function expectSteps(events: readonly Event[][], stepMs: number): number {
    const { history, table, ticks } = recordAll(events);
    const startMs = history.startMs ?? T0;
    // What is known in tens of minutes only cannot be told in seconds.
    const firstStepMs = Math.ceil(startMs / 600_000) * 600_000;
    const endMs = ticks[ticks.length - 1].toMs;
    let steps = 0;
    for (let fromMs = firstStepMs; fromMs < endMs; fromMs += stepMs) {
      const step = { fromMs, toMs: fromMs + stepMs, stepMs };
      if (stepMs % history.resolutionMs(fromMs) > 0) {
        continue;
      }
      const expected = addUp(ticks.filter(({ toMs }) => toMs > step.fromMs && toMs <= step.toMs));
      const told = scanAll(history, table, step);
      expect(told.sums).toEqual(expected.sums);
      expect(told.coveredMs).toBe(expected.coveredMs);
      steps++;
    }
    return steps;
  }

  it('adds up to what it was told, over all tiers and whatever has been dropped', () => {
    fc.assert(
      fc.property(anyTicks, (events) => {
        const { history, table, ticks } = recordAll(events);
        const told = scanAll(history, table);
        const remembered = ticks.slice(-told.coveredMs / 1000);
        expect(history.startMs).toBe(remembered[0].toMs - 1000);
        expect(told.sums).toEqual(addUp(remembered).sums);
      }),
      { numRuns: 60 }
    );
  });

  it.each([...STEPS, 10_000, 35_000, 90_000, 120_000, 900_000])(
    'tells steps of %i ms as they were, from the coarsest tier that can',
    (stepMs) => {
      fc.assert(
        fc.property(anyTicks, (events) => {
          expectSteps(events, stepMs);
        }),
        { numRuns: 15 }
      );
    }
  );

  it('leaves out the oldest record when a part of it is gone', () => {
    // Counts as large as these make a record of ten minutes that is kept in parts, and three of them fill the tier.
    const events = Array.from({ length: 4_000 }, (_, i): Event[] =>
      [0, 1].map((series) => ({
        kind: 'histogram',
        series,
        sum: i,
        buckets: Array.from({ length: 40 }, (__, b) => [(i * 7 + b * 5) % BUCKETS, 2 ** 36 + i]),
      }))
    );
    expect(expectSteps(events, 600_000)).toBeGreaterThan(0);
  });

  it.each([
    // Up to the next 5 s, 15 s, minute and ten minutes, and down again.
    ['an hour as one step that begins and ends anywhere', T0 + 7_000, 3_417_000, 1, 3 + 1 + 3 + 9 + 4 + 7 + 4],
    ['steps that are as long as a record', T0, 15_000, 40, 40],
    ['steps that are two records', T0, 10_000, 40, 40 * 2],
    // In every minute: 12 s are 5 + 5 + 2 × 1, then 3 × 1 + 5 + 4 × 1, then 1 + 5 + 5 + 1, and the same backwards.
    ['steps that no coarser record divides', T0, 12_000, 40, 8 * (4 + 8 + 4 + 8 + 4)],
    // In every minute: 20 s are 15 + 5, then 4 × 5, then 5 + 15.
    ['steps that only the next coarser record divides', T0, 20_000, 39, 13 * (2 + 4 + 2)],
    // 2 × 5, 3 × 15, 5.
    ['steps that coarser records divide, and that begin elsewhere', T0 + 5_000, 60_000, 20, 20 * (2 + 3 + 1)],
    // 3 × 1, 5, 3 × 15, 5, 2 × 1.
    ['steps that coarser records divide, and that begin anywhere', T0 + 7_000, 60_000, 20, 20 * (3 + 1 + 3 + 1 + 2)],
  ])('tells %s from whole coarser records', (_, startMs, stepMs, steps, mostRecords) => {
    const table = tenSeries();
    // Enough for the seconds of all of it.
    const history = new History({ series: table, bytes: 8 * 1024 * 1024 });
    for (let second = 1; second <= 3_700; second++) {
      history.record(T0 + second * 1_000, (into) => into.counter(4, second));
    }
    const sums = new Array<number>(steps).fill(0);
    let records = 0;
    let step = 0;
    history.scan(
      { fromMs: startMs, toMs: startMs + steps * stepMs, wanted: all(table), startMs, stepMs },
      {
        at: (toMs) => {
          records++;
          step = Math.ceil((toMs - startMs) / stepMs) - 1;
        },
        counter: (_series, increase) => (sums[step] += increase),
        histogram: () => {},
        gauge: () => {},
      }
    );
    const expected = sums.map((_sum, i) => {
      const [first, last] = [0, stepMs].map((ms) => (startMs - T0 + i * stepMs + ms) / 1_000);
      return (last * (last + 1) - first * (first + 1)) / 2;
    });
    expect(sums).toEqual(expected);
    expect(records).toBeLessThanOrEqual(mostRecords);
  });

  it('answers for each instant from one tier only, wherever a range is cut in two', () => {
    const events = Array.from({ length: 6_000 }, (_, i): Event[] => [
      { kind: 'counter', series: 4 + (i % 4), increase: i + 1 },
      {
        kind: 'histogram',
        series: i % 4,
        sum: i,
        buckets: Array.from({ length: 12 }, (__, b) => [(i + b * 7) % BUCKETS, 1]),
      },
    ]);
    const { history, table } = recordAll(events);
    // The test is about boundaries, so there must be some: all tiers are in use.
    const starts = history.starts().map(({ startMs }) => startMs ?? NaN);
    expect(starts).toHaveLength(STEPS.length);
    for (let tier = 1; tier < starts.length; tier++) {
      expect(starts[tier]).toBeLessThan(starts[tier - 1]);
    }
    const whole = scanAll(history, table);
    for (const [tier, startMs] of starts.entries()) {
      // Through a whole record of the next coarser tier and a little more.
      const aroundMs = (STEPS[tier + 1] ?? STEPS[tier]) + 10_000;
      const everyMs = Math.max(1_000, STEPS[tier] / 60);
      for (let cutMs = Math.floor(startMs / 1000) * 1000 - aroundMs; cutMs < startMs + aroundMs; cutMs += everyMs) {
        const both = new Adder();
        const wanted = all(table);
        history.scan({ fromMs: -Infinity, toMs: cutMs, wanted }, both);
        history.scan({ fromMs: cutMs, toMs: Infinity, wanted }, both);
        expect(both.coveredMs).toBe(whole.coveredMs);
        expect(both.sums).toEqual(whole.sums);
      }
    }
  });

  it('tells only the series that are wanted', () => {
    const { history } = recordAll([
      [
        { kind: 'counter', series: 4, increase: 23 },
        { kind: 'counter', series: 6, increase: 5 },
      ],
    ]);
    const told = new Adder();
    history.scan({ fromMs: -Infinity, toMs: Infinity, wanted: Uint8Array.of(0, 0, 0, 0, 0, 0, 1) }, told);
    expect(told.sums).toEqual({ 6: { increase: 5 } });
  });
});

describe('a clock that does not behave', () => {
  /** Milliseconds from one tick to the next, as the wall clock shows them. */
  const anyStep = fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 950, max: 1100 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: -7_200_000, max: -1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 86_400_000 }) }
  );

  it('loses nothing and doubles nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStep, anyEvents), { minLength: 1, maxLength: 300, size: 'max' }), (steps) => {
        const table = tenSeries();
        const ordinal = intern(table, metricOf('counter'), { cgroup: '/ticks' }).id;
        const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
        const ticks: Tick[] = [];
        let timeMs = T0;
        for (const [stepMs, events] of steps) {
          timeMs += stepMs;
          const told: Event[] = [...events, { kind: 'counter', series: ordinal, increase: 1 }];
          const coveredMs = ticks.length === 0 || stepMs < 0 ? 1000 : stepMs;
          ticks.push({ toMs: timeMs, coveredMs, events: told });
          history.record(timeMs, (into) => tellEvents(told, into));
        }
        for (const stepMs of STEPS) {
          const told = scanAll(history, table, { stepMs });
          const remembered = ticks.slice(-(told.sums[ordinal].increase ?? 0));
          expect(told.sums).toEqual(addUp(remembered).sums);
          expect(told.coveredMs).toBe(addUp(remembered).coveredMs);
        }
      }),
      { numRuns: 100 }
    );
  });

  it('keeps what is known in order, and ends it at the clock of now', () => {
    const table = tenSeries();
    const history = new History({ series: table });
    const tick = (timeMs: number, increase: number) => history.record(timeMs, (into) => into.counter(4, increase));
    tick(T0 + 1_000, 2);
    tick(T0 + 2_000, 3);
    tick(T0 - 3_600_000, 5);
    tick(T0 - 3_599_000, 7);
    const told: number[][] = [];
    history.scan(
      { fromMs: -Infinity, toMs: Infinity, wanted: all(table) },
      {
        at: (toMs) => told.push([toMs - T0]),
        counter: (_series, increase) => told[told.length - 1].push(increase),
        histogram: () => {},
        gauge: () => {},
      }
    );
    expect(told).toEqual([
      [-3_602_000, 2],
      [-3_601_000, 3],
      [-3_600_000, 5],
      [-3_599_000, 7],
    ]);
  });

  it('credits a late tick with the time it covers', () => {
    const table = tenSeries();
    const history = new History({ series: table });
    history.begin(T0);
    for (const ms of [1_000, 2_004, 7_498, 8_000]) {
      history.record(T0 + ms, () => {});
    }
    const told: number[][] = [];
    const ignore = () => {};
    history.scan(
      { fromMs: -Infinity, toMs: Infinity, wanted: all(table) },
      { at: (toMs, coveredMs) => told.push([toMs - T0, coveredMs]), counter: ignore, histogram: ignore, gauge: ignore }
    );
    expect(told).toEqual([
      [1_000, 1_000],
      [2_000, 1_004],
      [7_000, 5_494],
      [8_000, 502],
    ]);
  });

  it('keeps what a tick told before it failed', () => {
    const table = tenSeries();
    const history = new History({ series: table });
    const failing = () =>
      history.record(T0, (into) => {
        into.counter(4, 23);
        throw new Error('the kernel went away');
      });
    expect(failing).toThrow('the kernel went away');
    history.record(T0 + 1000, (into) => into.counter(4, 2));
    expect(scanAll(history, table).sums).toEqual({ 4: { increase: 25 } });
  });
});

describe('a fixed number of bytes', () => {
  it('is all there ever is, over a week of ticks', () => {
    const table = tenSeries();
    const bytes = 1024 * 1024;
    const history = new History({ series: table, bytes });
    const before = history.starts();
    const allocated = process.memoryUsage().arrayBuffers;
    const buckets = Uint16Array.of(60, 61, 75);
    const counts = Float64Array.of(3, 2, 1);
    const WEEK_SECONDS = 7 * 86_400;
    for (let second = 1; second <= WEEK_SECONDS; second++) {
      history.record(T0 + second * 1000, (into) => {
        into.counter(4, 1);
        if (second % 3 === 0) {
          into.histogram(second & 3, 1_234_567, buckets, counts, 3);
        }
      });
    }
    const after = history.starts();
    expect(after.map((tier) => tier.bytes)).toEqual(before.map((tier) => tier.bytes));
    expect(after.reduce((sum, tier) => sum + tier.bytes, 0)).toBeLessThanOrEqual(bytes);
    after.forEach((tier) => expect(tier.usedBytes).toBeLessThanOrEqual(tier.bytes));
    expect(process.memoryUsage().arrayBuffers - allocated).toBeLessThan(bytes / 4);
    // Seconds for a quarter of an hour, tens of minutes for days: the oldest goes first, in each tier by itself.
    const reaches = after.map(({ startMs }) => (T0 + WEEK_SECONDS * 1000 - (startMs ?? 0)) / 3_600_000);
    expect(reaches).toHaveLength(STEPS.length);
    expect(reaches[0]).toBeGreaterThan(0.24);
    for (let tier = 1; tier < reaches.length; tier++) {
      expect(reaches[tier]).toBeGreaterThan(3 * reaches[tier - 1]);
    }
    const told = scanAll(history, table);
    expect(told.sums[4].increase).toBe(told.coveredMs / 1000);
  });

  it('keeps a tick that is larger than the space to write it in, in parts', () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 700 }, (_, i) => intern(table, metricOf('gauge'), { cgroup: `/${i}` }).id);
    const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
    const tick = (second: number) =>
      history.record(T0 + second * 1000, (into) => ids.forEach((id) => into.gauge(id, id + second)));
    const SECONDS = 5;
    for (let second = 1; second <= SECONDS; second++) {
      tick(second);
    }
    const told = scanAll(history, table);
    expect(told.coveredMs).toBe(SECONDS * 1000);
    for (const id of ids) {
      expect(told.sums[id]).toEqual({ last: id + SECONDS, levelMilliseconds: (id * 5 + 15) * 1000 });
    }
  });

  it('drops the oldest of what is larger than everything, and says where it starts', () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 9_000 }, (_, i) => intern(table, metricOf('counter'), { cgroup: `/${i}` }).id);
    const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
    // Of each series the last ticks may be left: these are the sums that can be.
    const suffixes = new Set([0]);
    const SECONDS = 137;
    for (let second = SECONDS; second >= 1; second--) {
      suffixes.add(Math.max(...suffixes) + 1_000_000 + second);
    }
    for (let second = 1; second <= SECONDS; second++) {
      // From 100 series to 9,000 and back: long records between short ones.
      const told = ids.slice(0, second % 13 === 0 ? 9_000 : 100);
      history.record(T0 + second * 1000, (into) => told.forEach((id) => into.counter(id, 1_000_000 + second)));
    }
    expect(history.startMs).toBeGreaterThan(T0);
    for (const stepMs of STEPS) {
      const { sums } = scanAll(history, table, { stepMs });
      const often = ids.slice(0, 100).map((id) => sums[id]?.increase ?? 0);
      expect(often.filter((sum) => !suffixes.has(sum))).toEqual([]);
      expect(Math.max(...often)).toBeGreaterThan(0);
    }
    history.starts().forEach((tier) => expect(tier.usedBytes).toBeLessThanOrEqual(tier.bytes));
  });

  it('forgets each series from its oldest event on, and doubles none, however much is told at once', () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 4_000 }, (_, i) => intern(table, metricOf('counter'), { cgroup: `/${i}` }).id);
    const anyCrowd = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
      { weight: 1, arbitrary: fc.integer({ min: 50, max: 4_000 }) }
    );
    fc.assert(
      fc.property(fc.array(anyCrowd, { minLength: 1, maxLength: 150, size: 'max' }), (crowds) => {
        const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
        crowds.forEach((crowd, i) =>
          history.record(T0 + i * 1000, (into) => ids.slice(0, crowd).forEach((id) => into.counter(id, 1_000_000 + i)))
        );
        for (const stepMs of STEPS) {
          const { sums } = scanAll(history, table, { stepMs });
          ids.forEach((id, place) => {
            let left = sums[id]?.increase ?? 0;
            for (let i = crowds.length - 1; i >= 0 && left > 0; i--) {
              left -= crowds[i] > place ? 1_000_000 + i : 0;
            }
            if (left !== 0) {
              throw new Error(`series ${place} has ${left} that was not told`);
            }
          });
        }
      }),
      { numRuns: 25 }
    );
  });

  it.each([MIN_HISTORY_BYTES - 1, 0, -1, NaN, Infinity, 200_000.5])('refuses a budget of %p bytes', (bytes) => {
    expect(() => new History({ series: new SeriesTable(), bytes })).toThrow(RangeError);
  });
});

describe('ids of series', () => {
  it('are used again, but never while a record names the series', () => {
    const table = new SeriesTable();
    const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
    const metric = metricOf('counter');
    const SERIES = 60_000;
    let largest = 0;
    for (let number = 1; number <= SERIES; number++) {
      // Each lives for one tick, and its count is its name.
      const { id } = intern(table, metric, { cgroup: String(number) });
      history.record(T0 + number * 1000, (into) => into.counter(id, number));
      table.release(id);
      largest = Math.max(largest, table.size);
      if (number % 7_919 === 0) {
        history.scan(
          { fromMs: -Infinity, toMs: Infinity, wanted: all(table) },
          {
            at: () => {},
            counter: (series, increase) => expect(table.get(series)?.target.labels.cgroup).toBe(String(increase)),
            histogram: () => {},
            gauge: () => {},
          }
        );
      }
    }
    expect(largest).toBeLessThan(SERIES / 2);
    expect(table.capacity).toBeLessThan(SERIES / 2);
  });

  it('stay with a series that is measured, however long it is silent', () => {
    const table = new SeriesTable();
    const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
    const quiet = intern(table, metricOf('counter'), { cgroup: '/quiet' });
    history.record(T0, (into) => into.counter(quiet.id, 1));
    for (let second = 1; second < 40_000; second++) {
      const { id } = intern(table, metricOf('counter'), { cgroup: `/${second}` });
      history.record(T0 + second * 1000, (into) => into.counter(id, 1));
      table.release(id);
    }
    expect(table.get(quiet.id)).toEqual(quiet);
    expect(intern(table, metricOf('counter'), { cgroup: '/quiet' })).toEqual(quiet);
  });
});

describe('what it says of each record that is kept', () => {
  it('is its number and its time, once a tick', () => {
    const history = new History({ series: tenSeries() });
    const heard: number[][] = [];
    history.onCommit((sequence, timeMs) => heard.push([sequence, timeMs - T0]));
    expect(history.sequence).toBe(0);
    history.record(T0 + 1_003, (into) => {
      into.counter(4, 1);
      expect(heard).toEqual([]);
    });
    history.record(T0 + 2_001, () => {});
    expect(heard).toEqual([
      [1, 1_003],
      [2, 2_001],
    ]);
    expect(history.sequence).toBe(2);
    expect(history.lineage).toBeUndefined();
  });

  it('comes for each part of a long one, when what was told before is in it and what is told now is not', () => {
    const table = new SeriesTable();
    const ids = Array.from({ length: 700 }, (_, i) => intern(table, metricOf('counter'), { cgroup: `/${i}` }).id);
    const history = new History({ series: table, bytes: MIN_HISTORY_BYTES });
    let told = 0;
    let parts = 0;
    history.onCommit((sequence) => {
      parts++;
      expect(sequence).toBe(parts);
      expect(Object.keys(scanAll(history, table).sums)).toHaveLength(told);
    });
    history.record(T0 + 1_000, (into) => {
      for (const id of ids) {
        into.counter(id, 1);
        told++;
      }
    });
    expect(parts).toBeGreaterThan(2);
    expect(told).toBe(ids.length);
  });
});
