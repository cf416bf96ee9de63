/** Where a cgroup lies: what its path alone says about whose it is. */

export type Runtime = 'containerd' | 'cri-o' | 'docker' | 'podman';

export interface Place {
  /** The owner's own cgroup: the container's, else the pod's, the unit's, or the cgroup itself. */
  path: string;
  /** With dashes, in lower case. */
  podUid?: string;
  /** 64 hexadecimal digits. */
  containerId?: string;
  runtime?: Runtime;
  /** The systemd unit, without ".service". */
  unit?: string;
}
