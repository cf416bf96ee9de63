import { Filter, type FilterOptions } from '../../../agent/identity/filter';
import { SelectorError } from '../../../agent/identity/selector';
import type { Identity } from '../../../agent/identity/source';

const POD = { path: '/kubepods/pod1/a', podUid: '2fc932ce-fdcc-454b-97bd-aadfdeb4c340', containerId: 'a'.repeat(64) };
const CONTAINER = { path: '/docker/b', containerId: 'b'.repeat(64) };
const UNIT = { path: '/system.slice/nginx.service', unit: 'nginx' };

const filter = (options: Partial<FilterOptions> = {}) =>
  new Filter({ includeNamespaces: [], excludeNamespaces: [], ...options });
const pod = (namespace: string, podLabels: Record<string, string> = {}): Identity => ({
  namespace,
  pod: 'web-1',
  podLabels: new Map(Object.entries(podLabels)),
});

it('admits all when nothing is asked for', () => {
  for (const [place, identity] of [
    [POD, pod('shop')],
    [POD, undefined],
    [CONTAINER, { container: 'web' }],
    [CONTAINER, undefined],
    [UNIT, undefined],
  ] as const) {
    expect(filter().admits(place, identity)).toBe(true);
  }
});

it('leaves alone who asks for it, whatever else is asked for', () => {
  const options = { includeNamespaces: ['shop'], includePods: 'app=web' };
  for (const each of [filter(), filter(options)]) {
    expect(each.admits(POD, { ...pod('shop', { app: 'web' }), observe: false })).toBe(false);
    expect(each.admits(POD, { ...pod('shop', { app: 'web' }), observe: true })).toBe(true);
  }
  expect(filter().admits(CONTAINER, { container: 'quiet', observe: false })).toBe(false);
});

it('includes and excludes namespaces, and excluding wins', () => {
  const some = filter({ includeNamespaces: ['shop', 'bank'], excludeNamespaces: ['bank', 'kube-system'] });
  expect(['shop', 'bank', 'kube-system', 'other'].map((name) => some.admits(POD, pod(name)))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  const most = filter({ excludeNamespaces: ['kube-system'] });
  expect(['shop', 'kube-system'].map((name) => most.admits(POD, pod(name)))).toEqual([true, false]);
  expect(most.admits(UNIT, undefined)).toBe(true);
});

it('includes and excludes pods by their labels, and excluding wins', () => {
  const some = filter({ includePods: 'app in (web, db)', excludePods: 'canary' });
  expect(some.admits(POD, pod('shop', { app: 'web' }))).toBe(true);
  expect(some.admits(POD, pod('shop', { app: 'web', canary: '' }))).toBe(false);
  expect(some.admits(POD, pod('shop'))).toBe(false);
  expect(some.admits(POD, { namespace: 'shop', pod: 'no-labels' })).toBe(false);
  expect(filter({ excludePods: '!app' }).admits(POD, { namespace: 'shop', pod: 'no-labels' })).toBe(false);
});

it('wants both when namespaces and labels are included', () => {
  const both = filter({ includeNamespaces: ['shop'], includePods: 'app=web' });
  expect(both.admits(POD, pod('shop', { app: 'web' }))).toBe(true);
  expect(both.admits(POD, pod('bank', { app: 'web' }))).toBe(false);
  expect(both.admits(POD, pod('shop', { app: 'db' }))).toBe(false);
});

it('measures a pod that nobody has told it about yet', () => {
  const strict = filter({ includeNamespaces: ['shop'], includePods: 'app=web', excludePods: '!app' });
  expect(strict.admits(POD, undefined)).toBe(true);
});

it('measures what is no pod unless pods were asked for', () => {
  for (const asked of [{ includeNamespaces: ['shop'] }, { includePods: 'app=web' }, { includePods: '' }]) {
    expect(filter(asked).admits(UNIT, undefined)).toBe(false);
    expect(filter(asked).admits(CONTAINER, undefined)).toBe(false);
    expect(filter(asked).admits(CONTAINER, { container: 'web' })).toBe(false);
  }
  for (const asked of [{ excludeNamespaces: ['shop'] }, { excludePods: '!app' }]) {
    expect(filter(asked).admits(UNIT, undefined)).toBe(true);
    expect(filter(asked).admits(CONTAINER, { container: 'web' })).toBe(true);
  }
});

it('takes a project of Docker Compose for a namespace', () => {
  const container = { namespace: 'shop', container: 'shop-cart-1', workload: 'cart' };
  expect(filter({ includeNamespaces: ['shop'] }).admits(CONTAINER, container)).toBe(true);
  expect(filter({ includeNamespaces: ['bank'] }).admits(CONTAINER, container)).toBe(false);
  expect(filter({ excludeNamespaces: ['shop'] }).admits(CONTAINER, container)).toBe(false);
});

it('refuses a selector it cannot read', () => {
  expect(() => filter({ includePods: 'app in web' })).toThrow(SelectorError);
  expect(() => filter({ excludePods: 'app in web' })).toThrow(SelectorError);
});
