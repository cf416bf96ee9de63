/** Debian's kernels, by apt from the mirror that this machine's apt is set up with, without touching its own lists. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, StepError, type Log } from '../setup/steps.mjs';
import { RELEASES, type Release } from './releases';

/** The smallest of Debian's kernels: made for virtual machines. It depends on the one that is current. */
const CLOUD = 'linux-image-cloud-amd64';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** Of its dependencies, those that hold the kernel and its modules: in one package up to trixie, in several since. */
const PARTS = /^linux-(?:image|binary|modules)-\d/;

export interface Kernel {
  /** As `uname -r` says: `6.1.0-50-cloud-amd64`. */
  release: string;
  /** What is booted. */
  image: string;
  /** The folder that stands for `/` to the kernel's module tools. */
  root: string;
}

/** An apt of its own: its lists, its cache and its sources are all in one folder. */
export class DebianKernels {
  readonly #folder: string;
  readonly #options: string[];

  /** @param folder what is downloaded stays there, for the next time */
  constructor(folder: string) {
    this.#folder = folder;
    const at = (name: string) => join(folder, 'apt', name);
    ['lists/partial', 'cache/archives/partial'].forEach((name) => mkdirSync(at(name), { recursive: true }));
    const sources = RELEASES.map(({ suite }) => `deb [arch=amd64 signed-by=${KEYRING}] ${mirror()} ${suite} main\n`);
    writeFileSync(at('sources.list'), sources.join(''));
    this.#options = [
      `Dir::Etc::sourcelist=${at('sources.list')}`,
      'Dir::Etc::sourceparts=/dev/null',
      'Dir::Etc::preferences=/dev/null',
      'Dir::Etc::preferencesparts=/dev/null',
      `Dir::State::lists=${at('lists')}`,
      'Dir::State::status=/dev/null',
      `Dir::Cache=${at('cache')}`,
      // The folder is root's, as the checkout may be; apt's own user could not write there.
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
  }

  update(log: Log): Promise<void> {
    return run(log, 'apt-get', [...this.#options, 'update']);
  }

  /** Downloads and unpacks the current kernel of a release, unless that is there. */
  async fetch({ suite }: Release, log: Log): Promise<Kernel> {
    const [image, ...others] = this.#parts(suite);
    const root = join(this.#folder, 'unpacked', image);
    if (!existsSync(root)) {
      const fresh = `${root}.new`;
      rmSync(fresh, { recursive: true, force: true });
      mkdirSync(fresh, { recursive: true });
      const packages = [image, ...others].map((name) => `${name}/${suite}`);
      await run(log, 'apt-get', [...this.#options, 'download', ...packages], { cwd: fresh });
      for (const file of readdirSync(fresh)) {
        await run(log, 'dpkg-deb', ['--extract', file, '.'], { cwd: fresh });
        rmSync(join(fresh, file));
      }
      renameSync(fresh, root);
    }
    return kernelIn(root);
  }

  /** The packages of a suite's kernel, the image first. */
  #parts(suite: string): string[] {
    const found = [CLOUD];
    for (const name of found) {
      found.push(...this.#dependencies(name, suite).filter((each) => PARTS.test(each) && !found.includes(each)));
    }
    if (found.length === 1) {
      throw new StepError(`${CLOUD} of Debian ${suite} depends on no kernel: apt knows of none there.`);
    }
    return found.slice(1);
  }

  #dependencies(name: string, suite: string): string[] {
    const text = execFileSync('apt-cache', [...this.#options, 'depends', `${name}/${suite}`], { encoding: 'utf8' });
    return [...text.matchAll(/^ *\|?Depends: (\S+)$/gm)].map(([, depends]) => depends);
  }
}

/** Where this machine's apt gets Debian itself from. */
function mirror(): string {
  const [, suite = ''] = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? [];
  const format = '$(CODENAME) $(COMPONENT) $(REPO_URI)';
  const targets = execFileSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.split(' '));
  const found = targets.find(([codename, component]) => codename === suite && component === 'main')?.[2];
  if (found === undefined) {
    throw new StepError(
      `apt is not set up for Debian here: apt-get indextargets names no main component of "${suite}".`
    );
  }
  return found;
}

/** A Debian kernel is in /boot, or since 7 beside its modules. */
function kernelIn(root: string): Kernel {
  const modules = ['lib/modules', 'usr/lib/modules'].map((path) => join(root, path)).find(existsSync);
  const release = modules && readdirSync(modules)[0];
  const image = [join(root, `boot/vmlinuz-${release}`), join(modules ?? '', release ?? '', 'vmlinuz')].find(existsSync);
  if (release === undefined || image === undefined) {
    throw new StepError(`There is no kernel in ${root}; remove it, and this is downloaded again.`);
  }
  return { release, image, root };
}
