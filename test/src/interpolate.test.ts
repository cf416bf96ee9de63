import { RE2JS } from 're2js';
import type { Matcher } from '../../wire/query';
import { fillQuery } from '../../src/defaults';
import { escapePattern, interpolateMatchers, interpolateQuery } from '../../src/interpolate';
import { templatesOf } from '../../src/templates';
import type { RingsideQuery } from '../../src/types';
import { setVariables } from './support/templateSrv';
import fc from '../support/properties';

const PODS = ['web-1', 'web-2', 'a.b+c(d)[e]{f}|g^$\\'];

beforeEach(() =>
  setVariables({
    metric: { value: 'tcp_rtt_seconds' },
    pod: { value: 'web-1' },
    pods: { value: ['web-1', 'web-2'] },
    odd: { value: PODS[2] },
    one: { value: ['web-1'] },
    all: { value: ['$__all'], options: PODS },
    allOne: { value: '$__all', options: PODS },
    allOwn: { value: ['$__all'], options: PODS, allValue: 'prod.*' },
    typed: { value: '5..|none', type: 'textbox' },
    labels: { value: ['cgroup', 'status'] },
    nothing: { value: [] },
    everything: { value: ['$__all'], options: ['namespace', 'pod'], type: 'custom' },
    n: { value: '7' },
    width: { value: '30s' },
    ranks: { value: ['0.5', '0.99'] },
  })
);

const matcher = (op: Matcher['op'], value: string): Matcher => ({ label: 'pod', op, value });
const interpolated = (op: Matcher['op'], value: string) => interpolateMatchers([matcher(op, value)], templatesOf());
const filled = (query: Partial<RingsideQuery>) =>
  interpolateQuery(fillQuery({ refId: 'A', metric: 'tcp_rtt_seconds', ...query }), templatesOf());

test('variables work in every field', () => {
  const query = filled({
    metric: '$metric',
    quantiles: ['$ranks', 0.9],
    by: ['$labels', 'node', 'cgroup'],
    where: [{ label: '[[pod]]', op: '=', value: '${pod}' }],
    top: '$n',
    step: '${width}',
    legend: '{{pod}} of $pod',
  });
  expect(query).toMatchObject({
    metric: 'tcp_rtt_seconds',
    quantiles: ['0.5', '0.99', 0.9],
    by: ['cgroup', 'status', 'node'],
    where: [{ label: 'web-1', op: '=', value: 'web-1' }],
    top: '7',
    step: '30s',
    legend: '{{pod}} of web-1',
  });
});

test('what to group by may be one label, several, all that are offered, or none', () => {
  expect(filled({ by: ['$labels'] }).by).toEqual(['cgroup', 'status']);
  expect(filled({ by: ['$everything', 'role'] }).by).toEqual(['namespace', 'pod', 'role']);
  expect(filled({ by: ['$nothing', 'role'] }).by).toEqual(['role']);
  expect(filled({ by: ['$nothing'] }).by).toEqual([]);
});

test('one value stays an equality', () => {
  expect(interpolated('=', '$pod')).toEqual([matcher('=', 'web-1')]);
  expect(interpolated('=', '$one')).toEqual([matcher('=', 'web-1')]);
  expect(interpolated('!=', 'x-$pod-y')).toEqual([matcher('!=', 'x-web-1-y')]);
  expect(interpolated('=', '$odd')).toEqual([matcher('=', PODS[2])]);
});

test('several values turn an equality into a match', () => {
  expect(interpolated('=', '$pods')).toEqual([matcher('=~', '(web-1|web-2)')]);
  expect(interpolated('!=', '$pods')).toEqual([matcher('!~', '(web-1|web-2)')]);
  expect(interpolated('=', 'a.b/$pods')).toEqual([matcher('=~', 'a\\.b/(web-1|web-2)')]);
});

test('in a pattern, values are escaped and what was written is not', () => {
  expect(interpolated('=~', '.*$pods')).toEqual([matcher('=~', '.*(web-1|web-2)')]);
  const [{ value }] = interpolated('=~', '${odd}.?');
  const pattern = RE2JS.compile(value);
  expect(pattern.matches(PODS[2])).toBe(true);
  expect(pattern.matches(PODS[2] + 'x')).toBe(true);
  expect(pattern.matches('aXb+c(d)[e]{f}|g^$\\')).toBe(false);
});

test('what was typed into a text box is a pattern', () => {
  expect(interpolated('=~', '$typed')).toEqual([matcher('=~', '5..|none')]);
});

test.each(['$all', '${all}', '[[all]]', '$allOne'])('a filter at All falls away: %s', (reference) => {
  expect(interpolated('=', reference)).toEqual([]);
  expect(interpolated('=~', reference)).toEqual([]);
});

test('what All was set to is taken as it is', () => {
  expect(interpolated('=~', '$allOwn')).toEqual([matcher('=~', 'prod.*')]);
});

test('All with text around it, or with a negation, is every value', () => {
  expect(interpolated('=~', 'x$all')).toEqual([matcher('=~', `x(${PODS.map(escapePattern).join('|')})`)]);
  expect(interpolated('!=', '$all')).toEqual([matcher('!~', `(${PODS.map(escapePattern).join('|')})`)]);
});

test('a repeated panel’s value wins over All', () => {
  const scoped = { all: { text: 'web-2', value: 'web-2' } };
  expect(interpolateMatchers([matcher('=', '$all')], templatesOf(scoped))).toEqual([matcher('=', 'web-2')]);
});

test('a filter that was only just added is left out, and an unknown variable stays readable', () => {
  expect(interpolateMatchers([{ label: '', op: '=', value: '' }], templatesOf())).toEqual([]);
  expect(interpolated('=', '$nobody')).toEqual([matcher('=', '$nobody')]);
});

test('any text, escaped, matches itself and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
      const pattern = RE2JS.compile(escapePattern(text));
      expect(pattern.matches(text)).toBe(true);
      expect(pattern.matches(other)).toBe(other === text);
    })
  );
});
