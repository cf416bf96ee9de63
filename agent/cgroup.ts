/** Where the cgroup v2 hierarchy is mounted, and which directory of it a path means. */
import { isAbsolute, join } from 'node:path';

/**
 * The first cgroup v2 mount of a `/proc/self/mountinfo`, preferring one that shows the whole hierarchy. On a host with
 * cgroup v1 controllers ("hybrid") it is /sys/fs/cgroup/unified, elsewhere /sys/fs/cgroup.
 */
export function findCgroup2Mount(mountinfo: string): string | undefined {
  const mounts = mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields[fields.indexOf('-') + 1] === 'cgroup2')
    // Of a bind mount of a part, the root is not "/".
    .sort((a, b) => Number(a[3] !== '/') - Number(b[3] !== '/'));
  return mounts.length > 0 ? unescapeOctal(mounts[0][4]) : undefined;
}

/** The kernel writes space, tab, newline and backslash of a path as \040, \011, \012, \134. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/**
 * What a path can mean, likeliest first: a directory, or the spelling /proc/PID/cgroup uses, which starts at the mount.
 */
export function cgroupCandidates(path: string, mount: string): string[] {
  return isAbsolute(path) ? [path, join(mount, path)] : [join(mount, path)];
}
