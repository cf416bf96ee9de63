/** What is kept of a pod: a thousandth of what the API server tells about it. */
import { cleanName } from '../names';
import { objectIn, objectsIn, textIn, type JsonObject } from './object';
import { workloadOf } from './workload';

/** Asks, as a label or an annotation with the value "false", for not being measured. */
const OBSERVE = 'ringside.io/observe';
/** What the kubelet writes on the image of a static pod in the API, which has a UID of its own. */
const MIRROR = 'kubernetes.io/config.mirror';
const CONFIG_HASH = 'kubernetes.io/config.hash';
/** Of one pod: the last that its containers had, over all restarts. */
const MAX_CONTAINERS = 64;
const STATUSES = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'];

export interface Container {
  /** As in its cgroup: without `containerd://`. */
  id: string;
  name: string;
}

/** All names cleaned. */
export interface Pod {
  uid: string;
  /** The UID in the paths of a static pod's cgroups: a hash of its file. */
  staticUid?: string;
  name?: string;
  namespace?: string;
  workload?: string;
  labels: ReadonlyMap<string, string>;
  /** Asks not to be measured. */
  isSilent: boolean;
  /** Of all that it ever had, the latest last. */
  containers: readonly Container[];
}

/**
 * @param before the same pod as it was known until now
 * @returns undefined for what has no UID
 */
export function readPod(object: unknown, before?: Pod): Pod | undefined {
  const pod = objectIn(object);
  const metadata = objectIn(pod.metadata);
  const uid = textIn(metadata.uid);
  if (uid === undefined) {
    return undefined;
  }
  const labels = objectIn(metadata.labels);
  const annotations = objectIn(metadata.annotations);
  const mirror = textIn(annotations[MIRROR]);
  return {
    uid,
    // Anybody may write the hash alone on a pod, and would pass for another.
    staticUid: mirror && (textIn(annotations[CONFIG_HASH]) ?? mirror),
    name: cleaned(metadata.name),
    namespace: cleaned(metadata.namespace),
    workload: cleaned(workloadOf(pod)),
    labels: before && sameLabels(before.labels, labels) ? before.labels : readLabels(labels),
    isSilent: labels[OBSERVE] === 'false' || annotations[OBSERVE] === 'false',
    containers: readContainers(pod, before?.containers ?? []),
  };
}

/** Whether one tells the same as the other. */
export function samePod(a: Pod, b: Pod): boolean {
  return (
    a.staticUid === b.staticUid &&
    a.name === b.name &&
    a.namespace === b.namespace &&
    a.workload === b.workload &&
    a.labels === b.labels &&
    a.isSilent === b.isSilent &&
    a.containers === b.containers
  );
}

function cleaned(value: unknown): string | undefined {
  const text = textIn(value);
  return text === undefined ? undefined : cleanName(text);
}

function sameLabels(known: ReadonlyMap<string, string>, labels: JsonObject): boolean {
  const names = Object.keys(labels);
  return names.length === known.size && names.every((name) => known.get(name) === labels[name]);
}

/** As they came: they are compared with what a selector asks for, and never shown. */
function readLabels(labels: JsonObject): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  for (const [name, value] of Object.entries(labels)) {
    if (typeof value === 'string') {
      kept.set(name, value);
    }
  }
  return kept;
}

function readContainers(pod: JsonObject, before: readonly Container[]): readonly Container[] {
  const status = objectIn(pod.status);
  const added: Container[] = [];
  for (const container of STATUSES.flatMap((field) => objectsIn(status[field]))) {
    const name = cleaned(container.name);
    for (const id of idsOf(container)) {
      if (name !== undefined && ![...before, ...added].some((known) => known.id === id)) {
        added.push({ id, name });
      }
    }
  }
  return added.length === 0 ? before : [...before, ...added].slice(-MAX_CONTAINERS);
}

/** Its own, and that of its last life, which may have begun and ended between two of the kubelet's reports. */
function idsOf({ containerID, state, lastState }: JsonObject): string[] {
  const states = [state, lastState].flatMap((states) => Object.values(objectIn(states)).map(objectIn));
  return [...states.reverse().map((each) => each.containerID), containerID]
    .map((id) => textIn(id)?.replace(/^[a-z-]+:\/\//, ''))
    .filter((id) => id !== undefined);
}
