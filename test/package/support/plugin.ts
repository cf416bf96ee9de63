/** The plugin as `npm run package` makes it, built first wherever it is missing or older than its sources. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';

export const ROOT = join(__dirname, '../../..');
export const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** What the build is given: of a fresh checkout nothing is built yet, and two test files may want it at once. */
export const BUILD_TIMEOUT_MS = 180_000;

export function buildPlugin(): void {
  script(`require('./scripts/build/targets').buildAll(['plugin'])`);
}

/** @returns the path of the zip */
export function packagePlugin(): string {
  return script(`require('./scripts/build/targets').buildAll(['plugin'])
    .then(() => require('./scripts/package').packagePlugin()).then((file) => console.log(file))`).trim();
}

/** By path inside the zip; folders have no entry of their own. */
export function entriesOf(zip: Uint8Array): Map<string, Uint8Array> {
  return new Map(Object.entries(unzipSync(zip)));
}

export const text = (bytes: Uint8Array | undefined) => strFromU8(bytes ?? new Uint8Array());

/** A process of its own, one at a time over all of Jest's: the lock goes with the process, however it ends. */
function script(code: string): string {
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const command = [process.execPath, '--require', 'tsx/cjs', '-e', code];
  return execFileSync('flock', [join(ROOT, 'build/plugin.lock'), ...command], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}
