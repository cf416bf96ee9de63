/**
 * Every way in which a kubelet, a container runtime or systemd lays out cgroups, as a table: the same rows are read as
 * paths and made as real cgroups.
 *
 * Sources: ToSystemd and ToCgroupfs of the kubelet's CgroupName, getCgroupsPath of containerd, the package cgmgr of
 * CRI-O, getOCICgroupPath of podman, defaultDirPath of runc's package fs2 (for a runtime that does not believe in
 * systemd), and docs/CGROUP_DELEGATION.md of systemd.
 */
import type { Place } from '../../agent/identity/place';

export interface Layout {
  title: string;
  /** @param podUid as Kubernetes writes it; of a static pod, 32 digits */
  path(podUid: string, containerId: string): string;
  /** `path` is left out where the cgroup is its own owner. */
  place(podUid: string, containerId: string): Omit<Place, 'path'> & Partial<Place>;
  /** The pod's configuration comes from a file: its UID is a hash. */
  static?: true;
}

export const STATIC_POD_UID = '36b6d6be73b1065af369b3985edafa09';
/** Of the container that the layouts below it pretend to be in, or beside. */
export const OTHER_CONTAINER_ID = 'd0c4e7'.padEnd(64, '5');
export const OTHER_POD_UID = '00000000-dead-4bad-8bad-c0ffee000000';

const escaped = (podUid: string) => podUid.replaceAll('-', '_');

/** Where the systemd driver puts a pod. */
const slice = (quality: '' | '-burstable' | '-besteffort', podUid: string, prefix = '') => {
  const top = `${prefix}kubepods`;
  const between = quality === '' ? '' : `/${top}${quality}.slice`;
  return `/${top}.slice${between}/${top}${quality}-pod${escaped(podUid)}.slice`;
};

const inPod =
  (runtime?: Place['runtime']): Layout['place'] =>
  (podUid, containerId) => ({ podUid, containerId, ...(runtime && { runtime }) });

const ofPod: Layout['place'] = (podUid) => ({ podUid });

/** Everything below `owner` is its. */
const below = (owner: Layout, rest: string, title: string): Layout => ({
  title,
  path: (podUid, containerId) => owner.path(podUid, containerId) + rest,
  place: (podUid, containerId) => ({ path: owner.path(podUid, containerId), ...owner.place(podUid, containerId) }),
});

export const BURSTABLE: Layout = {
  title: 'systemd, containerd, Burstable',
  path: (podUid, id) => `${slice('-burstable', podUid)}/cri-containerd-${id}.scope`,
  place: inPod('containerd'),
};

export const CGROUPFS: Layout = {
  title: 'cgroupfs, containerd or cri-dockerd, Burstable',
  path: (podUid, id) => `/kubepods/burstable/pod${podUid}/${id}`,
  place: inPod(),
};

export const DOCKER: Layout = {
  title: 'Docker, systemd',
  path: (_podUid, id) => `/system.slice/docker-${id}.scope`,
  place: (_podUid, containerId) => ({ containerId, runtime: 'docker' }),
};

