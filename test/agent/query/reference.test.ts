/** Every answer against the events themselves, over random pasts that reach through all tiers. */
import { MIN_HISTORY_BYTES } from '../../../agent/history/history';
import { MAX_RELATIVE_ERROR, bucketOfNanoseconds, lowerBoundSeconds, upperBoundSeconds } from '../../../wire/histogram';
import { isErrorStatus } from '../../../wire/metrics';
import { ACTIVE, BYTES, HTTP, T0, World, pointsOf, rowsOf, type Happening } from './world';
import fc from '../../support/properties';

const PODS = ['cart', 'checkout', 'payment'];
const STATUSES = ['200', '404', '500', 'none'];

const anyDuration = fc.oneof(
  fc.integer({ min: 954, max: 1_000_000 }),
  fc.integer({ min: 1_000_000, max: 2_000_000_000 }),
  fc.integer({ min: 2_000_000_000, max: 64_000_000_000 })
);
const anyRequest = fc.record({
  pod: fc.constantFrom(...PODS),
  status: fc.constantFrom(...STATUSES),
  duration: anyDuration,
});
/** What happens in one second. */
const anySecond = fc.record({
  requests: fc.array(anyRequest, { maxLength: 6 }),
  bytes: fc.array(fc.tuple(fc.constantFrom(...PODS), fc.integer({ min: 1, max: 1_000_000 })), { maxLength: 2 }),
  level: fc.option(fc.tuple(fc.constantFrom(...PODS), fc.integer({ min: 0, max: 50 }))),
});
const anyPast = fc.array(anySecond, { minLength: 1, maxLength: 90 });

/** Repeats a short past until the small history has had to drop all but minutes, or tens of minutes. */
function worldOf(
  past: ReadonlyArray<typeof anySecond extends fc.Arbitrary<infer T> ? T : never>,
  seconds: number
): World {
  const world = new World({ bytes: MIN_HISTORY_BYTES });
  for (let second = 0; second < seconds; second++) {
    const { requests, bytes, level } = past[second % past.length];
    requests.forEach(({ pod, status, duration }) =>
      world.happen(world.the(HTTP, { pod, status, method: 'GET' }), duration)
    );
    bytes.forEach(([pod, count]) => world.happen(world.the(BYTES, { pod, role: 'client', direction: 'sent' }), count));
    if (level) {
      world.happen(world.the(ACTIVE, { pod: level[0], role: 'client' }), level[1]);
    }
    world.pass(1);
  }
  return world;
}

const of = (past: readonly Happening[], metric: string, pod?: string) =>
  past.filter(({ series }) => series.metric.name === metric && (pod === undefined || series.target.labels.pod === pod));

