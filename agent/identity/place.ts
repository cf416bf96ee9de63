/**
 * Where a cgroup lies: what its path alone says about whose it is.
 *
 * Every container runtime writes the container's id into the path and the kubelet the pod's UID, each under both
 * cgroup drivers; test/support/layouts.ts lists the paths one by one. Whoever may make a cgroup may also give it a
 * name that looks like somebody else's, so the order of the search is a rule of security, not of taste:
 *
 * 1. The outermost pod owns all that is below it. A container inside a pod that makes cgroups named like another pod
 *    or container, on purpose or because it runs Docker or a cluster of its own, stays what it is.
 * 2. Without a pod, the outermost container owns all that is below it.
 * 3. A container outside every pod may contain pods: a node of kind, k3d or minikube is a container, and its pods are
 *    below it. Only who may write cgroups there, the host's root or whom it trusts so far, can make up a pod.
 * 4. A pod is one only where a kubelet puts it: directly in its tree, each level by its right name. What stands in a
 *    pod's place without a UID for a name is not searched for other pods.
 * 5. Without either, the innermost systemd unit is the owner: a user's service manager is itself a unit.
 *
 * Whatever a path claims, `path` is where the cgroup really is.
 */
import { cleanName } from './names';

export type Runtime = 'containerd' | 'cri-o' | 'docker' | 'podman';

export interface Place {
  /**
   * The owner's own cgroup: the container's, else the pod's, the unit's, or the cgroup itself. As the kernel has it:
   * whoever shows it cleans it first (names.ts).
   */
  path: string;
  /** In lower case, with dashes; of a static pod, the 32 digits of its annotation kubernetes.io/config.hash. */
  podUid?: string;
  /** 64 hexadecimal digits. */
  containerId?: string;
  /** Absent where the path does not say which: containerd and Docker name cgroups alike under the cgroupfs driver. */
  runtime?: Runtime;
  /** The systemd unit, without ".service", cleaned; an instance of a template keeps its "@" and what follows. */
  unit?: string;
}

const UID = '[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32}';
const ID = '[0-9a-f]{64}';

const POD_UID = new RegExp(`^(?:${UID})$`);
/** kubepods-burstable-pod<uid>.slice; "kubepods" has the kubelet's --cgroup-root in front of it where there is one. */
const POD_SLICE = /^((?:.+-)?kubepods(?:-burstable|-besteffort)?)-pod(.+)\.slice$/s;
/** pod<uid>, below kubepods or kubepods/burstable. */
const POD_DIRECTORY = /^pod(.+)$/s;
/** A kubelet that believes in systemd and a runtime that does not: the name of the unit becomes one directory's. */
const MIXED_DRIVERS = new RegExp(`^(?:.+-)?kubepods(?:-burstable|-besteffort)?-pod(${UID})\\.slice:([a-z-]+):(${ID})$`);
/** Directly below a pod. What else is there, such as crio-conmon-<id>.scope, is the pod's. */
const POD_CONTAINER = new RegExp(`^(?:(cri-containerd|crio|docker)-)?(${ID})(?:\\.scope)?$`);
/** Anywhere else: docker-<id>.scope, libpod-<id>.scope, libpod-payload-<id>, system.slice:docker:<id>, or the bare id. */
const CONTAINER = new RegExp(`^(?:(?:.*:)?([^:]+)[-:])?(${ID})(?:\\.scope)?$`);
/** A container's keeper, beside it in a cgroup of its own. */
const KEEPER = /conmon$/;
/** Where podman keeps its pods, each a bare id, under the cgroupfs driver. */
const PODMAN_PARENT = 'libpod_parent';
const UNIT = /^(.+)\.service$/s;

const RUNTIMES: ReadonlyMap<string | undefined, Runtime> = new Map([
  ['cri-containerd', 'containerd'],
  ['nerdctl', 'containerd'],
  ['crio', 'cri-o'],
  ['docker', 'docker'],
  ['libpod', 'podman'],
  ['libpod-payload', 'podman'],
]);

/**
 * @param path begins with "/" and is relative to the root of the cgroup v2 hierarchy; it need not exist (any more)
 */
export function placeOf(path: string): Place {
  const names = path.split('/');
  return inPod(names) ?? inContainer(names) ?? inUnit(names) ?? { path };
}

function inPod(names: readonly string[]): Place | undefined {
  for (let depth = 1; depth < names.length; depth++) {
    const mixed = MIXED_DRIVERS.exec(names[depth]);
    if (mixed) {
      const [, uid, prefix, containerId] = mixed;
      return { path: pathOf(names, depth), podUid: withDashes(uid), ...container(containerId, prefix) };
    }
    const uid = podAt(names, depth);
    if (uid !== undefined && !POD_UID.test(uid)) {
      return undefined;
    }
    if (uid) {
      const pod = { path: pathOf(names, depth), podUid: withDashes(uid) };
      const [, prefix, containerId] = POD_CONTAINER.exec(names[depth + 1] ?? '') ?? [];
      return containerId ? { ...pod, path: pathOf(names, depth + 1), ...container(containerId, prefix) } : pod;
    }
  }
  return undefined;
}

/** @returns what stands for the UID, if this is a pod's place */
function podAt(names: readonly string[], depth: number): string | undefined {
  const [, parent, inSlice] = POD_SLICE.exec(names[depth]) ?? [];
  if (inSlice) {
    // systemd names a slice after all that it is in.
    return names[depth - 1] === `${parent}.slice` ? inSlice : undefined;
  }
  const [, inDirectory] = POD_DIRECTORY.exec(names[depth]) ?? [];
  const quality = names[depth - 1];
  const top = quality === 'burstable' || quality === 'besteffort' ? names[depth - 2] : quality;
  return top === 'kubepods' ? inDirectory : undefined;
}

function inContainer(names: readonly string[]): Place | undefined {
  for (let depth = 1; depth < names.length; depth++) {
    const [, prefix, containerId] = CONTAINER.exec(names[depth]) ?? [];
    const parent = names[depth - 1];
    if (containerId && !KEEPER.test(prefix ?? '') && !(prefix === undefined && parent === PODMAN_PARENT)) {
      return { path: pathOf(names, depth), ...container(containerId, prefix ?? parent) };
    }
  }
  return undefined;
}

function inUnit(names: readonly string[]): Place | undefined {
  for (let depth = names.length - 1; depth > 0; depth--) {
    const [, unit] = UNIT.exec(names[depth]) ?? [];
    if (unit) {
      return { path: pathOf(names, depth), unit: cleanName(unit) };
    }
  }
  return undefined;
}

function container(containerId: string, prefix: string | undefined): Pick<Place, 'containerId' | 'runtime'> {
  const runtime = RUNTIMES.get(prefix);
  return runtime ? { containerId, runtime } : { containerId };
}

function withDashes(uid: string): string {
  return uid.replaceAll('_', '-');
}

function pathOf(names: readonly string[], depth: number): string {
  return names.slice(0, depth + 1).join('/');
}
