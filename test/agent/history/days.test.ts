/** A day of ticks in seconds and two months of them: what the history forgets, it forgets altogether, and what it keeps is all there. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { History } from '../../../agent/history/history';
import type { HistoryListener } from '../../../agent/history/scanner';
import { SeriesTable, type Series } from '../../../agent/history/series';
import { METRICS, type Metric } from '../../../wire/metrics';

/** Ten whole minutes, so that every tier is aligned with it. */
const T0 = 1_790_000_400_000;
const MIB = 1024 * 1024;
const [MINUTE, HOUR, DAY] = [60, 3_600, 86_400];
/** Of each tier, the length of a record and the time that the most records it has are about. */
const REACH_SECONDS: ReadonlyArray<readonly [step: number, reach: number]> = [
  [1, 2 * HOUR],
  [5, 6 * HOUR],
  [15, DAY],
  [60, 14 * DAY],
  [600, 60 * DAY],
];

const metricOf = (kind: Metric['kind']) => METRICS.find((metric) => metric.kind === kind)!;
const KINDS = ['histogram', 'counter', 'gauge'] as const;

jest.setTimeout(180_000);

/** Pods that come and go, and tell something of each kind now and then; what they tell is added up beside the history. */
class Days {
  readonly table = new SeriesTable();
  readonly history: History;
  readonly #pods: Series[][] = [];
  readonly #bucket = new Uint16Array(1);
  readonly #count = new Float64Array(1);
  /** Of each second, from the first on; what a longer tick told is with its first one. */
  readonly events: Float64Array;
  readonly increases: Float64Array;
  /** Series there ever were. */
  made = 0;
  seconds = 0;

  constructor(
    private readonly options: {
      seconds: number;
      pods: number;
      eventsPerTick: number;
      replaceEverySeconds: number;
      bytes?: number;
    }
  ) {
    this.events = new Float64Array(options.seconds);
    this.increases = new Float64Array(options.seconds);
    this.history = new History({ series: this.table, bytes: options.bytes });
    this.history.begin(T0);
    while (this.#pods.length < options.pods) {
      this.#start(this.#pods.length);
    }
  }

  get alive(): number {
    return this.#pods.length * KINDS.length;
  }

  get nowMs(): number {
    return T0 + this.seconds * 1000;
  }

  /** @param tickSeconds from one tick to the next */
  run(seconds: number, tickSeconds = 1): void {
    const { pods, eventsPerTick, replaceEverySeconds } = this.options;
    for (const end = this.seconds + seconds; this.seconds < end;) {
      const first = this.seconds;
      const tick = first / tickSeconds;
      this.seconds += tickSeconds;
      if (this.seconds % replaceEverySeconds === 0) {
        const pod = (this.seconds / replaceEverySeconds) % pods;
        this.#pods[pod].forEach(({ id }) => this.table.release(id));
        this.#start(pod);
      }
      this.history.record(this.nowMs, (into) => {
        for (let i = 0; i < eventsPerTick; i++) {
          const [histogram, counter, gauge] = this.#pods[(tick + i * 7) % pods];
          this.#bucket[0] = 40 + ((tick + i) % 8);
          this.#count[0] = 1 + (tick % 5);
          into.histogram(histogram.id, 1_000 * this.#count[0], this.#bucket, this.#count, 1);
          into.counter(counter.id, 2 + i);
          into.gauge(gauge.id, 1 + (tick % 3));
          this.events[first] += this.#count[0];
          this.increases[first] += 2 + i;
        }
      });
    }
  }

  /** So much time in which nothing is told; a tick a minute, as of a machine that sleeps. */
  rest(minutes: number): void {
    for (let minute = 0; minute < minutes; minute++) {
      this.seconds += MINUTE;
      this.history.record(this.nowMs, () => {});
    }
  }

  end(): void {
    this.#pods.splice(0).forEach((series) => series.forEach(({ id }) => this.table.release(id)));
  }

  /** What the history tells of everything that it still knows. */
  remembered(): { events: number; increases: number } {
    const sums = { events: 0, increases: 0 };
    const listener: HistoryListener = {
      at: () => {},
      histogram(_series, _sum, _buckets, counts, length) {
        for (let i = 0; i < length; i++) {
          sums.events += counts[i];
        }
      },
      counter: (_series, increase) => (sums.increases += increase),
      gauge: () => {},
    };
    const wanted = new Uint8Array(this.table.capacity).fill(1);
    this.history.scan({ fromMs: -Infinity, toMs: Infinity, wanted }, listener);
    return sums;
  }

  /** What it was told since an instant. */
  toldSince(startMs: number): { events: number; increases: number } {
    const sums = { events: 0, increases: 0 };
    // Up to now: what comes later is 0, and much.
    for (let second = Math.round((startMs - T0) / 1000); second < this.seconds; second++) {
      sums.events += this.events[second];
      sums.increases += this.increases[second];
    }
    return sums;
  }

  /** Of each tier, how far it goes back. */
  reachSeconds(): number[] {
    return this.history.starts().map(({ startMs }) => (this.nowMs - (startMs ?? this.nowMs)) / 1000);
  }

  #start(at: number): void {
    const target = { labels: { pod: `pod-${this.made}` }, hidden: false };
    this.#pods[at] = KINDS.map((kind) => this.table.intern(metricOf(kind), target));
    this.made += KINDS.length;
  }
}

