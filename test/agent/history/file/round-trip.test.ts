/** What is read back is what was there: whatever happened, under whatever clock, over however many lives. */
import { MIN_HISTORY_BYTES } from '../../../../agent/history/history';
import type { Labels, Target } from '../../../../agent/history/series';
import { BUCKETS } from '../../../../wire/histogram';
import { METRICS, type Metric } from '../../../../wire/metrics';
import { Adder, addUp, tellEvents, type Event, type Tick } from '../events';
import { Folder, live, told, type Life } from './paper';
import fc from '../../../support/properties';

/** Ten whole minutes, so that every tier is aligned with it. */
const T0 = 1_790_000_400_000;
const STEPS = [1_000, 5_000, 15_000, 60_000, 600_000];

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const metricOf = (kind: Metric['kind']) => METRICS.find((metric) => metric.kind === kind)!;
const KINDS: ReadonlyArray<Metric['kind']> = ['histogram', 'counter', 'gauge'];

/** Owners by number, as the agent keeps them: what the file remembers of one is the same one. */
class Owners {
  readonly #targets = new Map<number, Target>();

  constructor(private readonly life: Life) {}

  of(owner: number): Target {
    const cgroup = `/pod-${owner}`;
    const target = this.#targets.get(owner) ?? this.life.file.targetOf(cgroup) ?? { labels: { cgroup }, hidden: false };
    this.#targets.set(owner, target);
    return target;
  }

  series(owner: number, kind: Metric['kind'], own: Labels = {}): number {
    return this.life.table.intern(metricOf(kind), this.of(owner), own).id;
  }
}

const anyCount = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 40 }));
const anyEvent = fc.record({
  owner: fc.nat(40),
  kind: fc.constantFrom(...KINDS),
  status: fc.constantFrom('200', '503'),
  value: fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 0, max: 2 ** 43 })),
  buckets: fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: BUCKETS - 1 }), anyCount), {
    minLength: 1,
    maxLength: 6,
    selector: ([bucket]) => bucket,
  }),
});
/** Milliseconds from one tick to the next, as the wall clock shows them. */
const anyStep = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 950, max: 1_100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -7_200_000, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 86_400_000 }) }
);
const anyTick = fc.record({
  stepMs: anyStep,
  events: fc.uniqueArray(anyEvent, {
    maxLength: 12,
    selector: ({ owner, kind, status }) => `${owner} ${kind} ${status}`,
  }),
  /** An owner whose name comes late, and whether it is to be seen. */
  named: fc.option(fc.tuple(fc.nat(40), fc.string({ maxLength: 30, unit: 'binary' }), fc.boolean()), { freq: 5 }),
  /** The process ends after it, without a word. */
  ends: fc.integer({ min: 0, max: 30 }).map((n) => n === 0),
});

it('is the same to every scan, record by record and name by name', () => {
  fc.assert(
    fc.property(fc.array(anyTick, { minLength: 1, maxLength: 250 }), (ticks) => {
      const path = folder.file();
      folder.empty();
      let life = live(path);
      let owners = new Owners(life);
      let timeMs = T0;
      const happened: Tick[] = [];
      const reload = () => {
        const before = life;
        life = live(path);
        owners = new Owners(life);
        expect(life.said).toEqual([]);
        expect(life.history.sequence).toBe(before.history.sequence);
        expect(life.history.lineage).toBe(before.history.lineage);
        for (const stepMs of STEPS) {
          expect(told(life, { stepMs })).toEqual(told(before, { stepMs }));
        }
        const hidden = ({ table }: Life) =>
          [...table.remembered()].filter(({ target }) => target.hidden).map(({ id, target }) => [id, target.labels]);
        expect(hidden(life)).toEqual(hidden(before));
        expect(life.history.startMs).toBe(before.history.startMs);
      };
      for (const { stepMs, events, named, ends } of ticks) {
        const isFirst = life.history.lastTimeMs === null;
        timeMs += stepMs;
        if (named) {
          const [owner, pod, hidden] = named;
          const target = owners.of(owner);
          Object.assign(target, { labels: { ...target.labels, pod }, hidden });
        }
        const ordinal = owners.series(99, 'counter');
        const list: Event[] = events.map(({ owner, kind, status, value, buckets }): Event => {
          const series = owners.series(owner, kind, kind === 'gauge' ? {} : { status });
          switch (kind) {
            case 'histogram':
              return { kind, series, sum: value, buckets };
            case 'counter':
              return { kind, series, increase: value };
            default:
              return { kind, series, value };
          }
        });
        const all: Event[] = [...list, { kind: 'counter', series: ordinal, increase: 1 }];
        life.history.record(timeMs, (into) => tellEvents(all, into));
        all.forEach(({ series }) => life.table.release(series));
        happened.push({ toMs: timeMs, coveredMs: isFirst || stepMs < 0 ? 1_000 : stepMs, events: all });
        if (ends) {
          // Names that came after the record are written with the next tick.
          life.history.file!.beforeTick(timeMs);
          reload();
        }
      }
      life.history.file!.beforeTick(timeMs);
      reload();
      const sums = new Adder();
      const wanted = new Uint8Array(life.table.capacity).fill(1);
      life.history.scan({ fromMs: -Infinity, toMs: Infinity, wanted }, sums);
      const remembered = happened.slice(-(sums.sums[owners.series(99, 'counter')]?.increase ?? 0));
      expect(sums.sums).toEqual(addUp(remembered).sums);
      expect(sums.coveredMs).toBe(addUp(remembered).coveredMs);
    }),
    {
      numRuns: 60,
      // An agent that starts again within the second that the newest record is about.
      examples: [[[950, 0, 950].map((stepMs) => ({ stepMs, events: [], named: null, ends: true }))]],
    }
  );
});

it.each([
  [MIN_HISTORY_BYTES, 4 * MIN_HISTORY_BYTES],
  [8 * MIN_HISTORY_BYTES, MIN_HISTORY_BYTES],
])('keeps what fits when %i bytes of history become %i', (before, after) => {
  const path = folder.file();
  const first = live(path, { bytes: before });
  const SECONDS = 2_000;
  const tellOf = (life: Life) => {
    const owners = new Owners(life);
    const ids = Array.from({ length: 40 }, (_, i) => owners.series(i, 'counter'));
    return (second: number) =>
      life.history.record(T0 + second * 1000, (into) => ids.forEach((id, i) => into.counter(id, 1 + i * 1_000)));
  };
  const tell = tellOf(first);
  for (let second = 1; second <= SECONDS; second++) {
    tell(second);
  }
  const next = live(path, { bytes: after });
  expect(next.said).toEqual([]);
  expect(next.history.lineage).toBe(first.history.lineage);
  expect(next.history.sequence).toBe(SECONDS);
  const [was, is] = [told(first), told(next)];
  expect(is.slice(-20)).toEqual(was.slice(-20));
  if (after > before) {
    expect(is).toEqual(was);
  }
  const tellNext = tellOf(next);
  for (let second = SECONDS + 1; second <= SECONDS + 500; second++) {
    tellNext(second);
  }
  const last = live(path, { bytes: after });
  expect(told(last)).toEqual(told(next));
  // Every record stands for seconds in which series i told 1 + 1000 i each: nothing is there twice or in part.
  for (const [, coveredMs, ...events] of told(last)) {
    expect(events).toHaveLength(40);
    events.forEach((event) => expect((Number(event.split(' ').pop()) - coveredMs / 1000) % 1_000).toBe(0));
  }
});
