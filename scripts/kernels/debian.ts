/** Debian's kernels, by apt from the mirror that this machine's apt is set up with. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, StepError, type Log } from '../setup/steps.mjs';

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

/**
 * Downloads and unpacks the current kernel of a suite of Debian, unless that is there.
 *
 * @param folder what is downloaded stays there, for the next time
 */
export async function fetchKernel(suite: string, folder: string, log: Log): Promise<Kernel> {
  // The machine's own suite is as its own apt has it, security updates among it: nothing else has to be reachable.
  const isOwn = suite === ownSuite();
  const apt = isOwn ? new Apt([]) : new Apt(aside(suite, join(folder, 'apt', suite)));
  if (!isOwn) {
    await apt.update(log);
  }
  try {
    return await download(apt, folder, log);
  } catch (error) {
    if (!isOwn) {
      throw error;
    }
    // The lists of packages are missing, or so old that what they name is gone.
    await apt.update(log);
    return await download(apt, folder, log);
  }
}

async function download(apt: Apt, folder: string, log: Log): Promise<Kernel> {
  const packages = apt.kernelPackages();
  const root = join(folder, 'unpacked', packages[0]);
  if (!existsSync(root)) {
    const fresh = `${root}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    await apt.download(packages, fresh, log);
    for (const file of readdirSync(fresh)) {
      await run(log, 'dpkg-deb', ['--extract', file, '.'], { cwd: fresh });
      rmSync(join(fresh, file));
    }
    renameSync(fresh, root);
  }
  return kernelIn(root);
}

class Apt {
  readonly #options: string[];

  constructor(options: readonly string[]) {
    // Into a folder that is root's, as the checkout may be; apt's own user could not write there.
    this.#options = [...options, 'APT::Sandbox::User=root'].flatMap((option) => ['-o', option]);
  }

  update(log: Log): Promise<void> {
    return run(log, 'apt-get', [...this.#options, 'update']);
  }

  download(packages: readonly string[], folder: string, log: Log): Promise<void> {
    return run(log, 'apt-get', [...this.#options, 'download', ...packages], { cwd: folder });
  }

  /** The packages of the current kernel, the image first. */
  kernelPackages(): string[] {
    const found = [CLOUD];
    for (const name of found) {
      found.push(...this.#dependencies(name).filter((each) => PARTS.test(each) && !found.includes(each)));
    }
    if (found.length === 1) {
      throw new StepError(`${CLOUD} depends on no kernel that apt knows of.`);
    }
    return found.slice(1);
  }

  #dependencies(name: string): string[] {
    // Of a package that it does not know, it says nothing but that.
    const text = execFileSync('apt-cache', [...this.#options, 'depends', name], { encoding: 'utf8', stdio: 'pipe' });
    return [...text.matchAll(/^ *\|?Depends: (\S+)$/gm)].map(([, depends]) => depends);
  }
}

/** The options of an apt of another suite: its lists, its cache and its sources are all in one folder. */
function aside(suite: string, folder: string): string[] {
  const at = (name: string) => join(folder, name);
  ['lists/partial', 'cache/archives/partial'].forEach((name) => mkdirSync(at(name), { recursive: true }));
  writeFileSync(at('sources.list'), `deb [arch=amd64 signed-by=${KEYRING}] ${mirror()} ${suite} main\n`);
  return [
    `Dir::Etc::sourcelist=${at('sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    'Dir::Etc::preferences=/dev/null',
    'Dir::Etc::preferencesparts=/dev/null',
    `Dir::State::lists=${at('lists')}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${at('cache')}`,
  ];
}

/** What this machine runs: `bookworm`. */
function ownSuite(): string {
  return /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
}

/** Where this machine's apt gets Debian itself from. */
function mirror(): string {
  const suite = ownSuite();
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
