/** Debian's base system in a folder, and this machine's Node put into a copy of it: what the images are built from. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
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
 * @returns what the image's environment has to say
 */
export function addNode(folder: string): string[] {
  const prefix = dirname(dirname(process.execPath));
  const npm = join(prefix, 'lib/node_modules/npm');
  const copy = (from: string, to: string) => cpSync(from, join(folder, to), { recursive: true, dereference: true });
  copy(process.execPath, 'usr/local/bin/node');
  copy(npm, 'usr/local/lib/node_modules/npm');
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'));
  if (existsSync(join(prefix, 'include/node'))) {
    copy(join(prefix, 'include/node'), 'usr/local/include/node');
  }
  if (!existsSync(CERTIFICATES)) {
    return [];
  }
  mkdirSync(join(folder, dirname(CERTIFICATES)), { recursive: true });
  copy(CERTIFICATES, CERTIFICATES);
  return [`ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`, `ENV npm_config_cafile=${CERTIFICATES}`];
}
