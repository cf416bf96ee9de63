/** Pods as the API server tells them: what the agent reads of them, and some of what it does not. */

export interface ContainerSketch {
  name: string;
  /** 64 hexadecimal digits; absent: not made yet. */
  id?: string;
  /** Default: running where it has an id, else waiting. */
  state?: 'waiting' | 'running' | 'terminated';
  /** Of its last life, before a restart. */
  lastId?: string;
  kind?: 'container' | 'init' | 'ephemeral';
}

export interface PodSketch {
  uid: string;
  name: string;
  /** Default: "default". */
  namespace?: string;
  /** Absent: not scheduled yet. */
  node?: string;
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
  owner?: { kind: string; name: string; apiVersion?: string; controller?: boolean };
  containers?: readonly ContainerSketch[];
  createdAt?: Date;
  /** The runtime in `containerID`. Default: containerd. */
  runtime?: 'containerd' | 'cri-o' | 'docker';
}

export interface PodObject {
  metadata: { uid: string; name: string; namespace: string; resourceVersion?: string; [field: string]: unknown };
  spec: { nodeName?: string; [field: string]: unknown };
  status: { [field: string]: unknown };
}

const STATUSES = {
  container: 'containerStatuses',
  init: 'initContainerStatuses',
  ephemeral: 'ephemeralContainerStatuses',
} as const;

export function podObject(sketch: PodSketch): PodObject {
  const { uid, name, namespace = 'default', labels, annotations, owner, containers = [] } = sketch;
  const creationTimestamp = (sketch.createdAt ?? new Date('2026-11-20T10:00:00Z')).toISOString();
  const statuses = (kind: ContainerSketch['kind']) =>
    containers
      .filter((container) => (container.kind ?? 'container') === kind)
      .map((container) => statusOf(container, sketch.runtime ?? 'containerd', creationTimestamp));
  return {
    metadata: {
      name,
      namespace,
      uid,
      creationTimestamp,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(owner && {
        ownerReferences: [
          { apiVersion: 'apps/v1', controller: true, blockOwnerDeletion: true, uid: `${uid}-owner`, ...owner },
        ],
      }),
      // Half of a real pod is this.
      managedFields: [
        {
          manager: 'kubelet',
          operation: 'Update',
          fieldsV1: { 'f:status': { 'f:conditions': { '.': {}, 'k:{"type":"Ready"}': { '.': {} } } } },
        },
      ],
    },
    spec: {
      nodeName: sketch.node,
      containers: containers.map((container) => ({
        name: container.name,
        image: `registry.example/${container.name}:1.0`,
        env: [{ name: 'GREETING', value: '}], "items": [{ \\" \u{1f44b}' }],
      })),
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: creationTimestamp }],
      ...Object.fromEntries(
        (['container', 'init', 'ephemeral'] as const)
          .map((kind) => [STATUSES[kind], statuses(kind)] as const)
          .filter(([, all]) => all.length > 0)
      ),
    },
  };
}

function statusOf({ name, id, state, lastId }: ContainerSketch, runtime: string, startedAt: string): object {
  const containerID = id && `${runtime}://${id}`;
  return {
    name,
    image: `registry.example/${name}:1.0`,
    restartCount: lastId ? 1 : 0,
    ready: state === undefined && id !== undefined,
    ...(containerID && { containerID }),
    state: stateOf(state ?? (id ? 'running' : 'waiting'), containerID, startedAt),
    lastState: lastId ? stateOf('terminated', `${runtime}://${lastId}`, startedAt) : {},
  };
}

function stateOf(state: ContainerSketch['state'], containerID: string | undefined, startedAt: string): object {
  switch (state) {
    case 'running':
      return { running: { startedAt } };
    case 'terminated':
      return { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: startedAt, containerID } };
    default:
      return { waiting: { reason: 'ContainerCreating' } };
  }
}