/** Containers of pods. */
export const POD_CONTAINERS: readonly Layout[] = [
  BURSTABLE,
  {
    title: 'systemd, containerd, Guaranteed',
    path: (podUid, id) => `${slice('', podUid)}/cri-containerd-${id}.scope`,
    place: inPod('containerd'),
  },
  {
    title: 'systemd, containerd, BestEffort',
    path: (podUid, id) => `${slice('-besteffort', podUid)}/cri-containerd-${id}.scope`,
    place: inPod('containerd'),
  },
  {
    title: 'systemd, CRI-O, Burstable',
    path: (podUid, id) => `${slice('-burstable', podUid)}/crio-${id}.scope`,
    place: inPod('cri-o'),
  },
  {
    title: 'systemd, CRI-O with crun, which adds a cgroup of its own',
    path: (podUid, id) => `${slice('', podUid)}/crio-${id}.scope/container`,
    place: (podUid, containerId) => ({
      path: `${slice('', podUid)}/crio-${containerId}.scope`,
      ...inPod('cri-o')(podUid, containerId),
    }),
  },
  {
    title: 'systemd, cri-dockerd, BestEffort',
    path: (podUid, id) => `${slice('-besteffort', podUid)}/docker-${id}.scope`,
    place: inPod('docker'),
  },
  CGROUPFS,
  {
    title: 'cgroupfs, containerd or cri-dockerd, Guaranteed',
    path: (podUid, id) => `/kubepods/pod${podUid}/${id}`,
    place: inPod(),
  },
  {
    title: 'cgroupfs, containerd or cri-dockerd, BestEffort',
    path: (podUid, id) => `/kubepods/besteffort/pod${podUid}/${id}`,
    place: inPod(),
  },
  {
    title: 'cgroupfs, CRI-O, Burstable',
    path: (podUid, id) => `/kubepods/burstable/pod${podUid}/crio-${id}`,
    place: inPod('cri-o'),
  },
  {
    title: 'a static pod, systemd',
    path: (podUid, id) => `${slice('-burstable', podUid)}/cri-containerd-${id}.scope`,
    place: inPod('containerd'),
    static: true,
  },
  {
    title: 'a static pod, cgroupfs',
    path: (podUid, id) => `/kubepods/burstable/pod${podUid}/${id}`,
    place: inPod(),
    static: true,
  },
  {
    title: '--cgroup-root=/kubelet, systemd, Burstable (kind)',
    path: (podUid, id) => `/kubelet.slice${slice('-burstable', podUid, 'kubelet-')}/cri-containerd-${id}.scope`,
    place: inPod('containerd'),
  },
  {
    title: '--cgroup-root=/kubelet, systemd, Guaranteed (kind)',
    path: (podUid, id) => `/kubelet.slice${slice('', podUid, 'kubelet-')}/cri-containerd-${id}.scope`,
    place: inPod('containerd'),
  },
  {
    title: '--cgroup-root=/kubelet, cgroupfs (kind before 1.24)',
    path: (podUid, id) => `/kubelet/kubepods/besteffort/pod${podUid}/${id}`,
    place: inPod(),
  },
  {
    title: 'a kind node, seen from its host, cgroupfs on the host',
    path: (podUid, id) =>
      `/docker/${OTHER_CONTAINER_ID}/kubelet.slice${slice('-burstable', podUid, 'kubelet-')}/cri-containerd-${id}.scope`,
    place: inPod('containerd'),
  },
  {
    title: 'a k3d node, seen from its host, systemd on the host',
    path: (podUid, id) => `/system.slice/docker-${OTHER_CONTAINER_ID}.scope/kubepods/burstable/pod${podUid}/${id}`,
    place: inPod(),
  },
  {
    title: 'k3s without root, in a unit of a user',
    path: (podUid, id) =>
      `/user.slice/user-1000.slice/user@1000.service/app.slice/k3s-rootless.service/kubepods/besteffort/pod${podUid}/${id}`,
    place: inPod(),
  },
  {
    title: 'the kubelet believes in systemd, containerd does not (runc before 1.0)',
    path: (podUid, id) =>
      `/system.slice/containerd.service/kubepods-burstable-pod${escaped(podUid)}.slice:cri-containerd:${id}`,
    place: inPod('containerd'),
  },
  {
    title: 'the kubelet believes in systemd, containerd does not (runc since 1.0)',
    path: (podUid, id) => `/system.slice/kubepods-pod${escaped(podUid)}.slice:cri-containerd:${id}`,
    place: inPod('containerd'),
  },
  {
    title: 'the kubelet believes in systemd, CRI-O does not',
    path: (podUid, id) => `/kubepods-besteffort-pod${escaped(podUid)}.slice:crio:${id}`,
    place: inPod('cri-o'),
  },
  below(BURSTABLE, '/init.scope', 'systemd in a container'),
  below(BURSTABLE, '/system.slice/nginx.service', 'a service of systemd in a container'),
  below(CGROUPFS, '/a/b/c', 'nested cgroups in a container'),
  below(BURSTABLE, `/docker/${OTHER_CONTAINER_ID}`, 'Docker in a pod'),
  below(
    BURSTABLE,
    `/docker/${OTHER_CONTAINER_ID}/kubelet.slice${slice('', OTHER_POD_UID, 'kubelet-')}` +
      `/cri-containerd-${OTHER_CONTAINER_ID}.scope`,
    'kind in a pod'
  ),
  below(
    CGROUPFS,
    `/kubepods/burstable/pod${OTHER_POD_UID}/${OTHER_CONTAINER_ID}`,
    'a container that passes itself off as another pod, cgroupfs'
  ),
  below(
    BURSTABLE,
    `${slice('-burstable', OTHER_POD_UID)}/cri-containerd-${OTHER_CONTAINER_ID}.scope`,
    'a container that passes itself off as another pod, systemd'
  ),
  below(
    BURSTABLE,
    `/kubepods-pod${escaped(OTHER_POD_UID)}.slice:cri-containerd:${OTHER_CONTAINER_ID}`,
    'a container that passes itself off as another pod, mixed drivers'
  ),
];

/** What is a pod's, but none of its containers'. */
export const PODS: readonly Layout[] = [
  { title: 'a pod, systemd', path: (podUid) => slice('-burstable', podUid), place: ofPod },
  { title: 'a Guaranteed pod, systemd', path: (podUid) => slice('', podUid), place: ofPod },
  { title: 'a pod, cgroupfs', path: (podUid) => `/kubepods/besteffort/pod${podUid}`, place: ofPod },
  {
    title: 'the keeper of a container of CRI-O, systemd',
    path: (podUid, id) => `${slice('-burstable', podUid)}/crio-conmon-${id}.scope`,
    place: (podUid) => ({ path: slice('-burstable', podUid), podUid }),
  },
  {
    title: 'the keeper of a container of CRI-O, cgroupfs',
    path: (podUid, id) => `/kubepods/pod${podUid}/crio-conmon-${id}`,
    place: (podUid) => ({ path: `/kubepods/pod${podUid}`, podUid }),
  },
  {
    title: 'the virtual machine of a pod (Kata Containers)',
    path: (podUid, id) => `/kubepods/pod${podUid}/kata_${id}`,
    place: (podUid) => ({ path: `/kubepods/pod${podUid}`, podUid }),
  },
];

