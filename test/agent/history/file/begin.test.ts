/** Where the first record of a life begins: with what the life before had told, as far as this one knows. */
import { METRICS } from '../../../../wire/metrics';
import { intern } from '../../../support/series';
import { Folder, Recording, Replay, live, told, type Life } from './paper';

const T0 = 1_790_000_040_000;
const [COUNTER] = METRICS.filter(({ kind }) => kind === 'counter');

let folder: Folder;
let path: string;
beforeEach(() => {
  folder = new Folder();
  path = folder.file();
});
afterEach(() => folder.remove());

/** Ticks at these instants, milliseconds after T0. */
function tick(life: Life, ...instants: number[]): void {
  const { id } = intern(life.table, COUNTER, { cgroup: '/a' });
  instants.forEach((ms) => life.history.record(T0 + ms, (into) => into.counter(id, 1)));
}

/** Ends and lengths of the records. */
const times = (life: Life) => told(life).map(([toMs, coveredMs]) => [toMs - T0, coveredMs]);

function first(): void {
  const life = live(path);
  life.history.begin(T0);
  tick(life, 1_004, 2_007, 3_002);
}

it('covers the time since the last record where nothing was missed', () => {
  first();
  const next = live(path);
  next.history.begin(T0 + 3_002);
  tick(next, 9_010);
  expect(times(next)).toEqual([
    [1_000, 1_004],
    [2_000, 1_003],
    [3_000, 995],
    [9_000, 6_008],
  ]);
  expect(next.history.gaps(-Infinity, Infinity)).toEqual([]);
});

it('does not cover twice what the newest record does, of which its teller did not come to know', () => {
  first();
  const next = live(path);
  next.history.begin(T0 + 2_007);
  tick(next, 9_010);
  expect(times(next)).toEqual([
    [1_000, 1_004],
    [2_000, 1_003],
    [3_000, 995],
    [9_000, 6_008],
  ]);
});

it.each([1_004, 2_007])('covers the time of a tick that was cut short, too, when %i ms had been told', (knownMs) => {
  const recording = new Recording();
  const life = live(path, { open: recording.open });
  life.history.begin(T0);
  tick(life, 1_004);
  const ids = Array.from({ length: 300 }, (_, i) => intern(life.table, COUNTER, { cgroup: `/${i}` }).id);
  const replay = Replay.of(path);
  recording.writes.length = 0;
  life.history.record(T0 + 2_007, (into) => ids.forEach((id) => into.counter(id, 1)));
  // Names, the bytes of the first part, its entry.
  recording.writes.slice(0, 3).forEach((write) => replay.apply(write));
  replay.put(path);
  const next = live(path);
  expect(next.history.sequence).toBe(2);
  expect(times(next)).toEqual([
    [1_000, 1_004],
    [2_000, 0],
  ]);
  next.history.begin(T0 + knownMs);
  tick(next, 5_001);
  expect(times(next)).toEqual([
    [1_000, 1_004],
    [2_000, 0],
    [5_000, 3_997],
  ]);
  expect(next.history.gaps(-Infinity, Infinity)).toEqual([]);
});

it('moves the past back when the clock is behind it, and leaves a gap when it is ahead', () => {
  first();
  const behind = live(path);
  behind.history.begin(T0 - 3_600_000);
  tick(behind, -3_599_000);
  expect(times(behind)).toEqual([
    [-3_602_000, 1_004],
    [-3_601_000, 1_003],
    [-3_600_000, 995],
    [-3_599_000, 1_000],
  ]);
  const ahead = live(path);
  ahead.history.begin(T0 + 86_400_000);
  tick(ahead, 86_401_000);
  expect(times(ahead)).toEqual([...times(behind), [86_401_000, 1_000]]);
  expect(ahead.history.gaps(-Infinity, Infinity)).toEqual([{ fromMs: T0 - 3_599_000, toMs: T0 + 86_400_000 }]);
});
