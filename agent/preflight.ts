/**
 * What has to be true before a BPF program is loaded. Each check refuses by itself with one sentence that says what is
 * missing and what to do; the kernel's own answer to most of these is "Operation not permitted".
 */
import { readdirSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { cgroupCandidates, findCgroup2Mount } from './cgroup';
import { Refusal } from './refusal';

/** The machine as the checks see it: a test puts another one here. Readers throw what `node:fs` throws. */
export interface Machine {
  platform: string;
  kernelRelease: string;
  readText(path: string): string;
  readNames(folder: string): string[];
  /** Of these, the folders. */
  readFolders(folder: string): string[];
  /** With symbolic links and `..` followed. */
  realPath(path: string): string;
  /** `f_type` of statfs(2). */
  fileSystemType(path: string): number;
}

export const thisMachine = (): Machine => ({
  platform: process.platform,
  kernelRelease: release(),
  readText: (path) => readFileSync(path, 'utf8'),
  readNames: (folder) => readdirSync(folder),
  readFolders: (folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name),
  realPath: (path) => realpathSync(path),
  fileSystemType: (path) => statfsSync(path).type,
});

export interface Ground {
  kernelRelease: string;
  /** The directory to attach to. */
  cgroup: string;
  cgroupMount: string;
  /** What works and is probably not what was meant; one sentence each. */
  warnings: string[];
}

/**
 * @param wanted of the configuration
 * @throws Refusal
 */
export function preflight(
  wanted: { cgroup: string; podsOnly: boolean; objects: string },
  machine: Machine = thisMachine()
): Ground {
  checkKernel(machine);
  checkCapabilities(machine);
  checkBtf(machine);
  const cgroupMount = cgroup2Mount(machine);
  const whole = cgroupDirectory(wanted.cgroup, cgroupMount, machine);
  const cgroup = wanted.podsOnly ? podsBelow(whole, machine) : whole;
  checkObjects(wanted.objects, machine);
  return {
    kernelRelease: machine.kernelRelease,
    cgroup,
    cgroupMount,
    warnings: warningsOf(cgroup, cgroupMount, machine),
  };
}

/** The oldest kernel with everything the programs use; DESIGN: tried on 5.10, 6.1, 6.12 and 6.18. */
const OLDEST_KERNEL = [5, 10] as const;

function checkKernel(machine: Machine): void {
  if (machine.platform !== 'linux') {
    throw new Refusal(`Ringside measures in the Linux kernel; this is ${machine.platform}. Run the agent on Linux.`);
  }
  const [major, minor] = machine.kernelRelease.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_KERNEL;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new Refusal(
      `Linux ${machine.kernelRelease} is too old: Ringside needs ${oldestMajor}.${oldestMinor} or newer. Update the kernel.`
    );
  }
}

/** Bits of the capability sets, from <linux/capability.h>. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

function checkCapabilities(machine: Machine): void {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(machine.readText('/proc/self/status'))?.[1];
  const has = (name: keyof typeof CAPABILITIES) =>
    effective !== undefined && ((BigInt(`0x${effective}`) >> BigInt(CAPABILITIES[name])) & 1n) === 1n;
  // The kernel takes CAP_SYS_ADMIN for CAP_BPF and CAP_PERFMON, which were split from it in 5.8; not for CAP_NET_ADMIN.
  const admin = has('CAP_SYS_ADMIN');
  const missing = [
    ...(has('CAP_BPF') || admin ? [] : ['CAP_BPF']),
    ...(has('CAP_PERFMON') || admin ? [] : ['CAP_PERFMON']),
    ...(has('CAP_NET_ADMIN') ? [] : ['CAP_NET_ADMIN']),
  ];
  if (missing.length > 0) {
    throw new Refusal(
      `This process may not load BPF programs: it lacks ${missing.join(' and ')}. ` +
        'Run it as root, or give the container the capabilities BPF, PERFMON and NET_ADMIN.'
    );
  }
}

const BTF = '/sys/kernel/btf/vmlinux';

function checkBtf(machine: Machine): void {
  try {
    machine.realPath(BTF);
  } catch {
    throw new Refusal(
      `${BTF} is missing: this kernel does not describe its own types (BTF), which Ringside needs. ` +
        'Use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of all current distributions are; ' +
        'in a container, mount /sys.'
    );
  }
}

function cgroup2Mount(machine: Machine): string {
  const mount = findCgroup2Mount(machine.readText('/proc/self/mountinfo'));
  if (mount === undefined) {
    throw new Refusal(
      'No cgroup v2 hierarchy is mounted here. Boot with systemd.unified_cgroup_hierarchy=1, or run ' +
        '"mount -t cgroup2 none /sys/fs/cgroup/unified"; in a container, mount the host’s /sys/fs/cgroup.'
    );
  }
  return mount;
}

/** CGROUP2_SUPER_MAGIC of <linux/magic.h>. */
const CGROUP2_MAGIC = 0x63677270;

