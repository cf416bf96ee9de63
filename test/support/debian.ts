/** Debian's base system in a folder, and Node put into a copy of it: what the images are built from. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Debian of this machine's own release, from the mirror that its apt is set up with. */
export function debootstrap(folder: string): void {
  const [, suite = 'bookworm'] = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  execFileSync('debootstrap', ['--variant=minbase', suite, folder, mirrorOf(suite)], { stdio: 'pipe' });
}

function mirrorOf(suite: string): string {
  const targets = execFileSync('apt-get', ['indextargets', '--format', '$(CODENAME) $(COMPONENT) $(REPO_URI)'], {
    encoding: 'utf8',
  });
  const mirror = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find(([codename, component]) => codename === suite && component === 'main')?.[2];
  if (mirror === undefined) {
    throw new Error(`apt is not set up for Debian ${suite}: apt-get indextargets names no main component of it.`);
  }
  return mirror;
}

/**
 * Node with npm and headers, where the official images have them. Beside them the certificates that this machine trusts:
 * a registry that is reached through something of its own is reached from the image too.
 *
 * @param version of Node, which is fetched from the npm registry as it is published there; npm is this machine's
 * @returns what the image's environment has to say
 */
export function addNode(folder: string, version: string): string[] {
  const copy = (from: string, to: string) => cpSync(from, join(folder, to), { recursive: true, dereference: true });
  const fetched = mkdtempSync(join(tmpdir(), 'ringside-node-'));
  try {
    const name = `node-linux-${process.arch}`;
    const options = ['--prefix', fetched, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    execFileSync('npm', ['install', ...options, `${name}@${version}`], { cwd: fetched, stdio: 'pipe' });
    copy(join(fetched, 'node_modules', name, 'bin/node'), 'usr/local/bin/node');
    copy(join(fetched, 'node_modules', name, 'include/node'), 'usr/local/include/node');
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  // It is linked with it since 25; the official images have it.
  const apt = (...args: string[]) => execFileSync('chroot', [folder, 'apt-get', ...args], { stdio: 'pipe' });
  apt('update');
  apt('install', '--yes', '--no-install-recommends', 'libatomic1');
  copy(join(dirname(dirname(process.execPath)), 'lib/node_modules/npm'), 'usr/local/lib/node_modules/npm');
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'));
  if (!existsSync(CERTIFICATES)) {
    return [];
  }
  mkdirSync(join(folder, dirname(CERTIFICATES)), { recursive: true });
  copy(CERTIFICATES, CERTIFICATES);
  return [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, `ENV npm_config_cafile=${CERTIFICATES}`];
}
