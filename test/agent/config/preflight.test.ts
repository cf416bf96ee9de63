import { basename, dirname } from 'node:path';
import { findCgroup2Mount } from '../../../agent/cgroup';
import { preflight, thisMachine, type Machine } from '../../../agent/preflight';
import { explain } from '../../../agent/refusal';

const CGROUP2 = 0x63677270;
const TMPFS = 0x01021994;
const MOUNT = '/sys/fs/cgroup';

const MOUNTINFO =
  '22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n' +
  '31 22 0:28 / /sys/fs/cgroup rw,nosuid shared:9 master:3 - cgroup2 cgroup2 rw,nsdelegate\n';

const ALL_CAPABILITIES = '000001ffffffffff';
const status = (effective: string) => `Name:\tnode\nCapPrm:\t${ALL_CAPABILITIES}\nCapEff:\t${effective}\nSeccomp:\t0\n`;
const bits = (...names: number[]) =>
  names
    .reduce((set, bit) => set | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, '0');
const [NET_ADMIN, SYS_ADMIN, PERFMON, BPF] = [12, 21, 38, 39];

/** Directories with the type of their file system. */
const FOLDERS: Record<string, number> = {
  '/sys/kernel/btf/vmlinux': TMPFS,
  [MOUNT]: CGROUP2,
  [`${MOUNT}/system.slice`]: CGROUP2,
  [`${MOUNT}/odd name`]: CGROUP2,
  '/etc': TMPFS,
  '/opt/bpf': TMPFS,
};

function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function machine(changes: Partial<Machine> = {}, folders = FOLDERS): Machine {
  const find = (path: string) => {
    const plain = path.replace(/(.)\/$/, '$1');
    if (!(plain in folders)) {
      throw errno('ENOENT');
    }
    return plain;
  };
  return {
    platform: 'linux',
    kernelRelease: '6.1.0-25-amd64',
    readText: (path) => ({ '/proc/self/status': status(ALL_CAPABILITIES), '/proc/self/mountinfo': MOUNTINFO })[path]!,
    readNames: (folder) => (find(folder) === '/opt/bpf' ? ['http.bpf.o', 'tcp.bpf.o'] : []),
    readFolders: (folder) =>
      Object.keys(folders)
        .filter((path) => dirname(path) === find(folder))
        .map((path) => basename(path)),
    realPath: find,
    fileSystemType: (path) => folders[find(path)],
    ...changes,
  };
}

const wanted = { cgroup: '/', podsOnly: false, objects: '/opt/bpf' };
const refusal = (changes: Partial<Machine>, want: Partial<typeof wanted> = {}, folders = FOLDERS): string => {
  let message = '';
  try {
    preflight({ ...wanted, ...want }, machine(changes, folders));
  } catch (error) {
    expect((error as Error).name).toBe('Refusal');
    message = explain(error);
  }
  expect(message).not.toBe('');
  expect(message).not.toContain('\n');
  return message;
};

