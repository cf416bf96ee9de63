/** What the first command on a new machine says and does before anything is installed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringside-setup-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Evaluates an expression over what a module of scripts/setup exports. A StepError is told on standard error. */
function evaluate(module: string, expression: string, options: { env?: NodeJS.ProcessEnv; uid?: number } = {}) {
  const source = `
    import * as it from ${JSON.stringify(join(ROOT, 'scripts/setup', module))};
    try {
      console.log(JSON.stringify(await (${expression})));
    } catch (error) {
      if (error.name !== 'StepError') throw error;
      console.error(error.message);
      process.exit(1);
    }`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', ...options });
}

/** A program on the path that answers in its own way. */
function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

describe('Node', () => {
  test.each(['20.11.0', '20.20.2', '22.0.0', '24.11.1'])('%s will do', (version) => {
    expect(evaluate('node-version.mjs', `it.requireNode('${version}')`).status).toBe(0);
  });

  test.each(['18.19.0', '20.10.0', '16.20.2'])('%s is too old, and is told so', (version) => {
    const { status, stderr } = evaluate('node-version.mjs', `it.requireNode('${version}')`);
    expect(status).toBe(1);
    expect(stderr).toContain(`needs Node 20.11 or newer, and this is Node ${version}`);
  });

  test('the oldest is the one that package.json names', () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(engines.node).toBe('>=20.11');
  });
});

describe('system packages', () => {
  const NOBODY = 65534;

  test('the command to run is printed to a user who cannot install', () => {
    program('apt-get', 'echo "apt-get was run: $*" >&2; exit 1');
    // Everything is installed but these two; one has been removed with its configuration left behind.
    program(
      'dpkg-query',
      'shift 3; for name; do case $name in bpftool) ;; clang) echo "clang config-files" ;; *) echo "$name installed" ;; esac; done; exit 1'
    );
    const { status, stderr } = evaluate('system-packages.mjs', `it.installSystemPackages(['build'])`, {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      uid: NOBODY,
    });
    expect(status).toBe(1);
    expect(stderr).toContain('Debian packages are missing: clang bpftool.');
    expect(stderr).toContain('  sudo apt-get install --yes --no-install-recommends clang bpftool\n');
    expect(stderr).not.toContain('was run');
  });

  test('nothing is said where nothing is missing', () => {
    program('dpkg-query', 'shift 3; for name; do echo "$name installed"; done');
    program('apt-get', 'exit 1');
    const { status, stderr } = evaluate('system-packages.mjs', `it.installSystemPackages(['build', 'test'])`, {
      env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('the package lists are brought up to date only when the first try fails', () => {
    program('dpkg-query', 'exit 1');
    program(
      'apt-get',
      `echo "$*" >> ${folder}/log; case "$*" in *update) touch ${folder}/fresh ;; *) test -e ${folder}/fresh ;; esac`
    );
    const { status } = evaluate('system-packages.mjs', `it.installSystemPackages(['build'])`, {
      env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    expect(status).toBe(0);
    const runs = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n');
    expect(runs.map((run) => / (install|update)\b/.exec(run)?.[1])).toEqual(['install', 'update', 'install']);
    expect(runs[2]).toContain('clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev pkg-config g++ make');
  });

  test('on another distribution, what is missing and its own command', () => {
    symlinkSync('/usr/bin/env', join(folder, 'dnf'));
    const { status, stderr } = evaluate('system-packages.mjs', `it.installSystemPackages(['build'])`, {
      env: { PATH: folder },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Missing: .*clang.*libbpf/);
    expect(stderr).toContain('sudo dnf install clang llvm bpftool libbpf-devel');
  });
});

describe('npm packages', () => {
  const lock = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages });
  const WANTED = {
    '': { name: 'x' },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b-for-another-system': { version: '1.0.0', optional: true },
  };

  function matches(installed: object | undefined): boolean {
    writeFileSync(join(folder, 'package-lock.json'), lock(WANTED));
    if (installed) {
      mkdirSync(join(folder, 'node_modules'));
      writeFileSync(join(folder, 'node_modules/.package-lock.json'), lock(installed));
    }
    return JSON.parse(evaluate('npm-packages.mjs', `it.matchesLock(${JSON.stringify(folder)})`).stdout);
  }

  test('are as the lock file says', () => {
    expect(matches({ 'node_modules/a': { version: '1.0.0' } })).toBe(true);
  });

  test.each([
    ['none is installed', undefined],
    ['one is missing', {}],
    ['one has another version', { 'node_modules/a': { version: '1.0.1' } }],
    ['one is no longer wanted', { 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '1.0.0' } }],
  ])('are not when %s', (_, installed) => {
    expect(matches(installed)).toBe(false);
  });
});

test('an unknown command is answered with the known ones', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/setup.mjs'), 'strat'], {
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/Usage: node scripts\/setup\.mjs .*start\|build\|agent/);
});
