import { SELECTS } from '../../wire/metrics';
import { fillQuery, firstSelect, formatOf, NEW_QUERY } from '../../src/defaults';
import { FORMATS } from '../../src/types';

test('a query that says nothing is a new panel’s', () => {
  expect(fillQuery({ refId: 'A' })).toEqual({ refId: 'A', ...NEW_QUERY });
});

test('a query that names a metric gets neutral values, whatever a new panel asks', () => {
  expect(fillQuery({ refId: 'A', metric: 'tcp_bytes_total' })).toEqual({
    refId: 'A',
    metric: 'tcp_bytes_total',
    select: 'rate',
    quantiles: [0.5, 0.9, 0.99],
    by: [],
    where: [],
    top: '',
    step: '',
    legend: '',
    format: 'time_series',
  });
});

test('a panel that was saved when new panels were grouped by cgroup stays so', () => {
  const saved = { refId: 'A', ...NEW_QUERY, by: ['cgroup'] };
  expect(fillQuery(saved)).toEqual(saved);
});

test('a metric that was cleared stays cleared', () => {
  expect(fillQuery({ refId: 'A', metric: '' }).metric).toBe('');
});

test('filling a filled query changes nothing', () => {
  const filled = fillQuery({ refId: 'A', metric: 'tcp_rtt_seconds', by: ['role'], top: 3, format: 'table' });
  expect(fillQuery(filled)).toEqual(filled);
});

test.each([
  ['http_server_request_duration_seconds', 'quantile'],
  ['tcp_bytes_total', 'rate'],
  ['tcp_connections_active', 'value'],
  ['a_metric_of_a_newer_agent', 'rate'],
])('%s is first asked for its %s', (metric, select) => {
  expect(firstSelect(metric)).toBe(select);
});

test('format and select agree, however they were stored', () => {
  for (const select of SELECTS) {
    for (const format of [undefined, ...FORMATS]) {
      const query = fillQuery({ refId: 'A', metric: 'tcp_rtt_seconds', select, format });
      expect(query.select).toBe(select);
      const own = select === 'heatmap' || select === 'histogram';
      expect(own ? [select] : ['time_series', 'table']).toContain(query.format);
    }
  }
  expect(fillQuery({ refId: 'A', metric: 'tcp_rtt_seconds', format: 'heatmap' }).select).toBe('heatmap');
  expect(formatOf('rate', 'table')).toBe('table');
});