describe('preflight', () => {
  it('finds the ground it stands on', () => {
    expect(preflight(wanted, machine())).toEqual({
      kernelRelease: '6.1.0-25-amd64',
      cgroup: MOUNT,
      cgroupMount: MOUNT,
      warnings: [],
    });
  });

  it('warns of the root of a container’s own cgroup namespace, unless a part of it is asked for', () => {
    const names = (folder: string) => (folder === '/opt/bpf' ? ['http.bpf.o'] : ['cgroup.events', 'cgroup.procs']);
    const { warnings } = preflight(wanted, machine({ readNames: names }));
    expect(warnings).toEqual([expect.stringContaining('--cgroupns=host')]);
    expect(preflight({ ...wanted, cgroup: 'system.slice' }, machine({ readNames: names })).warnings).toEqual([]);
  });

  it('passes on this machine', () => {
    const here = thisMachine();
    const ground = preflight(wanted, {
      ...here,
      readNames: (folder) => (folder === '/opt/bpf' ? ['http.bpf.o'] : here.readNames(folder)),
    });
    expect(here.fileSystemType(ground.cgroup)).toBe(CGROUP2);
  });

  it('refuses what is not Linux', () => {
    expect(refusal({ platform: 'darwin' })).toContain('darwin');
  });

  it.each(['5.9.16', '5.4.0-200-generic', '4.19.0', '3.10.0-1160.el7.x86_64'])('refuses Linux %s', (kernelRelease) => {
    const message = refusal({ kernelRelease });
    expect(message).toContain(kernelRelease);
    expect(message).toContain('5.10');
  });

  it.each(['5.10.0', '5.10.234-eks', '5.15.0', '6.0.0-rc1', '10.0.1'])('accepts Linux %s', (kernelRelease) => {
    expect(() => preflight(wanted, machine({ kernelRelease }))).not.toThrow();
  });

  it.each([
    [bits(), ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN']],
    [bits(NET_ADMIN), ['CAP_BPF', 'CAP_PERFMON']],
    [bits(BPF, PERFMON), ['CAP_NET_ADMIN']],
    [bits(BPF, NET_ADMIN), ['CAP_PERFMON']],
    [bits(SYS_ADMIN), ['CAP_NET_ADMIN']],
    [bits(SYS_ADMIN, NET_ADMIN), []],
    [bits(BPF, PERFMON, NET_ADMIN), []],
  ])('with the capabilities %s misses %j', (effective, missing) => {
    const readText = (path: string) => (path === '/proc/self/status' ? status(effective) : MOUNTINFO);
    if (missing.length === 0) {
      expect(() => preflight(wanted, machine({ readText }))).not.toThrow();
      return;
    }
    const message = refusal({ readText });
    expect(message.match(/CAP_\w+/g)).toEqual(missing);
    expect(message).toContain('root');
  });

  it('refuses a kernel without BTF', () => {
    const { '/sys/kernel/btf/vmlinux': _, ...folders } = FOLDERS;
    const message = refusal({}, {}, folders);
    expect(message).toContain('/sys/kernel/btf/vmlinux');
    expect(message).toContain('CONFIG_DEBUG_INFO_BTF=y');
  });

  it('refuses a machine without cgroup v2', () => {
    const readText = (path: string) =>
      path === '/proc/self/status' ? status(ALL_CAPABILITIES) : MOUNTINFO.replaceAll('cgroup2', 'cgroup');
    expect(refusal({ readText })).toContain('mount -t cgroup2');
  });

  it('refuses when the objects are not built', () => {
    expect(refusal({}, { objects: '/etc' })).toContain('npm run build');
    expect(refusal({}, { objects: '/nowhere' })).toContain('/nowhere');
  });
});

describe('--cgroup', () => {
  it.each([
    ['/', MOUNT],
    ['', MOUNT],
    [MOUNT, MOUNT],
    ['system.slice', `${MOUNT}/system.slice`],
    ['/system.slice', `${MOUNT}/system.slice`],
    ['/system.slice/', `${MOUNT}/system.slice`],
    [`${MOUNT}/system.slice`, `${MOUNT}/system.slice`],
    ['odd name', `${MOUNT}/odd name`],
  ])('"%s" is %s', (cgroup, expected) => {
    expect(preflight({ ...wanted, cgroup }, machine()).cgroup).toBe(expected);
  });

  it.each([
    ['/nowhere', 'there is no such cgroup'],
    ['/etc', '/etc is not a directory of cgroup v2'],
    ['../../../etc', '/etc is not a directory of cgroup v2'],
  ])('%s is refused', (cgroup, why) => {
    const message = refusal({}, { cgroup });
    expect(message).toContain(`--cgroup ${cgroup}`);
    expect(message).toContain(why);
    expect(message).toContain(MOUNT);
  });

  it('a file is refused, and a directory that cannot be read', () => {
    for (const [code, why] of [
      ['ENOTDIR', 'is a file'],
      ['EACCES', 'may not be read'],
      ['EIO', 'cannot be read (EIO)'],
    ]) {
      const readNames = (folder: string) => {
        if (folder.startsWith(MOUNT)) {
          throw errno(code);
        }
        return ['http.bpf.o'];
      };
      expect(refusal({ readNames }, { cgroup: 'system.slice' })).toContain(why);
    }
  });
});

describe('findCgroup2Mount', () => {
  it('prefers the mount of the whole hierarchy, and undoes the kernel’s escapes', () => {
    const part = '40 22 0:28 /docker/1 /run/part rw - cgroup2 cgroup2 rw\n';
    expect(findCgroup2Mount(part + MOUNTINFO)).toBe(MOUNT);
    expect(findCgroup2Mount(part)).toBe('/run/part');
    expect(findCgroup2Mount('40 22 0:28 / /mnt/a\\040b\\134c rw - cgroup2 none rw\n')).toBe('/mnt/a b\\c');
    // A file system may be called what it likes; its type comes after the dash.
    expect(findCgroup2Mount('41 22 0:29 / /tmp/cgroup2 rw shared:2 - tmpfs cgroup2 rw\n')).toBeUndefined();
  });
});

describe('explain', () => {
  it('is one sentence, and the verifier’s last lines where it has spoken', () => {
    const log = Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n');
    const text = explain(Object.assign(new Error('Cannot load http.bpf.o'), { code: 'EACCES', step: 'load', log }));
    expect(text).toMatch(/^Cannot load http\.bpf\.o\nThe verifier says:\nline 80\n/);
    expect(text).toMatch(/line 99$/);
    expect(explain(Object.assign(new Error('Cannot open'), { log: '' }))).toBe('Cannot open');
    expect(explain('text')).toBe('text');
    expect(explain(undefined)).toBe('undefined');
  });
});

describe('--pods-only', () => {
  const withFolders = (...paths: string[]) => ({
    ...FOLDERS,
    ...Object.fromEntries(paths.map((path) => [`${MOUNT}${path}`, CGROUP2])),
  });
  const pods = (...paths: string[]) =>
    preflight({ ...wanted, podsOnly: true }, machine({}, withFolders(...paths))).cgroup.slice(MOUNT.length);

  it.each([
    ['/kubepods.slice'],
    ['/kubepods'],
    ['/kubelet', '/kubelet/kubepods'],
    ['/kubelet.slice', '/kubelet.slice/kubelet-kubepods.slice'],
    ['/docker', '/docker/0a', '/docker/0a/kubelet', '/docker/0a/kubelet/kubepods'],
  ])('finds %j', (...paths) => {
    expect(pods(...paths)).toBe(paths.at(-1));
  });

  it('takes the ones nearest to the root: a pod may run a cluster of its own', () => {
    expect(pods('/kubepods', '/kubepods/burstable', '/kubepods/burstable/kubepods')).toBe('/kubepods');
  });

  it('refuses to choose, and to find nothing', () => {
    const say = (...paths: string[]) => refusal({}, { podsOnly: true }, withFolders(...paths));
    expect(say('/kubepods', '/kubepods.slice')).toContain(`${MOUNT}/kubepods and ${MOUNT}/kubepods.slice`);
    expect(say('/not-kubepods', '/kubepods.slice.d')).toContain('neither kubepods.slice nor kubepods');
  });
});
