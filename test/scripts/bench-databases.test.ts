/** Databases are given what has not happened, and asked about it: they have to say what Ringside says. */
import { differenceOf, toleranceOf, type Tolerance } from '../../bench/support/agreement';
import { Database, DATABASES, databasesHere, NATIVE_PROMETHEUS } from '../../bench/support/databases';
import { Past } from '../../bench/support/past';
import { askDatabase, QUESTIONS, type Question } from '../../bench/support/questions';
import { labelsMessage, RemoteWrite, snappyLiterals, Writer } from '../../bench/support/remote-write';
import { Scrapes } from '../../bench/support/scrapes';
import { SCRAPE_MS, seriesOf, traffic } from '../../bench/support/traffic';
import type { QueryAnswer } from '../../wire/answer';
import { requireRoot } from '../support/requirements';
import { until } from '../support/wait';

jest.setTimeout(120_000);

const MINUTE_MS = 60_000;

/** Whoever reads a Snappy block of literals (the format's description, not our writer). */
function readLiterals(block: Buffer): Buffer {
  let at = 0;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    length += (block[at] & 0x7f) * 2 ** shift;
    if (block[at++] < 0x80) {
      break;
    }
  }
  const parts: Buffer[] = [];
  while (at < block.length) {
    expect(block[at] & 3).toBe(0);
    const more = (block[at] >> 2) - 59;
    const bytes = more > 0 ? block.readUIntLE(at + 1, more) + 1 : (block[at] >> 2) + 1;
    at += 1 + Math.max(0, more);
    parts.push(block.subarray(at, at + bytes));
    at += bytes;
  }
  const all = Buffer.concat(parts);
  expect(all.length).toBe(length);
  return all;
}

describe('remote write', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 200_000])('packs %d bytes as a reader of Snappy expects them', (length) => {
    const bytes = Buffer.from(Array.from({ length }, (_, n) => (n * 31) % 251));
    expect(readLiterals(snappyLiterals(bytes)).equals(bytes)).toBe(true);
  });

  test('writes numbers as protocol buffers have them', () => {
    const written = (write: (writer: Writer) => void) => {
      const writer = new Writer();
      write(writer);
      return writer.written.toString('hex');
    };
    // The examples of the format's own description.
    expect(written((writer) => writer.number(1, 150))).toBe('089601');
    expect(written((writer) => writer.string(2, 'testing'))).toBe('120774657374696e67');
    expect(written((writer) => [0, -1, 1, -2, 2].forEach((value) => writer.zigzag(value)))).toBe('0001020304');
    expect(written((writer) => writer.varint(1_790_000_000_000))).toBe('80d8c1a28c34');
  });
});

describe('made-up traffic', () => {
  const span = { fromMs: 0, fineFromMs: MINUTE_MS, toMs: 2 * MINUTE_MS };
  const told = () => {
    const gains: string[] = [];
    for (const { toMs, tell } of traffic(seriesOf(3), span)) {
      tell(({ series, counts, buckets, length }) =>
        gains.push(`${toMs} ${series} ${buckets.slice(0, length).join()} ${counts.slice(0, length).join()}`)
      );
    }
    return gains;
  };

  test('is the same in every run', () => {
    expect(told()).toEqual(told());
    expect(told().length).toBeGreaterThan(100);
  });

  test('is told by the scrape first, and by the second where it has to be', () => {
    const instants = [...new Set(told().map((line) => Number(line.split(' ')[0])))];
    const [coarse, fine] = [instants.filter((ms) => ms <= MINUTE_MS), instants.filter((ms) => ms > MINUTE_MS)];
    expect(coarse.every((ms) => ms % SCRAPE_MS === 0)).toBe(true);
    expect(fine.some((ms) => ms % SCRAPE_MS !== 0)).toBe(true);
  });
});

describe('agreement', () => {
  const values = (...pairs: Array<[string, number]>) => new Map(pairs);
  const of = (agreement: Question['agreement'], isNative = false) =>
    toleranceOf({ agreement }, { kind: { ...DATABASES[0], isNative } });

  test('allows a bucket’s width for what is estimated, and 1 % for what is counted', () => {
    const p99 = (theirs: number, tolerance: Tolerance) =>
      differenceOf(values(['a', 0.012]), values(['a', theirs]), tolerance);
    expect(p99(0.009, of('quantile'))).toBeUndefined();
    expect(p99(0.005, of('quantile'))).toBe('1 of 1 differ; at a they say 0.012 and 0.005.');
    expect(p99(0.0115, of('quantile', true))).toBeUndefined();
    expect(p99(0.009, of('quantile', true))).toContain('0.012 and 0.009');
    expect(differenceOf(values(['a', 1000]), values(['a', 1009]), of('count'))).toBeUndefined();
    expect(differenceOf(values(['a', 1000]), values(['a', 1011]), of('count'))).toContain('1000 and 1011');
  });

  test('notices what only one of them knows, and that nobody knows anything', () => {
    expect(differenceOf(values(['a', 1]), values(['b', 1]), of('count'))).toBe(
      '2 of 1 values are in one of them only.'
    );
    expect(differenceOf(values(), values(), of('count'))).toBe('there are no values.');
  });
});