function cgroupDirectory(path: string, mount: string, machine: Machine): string {
  let reason = '';
  for (const candidate of cgroupCandidates(path, mount)) {
    try {
      const real = machine.realPath(candidate);
      machine.readNames(real);
      if (machine.fileSystemType(real) === CGROUP2_MAGIC) {
        return real;
      }
      reason ||= `${real} is not a directory of cgroup v2`;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Nothing under the first spelling says nothing: the path may be meant from the mount.
      reason ||= code === 'ENOENT' ? '' : `${candidate} ${WHY_NOT[code ?? ''] ?? `cannot be read (${code})`}`;
    }
  }
  throw new Refusal(
    `--cgroup ${path}: ${reason || 'there is no such cgroup'}. cgroup v2 is mounted at ${mount}; name a directory below it.`
  );
}

const WHY_NOT: Readonly<Record<string, string>> = {
  ENOTDIR: 'is a file; a cgroup is a directory',
  EACCES: 'may not be read by this process',
};

/** What the kubelet calls the cgroup of all its pods: under systemd's driver it is a slice, named after those around it. */
const PODS = /^(?:.+-)?kubepods\.slice$|^kubepods$/;
/** The kubelet's cgroup may itself be in one, or in that of a container which plays the node. */
const PODS_WITHIN_LEVELS = 5;

/** The directory of the kubelet's pods: the one nearest to the root. */
function podsBelow(cgroup: string, machine: Machine): string {
  let level = [cgroup];
  for (let depth = 0; depth < PODS_WITHIN_LEVELS; depth++) {
    const below = level.flatMap((folder) =>
      foldersOf(folder, machine).map((name) => ({ name, path: join(folder, name) }))
    );
    const pods = below.filter(({ name }) => PODS.test(name)).map(({ path }) => path);
    if (pods.length > 1) {
      throw new Refusal(
        `--pods-only: there are several kubelets’ pods here, ${pods.join(' and ')}. Name one of them with --cgroup.`
      );
    }
    if (pods.length === 1) {
      return pods[0];
    }
    level = below.map(({ path }) => path);
  }
  throw new Refusal(
    `--pods-only: below ${cgroup} there is neither kubepods.slice nor kubepods, where a kubelet keeps its pods. ` +
      'Leave the flag out to measure everything there.'
  );
}

function foldersOf(folder: string, machine: Machine): string[] {
  try {
    return machine.readFolders(folder);
  } catch {
    // Removed meanwhile.
    return [];
  }
}

/** The root of the hierarchy has no cgroup.events; the root a container sees in a namespace of its own has. */
function warningsOf(cgroup: string, mount: string, machine: Machine): string[] {
  return cgroup === machine.realPath(mount) && machine.readNames(mount).includes('cgroup.events')
    ? [
        `${mount} is the root of a cgroup namespace, not of the machine: only this container is measured. ` +
          'Start it in the host’s namespace (Docker: --cgroupns=host) with the host’s /sys/fs/cgroup mounted.',
      ]
    : [];
}

function checkObjects(folder: string, machine: Machine): void {
  let names: string[] = [];
  try {
    names = machine.readNames(folder);
  } catch {
    // Falls through: a folder that cannot be read holds no object.
  }
  if (!names.some((name) => name.endsWith('.bpf.o'))) {
    throw new Refusal(`No BPF object (*.bpf.o) in ${folder}. Run "npm run build", or name the folder with --objects.`);
  }
}
