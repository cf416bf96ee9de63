/** The few parts of a kernel that the tests use and Debian builds as modules: for a veth pair, its firewall, and `ss`. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { archive } from './archive';
import type { Kernel } from './debian';

const WANTED = ['tcp_diag', 'veth', 'nf_tables', 'nft_numgen', 'nft_ct', 'nft_reject_inet', 'sch_htb'];

/** Packs them with all that they need, numbered in the order in which they have to be loaded. */
export function packModules({ root, release }: Kernel, folder: string, file: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'modules'), { recursive: true });
  if (!existsSync(join(root, 'lib'))) {
    symlinkSync('usr/lib', join(root, 'lib'));
  }
  // Debian makes the index when a kernel is installed. It warns of lists that only say what is built in.
  execFileSync('/sbin/depmod', ['--basedir', root, release], { stdio: 'pipe' });
  const show = ['--dirname', root, '--set-version', release, '--show-depends', '--all', ...WANTED];
  const lines = execFileSync('/sbin/modprobe', show, { encoding: 'utf8' }).split('\n');
  // "insmod /…/veth.ko.xz "; a part that this kernel has built in is "builtin veth".
  const paths = [...new Set(lines.map((line) => /^insmod (\S+)/.exec(line)?.[1]).filter((path) => path !== undefined))];
  paths.forEach((path, n) => {
    const bytes = path.endsWith('.xz') ? execFileSync('xz', ['-dc', path], { maxBuffer: 2 ** 26 }) : readFileSync(path);
    const name = basename(path).replace(/\.xz$/, '');
    writeFileSync(join(folder, 'modules', `${String(n).padStart(2, '0')}-${name}`), bytes);
  });
  archive(folder, file);
}