describe.each([
  { name: 'Prometheus', isNative: false },
  { name: 'Prometheus with native histograms', isNative: true },
])('a real $name', ({ isNative }) => {
  let prometheus: Database;
  beforeAll(async () => {
    requireRoot();
    const [here] = databasesHere(() => {}, [isNative ? NATIVE_PROMETHEUS : DATABASES[0]]);
    prometheus = await Database.start(here);
  });
  afterAll(() => prometheus?.stop());

  test('remembers what it is given, to the millisecond', async () => {
    const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
    const write = new RemoteWrite(`${prometheus.url}/api/v1/write`);
    const instants = [nowMs - 30_000, nowMs - 15_000, nowMs];
    const labels = labelsMessage([
      ['__name__', 'given_total'],
      ['of', 'näme "quoted"'],
    ]);
    await write.samples(labels, instants, [1, 23, 1e15 + 1]);
    await write.flush();
    const [given] = await prometheus.ask('query', { query: 'given_total[1m]', time: nowMs / 1_000 });
    expect(given.metric).toEqual({ __name__: 'given_total', of: 'näme "quoted"' });
    expect(given.values).toEqual([
      [nowMs / 1_000 - 30, '1'],
      [nowMs / 1_000 - 15, '23'],
      [nowMs / 1_000, '1000000000000001'],
    ]);
  });

  test('says why it refuses', async () => {
    const write = new RemoteWrite(`${prometheus.url}/api/v1/write`);
    await write.samples(labelsMessage([['__name__', 'old']]), [Date.now()], [1]);
    await write.flush();
    await write.samples(labelsMessage([['__name__', 'old']]), [1_000], [1]);
    await expect(write.flush()).rejects.toThrow(/answered 400: .*(bounds|order|old)/);
  });

  test('answers what Ringside answers, on the same traffic', async () => {
    const toMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    const span = { fromMs: toMs - 20 * MINUTE_MS, fineFromMs: toMs - 20 * MINUTE_MS, toMs };
    const series = seriesOf(12);
    const past = new Past({ node: 'test', bytes: 64 * 1024 * 1024, series, fromMs: span.fromMs });
    const write = [new RemoteWrite(`${prometheus.url}/api/v1/write`)];
    const scrapes = new Scrapes(isNative ? [] : write, series, { job: 'test' }, isNative ? write : []);
    await scrapes.scrape(span.fromMs);
    for (const { toMs: atMs, tell } of traffic(series, span)) {
      past.add(atMs, (hear) => tell((gain) => [hear, scrapes.gain.bind(scrapes)].forEach((each) => each(gain))));
      if ((atMs - span.fromMs) % SCRAPE_MS === 0) {
        await scrapes.scrape(atMs);
      }
    }
    await scrapes.flush();
    for (const question of QUESTIONS.filter(({ key }) => key !== 'day')) {
      const short = shortened(question, 15 * MINUTE_MS);
      const range = { fromMs: toMs - short.rangeMs, toMs };
      const result = past.answer({ refId: 'A', ...short.ringside }, range.fromMs, toMs);
      const ours = short.ofRingside({ results: { A: result } } as unknown as QueryAnswer);
      const theirs = await until(`an answer to ${short.name}`, async () => {
        const { data } = JSON.parse(await askDatabase(prometheus, short, range, { isExact: true }));
        return data.result.length > 0 && short.ofDatabase(data.result);
      });
      const tolerance = toleranceOf(short, prometheus);
      expect([short.name, differenceOf(ours, theirs, tolerance)]).toEqual([short.name, undefined]);
      // It would notice others.
      const wrong = new Map([...theirs].map(([key, value]) => [key, (value || 1) * 3]));
      expect(differenceOf(ours, wrong, tolerance)).toContain('they say');
    }
  });
});

/** The same question about less. */
function shortened(question: Question, rangeMs: number): Question {
  const isInstant = question.stepMs === question.rangeMs;
  return { ...question, rangeMs, stepMs: isInstant ? rangeMs : question.stepMs };
}
