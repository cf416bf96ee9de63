/** The programs and headers the machine must have: Debian packages, installed when they are missing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { run, step, StepError } from './steps.mjs';

const GROUPS = {
  build: ['clang', 'llvm', 'bpftool', 'libbpf-dev', 'libelf-dev', 'zlib1g-dev', 'pkg-config', 'g++', 'make', 'python3'],
  test: [
    'nginx', // The server whose access log the counts are held against.
    'chromium', // Drives the plugin's editors.
    'prometheus', // Its promtool judges /metrics.
    'curl', // A client that is not Node.
    'procps', // sysctl
    'iproute2', // Network namespaces in which packets can be lost.
    'nftables',
    'openssl', // Certificates for the TLS tests.
    'docker.io', // Builds the agent's image and reads docker-compose.yml.
    'docker-compose',
    'debootstrap', // Makes that image's base.
    'kubernetes-client', // Renders deploy/kubernetes.
  ],
  kernels: [
    'qemu-system-x86', // Boots them.
    'debian-archive-keyring', // Says that they are Debian's.
    'kmod', // Finds what a module needs.
    'xz-utils',
    'cpio', // Packs what is booted with them:
    'busybox-static',
    'nginx',
    'curl',
    'openssl',
    'iproute2',
    'nftables',
  ],
  fuzz: [
    'libclang-rt-dev', // libFuzzer and the sanitizers.
    'wabt', // Makes C of llhttp, which npm has as WebAssembly.
  ],
  bench: [
    'nginx', // What is measured.
    'wrk', // Loads it.
    'curl',
    'prometheus', // What it is measured against:
    'haproxy',
    'victoria-metrics',
  ],
  soak: ['openssl'],
};

/** Contenders that not every release of Debian has: without them there is less to compare with, and nothing else. */
const OPTIONAL = new Set(['haproxy', 'victoria-metrics']);

/** Programs that other repositories package under another name and the same path: one excludes the other. */
const ALSO_FROM_ELSEWHERE = { 'kubernetes-client': 'kubectl' };

/** Daemons that Debian starts as soon as their package is there; only their programs are wanted. */
const SERVICES = {
  nginx: ['nginx.service'],
  prometheus: ['prometheus.service'],
  'docker.io': ['docker.service', 'docker.socket', 'containerd.service'],
  haproxy: ['haproxy.service'],
  'victoria-metrics': ['victoria-metrics.service'],
};

/** What the packages are called, or where they are, on systems that are not Debian's. */
const ELSEWHERE = {
  dnf: 'dnf install clang llvm bpftool libbpf-devel elfutils-libelf-devel zlib-devel pkgconf-pkg-config gcc-c++ make python3',
  pacman: 'pacman -S clang llvm bpf libbpf libelf zlib pkgconf gcc make python',
  zypper: 'zypper install clang llvm bpftool libbpf-devel libelf-devel zlib-devel pkgconf gcc-c++ make python3',
};
/** There, what shows that they are installed. */
const PROGRAMS = ['clang', 'llvm-objcopy', 'bpftool', 'pkg-config', 'g++', 'make', 'python3'];
const LIBRARIES = ['libbpf', 'libelf', 'zlib'];

export async function installSystemPackages(groups) {
  if (groups.length === 0) {
    return;
  }
  if (!isOnPath('dpkg-query') || !isOnPath('apt-get')) {
    checkElsewhere();
    return;
  }
  const lacking = missingPackages(groups.flatMap((group) => GROUPS[group]));
  const missing = lacking.filter(canBeHad);
  if (missing.length === 0) {
    return;
  }
  const install = ['install', '--yes', '--no-install-recommends'];
  if (process.getuid() !== 0) {
    throw new StepError(
      `Debian packages are missing: ${missing.join(' ')}.\nInstall them, and run this again:\n\n  sudo apt-get ${[...install, ...missing].join(' ')}`
    );
  }
  await step(`${missing.length} Debian packages`, async (log) => {
    log.write(`${missing.join(' ')}\n`);
    const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    const apt = (...args) => run(log, 'apt-get', ['-o', 'DPkg::Lock::Timeout=600', ...args], options);
    await withoutStarting(
      missing.flatMap((name) => SERVICES[name] ?? []),
      log,
      async () => {
        try {
          await apt(...install, ...missing);
        } catch {
          // The lists of packages are missing, or so old that what they name is gone.
          await apt('update');
          await apt(...install, ...lacking.filter(canBeHad));
        }
      }
    );
  });
}

/** The ones of `names` that are not installed. */
function missingPackages(names) {
  const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    encoding: 'utf8',
  });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0])
  );
  const isThere = (name) => installed.has(name) || (name in ALSO_FROM_ELSEWHERE && isOnPath(ALSO_FROM_ELSEWHERE[name]));
  return [...new Set(names)].filter((name) => !isThere(name));
}

/** Whether this release has the package, as far as that may be in doubt. */
function canBeHad(name) {
  if (!OPTIONAL.has(name)) {
    return true;
  }
  const { stdout } = spawnSync('apt-cache', ['policy', name], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return /Candidate: (?!\(none\))/.test(stdout ?? '');
}

/** Where systemd runs, a web server must not come up on port 80 because a test wants its binary: not now, not at boot. */
async function withoutStarting(units, log, work) {
  if (units.length === 0 || !existsSync('/run/systemd/system')) {
    await work();
    return;
  }
  await run(log, 'systemctl', ['mask', '--runtime', ...units]);
  try {
    await work();
  } finally {
    await run(log, 'systemctl', ['unmask', '--runtime', ...units]);
    await run(log, 'systemctl', ['disable', ...units]);
  }
}

function checkElsewhere() {
  const missing = [
    ...PROGRAMS.filter((program) => !isOnPath(program)),
    ...LIBRARIES.filter((library) => spawnSync('pkg-config', ['--exists', library]).status !== 0),
  ];
  if (missing.length > 0) {
    const known = Object.keys(ELSEWHERE).find(isOnPath);
    const command = known
      ? `sudo ${ELSEWHERE[known]}`
      : `apt-get install ${GROUPS.build.join(' ')}   (their names on Debian)`;
    throw new StepError(`Missing: ${missing.join(' ')}.\nInstall them, and run this again:\n\n  ${command}`);
  }
}

function isOnPath(program) {
  // bpftool lives in sbin, which is not on everybody's path.
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(`${folder}/${program}`));
}
