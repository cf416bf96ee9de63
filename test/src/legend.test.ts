import { percentile, renderLegend } from '../../src/legend';

const labels = { cgroup: '/shop', status: '500', quantile: '0.99' };

test.each([
  ['{{cgroup}}', '/shop'],
  ['{{ cgroup }} {{status}}', '/shop 500'],
  ['p{{quantile}} of {{cgroup}}', 'p0.99 of /shop'],
  ['{{pod}} {{status}}', '500'],
  ['all', 'all'],
  ['{cgroup} {{}}', '{cgroup} {{}}'],
])('%s', (template, name) => {
  expect(renderLegend(template, labels)).toBe(name);
});

test('a label’s value is text, whatever is in it', () => {
  expect(renderLegend('{{cgroup}}', { cgroup: '$& {{status}} $1', status: 'x' })).toBe('$& {{status}} $1');
});

test.each([
  [0.5, 'p50'],
  [0.99, 'p99'],
  [0.999, 'p99.9'],
  [0.07, 'p7'],
  [1, 'p100'],
])('%d is %s', (rank, name) => {
  expect(percentile(rank)).toBe(name);
});