/** What is in use when garbage has been collected. */
function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Runs for so long, and looks at everything that must not grow every so often. */
function watch(days: Days, seconds: number, everySeconds: number, tickSeconds = 1) {
  const seen: Array<{ bytes: number; size: number; capacity: number; starts: Array<number | null> }> = [];
  for (let passed = 0; passed < seconds; passed += everySeconds) {
    days.run(everySeconds, tickSeconds);
    const { size, capacity } = days.table;
    seen.push({ bytes: bytesInUse(), size, capacity, starts: days.history.starts().map(({ startMs }) => startMs) });
    const { startMs } = days.history;
    expect(days.remembered()).toEqual(days.toldSince(startMs!));
    days.reachSeconds().forEach((goesBack, tier) => {
      const [step, reach] = REACH_SECONDS[tier];
      // No record is shorter than a tick; and there is the one that is being put together.
      const record = Math.max(step, tickSeconds);
      expect(goesBack).toBeLessThanOrEqual((reach / step) * record + record);
    });
  }
  return seen;
}

test('a day with another pod every four seconds: bytes, series and ids stay, the start moves on, every sum is right', () => {
  const days = new Days({ seconds: DAY, pods: 60, eventsPerTick: 6, replaceEverySeconds: 4, bytes: 2 * MIB });
  const seen = watch(days, DAY, HOUR);
  expect(days.made).toBeGreaterThan(64_000);

  // Once everything is full, after the first third of the day, nothing gets more.
  const [third, last] = [seen[Math.floor(seen.length / 3)], seen[seen.length - 1]];
  expect(last.capacity).toBeLessThanOrEqual(third.capacity * 1.05);
  expect(last.size).toBeLessThanOrEqual(third.size * 1.05);
  expect(last.size).toBeLessThan(days.made / 2);
  expect(last.bytes - third.bytes).toBeLessThan(1_000_000);

  // The history forgets: the start of each tier moves on, and never comes back.
  for (const tier of REACH_SECONDS.keys()) {
    const starts = seen.map((each) => each.starts[tier]!);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts[starts.length - 1]).toBeGreaterThan(starts[0]);
  }

  // What is remembered of the dead goes with the records that named them.
  days.rest((61 * DAY) / MINUTE);
  expect(days.remembered()).toEqual({ events: 0, increases: 0 });
  expect(days.table.size).toBe(days.alive);
  days.end();
  expect(days.table.size).toBe(0);
});

test('sixty days of a quiet node are remembered to the end, and not longer', () => {
  const pods = { pods: 4, eventsPerTick: 1, replaceEverySeconds: 2 * HOUR };
  const days = new Days({ ...pods, seconds: 62 * DAY, bytes: 16 * MIB });
  // Two months of seconds take minutes: most of the time a tick is 5 s, and in the end every tier is full of seconds.
  const seen = [...watch(days, 48 * DAY, DAY, 5), ...watch(days, 14 * DAY, DAY)];
  const [, , quarters, minutes, tens] = days.reachSeconds();
  expect(quarters).toBeGreaterThan(23 * HOUR);
  expect(minutes).toBeGreaterThan(13 * DAY);
  expect(tens).toBeGreaterThan(59 * DAY);
  expect(seen[61].bytes - seen[20].bytes).toBeLessThan(1_000_000);
  days.rest((61 * DAY) / MINUTE);
  expect(days.table.size).toBe(days.alive);
});
