/** What the kernel tests need of the machine: each missing thing is said in one line, before anything else can fail. */
import { existsSync, readFileSync } from 'node:fs';

export class MissingRequirement extends Error {
  override readonly name = 'MissingRequirement';

  constructor(what: string, remedy: string) {
    super(`Kernel tests need ${what}: ${remedy}`);
    this.stack = `${this.name}: ${this.message}`;
  }
}

export function requireRoot(): void {
  if (process.geteuid?.() !== 0) {
    throw new MissingRequirement('root', 'run them with sudo, or as root in a virtual machine');
  }
}

export function requireKernel(): void {
  requireRoot();
  if (!existsSync('/sys/kernel/btf/vmlinux')) {
    throw new MissingRequirement('a kernel with BTF', '/sys/kernel/btf/vmlinux is missing (CONFIG_DEBUG_INFO_BTF=y)');
  }
  cgroupMount();
}

/** A program of the machine that a test drives; `debianPackage` is what brings it. */
export function requireProgram(path: string, debianPackage: string): string {
  if (!existsSync(path)) {
    throw new MissingRequirement(path, `apt-get install ${debianPackage}`);
  }
  return path;
}

/** Where cgroup v2 is mounted: `/sys/fs/cgroup`, or `/sys/fs/cgroup/unified` beside version 1 (hybrid). */
export function cgroupMount(): string {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    // "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw": the optional fields before the
    // dash vary in number, so the type is looked for behind it.
    const [mount, filesystem] = line.split(' - ');
    if (filesystem?.startsWith('cgroup2 ')) {
      return mount.split(' ')[4];
    }
  }
  throw new MissingRequirement('cgroup v2', 'mount it with: mount -t cgroup2 none /sys/fs/cgroup');
}
