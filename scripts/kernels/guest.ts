/**
 * What is booted with each kernel: a file system of this machine's own programs, and of Ringside what it takes to run
 * the kernel tests in there. Its TypeScript is compiled beforehand, file by file and under its own name.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { SUITES } from '../../test/kernels/suites';
import { filesBelow } from '../build/fingerprint';
import { ROOT } from '../setup/steps.mjs';
import { archive } from './archive';
import { FileSystem } from './file-system';

/** Where the checkout is in the guest. */
const HOME = 'ringside';
const SCRIPT = 'test/kernels/guest/init.sh';
const ADDON = 'native/build/Release/ringside.node';
/** What the tests drive, beside Node. */
const PROGRAMS = ['nginx', 'ip', 'tc', 'nft', 'bpftool'].map((name) => `/usr/sbin/${name}`);
PROGRAMS.push(...['dash', 'setpriv', 'openssl', 'ss', 'nstat', 'curl'].map((name) => `/usr/bin/${name}`));
const BUSYBOX = '/bin/busybox';
/** What is ours in the place of a package. */
const STAND_INS: Record<string, string> = {
  '@jest/expect': join(ROOT, 'test/kernels/guest/jest-expect.ts'),
  esbuild: join(ROOT, 'test/kernels/guest/esbuild.ts'),
};
const FOLDERS = ['dev', 'proc', 'sys', 'tmp', 'run', 'bin', 'etc/ssl', 'var/lib', 'compiled'];

const COMPILER = {
  absWorkingDir: ROOT,
  platform: 'node',
  target: 'node20.11',
  format: 'cjs',
  logLevel: 'silent',
} satisfies BuildOptions;

/** Makes the archive that the kernel unpacks into its first file system. */
export async function packGuest(folder: string, file: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const guest = new FileSystem(folder);
  addSystem(guest);
  await addRingside(guest);
  addCompiled(guest);
  archive(folder, file);
}

function addSystem(guest: FileSystem): void {
  FOLDERS.forEach((path) => guest.makeFolder(path));
  const node = realpathSync(process.execPath);
  [node, ...PROGRAMS].forEach((program) => guest.addProgram(program));
  symlinkSync(node, guest.at('bin/node'));
  // Not busybox: its shell would run its own small versions of what is there for real.
  symlinkSync('/usr/bin/dash', guest.at('bin/sh'));
  guest.copy(BUSYBOX, BUSYBOX);
  guest.copy('/etc/ssl/openssl.cnf', '/usr/lib/ssl/openssl.cnf');
  guest.write('etc/passwd', 'root:x:0:0:root:/:/bin/sh\n');
  guest.write('etc/group', 'root:x:0:\n');
  guest.write('etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  guest.write('init', `#!${BUSYBOX} sh\nexec ${BUSYBOX} sh /${HOME}/${SCRIPT}\n`, 0o755);
}

async function addRingside(guest: FileSystem): Promise<void> {
  const { files, packages } = await reachable();
  // Under the name it had: tests and the processes they start name one another by it.
  const outdir = guest.at(HOME);
  await build({ ...COMPILER, entryPoints: files, outbase: ROOT, outdir, outExtension: { '.js': '.ts' } });
  for (const name of packages) {
    const outfile = guest.at(`${HOME}/node_modules/${name}.js`);
    const external = packages.filter((other) => other !== name);
    const entryPoints = [STAND_INS[name] ?? name];
    await build({ ...COMPILER, entryPoints, bundle: true, outfile, external, alias: STAND_INS });
  }
  // In the place of the compiler, as everything is compiled.
  guest.write(
    `${HOME}/node_modules/tsx/cjs.js`,
    "require.extensions['.ts'] = (module, file) => module._compile(require('node:fs').readFileSync(file, 'utf8'), file);\n"
  );
  // Jest's runner looks for it, to leave it out of stacks.
  guest.write(`${HOME}/node_modules/jest-each.js`, '');
  const built = ['build/agent', 'bpf/.output'].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`)
  );
  for (const path of ['package.json', SCRIPT, ADDON, ...built.filter((name) => !name.endsWith('.map'))]) {
    guest.copy(join(ROOT, path), `/${HOME}/${path}`);
  }
  guest.addLibraries(join(ROOT, ADDON));
}

/** What runs in the guest, what else of ours it imports, and which npm packages, at any depth. */
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

/** The C that tests compile, compiled, and a "gcc" that hands it out. */
function addCompiled(guest: FileSystem): void {
  const sources = filesBelow('test/kernel/fixtures').filter((file) => /(?<!\.bpf)\.c$/.test(file));
  for (const source of sources) {
    const program = guest.at(`compiled/${basename(source, '.c')}`);
    execFileSync('gcc', ['-O2', '-o', program, join(ROOT, source)], { stdio: 'pipe' });
    guest.addLibraries(program);
  }
  const script = `#!/bin/sh
# gcc … -o PROGRAM SOURCE
for last; do :; done
while [ "$1" != -o ]; do shift; done
cp "/compiled/$(basename "$last" .c)" "$2"
`;
  guest.write('usr/bin/gcc', script, 0o755);
}