/** Without Kubernetes. */
export const ELSEWHERE: readonly Layout[] = [
  DOCKER,
  {
    title: 'Docker, cgroupfs',
    path: (_podUid, id) => `/docker/${id}`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'docker' }),
  },
  {
    title: 'Docker, --cgroup-parent',
    path: (_podUid, id) => `/machines/${id}`,
    place: (_podUid, containerId) => ({ containerId }),
  },
  {
    title: 'Docker without root',
    path: (_podUid, id) => `/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${id}.scope`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'docker' }),
  },
  {
    title: 'Docker believes in systemd, its runtime (gVisor) does not',
    path: (_podUid, id) => `/system.slice:docker:${id}`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'docker' }),
  },
  {
    title: 'podman',
    path: (_podUid, id) => `/machine.slice/libpod-${id}.scope`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'podman' }),
  },
  {
    title: 'podman without root, and crun, which adds a cgroup of its own',
    path: (_podUid, id) => `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`,
    place: (_podUid, containerId) => ({
      path: `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${containerId}.scope`,
      containerId,
      runtime: 'podman',
    }),
  },
  {
    title: 'a pod of podman, systemd',
    path: (_podUid, id) => `/machine.slice/machine-libpod_pod_${OTHER_CONTAINER_ID}.slice/libpod-${id}.scope`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'podman' }),
  },
  {
    title: 'a pod of podman, cgroupfs',
    path: (_podUid, id) => `/libpod_parent/${OTHER_CONTAINER_ID}/libpod-${id}`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'podman' }),
  },
  {
    title: 'podman in a unit of systemd (Quadlet)',
    path: (_podUid, id) => `/system.slice/web.service/libpod-payload-${id}`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'podman' }),
  },
  {
    title: 'nerdctl',
    path: (_podUid, id) => `/system.slice/nerdctl-${id}.scope`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'containerd' }),
  },
  {
    title: 'pods without cgroups of their own (--cgroups-per-qos=false)',
    path: (_podUid, id) => `/system.slice/cri-containerd-${id}.scope`,
    place: (_podUid, containerId) => ({ containerId, runtime: 'containerd' }),
  },
  below(DOCKER, '/init.scope', 'systemd in a container of Docker'),
  below(DOCKER, `/docker/${OTHER_CONTAINER_ID}`, 'Docker in Docker'),
  below(DOCKER, `/system.slice/kubelet.service`, 'the services of a kind node'),
  below(
    DOCKER,
    `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podXYZ.slice/cri-containerd-${OTHER_CONTAINER_ID}.scope`,
    'what stands in the place of a pod, but has no UID'
  ),
  below(DOCKER, `/pod${OTHER_POD_UID}/${OTHER_CONTAINER_ID}`, 'a directory that is called like a pod'),
  below(
    DOCKER,
    `/kubepods-pod${escaped(OTHER_POD_UID)}.slice/cri-containerd-${OTHER_CONTAINER_ID}.scope`,
    'a slice that is called like a pod, not in its place'
  ),
  {
    title: 'the keeper of a container of podman',
    path: (_podUid, id) => `/machine.slice/libpod-conmon-${id}.scope`,
    place: () => ({}),
  },
  {
    title: 'the keeper of a container of CRI-O, outside its pod',
    path: (_podUid, id) => `/system.slice/crio-conmon-${id}.scope`,
    place: () => ({}),
  },
  { title: 'a unit', path: () => '/system.slice/nginx.service', place: () => ({ unit: 'nginx' }) },
  {
    title: 'a cgroup in a unit',
    path: () => '/system.slice/nginx.service/workers/1',
    place: () => ({ path: '/system.slice/nginx.service', unit: 'nginx' }),
  },
  {
    title: 'an instance of a template',
    path: () => '/system.slice/system-postgresql.slice/postgresql@15-main.service',
    place: () => ({ unit: 'postgresql@15-main' }),
  },
  {
    title: 'a service of a user',
    path: () => '/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service',
    place: () => ({ unit: 'syncthing' }),
  },
  { title: 'a session', path: () => '/user.slice/user-1000.slice/session-3.scope', place: () => ({}) },
  { title: 'a cgroup', path: () => '/build/4', place: () => ({}) },
  { title: 'pods together', path: () => '/kubepods.slice/kubepods-burstable.slice', place: () => ({}) },
  { title: 'the root', path: () => '/', place: () => ({}) },
];

export const LAYOUTS: readonly Layout[] = [...POD_CONTAINERS, ...PODS, ...ELSEWHERE];

/** What `placeOf` says of the layout. */
export function placeIn(layout: Layout, podUid: string, containerId: string): Place {
  return { path: layout.path(podUid, containerId), ...layout.place(podUid, containerId) };
}
