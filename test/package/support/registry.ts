/** Packages as npm has them, each unpacked alone: nothing of theirs is installed or run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
/** Stays between runs: a version that is published never changes. */
const CACHE = join(ROOT, 'build/grafana-packages');

/**
 * @param packages name and exact version, "react@18.2.0"
 * @returns by package, the folder with its package.json
 */
export function unpacked(packages: readonly string[]): Map<string, string> {
  const missing = [...new Set(packages)].filter((each) => !existsSync(folderOf(each)));
  if (missing.length > 0) {
    download(missing);
  }
  return new Map(packages.map((each) => [each, folderOf(each)]));
}

function download(packages: string[]): void {
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, 'download-'));
  try {
    const args = ['pack', '--loglevel=error', '--pack-destination', scratch, ...packages];
    execFileSync('npm', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
    for (const each of packages) {
      const into = mkdtempSync(join(scratch, 'package-'));
      execFileSync('tar', ['-xzf', join(scratch, tarballOf(each)), '--strip-components=1', '-C', into]);
      if (readdirSync(into).includes('package.json') && !existsSync(folderOf(each))) {
        // All or nothing, also when two runs do this at once.
        renameSync(into, folderOf(each));
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const fileName = (each: string) => each.replace(/^@/, '').replace('/', '-').replace('@', '-');
const tarballOf = (each: string) => `${fileName(each)}.tgz`;
const folderOf = (each: string) => join(CACHE, fileName(each));
