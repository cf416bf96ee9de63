/** Each fault that a soak is there to find is found, and by the verdict that names it. */
import type { Sample } from '../../scripts/soak/sampler';
import { commonSlope, floorOf, type Point } from '../../scripts/soak/trend';
import { judge, type Evidence } from '../../scripts/soak/verdicts';

const MB = 1_000_000;
const START_MS = 1_790_000_000_000;

function sample(seconds: number, changed: Partial<Sample> = {}): Sample {
  return {
    seconds,
    life: 1,
    readySeconds: seconds,
    anonymousBytes: 30 * MB + (seconds % 10) * 100_000,
    kernelMapBytes: 12 * MB,
    descriptors: { open: 80, programs: 31, maps: 27, links: 14 },
    answeredPerSecond: 100,
    recordedPerSecond: 200,
    unaccounted: 0,
    series: 100,
    owners: 50,
    pods: 40,
    ticks: seconds,
    overruns: 0,
    longestTickSeconds: 0.01,
    historySeconds: [seconds, seconds, seconds],
    historyStartMs: [START_MS, START_MS, START_MS],
    notices: [],
    ...changed,
  };
}

const samples = (changed: (seconds: number) => Partial<Sample> = () => ({})) =>
  Array.from({ length: 600 }, (_, second) => sample(second, changed(second)));

function evidence(changed: Partial<Evidence> = {}): Evidence {
  return {
    samples: samples(),
    endings: [{ timeMs: START_MS, signal: 'SIGKILL', pauseMs: 3, readySeconds: 0.4 }],
    comparisons: [{ account: 'requests, server', told: 23, done: 23, begun: 23, wrong: [] }],
    during: { compared: 7, wrong: [] },
    totals: { compared: 5, wrong: [] },
    misnamed: [],
    unnamed: 0,
    metronome: [10, 9.8, 10.2],
    series: 0,
    unaccounted: 0,
    dashboard: { answered: 100, missed: 3, turnedAway: 0, slowestMs: 40, kindsAsked: '60 of 60', failures: [] },
    logErrors: [],
    left: [],
    failures: [],
    ...changed,
  };
}

const badOnes = (changed: Partial<Evidence>) =>
  judge(evidence(changed))
    .filter(({ isGood }) => !isGood)
    .map(({ name }) => name);

const later = (from: number, changed: Partial<Sample>) => ({
  samples: samples((second) => (second >= from ? changed : {})),
});

test('nothing is found where nothing is wrong', () => {
  expect(badOnes({})).toEqual([]);
});

test('a run that was ended before anything could be seen is judged by what there is', () => {
  const verdicts = judge(evidence({ samples: [], metronome: [], endings: [] }));
  expect(verdicts.filter(({ isGood }) => !isGood)).toEqual([]);
  expect(verdicts.map(({ found }) => found).join()).not.toMatch(/Infinity|NaN|undefined/);
});

test.each<[name: string, fault: string, changed: Partial<Evidence>]>([
  [
    'requests, server',
    'one that was not told',
    { comparisons: [{ account: 'requests, server', told: 22, done: 23, begun: 23, wrong: ['22, did 23'] }] },
  ],
  ['the same, while it went on', 'one too many', { during: { compared: 7, wrong: ['24, did 23'] } }],
  ['/metrics of the living', 'a total that began again', { totals: { compared: 5, wrong: ['1, did 23'] } }],
  ['a steady pod’s rate', 'a gap', { metronome: [10, null, 10] }],
  ['a steady pod’s rate', 'a spike', { metronome: [10, 31, 10] }],
  ['a steady pod’s rate', 'a negative', { metronome: [10, -1, 10] }],
  ['under a wrong name', 'another pod’s', { misnamed: ['3 of a under b'] }],
  ['seen, and not accounted for', 'one', { unaccounted: 1 }],
  ['seen, and not accounted for', 'no answer', { unaccounted: NaN }],
  ['series not given back', 'one', { series: 1 }],
  [
    'anonymous memory',
    '10 kB a second',
    { samples: samples((second) => ({ anonymousBytes: 30 * MB + second * 10_000 })) },
  ],
  ['kernel maps', 'a map more', later(300, { kernelMapBytes: 15 * MB })],
  [
    'open descriptors',
    'one in two minutes',
    {
      samples: samples((second) => ({
        descriptors: { open: 80 + Math.floor(second / 120), programs: 31, maps: 27, links: 14 },
      })),
    },
  ],
  [
    'BPF programs, maps, links',
    'a link that stays',
    later(300, { descriptors: { open: 80, programs: 31, maps: 27, links: 15 } }),
  ],
  [
    'BPF programs, maps, links',
    'another one in each life',
    {
      samples: samples((second) => ({
        life: Math.floor(second / 100),
        readySeconds: second % 100,
        descriptors: { open: 80, programs: 31, maps: 27 + Math.floor(second / 100), links: 14 },
      })),
    },
  ],
  [
    'history',
    'a start that comes back',
    later(300, { historyStartMs: [START_MS - 5_000, START_MS - 5_000, START_MS - 5_000] }),
  ],
  ['history', 'a tier that is lost', later(300, { historyStartMs: [START_MS, null, START_MS] })],
  [
    'history',
    'a coarse tier that forgets first',
    later(300, { historyStartMs: [START_MS, START_MS, START_MS + 60_000] }),
  ],
  ['ticks left out', 'one in twenty', { samples: samples((second) => ({ overruns: Math.floor(second / 20) })) }],
  [
    'failed requests',
    'one',
    {
      dashboard: { answered: 100, missed: 3, turnedAway: 0, slowestMs: 40, kindsAsked: '60 of 60', failures: ['500'] },
    },
  ],
  ['errors in the log', 'one', { logErrors: ['{"level":50}'] }],
  ['left behind', 'a map', { left: ['bpf map 7'] }],
  ['interruptions', 'an agent that ended', { failures: ['The agent has ended by itself.'] }],
])('%s: %s', (name, _fault, changed) => {
  expect(badOnes(changed)).toEqual([name]);
});

test('a life that begins lower or higher says nothing about growth', () => {
  const points = [1, 2, 3].flatMap((life) =>
    Array.from({ length: 50 }, (_, i): Point => ({ life, time: life * 100 + i, value: 1_000 / life + 2 * i }))
  );
  expect(commonSlope(points)).toBeCloseTo(2, 9);
  expect(commonSlope([{ life: 1, time: 1, value: 1 }])).toBeUndefined();
});

test('a floor is the least of each span', () => {
  const points = Array.from({ length: 40 }, (_, i): Point => ({ life: 1, time: i, value: i % 20 === 7 ? 1 : 50 }));
  expect(floorOf(points, 20)).toEqual([
    { life: 1, time: 10, value: 1 },
    { life: 1, time: 30, value: 1 },
  ]);
});
