/**
 * What is booted with each kernel: a file system of this machine's own programs, and of Ringside what it takes to run
 * the kernel tests in there. Its TypeScript is compiled beforehand, file by file and under its own name.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { filesBelow } from '../build/fingerprint';
import { SUITES } from '../../test/kernels/suites';
import { ROOT } from '../setup/steps.mjs';
import { archive } from './archive';

/** Where the checkout is in the guest. */
const HOME = 'ringside';
const COMPILER = {
  absWorkingDir: ROOT,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'silent',
} satisfies BuildOptions;
const ALIAS = { '@jest/expect': join(ROOT, 'test/kernels/guest/jest-expect.ts') };
/** What the tests drive, beside Node. */
const PROGRAMS = [
  '/usr/bin/dash',
  '/usr/sbin/nginx',
  '/usr/bin/setpriv',
  '/usr/bin/openssl',
  '/usr/sbin/ip',
  '/usr/bin/ss',
  '/usr/sbin/tc',
  '/usr/sbin/nft',
];
const BUSYBOX = '/bin/busybox';
/** Compiled here, for there is no compiler in there. */
const HOST_PROGRAMS = /^test\/kernel\/fixtures\/(?!.*\.bpf\.c$).*\.c$/;

/** Makes the archive that the kernel unpacks into its first file system. */
export async function packGuest(folder: string, file: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const guest = new Guest(folder);
  guest.addSystem();
  [realpathSync(process.execPath), ...PROGRAMS].forEach((program) => guest.addProgram(program));
  symlinkSync(realpathSync(process.execPath), join(folder, 'bin/node'));
  // Not busybox: its shell would run its own small versions of what is there for real.
  symlinkSync('/usr/bin/dash', join(folder, 'bin/sh'));
  await guest.addRingside();
  guest.addCompiled(filesBelow('test/kernel/fixtures').filter((file) => HOST_PROGRAMS.test(file)));
  guest.write('init', `#!/bin/busybox sh\nexec /bin/busybox sh /${HOME}/test/kernels/guest/init.sh\n`, 0o755);
  archive(folder, file);
}

class Guest {
  constructor(readonly folder: string) {}

  addSystem(): void {
    const folders = ['bin', 'dev', 'proc', 'sys', 'tmp', 'run', 'etc/ssl', 'usr/sbin', 'usr/bin', 'usr/lib', 'var/lib'];
    folders.forEach((name) => mkdirSync(join(this.folder, name), { recursive: true }));
    this.#copy(BUSYBOX, BUSYBOX);
    this.#copy('/etc/ssl/openssl.cnf', '/usr/lib/ssl/openssl.cnf');
    this.write('etc/passwd', 'root:x:0:0:root:/:/bin/sh\n');
    this.write('etc/group', 'root:x:0:\n');
    this.write('etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  }

  /** With the libraries that it is linked with. */
  addProgram(path: string): void {
    this.#copy(path, path);
    this.#addLibraries(path);
  }

  async addRingside(): Promise<void> {
    const { files, packages } = await reachable();
    const home = join(this.folder, HOME);
    // Under the name it had: tests and the processes they start name one another by it.
    await build({ ...COMPILER, entryPoints: files, outbase: ROOT, outdir: home, outExtension: { '.js': '.ts' } });
    for (const name of packages) {
      const outfile = join(home, 'node_modules', `${name}.js`);
      const external = packages.filter((other) => other !== name);
      await build({ ...COMPILER, entryPoints: [name], bundle: true, outfile, external, alias: ALIAS });
    }
    // In the place of the compiler, as everything is compiled.
    this.write(
      `${HOME}/node_modules/tsx/cjs.js`,
      "require.extensions['.ts'] = (module, file) => module._compile(require('node:fs').readFileSync(file, 'utf8'), file);\n"
    );
    // Jest's runner looks for it, to leave it out of stacks.
    this.write(`${HOME}/node_modules/jest-each.js`, '');
    this.#copy(join(ROOT, 'package.json'), `/${HOME}/package.json`);
    this.#copy(join(ROOT, 'test/kernels/guest/init.sh'), `/${HOME}/test/kernels/guest/init.sh`);
    for (const file of readdirSync(join(ROOT, 'build/agent')).filter((name) => !name.endsWith('.map'))) {
      this.#copy(join(ROOT, 'build/agent', file), `/${HOME}/build/agent/${file}`);
    }
    for (const file of readdirSync(join(ROOT, 'bpf/.output')).filter((name) => name.endsWith('.bpf.o'))) {
      this.#copy(join(ROOT, 'bpf/.output', file), `/${HOME}/bpf/.output/${file}`);
    }
    const addon = 'native/build/Release/ringside.node';
    this.#copy(join(ROOT, addon), `/${HOME}/${addon}`);
    this.#addLibraries(join(ROOT, addon));
  }

  /** Compiles C programs, and a "gcc" that hands them out. */
  addCompiled(sources: string[]): void {
    mkdirSync(join(this.folder, 'compiled'));
    for (const source of sources) {
      const program = join(this.folder, 'compiled', basename(source, '.c'));
      execFileSync('gcc', ['-O2', '-o', program, join(ROOT, source)], { stdio: 'pipe' });
      this.#addLibraries(program);
    }
    this.write(
      'usr/bin/gcc',
      '#!/bin/sh\n# gcc … -o PROGRAM SOURCE\nfor last; do :; done\n' +
        'while [ "$1" != -o ]; do shift; done\ncp "/compiled/$(basename "$last" .c)" "$2"\n',
      0o755
    );
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(join(this.folder, dirname(path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
    chmodSync(join(this.folder, path), mode);
  }

  #addLibraries(path: string): void {
    // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader by its path alone.
    const libraries = execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
    for (const [, library] of libraries) {
      this.#copy(library, library);
    }
  }

  #copy(from: string, to: string): void {
    const target = join(this.folder, to);
    if (!existsSync(target)) {
      mkdirSync(dirname(target), { recursive: true });
      cpSync(from, target, { dereference: true });
    }
  }
}

/** What runs in the guest, and what else of ours and which npm packages it imports, at any depth. */
async function reachable(): Promise<{ files: string[]; packages: string[] }> {
  const { metafile } = await build({
    ...COMPILER,
    entryPoints: [
      ...['main', 'suite'].map((name) => `test/kernels/guest/${name}.ts`),
      ...SUITES.map(({ name }) => `test/kernel/${name}.test.ts`),
      ...filesBelow('test/support').filter((file) => file.endsWith('.process.ts')),
    ],
    bundle: true,
    packages: 'external',
    outdir: 'unwritten',
    write: false,
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return {
    files: Object.keys(metafile.inputs).filter((file) => file.endsWith('.ts')),
    packages: [...new Set(imports)].filter((path) => !isBuiltin(path)),
  };
}
