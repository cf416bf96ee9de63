/** Files that are not as they were left: what can be read of them is told, nothing else, and nothing twice. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { HEADER_BYTES } from '../../../../agent/history/file/layout';
import { METRICS } from '../../../../wire/metrics';
import { intern } from '../../../support/series';
import { Folder, live, told, type Life } from './paper';
import fc from '../../../support/properties';

/** Ten whole minutes, so that every tier is aligned with it. */
const T0 = 1_790_000_400_000;
const STEPS = [1_000, 5_000, 15_000, 60_000, 600_000];
const SERIES = 30;
/** So many that only the coarsest tier still knows all of them. */
const SECONDS = 9_600;
const [COUNTER] = METRICS.filter(({ kind }) => kind === 'counter');

let folder: Folder;
let image: Buffer;
/** What the life before the damage knew. */
let whole: Record<string, number>;

/** Series i tells 1 + 1000 i in every second, so that what is told of it says of how many seconds it is. */
function tell(life: Life, from: number, end: number): void {
  const known = new Map([...life.table].map(({ id, target }) => [target.labels.cgroup, id]));
  const ids = Array.from(
    { length: SERIES },
    (_, i) => known.get(`/${i}`) ?? intern(life.table, COUNTER, { cgroup: `/${i}` }).id
  );
  for (let second = from; second < end; second++) {
    life.history.record(T0 + second * 1000, (into) => ids.forEach((id, i) => into.counter(id, 1 + i * 1_000)));
  }
}

/** What is remembered of each cgroup, in seconds. */
function seconds(life: Life, stepMs = 1_000): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [, , ...events] of told(life, { stepMs })) {
    for (const event of events) {
      const [, cgroup, increase] = /(\/\d+) +(\d+)$/.exec(event) ?? [];
      if (cgroup === undefined) {
        // Its name is lost: no query gets to see it.
        continue;
      }
      sums[cgroup] = (sums[cgroup] ?? 0) + Number(increase) / (1 + 1_000 * Number(cgroup.slice(1)));
    }
  }
  return sums;
}

beforeAll(() => {
  folder = new Folder();
  const life = live(folder.file());
  tell(life, 1, SECONDS);
  life.file.close();
  image = readFileSync(folder.file());
  whole = seconds(life);
  expect(Object.keys(whole)).toHaveLength(SERIES);
});
afterAll(() => folder.remove());
beforeEach(() => folder.empty());

/** What a life makes of it, and the next one of what that has left; nobody ever finds more than there was. */
function expectNoMore(damaged: Buffer): Life {
  const path = folder.file();
  folder.empty();
  writeFileSync(path, damaged);
  const life = live(path);
  const left = STEPS.map((stepMs) => seconds(life, stepMs));
  for (const sums of left) {
    for (const [cgroup, sum] of Object.entries(sums)) {
      expect(Number.isInteger(sum)).toBe(true);
      expect(sum).toBeLessThanOrEqual(whole[cgroup]);
    }
  }
  const MORE = 200;
  tell(life, SECONDS, SECONDS + MORE);
  expect(life.file.status).toMatchObject({ state: 'writing', reason: '' });
  for (const after of [seconds(life), seconds(live(path))]) {
    for (let i = 0; i < SERIES; i++) {
      // What is new is all there.
      expect(after[`/${i}`]).toBeGreaterThanOrEqual(MORE);
      expect(after[`/${i}`]).toBeLessThanOrEqual(whole[`/${i}`] + MORE);
    }
  }
  return life;
}

describe('flipped bits', () => {
  const anyBit = fc.record({ at: fc.integer({ min: HEADER_BYTES, max: 400_000 }), bit: fc.nat(7) });

  it('cost what they hit, wherever they are', () => {
    fc.assert(
      fc.property(fc.array(anyBit, { minLength: 1, maxLength: 60 }), (bits) => {
        const damaged = Buffer.from(image);
        bits.forEach(({ at, bit }) => (damaged[at % image.length] ^= 1 << bit));
        expectNoMore(damaged);
      }),
      { numRuns: 60 }
    );
  });

  it('cost what they hit, in every piece of what is in use', () => {
    // Names, index and bytes: where the file is not empty.
    const used = [...image.keys()].filter((at) => at >= HEADER_BYTES && image[at] !== 0);
    expect(used.length).toBeGreaterThan(10_000);
    fc.assert(
      fc.property(fc.array(fc.nat(used.length - 1), { minLength: 1, maxLength: 40 }), (places) => {
        const damaged = Buffer.from(image);
        places.forEach((place) => (damaged[used[place]] ^= 0x10));
        const life = expectNoMore(damaged);
        expect(life.said.join(' ')).toMatch(/^(|.*was damaged: (\d+ of \d+ records|the names of \d+ series).*)$/);
      }),
      { numRuns: 60 }
    );
  });

  it('cost one record when they hit one', () => {
    const life = live(folder.file());
    tell(life, 1, 50);
    const damaged = readFileSync(folder.file());
    const [finest] = life.history.starts();
    damaged[ringStart(damaged) + Math.floor(finest.usedBytes / 2)] ^= 1;
    writeFileSync(folder.file(), damaged);
    const next = live(folder.file());
    // 49 seconds, 9 times five of them, and twice fifteen.
    expect(next.said).toEqual([
      `--history-file ${folder.file()} was damaged: 1 of 60 records could not be read, and are a gap.`,
    ]);
    expect(seconds(next)['/3']).toBe(48);
    expect(seconds(next, 5_000)['/3']).toBe(49);
  });
});

/** Where the bytes of the finest ring begin: after its index. */
function ringStart(bytes: Buffer): number {
  const slots = bytes.readUInt32LE(52);
  return HEADER_BYTES + slots * 64;
}

describe('a file that was cut off', () => {
  it('is read as far as it goes, and made whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: HEADER_BYTES, max: image.length - 1 }), (length) => {
        const life = expectNoMore(image.subarray(0, length));
        expect(life.said[life.said.length - 1]).toContain('had been cut off; what was left of it is kept');
        expect(readFileSync(folder.file())).toHaveLength(image.length);
      }),
      { numRuns: 40 }
    );
  });

  it('is made whole when that happens while it is written to', () => {
    const life = live(folder.file());
    tell(life, 1, 100);
    truncateSync(folder.file(), 10_000);
    tell(life, 100, 200);
    expect(life.said).toEqual([
      `--history-file ${folder.file()} has been truncated while it was in use.`,
      `--history-file ${folder.file()} is written again. Everything that is in memory is in it.`,
    ]);
    expect(told(live(folder.file()))).toEqual(told(life));
  });
});

describe('whatever stands in the file', () => {
  it('is no reason not to start', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9_000 }), fc.nat(8_000), (garbage, at) => {
        const damaged = Buffer.from(image);
        damaged.set(garbage, at);
        folder.empty();
        writeFileSync(folder.file(), damaged);
        const life = live(folder.file());
        tell(life, SECONDS, SECONDS + 5);
        expect(life.history.sequence).toBeGreaterThan(0);
      }),
      { numRuns: 40 }
    );
  });
});
