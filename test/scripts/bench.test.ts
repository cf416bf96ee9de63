/** The frame that the benchmarks share: their arithmetic, their turns, what they keep and what is said of it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JSDOM } from 'jsdom';
import { kernelVersion, thisMachine } from '../../bench/support/machine';
import { folderFor, readOptions, RESULTS, TRIALS } from '../../bench/support/options';
import { find, whyMissing } from '../../bench/support/programs';
import { Recording, type Ground } from '../../bench/support/recording';
import { interleave, type Contender } from '../../bench/support/rounds';
import { exponentOf, percentileOf, ratiosOf, spread } from '../../bench/support/statistics';
import type { Result } from '../../bench/support/result';
import { benchmarks } from '../../scripts/bench';
import { Axis } from '../../scripts/bench/axis';
import { document } from '../../scripts/bench/document';
import { written } from '../../scripts/bench/numbers';
import { plot } from '../../scripts/bench/plot';
import { report, writeReport } from '../../scripts/bench/results';
import { summaryOf } from '../../scripts/bench/summary';

const ROOT = join(__dirname, '../..');

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ringside-bench-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('statistics', () => {
  test('a spread is minimum, median and maximum, in whatever order the rounds were', () => {
    expect(spread([23, 3, 7])).toEqual({ min: 3, median: 7, max: 23 });
    expect(spread([4, 1, 3, 2])).toEqual({ min: 1, median: 2.5, max: 4 });
    expect(spread([5])).toEqual({ min: 5, median: 5, max: 5 });
    expect(() => spread([])).toThrow('at least one value');
  });

  test('ratios are taken within a round: a machine that slows down does not change them', () => {
    const [fast, slow] = [
      [100, 50, 10],
      [200, 100, 20],
    ];
    expect(ratiosOf(slow, fast)).toEqual([2, 2, 2]);
    expect(() => ratiosOf([1, 2], [1])).toThrow('got 2 and 1');
  });

  test('the exponent of a cost that stays is 0, of one that grows alike 1, of a square 2', () => {
    const places = [1, 10, 100, 1000];
    const along = (cost: (x: number) => number) => exponentOf(places.map((x) => [x, cost(x)]));
    expect(along(() => 7)).toBeCloseTo(0, 12);
    expect(along((x) => 3 * x)).toBeCloseTo(1, 12);
    expect(along((x) => 0.1 * x * x)).toBeCloseTo(2, 12);
    expect(along((x) => 5 / Math.sqrt(x))).toBeCloseTo(-0.5, 12);
  });

  test('there is no exponent of one place, nor of nothing', () => {
    expect(exponentOf([])).toBeUndefined();
    expect(exponentOf([[10, 3]])).toBeUndefined();
    expect(
      exponentOf([
        [10, 3],
        [10, 4],
      ])
    ).toBeUndefined();
    expect(
      exponentOf([
        [1, 0],
        [10, 4],
      ])
    ).toBeUndefined();
  });

  test('a percentile is a sample: the smallest that so many are not above', () => {
    const sorted = Array.from({ length: 100 }, (_, n) => n + 1);
    expect([0, 0.5, 0.99, 0.999, 1].map((share) => percentileOf(sorted, share))).toEqual([1, 50, 99, 100, 100]);
    expect(percentileOf([7], 0.99)).toBe(7);
  });
});

describe('rounds', () => {
  const contender = (name: string, log: string[]): Contender => ({
    name,
    version: '1',
    measure: async () => ({ turn: log.push(name) }),
  });

  test('everybody warms up, takes every round, and begins in turn', async () => {
    const log: string[] = [];
    const rounds: number[] = [];
    for await (const { round, contender: each, figures } of interleave([contender('a', log), contender('b', log)], 3)) {
      rounds.push(round);
      expect(log[log.length - 1]).toBe(each.name);
      expect(figures.turn).toBe(log.length);
    }
    expect(log.join('')).toBe('ababbaab');
    expect(rounds).toEqual([-1, -1, 0, 0, 1, 1, 2, 2]);
  });
});

const GROUND: Ground = {
  question: 'speed',
  title: 'Speed',
  asks: 'Which is faster?',
  method: 'They run.',
  machine: { kernel: '6.1.0', distribution: 'Debian', processor: 'X', processors: 2, memoryGiB: 4, node: 'v20.0.0' },
  rounds: 3,
  seconds: 5,
  figures: { speed: { name: 'Speed', unit: 'm/s', goals: [{ of: 'hare', atLeast: 10 }] } },
  ratios: [
    { name: 'hare / tortoise', figure: 'speed', of: 'hare', to: 'tortoise', goal: { atLeast: 20 } },
    { name: 'hare / snail', figure: 'speed', of: 'hare', to: 'snail' },
  ],
  curves: { effort: { name: 'Effort', unit: 'J', across: 'metres' } },
};

/** Two took part, a third was not there. */
function race(): Recording {
  const recording = new Recording(GROUND);
  recording.took({ name: 'hare', version: '2.1' });
  recording.took({ name: 'tortoise', version: '' });
  recording.missed('snail', 'no snail on the PATH');
  [12, 18, 15].forEach((speed) => recording.add('speed', 'hare', speed));
  [1, 1, 0.5].forEach((speed) => recording.add('speed', 'tortoise', speed));
  for (const [metres, joules] of [
    [10, 20],
    [100, 200],
  ]) {
    [joules - 1, joules, joules + 1].forEach((value) => recording.place('effort', 'hare', metres, value));
  }
  return recording;
}

