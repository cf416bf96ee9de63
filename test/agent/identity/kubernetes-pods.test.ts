/** Whose a place is, by what the API server tells of pods. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pods } from '../../../agent/identity/kubernetes/pods';
import type { Identity } from '../../../agent/identity/source';
import { podObject, type ContainerSketch, type PodSketch } from '../../support/pod-object';

const NODE = 'node-1';
const UID = '11111111-2222-4333-8444-555555555555';
const id = (digit: string) => digit.repeat(64);

let nowMs: number;
let pods: Pods;
beforeEach(() => {
  nowMs = 0;
  pods = new Pods({ node: NODE, monotonicMs: () => nowMs });
});

const pod = (rest: Partial<PodSketch> = {}) =>
  podObject({ uid: UID, name: 'web-7d9c-x2x4z', namespace: 'shop', node: NODE, ...rest });
const withContainers = (...containers: ContainerSketch[]) => pod({ containers });
const identify = (containerId?: string, podUid = UID): Identity | undefined =>
  pods.identify({ path: '/', podUid, containerId });

describe('a container', () => {
  it('is named by its id, within its pod', () => {
    pods.set(withContainers({ name: 'app', id: id('a') }, { name: 'proxy', id: id('b') }));
    expect(identify(id('a'))).toEqual({
      namespace: 'shop',
      pod: 'web-7d9c-x2x4z',
      workload: 'web-7d9c-x2x4z',
      container: 'app',
      podLabels: new Map(),
    });
    expect(identify(id('b'))?.container).toBe('proxy');
  });

  it('of another pod is none of this one', () => {
    pods.set(withContainers({ name: 'app', id: id('a') }));
    pods.set(pod({ uid: 'other', name: 'other', containers: [{ name: 'theirs', id: id('b') }] }));
    expect(identify(id('b'))).toMatchObject({ pod: 'web-7d9c-x2x4z', container: undefined });
    expect(pods.identify({ path: '/', containerId: id('b') })).toBeUndefined();
  });

  it('leaves its name open until it is reported; its pod is named', () => {
    expect(identify(id('a'))).toBeUndefined();
    expect(pods.set(withContainers({ name: 'app' }))).toBe(true);
    expect(identify(id('a'))).toMatchObject({ pod: 'web-7d9c-x2x4z', container: undefined });
    expect(pods.set(withContainers({ name: 'app', id: id('a') }))).toBe(true);
    expect(identify(id('a'))?.container).toBe('app');
  });

  it.each(['init', 'ephemeral'] as const)('may be an %s container', (kind) => {
    pods.set(withContainers({ name: 'app', id: id('a') }, { name: 'extra', id: id('b'), kind }));
    expect(identify(id('b'))?.container).toBe('extra');
  });

  it.each(['containerd', 'cri-o', 'docker'] as const)('may be one of %s', (runtime) => {
    pods.set(pod({ runtime, containers: [{ name: 'app', id: id('a') }] }));
    expect(identify(id('a'))?.container).toBe('app');
  });

  it('that ended is known by its end, and by that of its last life', () => {
    pods.set(withContainers({ name: 'app', id: id('b'), lastId: id('a'), state: 'terminated' }));
    expect([identify(id('a'))?.container, identify(id('b'))?.container]).toEqual(['app', 'app']);
  });

  it('that waits for its next life is known by its last one', () => {
    pods.set(withContainers({ name: 'app', lastId: id('a') }));
    expect(identify(id('a'))?.container).toBe('app');
  });

  it('is known over all restarts', () => {
    for (const digit of '0123456789') {
      pods.set(withContainers({ name: 'app', id: id(digit) }));
    }
    expect([...'0123456789'].map((digit) => identify(id(digit))?.container)).toEqual(Array(10).fill('app'));
  });

  it('that restarts for weeks does not fill the memory', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => i.toString(16).padStart(64, '0'));
    ids.forEach((each) => pods.set(withContainers({ name: 'app', id: each })));
    expect(ids.filter((each) => identify(each)?.container === 'app')).toEqual(ids.slice(-64));
  });
});

describe('a change', () => {
  it('is one when an answer may be another: not when a condition or a version is', () => {
    const first = withContainers({ name: 'app', id: id('a') });
    expect(pods.set(first)).toBe(true);
    expect(pods.set({ ...first, metadata: { ...first.metadata, resourceVersion: '17' } })).toBe(false);
    expect(pods.set({ ...first, status: { ...first.status, conditions: [] } })).toBe(false);
    expect(pods.set({ ...first, status: {} })).toBe(false);
    expect(pods.set(pod({ labels: { app: 'web' } }))).toBe(true);
    expect(identify()?.podLabels).toEqual(new Map([['app', 'web']]));
    expect(pods.set(pod({ labels: { app: 'api' } }))).toBe(true);
    expect(identify()?.podLabels).toEqual(new Map([['app', 'api']]));
  });
});

describe('a pod', () => {
  it('of another node, or of none yet, is none of ours', () => {
    expect(pods.set(pod({ node: 'node-2' }))).toBe(false);
    expect(pods.set(pod({ node: undefined }))).toBe(false);
    expect([pods.size, identify()]).toEqual([0, undefined]);
  });

  it.each([
    [{ labels: { 'ringside.io/observe': 'false' } }, false],
    [{ annotations: { 'ringside.io/observe': 'false' } }, false],
    [{ labels: { 'ringside.io/observe': 'true' } }, undefined],
    [{}, undefined],
  ])('may ask not to be measured: %j', (sketch, observe) => {
    pods.set(pod(sketch));
    expect(identify()?.observe).toBe(observe);
  });

  it('has clean names', () => {
    pods.set(pod({ name: '\u001b[2Jweb', namespace: 'x'.repeat(1_000), containers: [{ name: 'a\nb', id: id('a') }] }));
    expect(identify(id('a'))).toMatchObject({ pod: '\uFFFD[2Jweb', container: 'a\uFFFDb', workload: '\uFFFD[2Jweb' });
    expect(identify()?.namespace).toHaveLength(253);
  });

  it.each([
    undefined,
    null,
    7,
    'pod',
    [],
    {},
    { metadata: null },
    { metadata: { uid: UID }, spec: { nodeName: NODE }, status: { containerStatuses: [null, 3, { name: {} }] } },
    { metadata: { uid: UID, name: 3, labels: [], ownerReferences: 'x' }, spec: { nodeName: NODE }, status: 4 },
    { metadata: { uid: UID, labels: { a: 1 }, annotations: 'x' }, spec: { nodeName: NODE } },
  ])('may be anything else: %j', (object) => {
    pods.set(object);
    pods.delete(object);
    expect(identify()?.pod).toBeUndefined();
  });
});

describe('a static pod', () => {
  const HASH = '36b6d6be73b1065af369b3985edafa09';
  const mirror = (annotations: Record<string, string>) =>
    pod({ name: `etcd-${NODE}`, namespace: 'kube-system', annotations, owner: { kind: 'Node', name: NODE } });

  it('is known by the hash of its file, which is in its paths, and by the UID of its image', () => {
    pods.set(mirror({ 'kubernetes.io/config.mirror': HASH, 'kubernetes.io/config.hash': HASH }));
    expect(identify(undefined, HASH)).toMatchObject({ pod: `etcd-${NODE}`, workload: 'etcd' });
    expect(identify()).toMatchObject({ pod: `etcd-${NODE}`, workload: 'etcd' });
    expect(pods.size).toBe(1);
  });

  it('whose file has changed is another pod with another hash', () => {
    pods.set(mirror({ 'kubernetes.io/config.mirror': HASH }));
    const next = { ...mirror({ 'kubernetes.io/config.mirror': 'f'.repeat(32) }) };
    pods.delete(mirror({ 'kubernetes.io/config.mirror': HASH }));
    pods.set({ ...next, metadata: { ...next.metadata, uid: 'next' } });
    expect(identify(undefined, HASH)?.pod).toBe(`etcd-${NODE}`);
    expect(identify(undefined, 'f'.repeat(32))?.pod).toBe(`etcd-${NODE}`);
  });

  it('cannot be passed for by a pod that writes the hash on itself', () => {
    pods.set(pod({ uid: 'victim', name: 'victim' }));
    pods.set(pod({ annotations: { 'kubernetes.io/config.hash': 'victim', 'kubernetes.io/config.mirror': 'victim' } }));
    expect(identify(undefined, 'victim')?.pod).toBe('victim');
    pods.set(pod({ uid: 'liar', name: 'liar', annotations: { 'kubernetes.io/config.hash': HASH } }));
    expect(identify(undefined, HASH)).toBeUndefined();
  });
});

describe('a deleted pod', () => {
  it('keeps its name for five minutes; its last state may tell of containers nobody knew', () => {
    pods.set(pod());
    expect(pods.delete(withContainers({ name: 'short', id: id('a'), state: 'terminated' }))).toBe(true);
    expect([pods.size, identify(id('a'))?.container]).toEqual([0, 'short']);
    nowMs = 299_999;
    pods.delete(pod({ uid: 'other' }));
    expect(identify()?.pod).toBe('web-7d9c-x2x4z');
    nowMs = 300_000;
    pods.delete(pod({ uid: 'another' }));
    expect(identify()).toBeUndefined();
  });

  it('is one of the last 500', () => {
    for (let i = 0; i < 1_000; i++) {
      pods.set(pod({ uid: `uid-${i}` }));
      pods.delete({ metadata: { uid: `uid-${i}` } });
    }
    const known = Array.from({ length: 1_000 }, (_, i) => i).filter((i) => identify(undefined, `uid-${i}`));
    expect([known.length, known[0], pods.size]).toEqual([500, 500, 0]);
  });

  it('that was there all the time is there again', () => {
    pods.set(pod());
    pods.retain(new Set());
    expect(pods.size).toBe(0);
    expect(pods.set(pod())).toBe(true);
    nowMs = 1_000_000;
    pods.delete(pod({ uid: 'other' }));
    expect([pods.size, identify()?.pod]).toEqual([1, 'web-7d9c-x2x4z']);
  });
});

it('keeps next to nothing: 500 pods with two containers each take less than a megabyte', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => (collect(), collect(), process.memoryUsage().heapUsed);
  const before = used();
  for (let i = 0; i < 500; i++) {
    const uid = `${String(i).padStart(8, '0')}-2222-4333-8444-555555555555`;
    const labels = {
      app: `web-${i % 50}`,
      'app.kubernetes.io/managed-by': 'Helm',
      'pod-template-hash': '7d9c',
      tier: 'x',
    };
    const containers = ['app', 'proxy'].map((name, n) => ({ name, id: `${i}${n}`.padStart(64, 'a') }));
    const object = pod({ uid, name: `web-${i}`, labels, containers, annotations: { note: 'x'.repeat(10_000) } });
    // As it comes from the network: nothing is shared with the test.
    pods.set(JSON.parse(JSON.stringify(object)));
  }
  expect(pods.size).toBe(500);
  expect(used() - before).toBeLessThan(1024 * 1024);
});
