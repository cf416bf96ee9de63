/** Two months in seconds, with a new process every day: the past is as long as it would be in one life. */
import { METRICS } from '../../../../wire/metrics';
import { Adder } from '../events';
import { Folder, endAll, live, type Life } from './paper';

/** Ten whole minutes, so that every tier is aligned with it. */
const T0 = 1_790_000_400_000;
const DAY_SECONDS = 86_400;
const TICK_SECONDS = 10;
const DAYS = 62;
/** Between the end of a process and the first tick of the next one. */
const PAUSE_SECONDS = 90;
const BYTES = 16 * 1024 * 1024;
const [COUNTER] = METRICS.filter(({ kind }) => kind === 'counter');
const [HISTOGRAM] = METRICS.filter(({ kind }) => kind === 'histogram');

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

function sumsOf({ history, table }: Life, stepMs: number): Adder {
  const adder = new Adder();
  history.scan({ fromMs: -Infinity, toMs: Infinity, wanted: new Uint8Array(table.capacity).fill(1), stepMs }, adder);
  return adder;
}

it('remembers sixty days, and each of the gaps in them', () => {
  let second = 0;
  let life!: Life;
  let ids: number[] = [];
  for (let day = 0; day < DAYS; day++) {
    endAll();
    life = live(folder.file(), { bytes: BYTES });
    expect(life.said).toEqual([]);
    const target = life.file.targetOf('/a') ?? { labels: { cgroup: '/a' }, hidden: false };
    ids = [COUNTER, HISTOGRAM].map((metric) => life.table.intern(metric, target).id);
    life.history.begin(T0 + second * 1000);
    for (const end = (day + 1) * DAY_SECONDS - PAUSE_SECONDS; second < end;) {
      second += TICK_SECONDS;
      life.history.record(T0 + second * 1000, (into) => {
        into.counter(ids[0], TICK_SECONDS);
        into.histogram(ids[1], second, Uint16Array.of(second % 100), Float64Array.of(1), 1);
      });
    }
    second += PAUSE_SECONDS;
  }
  expect(life.table.capacity).toBe(2);
  const nowMs = T0 + (second - PAUSE_SECONDS) * 1000;
  const { startMs, sequence } = life.history;
  expect(sequence).toBe((DAYS * (DAY_SECONDS - PAUSE_SECONDS)) / TICK_SECONDS);
  expect(nowMs - startMs!).toBeGreaterThan(59.9 * DAY_SECONDS * 1000);
  const gaps = life.history.gaps(-Infinity, Infinity);
  expect(gaps.length).toBeGreaterThanOrEqual(59);
  gaps.forEach(({ fromMs, toMs }) => expect(toMs - fromMs).toBe(PAUSE_SECONDS * 1000));
  for (const stepMs of [1_000, 5_000, 15_000, 60_000, 600_000]) {
    const { sums, coveredMs } = sumsOf(life, stepMs);
    expect(sums[ids[0]].increase).toBe(coveredMs / 1000);
    expect(coveredMs).toBe(nowMs - startMs! - gaps.length * PAUSE_SECONDS * 1000);
    const buckets = Object.values(sums[ids[1]].buckets!);
    expect(buckets.reduce((a, b) => a + b, 0)).toBe(coveredMs / 1000 / TICK_SECONDS);
  }
}, 180_000);