const result = (): Result => race().result(new Date('2026-01-31T23:59:59Z'));

describe('a result', () => {
  test('holds every value of every round, and the day', () => {
    expect(result()).toMatchObject({
      question: 'speed',
      date: '2026-01-31',
      values: { speed: { hare: [12, 18, 15], tortoise: [1, 1, 0.5] } },
      places: { effort: { hare: [{ x: 10, values: [19, 20, 21] }, { x: 100 }] } },
    });
  });

  test('names who was missing, and compares nobody with them', () => {
    const { missing, ratios, contenders } = result();
    expect(missing).toEqual([{ name: 'snail', reason: 'no snail on the PATH' }]);
    expect(ratios.map(({ name }) => name)).toEqual(['hare / tortoise']);
    expect(contenders.map(({ name }) => name)).not.toContain('snail');
  });

  test('refuses what is no number, and what was not declared', () => {
    expect(() => race().add('speed', 'hare', NaN)).toThrow('measured NaN for "speed"');
    expect(() => race().add('weight', 'hare', 1)).toThrow('"weight" is not declared');
  });

  test('says of the machine what figures depend on, and neither its name nor a path', () => {
    const machine = thisMachine();
    expect(machine.processors).toBeGreaterThan(0);
    expect(machine.kernel).toMatch(/^\d+\.\d+/);
    expect(kernelVersion('6.1.0-37-amd64-of-somebody')).toBe('6.1.0');
    expect(Object.values(machine).join(' ')).not.toMatch(/\/\w+\//);
  });
});

describe('programs of others', () => {
  /** One that prints this as its version. */
  const program = (name: string, says: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${says}'\n`, { mode: 0o755 });

  test('are found on the PATH, with the version they print', () => {
    program('envoy', 'envoy  version: 0123abc/1.31.2/Clean/RELEASE/BoringSSL');
    expect(find('envoy', `${folder}:/nowhere`)).toEqual({ path: `${folder}/envoy`, version: '1.31.2' });
  });

  test('are left out where they are not, which is no error', () => {
    expect(find('envoy', folder)).toBeUndefined();
    expect(whyMissing('envoy')).toBe('no envoy on the PATH');
  });

  test('that say no version are known all the same', () => {
    program('envoy', 'hello');
    expect(find('envoy', folder)?.version).toBe('of unknown version');
  });
});

describe('contenders’ packages', () => {
  /** Installs what the benchmarks need, where apt knows the one optional package and not the other. */
  const install = () => {
    const answer = (name: string, script: string) =>
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    answer(
      'dpkg-query',
      'shift 3; for name; do case $name in haproxy|victoria-metrics) ;; *) echo "$name installed" ;; esac; done'
    );
    answer('apt-cache', '[ "$2" = haproxy ] && printf "haproxy:\\n  Installed: (none)\\n  Candidate: 2.6\\n"');
    answer('apt-get', `echo "$*" >> ${folder}/asked`);
    const source = `import { installSystemPackages } from ${JSON.stringify(join(ROOT, 'scripts/setup/system-packages.mjs'))};
      await installSystemPackages(['bench']);`;
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', env });
  };

  test('that this release does not have are not asked for, and no error', () => {
    expect(install()).toMatchObject({ status: 0 });
    const asked = readFileSync(join(folder, 'asked'), 'utf8');
    expect(asked).toContain('haproxy');
    expect(asked).not.toContain('victoria-metrics');
  });
});

describe('options', () => {
  test('are names, rounds and seconds', () => {
    expect(readOptions(['sidecars', '--rounds', '2', 'memory'])).toEqual({
      names: ['sidecars', 'memory'],
      rounds: 2,
      seconds: undefined,
      report: false,
    });
  });

  test.each([['0'], ['1.5'], ['many'], ['1001']])('refuse %s rounds', (rounds) => {
    expect(() => readOptions(['--rounds', rounds])).toThrow(`whole number from 1 to 1000, got "${rounds}"`);
  });

  test('that nobody knows are refused with those that there are', () => {
    expect(() => readOptions(['--minutes', '3'])).toThrow('Usage: npm run bench');
  });

  test('that shorten a run keep its result out of the document', () => {
    expect(folderFor({})).toBe(RESULTS);
    expect(folderFor({ rounds: 100 })).toBe(TRIALS);
    expect(folderFor({ seconds: 1 })).toBe(TRIALS);
  });
});

describe('numbers', () => {
  test.each([
    [1_234_567, '1,230,000'],
    [60_449, '60,400'],
    [0.9649, '0.965'],
    [1, '1'],
    [0.000_123_4, '0.000123'],
    [0, '0'],
  ])('%d is written %s', (value, text) => expect(written(value)).toBe(text));
});

describe('an axis', () => {
  test('begins at 0 and ends at a round number', () => {
    const axis = new Axis([12, 18], 100, 200);
    expect(axis.ticks).toEqual([0, 5, 10, 15, 20]);
    expect([0, 10, 20].map((value) => axis.at(value))).toEqual([100, 150, 200]);
  });

  test('goes by powers of ten where the numbers are far apart', () => {
    const axis = new Axis([0.5, 70], 0, 300);
    expect(axis.ticks.map((tick) => tick.toPrecision(2))).toEqual(['0.10', '1.0', '10', '1.0e+2']);
    expect(axis.at(1)).toBe(100);
  });

  test.each([[[0]], [[5]], [[0, 0]], [[-3, 4]], [[0, 1e6]]])('holds %j', (values) => {
    const axis = new Axis(values, 0, 100);
    for (const value of values) {
      expect(axis.at(value)).toBeGreaterThanOrEqual(0);
      expect(axis.at(value)).toBeLessThanOrEqual(100);
    }
  });
});

describe('what is said of a result', () => {
  /** The cells of the line of a text that begins so. */
  const row = (text: string, begins: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(`| ${begins}`))
      ?.split('|')
      .map((cell) => cell.trim())
      .filter(Boolean);

  test('has each ratio and figure, with its goal held against the median', () => {
    const text = document([result()], []);
    expect(row(text, 'hare / tortoise')).toEqual(['hare / tortoise', '12', '18', '30', 'at least 20: missed']);
    expect(row(text, 'Speed')).toEqual(['Speed', 'hare', '12', '15', '18', 'm/s', 'at least 10: met']);
    expect(row(text, 'Effort')).toEqual(['Effort, J', 'hare', 'metres', '10: 20, 100: 200', '1.00']);
    expect(text).toContain('Left out: snail (no snail on the PATH).');
    expect(text).toContain('hare (2.1), tortoise.');
    expect(text).toContain('npm run bench -- speed');
  });

  test.each([
    // Of one that is itself within the margin of its goal, …
    [[1, 1, 1], 'at least 0.97: missed'],
    [[1.02, 1.02, 1.02], 'at least 0.97: missed'],
    // … and of one that is not.
    [[0.96, 0.96, 1], 'at least 0.97: cannot be told here (tortoise, again: 0.96)'],
    [[1.04, 1.04, 1], 'at least 0.97: cannot be told here (tortoise, again: 1.04)'],
  ])('is no verdict where somebody who is compared with itself differs as much: %j', (again, verdict) => {
    const ratio = { name: 'hare / tortoise', figure: 'speed', of: 'hare', to: 'tortoise', control: 'tortoise, again' };
    const recording = new Recording({
      ...GROUND,
      figures: { speed: { name: 'Speed', unit: 'm/s' } },
      ratios: [{ ...ratio, goal: { atLeast: 0.97 } }],
    });
    const speeds: Record<string, readonly number[]> = {
      hare: [0.9, 0.9, 0.9],
      tortoise: [1, 1, 1],
      'tortoise, again': again,
    };
    for (const [name, values] of Object.entries(speeds)) {
      recording.took({ name, version: '' });
      values.forEach((value) => recording.add('speed', name, value));
    }
    expect(row(document([recording.result(new Date())], []), 'hare / tortoise')?.at(-1)).toBe(verdict);
  });

  test('is the same on the screen', () => {
    const text = summaryOf(result());
    expect(text).toMatch(/hare \/ tortoise\s+12\s+18\s+30\s+at least 20: missed/);
    expect(text).toMatch(/Effort, hare: exponent over metres\s+1\.00/);
    expect(text).toContain('snail did not take part: no snail on the PATH.');
  });

  test('names what has not been measured', () => {
    expect(document([], ['a', 'b'])).toContain('Not measured yet: `a`, `b`.');
    expect(document([result()], [])).not.toContain('Not measured');
  });

  test('is drawn: a dot for each contender’s median and each place, whatever is in the names', () => {
    const hostile = '<script>&"';
    const drawn = plot({ ...result(), title: hostile });
    const { document: svg } = new JSDOM(drawn, { contentType: 'image/svg+xml' }).window;
    expect(svg.querySelectorAll('circle')).toHaveLength(2 + 2 + 1);
    expect(svg.querySelector('title')?.textContent).toBe(hostile);
    expect(svg.querySelector('script')).toBeNull();
    expect(drawn).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('the document', () => {
  test('is made of result files, and pictures of what is gone go, too', () => {
    const docs = mkdtempSync(join(folder, 'docs-'));
    writeFileSync(join(folder, 'speed.json'), JSON.stringify(result()));
    writeReport(report(['speed', 'weight'], folder), docs);
    expect(readFileSync(join(docs, 'benchmarks.md'), 'utf8')).toBe(document([result()], ['weight']));
    expect(readdirSync(join(docs, 'benchmarks'))).toEqual(['speed.svg']);

    rmSync(join(folder, 'speed.json'));
    writeReport(report(['speed', 'weight'], folder), docs);
    expect(readdirSync(join(docs, 'benchmarks'))).toEqual([]);
  });

  test('is not made of a file that is no result', () => {
    writeFileSync(join(folder, 'speed.json'), '{');
    expect(() => report(['speed'], folder)).toThrow(/speed\.json is not a result: .*npm run bench -- speed/);
  });

  test('of this repository says what its result files say', () => {
    for (const [path, text] of Object.entries(report(benchmarks(), RESULTS))) {
      expect(readFileSync(join(ROOT, 'docs', path), 'utf8')).toBe(text);
    }
  });
});
