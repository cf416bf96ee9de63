/** A process that ends at any write it makes to its history file, in the middle of it, too. */
import { METRICS, type Metric } from '../../../../wire/metrics';
import { intern } from '../../../support/series';
import { Adder, tellEvents, type Event, type Sum } from '../events';
import { Folder, Recording, Replay, live, type Life } from './paper';

/** Ten whole minutes, so that every tier is aligned with it. */
const T0 = 1_790_000_400_000;
const STEPS = [1_000, 5_000, 15_000, 60_000, 600_000];
const METRIC = (kind: Metric['kind']) => METRICS.find((metric) => metric.kind === kind)!;

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

interface Plan {
  seconds: number;
  series: number;
  /** Seconds from one in which every series has something to the next. */
  crowdEvery: number;
}

/** Ids of the plan's series: those of the file, and other ones for those that it has not seen. */
function named({ table }: Life, series: number): number[] {
  const known = new Map([...table].map(({ id, target }) => [target.labels.cgroup, id]));
  return Array.from({ length: series }, (_, i) => {
    const kind = i % 3 === 0 ? 'histogram' : 'counter';
    return known.get(`/${i}`) ?? intern(table, METRIC(kind), { cgroup: `/${i}` }).id;
  });
}

/** What happens in a second, by the number of the series: mostly little, now and then more than a record holds. */
function eventsOf(second: number, plan: Plan): Event[] {
  const isCrowd = second % plan.crowdEvery === 7;
  const much = isCrowd ? 2 ** 33 : 0;
  return Array.from({ length: isCrowd ? plan.series : second % 5 }, (_, i): Event => {
    const series = isCrowd ? i : (second * 7 + i * 3) % plan.series;
    return series % 3 === 0
      ? { kind: 'histogram', series, sum: second + much, buckets: [[second % 40, 1 + (i % 3)]] }
      : { kind: 'counter', series, increase: second + i + much };
  });
}

/** Everything a history remembers, by the number of the series. */
function totals({ history, table }: Life, stepMs: number): string {
  const adder = new Adder();
  history.scan({ fromMs: -Infinity, toMs: Infinity, wanted: new Uint8Array(table.capacity).fill(1), stepMs }, adder);
  return textOf(
    Object.entries(adder.sums).map(([id, sum]) => [Number(table.get(Number(id))!.target.labels.cgroup!.slice(1)), sum])
  );
}

/** The same of a list of events. */
function totalsOf(events: readonly Event[]): string {
  const adder = new Adder();
  tellEvents(events, adder);
  return textOf(Object.entries(adder.sums).map(([series, sum]) => [Number(series), sum]));
}

function textOf(sums: Array<[number, Sum]>): string {
  return sums
    .sort(([a], [b]) => a - b)
    .map((entry) => JSON.stringify(entry))
    .join('\n');
}

function record(life: Life, ids: readonly number[], second: number, plan: Plan, told: Event[]): void {
  life.history.record(T0 + second * 1000, (into) => {
    for (const event of eventsOf(second, plan)) {
      tellEvents([{ ...event, series: ids[event.series] }], into);
      told.push(event);
    }
  });
}

it.each<[string, Plan]>([
  ['seconds that fit into a record, and some that do not', { seconds: 160, series: 170, crowdEvery: 29 }],
  ['a second that is larger than the tiers it is kept in', { seconds: 25, series: 2_700, crowdEvery: 100 }],
])('finds exactly what was kept, wherever it ended, and goes on from there: %s', (_, plan) => {
  const path = folder.file();
  const recording = new Recording();
  const first = live(path, { open: recording.open });
  const ids = named(first, plan.series);
  const replay = Replay.of(path);
  recording.writes.length = 0;
  /** What had been told when the finest tier had so many records. */
  const told: Event[] = [];
  const kept = [0];
  first.history.onCommit((sequence) => (kept[sequence] = told.length));
  for (let second = 1; second <= plan.seconds; second++) {
    record(first, ids, second, plan, told);
  }
  expect(first.file.status.state).toBe('writing');
  // The finest tier has begun to forget, and the last one has not: every event is somewhere.
  expect(first.history.starts()[0].startMs).toBeGreaterThan(T0 + 1_000);
  expect(totals(first, 1_000)).toBe(totalsOf(told));
  const { sequence: end } = first.history;

  let newest = 0;
  [...recording.writes, undefined].forEach((write, i) => {
    for (const length of [0, Math.ceil((write?.bytes.length ?? 0) / 2)]) {
      replay.put(path, write, length);
      const next = live(path);
      expect(next.said).toEqual([]);
      const { sequence } = next.history;
      expect(sequence).toBeGreaterThanOrEqual(newest);
      newest = sequence;
      const before = told.slice(0, kept[sequence]);
      const expected = totalsOf(before);
      STEPS.forEach((stepMs) => expect(totals(next, stepMs)).toBe(expected));
      // Now and then a second life, with an end and a third one.
      if (i % 37 === 0) {
        const nextIds = named(next, plan.series);
        for (let second = plan.seconds + 1; second < plan.seconds + 80; second++) {
          record(next, nextIds, second, plan, before);
        }
        expect(totals(next, 1_000)).toBe(totalsOf(before));
        expect(totals(live(path), 1_000)).toBe(totalsOf(before));
      }
    }
    if (write) {
      replay.apply(write);
    }
  });
  expect(newest).toBe(end);
});
