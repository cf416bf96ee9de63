import { fillQuery, NEW_QUERY } from '../../src/defaults';
import { migrateQuery } from '../../src/migrate';

test('a query of today comes back as it went in', () => {
  const query = fillQuery({ refId: 'A', ...NEW_QUERY, where: [{ label: 'status', op: '=', value: '500' }] });
  expect(migrateQuery(query)).toEqual(query);
  expect(migrateQuery({ refId: 'A' })).toEqual({ refId: 'A' });
});

test('a query copied from the API’s documentation works in a dashboard', () => {
  const copied = { refId: 'A', metric: 'tcp_rtt_seconds', select: 'avg' as const, instant: true, stepMs: 10_000 };
  expect(migrateQuery(copied)).toEqual({
    refId: 'A',
    metric: 'tcp_rtt_seconds',
    select: 'avg',
    format: 'table',
    step: '10s',
  });
});

test('what is stored wins over the other spelling', () => {
  expect(migrateQuery({ refId: 'A', format: 'time_series', instant: true, step: '1m', stepMs: 5_000 })).toEqual({
    refId: 'A',
    format: 'time_series',
    step: '1m',
  });
});

test('one value stands for a list of one', () => {
  const matcher = { label: 'status', op: '=' as const, value: '500' };
  expect(migrateQuery({ refId: 'A', by: 'cgroup', quantiles: 0.9, where: matcher })).toEqual({
    refId: 'A',
    by: ['cgroup'],
    quantiles: [0.9],
    where: [matcher],
  });
});

test('the stored query is not touched', () => {
  const stored = Object.freeze({ refId: 'A', by: 'cgroup', instant: true });
  expect(() => migrateQuery(stored)).not.toThrow();
});