/** Ticks come at the end of each second: what happened in it is known from then on. */
const within = (past: readonly Happening[], fromMs: number, toMs: number) =>
  past.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('answers over the tiers', () => {
  const anyCase = fc.record({
    past: anyPast,
    seconds: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 1500 }) },
      { weight: 1, arbitrary: fc.integer({ min: 9_000, max: 10_000 }) }
    ),
    stepMs: fc.constantFrom(1_000, 5_000, 10_000, 15_000, 30_000, 60_000, 300_000, 600_000),
  });

  it('equal what happened, step by step', () => {
    fc.assert(
      fc.property(anyCase, ({ past, seconds, stepMs: askedMs }) => {
        const world = worldOf(past, seconds);
        const start = world.history.startMs ?? T0;
        const answer = world.ask({ metric: HTTP, select: 'increase', by: ['pod'], stepMs: askedMs }, T0);
        for (const frame of answer.frames) {
          const { labels, config } = frame.schema.fields[1];
          const requests = of(world.past, HTTP, labels?.pod);
          const stepMs = frame.schema.fields[0].config?.interval ?? NaN;
          expect(stepMs).toBe(Math.max(askedMs, world.history.resolutionMs(T0)));
          expect(config?.unit).toBe('short');
          for (const [endSeconds, value] of pointsOf(frame)) {
            const endMs = T0 + endSeconds * 1000;
            const startMs = Math.floor((endMs - 1) / stepMs) * stepMs;
            if (endMs <= start) {
              expect(value).toBeNull();
            } else {
              expect(value).toBe(within(requests, Math.max(start, startMs), endMs).length);
            }
          }
        }
        // All that is remembered, whichever tier remembers it.
        const total = sum(answer.frames.flatMap((frame) => pointsOf(frame).map(([, value]) => value ?? 0)));
        expect(total).toBe(within(of(world.past, HTTP), start, Infinity).length);
      }),
      { numRuns: 20 }
    );
  });

  it('equal what happened, over a whole range', () => {
    fc.assert(
      fc.property(anyCase, ({ past, seconds, stepMs }) => {
        const world = worldOf(past, seconds);
        // A range in whole tens of minutes, so that every tier can answer for exactly it.
        const fromMs = Math.ceil((world.history.startMs ?? T0) / 600_000) * 600_000;
        const toMs = world.nowMs;
        fc.pre(fromMs < toMs);
        const ask = (query: Parameters<World['ask']>[0]) =>
          world.ask({ stepMs, instant: true, by: ['pod'], ...query }, fromMs, toMs);
        const known = within(world.past, fromMs, toMs);

        for (const [pod, increase] of rowsOf(ask({ metric: BYTES, select: 'increase' }))) {
          expect(increase).toBe(sum(of(known, BYTES, String(pod)).map(({ value }) => value)));
        }
        for (const [pod, rate] of rowsOf(ask({ metric: HTTP, select: 'rate' }))) {
          expect(rate).toBeCloseTo((of(known, HTTP, String(pod)).length * 1000) / (toMs - fromMs), 9);
        }
        const averages = rowsOf(ask({ metric: HTTP, select: 'avg' }));
        expect(averages.map(([pod]) => pod)).toEqual(PODS.filter((pod) => of(known, HTTP, pod).length > 0));
        for (const [pod, average] of averages) {
          const durations = of(known, HTTP, String(pod)).map(({ value }) => value);
          expect(average).toBeCloseTo(sum(durations) / durations.length / 1e9, 9);
        }
        for (const [pod, ratio] of rowsOf(ask({ metric: HTTP, select: 'error_ratio' }))) {
          const requests = of(known, HTTP, String(pod));
          const errors = requests.filter(({ series }) => isErrorStatus(series.own.status ?? ''));
          expect(ratio).toBe(errors.length / requests.length);
        }
        const levels = new Map(of(world.past, ACTIVE).map(({ series, value }) => [series.target.labels.pod, value]));
        for (const [pod, level] of rowsOf(ask({ metric: ACTIVE, select: 'value' }))) {
          expect(level).toBe(levels.get(String(pod)));
        }
      }),
      { numRuns: 20 }
    );
  });

  it('have every quantile within the stated error of the value itself', () => {
    const quantiles = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];
    fc.assert(
      fc.property(anyCase, ({ past, seconds, stepMs }) => {
        const world = worldOf(past, seconds);
        const fromMs = Math.ceil((world.history.startMs ?? T0) / 600_000) * 600_000;
        fc.pre(fromMs < world.nowMs);
        const answer = world.ask({ select: 'quantile', quantiles, by: ['pod'], stepMs }, fromMs);
        expect(answer.notices?.filter(({ severity }) => severity !== 'info')).toEqual([]);
        for (const frame of answer.frames) {
          const { labels } = frame.schema.fields[1];
          const width = frame.schema.fields[0].config?.interval ?? NaN;
          for (const [endSeconds, value] of pointsOf(frame)) {
            const endMs = T0 + endSeconds * 1000;
            const startMs = Math.floor((endMs - 1) / width) * width;
            const durations = within(of(world.past, HTTP, labels?.pod), startMs, endMs).map((request) => request.value);
            if (durations.length === 0) {
              expect(value).toBeNull();
            } else {
              const exact = exactQuantile(durations, Number(labels?.quantile)) / 1e9;
              expect(Math.abs(value! - exact) / exact).toBeLessThanOrEqual(MAX_RELATIVE_ERROR * (1 + 1e-9));
            }
          }
        }
      }),
      { numRuns: 15 }
    );
  });

  it('have every event in one cell of the heatmap and one bar of the histogram', () => {
    fc.assert(
      fc.property(anyCase, ({ past, seconds, stepMs }) => {
        const world = worldOf(past, seconds);
        const fromMs = Math.ceil((world.history.startMs ?? T0) / 600_000) * 600_000;
        fc.pre(fromMs < world.nowMs);
        const requests = within(of(world.past, HTTP), fromMs, Infinity);
        const expected = new Map<string, number>();
        for (const { atMs, value } of requests) {
          const xMax = (Math.floor(atMs / stepMs) + 1) * stepMs;
          const key = [xMax, ...boundsOf(value)].join();
          expected.set(key, (expected.get(key) ?? 0) + 1);
        }
        fc.pre(world.history.resolutionMs(fromMs) <= stepMs);
        const [heatmap] = world.ask({ select: 'heatmap', stepMs }, fromMs).frames;
        const [xMax, yMin, yMax, count] = heatmap.data.values as number[][];
        const cells = xMax.map((x, i) => [[x, yMin[i], yMax[i]].join(), count[i]] as const).filter(([, n]) => n > 0);
        expect(new Map(cells)).toEqual(expected);
        expect(cells).toHaveLength(expected.size);

        const [histogram] = world.ask({ select: 'histogram' }, fromMs).frames;
        const bars = histogram.data.values as number[][];
        bars[0].forEach((min, i) => {
          const inside = requests.filter(
            ({ value }) => boundsOf(value)[0] === min && boundsOf(value)[1] === bars[1][i]
          );
          expect(bars[2][i]).toBe(inside.length);
          expect(i === 0 || bars[1][i - 1] === min).toBe(true);
        });
        expect(sum(bars[2])).toBe(requests.length);
      }),
      { numRuns: 15 }
    );
  });
});

function boundsOf(nanoseconds: number): [number, number] {
  const bucket = bucketOfNanoseconds(nanoseconds);
  return [lowerBoundSeconds(bucket), upperBoundSeconds(bucket)];
}

/** Nearest rank: the smallest value that at least this share of all values is not above. */
function exactQuantile(values: readonly number[], quantile: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.findIndex((_, i) => (i + 1) / sorted.length >= quantile - 1e-12)];
}
