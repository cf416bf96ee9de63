import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, step, StepError } from './steps.mjs';

/** Brings node_modules to what package-lock.json says; does nothing when it already is. */
export async function installNpmPackages() {
  if (matchesLock(ROOT)) {
    return;
  }
  await step('npm packages', async (log) => {
    // npm tells the scripts it runs where it is itself; that one is right even where several are installed.
    const npm = process.env.npm_execpath;
    const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
    // Development packages are what builds; they are wanted whatever NODE_ENV says. Nothing builds on install.
    await run(log, command, [...first, 'ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund']);
    if (!matchesLock(ROOT)) {
      throw new StepError(
        'npm ended well, but node_modules is not what package-lock.json says. Remove node_modules and try again.'
      );
    }
  });
}

/**
 * npm keeps its own record of what is installed (node_modules/.package-lock.json); this compares it with the lock file.
 * Packages for other platforms are in the lock file only, and optional there.
 */
export function matchesLock(root) {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) {
    return false;
  }
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(record);
  delete wanted[''];
  return (
    Object.entries(wanted).every(([path, { version, optional, devOptional }]) =>
      installed[path] ? installed[path].version === version : Boolean(optional || devOptional)
    ) && Object.keys(installed).every((path) => path in wanted)
  );
}

function packagesOf(lockFile) {
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}
