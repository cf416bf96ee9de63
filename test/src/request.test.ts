import { Compile } from 'typebox/compile';
import { QuerySchema } from '../../wire/query';
import { fillQuery } from '../../src/defaults';
import { toWireQuery } from '../../src/request';
import type { RingsideQuery } from '../../src/types';

const schema = Compile(QuerySchema);
const METRIC = 'http_server_request_duration_seconds';

function wire(query: Partial<RingsideQuery>, intervalMs = 1_000) {
  const wired = toWireQuery(fillQuery({ refId: 'A', metric: METRIC, ...query }), { intervalMs });
  expect([...schema.Errors(wired)]).toEqual([]);
  return wired;
}

test('a new panel’s query travels as the contract says', () => {
  expect(toWireQuery(fillQuery({ refId: 'A' }), { intervalMs: 2_000 })).toEqual({
    refId: 'A',
    metric: METRIC,
    select: 'quantile',
    quantiles: [0.99],
    by: ['namespace', 'workload'],
    stepMs: 2_000,
    top: 10,
  });
});

test.each([
  [1, 1_000],
  [500, 1_000],
  [1_000, 1_000],
  [1_500, 2_000],
  [30_000, 30_000],
])('an interval of %i ms is a step of %i ms', (intervalMs, stepMs) => {
  expect(wire({}, intervalMs).stepMs).toBe(stepMs);
});

test.each([
  ['10s', 10_000],
  [' 1m ', 60_000],
  ['1.5h', 5_400_000],
  ['250ms', 1_000],
  ['auto', 2_000],
  ['', 2_000],
])('step "%s" is %i ms', (step, stepMs) => {
  expect(wire({ step }, 2_000).stepMs).toBe(stepMs);
});

test.each(['10', 's', '-5s', '0s', 'every 10s', '$width'])('step "%s" is refused with what would do', (step) => {
  expect(() => wire({ step })).toThrow(`The step is a duration such as 10s or 1m, got "${step}".`);
});

test('a heatmap’s columns are wider than points, and it is one for all series', () => {
  const heatmap = wire({ select: 'heatmap', by: ['cgroup'], top: 5 }, 1_000);
  expect(heatmap.stepMs).toBe(6_000);
  expect(heatmap).not.toHaveProperty('by');
  expect(heatmap).not.toHaveProperty('top');
  expect(wire({ select: 'heatmap', step: '5s' }).stepMs).toBe(5_000);
});

test('a table is one value a series over the whole range', () => {
  expect(wire({ select: 'rate', format: 'table', by: ['cgroup'] })).toMatchObject({ instant: true, by: ['cgroup'] });
  expect(wire({ select: 'rate', format: 'table' })).not.toHaveProperty('stepMs');
  expect(wire({ select: 'histogram' })).not.toHaveProperty('stepMs');
});

test('only quantiles carry ranks', () => {
  expect(wire({ quantiles: [0.5, '0.99'] }).quantiles).toEqual([0.5, 0.99]);
  expect(wire({ select: 'rate', quantiles: [0.5] })).not.toHaveProperty('quantiles');
});

test.each(['1.1', '-0.1', 'p99', '', '$rank'])('quantile "%s" is refused', (quantile) => {
  expect(() => wire({ quantiles: [quantile] })).toThrow(`A quantile is a number from 0 to 1, got "${quantile}".`);
});

test('top is a whole number, as a number or as text', () => {
  expect(wire({ top: 3 }).top).toBe(3);
  expect(wire({ top: ' 3 ' }).top).toBe(3);
  expect(wire({ top: '' })).not.toHaveProperty('top');
  for (const top of [0, -1, 1.5, 1001, 'many', '$n']) {
    expect(() => wire({ top })).toThrow(`Top is a whole number from 1 to 1000, got "${top}".`);
  }
});
