import { workloadOf } from '../../../agent/identity/kubernetes/workload';
import { podObject, type PodSketch } from '../../support/pod-object';

const HASH = '7d9c5b8f6d';
const CREATED_AT = new Date('2026-11-20T10:00:07Z');
const MINUTES = Math.floor(CREATED_AT.getTime() / 60_000);

const workload = (sketch: Partial<PodSketch>) =>
  workloadOf(podObject({ uid: 'u', name: 'pod', node: 'node-1', createdAt: CREATED_AT, ...sketch }) as never);

it.each<[string, Partial<PodSketch>, string]>([
  [
    'a Deployment: its ReplicaSet is called after it and the hash of the template',
    { owner: { kind: 'ReplicaSet', name: `web-${HASH}` }, labels: { 'pod-template-hash': HASH } },
    'web',
  ],
  [
    'a Deployment whose own name ends in a hash',
    { owner: { kind: 'ReplicaSet', name: `web-${HASH}-${HASH}` }, labels: { 'pod-template-hash': HASH } },
    `web-${HASH}`,
  ],
  [
    'a Rollout of Argo',
    { owner: { kind: 'ReplicaSet', name: `web-${HASH}` }, labels: { 'rollouts-pod-template-hash': HASH } },
    'web',
  ],
  ['a ReplicaSet that somebody wrote', { owner: { kind: 'ReplicaSet', name: `web-${HASH}` } }, `web-${HASH}`],
  [
    'a ReplicaSet that is called otherwise than the hash says',
    { owner: { kind: 'ReplicaSet', name: 'web-1' }, labels: { 'pod-template-hash': HASH } },
    'web-1',
  ],
  [
    'a ReplicaSet that is called like the hash, and nothing else',
    { owner: { kind: 'ReplicaSet', name: `-${HASH}` }, labels: { 'pod-template-hash': HASH } },
    `-${HASH}`,
  ],
  ['a CronJob', { owner: { kind: 'Job', name: `backup-${MINUTES}` } }, 'backup'],
  ['a CronJob whose Job was retried for an hour', { owner: { kind: 'Job', name: `backup-${MINUTES - 60}` } }, 'backup'],
  ['a CronJob with numbers in its name', { owner: { kind: 'Job', name: `backup-2-${MINUTES}` } }, 'backup-2'],
  ['a Job', { owner: { kind: 'Job', name: 'migrate' } }, 'migrate'],
  ['a Job with a number of its own', { owner: { kind: 'Job', name: 'report-20261120' } }, 'report-20261120'],
  ['a Job with a number from the future', { owner: { kind: 'Job', name: `x-${MINUTES + 61}` } }, `x-${MINUTES + 61}`],
  ['a Job from a month ago', { owner: { kind: 'Job', name: `x-${MINUTES - 44_640}` } }, `x-${MINUTES - 44_640}`],
  ['a StatefulSet', { name: 'db-0', owner: { kind: 'StatefulSet', name: 'db' } }, 'db'],
  ['a DaemonSet', { owner: { kind: 'DaemonSet', name: 'kube-proxy' } }, 'kube-proxy'],
  ['a controller of somebody else', { owner: { kind: 'CloneSet', name: 'game' } }, 'game'],
  [
    "OpenShift's DeploymentConfig",
    {
      owner: { kind: 'ReplicationController', name: 'web-12' },
      annotations: { 'openshift.io/deployment-config.name': 'web' },
    },
    'web',
  ],
  [
    'a ReplicationController with a false annotation',
    {
      owner: { kind: 'ReplicationController', name: 'web-12' },
      annotations: { 'openshift.io/deployment-config.name': 'other' },
    },
    'web-12',
  ],
  ['a ReplicationController', { owner: { kind: 'ReplicationController', name: 'old' } }, 'old'],
  ['a static pod', { name: 'etcd-node-1', owner: { kind: 'Node', name: 'node-1' } }, 'etcd'],
  ['a static pod that is called otherwise', { name: 'etcd', owner: { kind: 'Node', name: 'node-1' } }, 'etcd'],
  ['a pod that nobody owns: itself', { name: 'debug' }, 'debug'],
  [
    'a pod whose owner does not control it: itself',
    { name: 'debug', owner: { kind: 'Thing', name: 'thing', controller: false } },
    'debug',
  ],
])('%s', (_what, sketch, expected) => {
  expect(workload(sketch)).toBe(expected);
});

it('is not there for what is no pod', () => {
  expect(workloadOf({})).toBeUndefined();
  expect(
    workloadOf({ metadata: { ownerReferences: [null, { controller: true, kind: 'Job', name: 3 }] } })
  ).toBeUndefined();
});
