/** Whether something has to be built again is decided by contents, never by dates: a fresh checkout has only new dates. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../setup/steps.mjs';

const STAMPS = join(ROOT, 'build', '.stamps');
/** Folders of the sources that hold something built. */
const BUILT = new Set(['node_modules', '.output', 'build']);

export interface Parts {
  /** Files and folders it is made from, relative to the root; one that is missing counts as empty. */
  inputs: readonly string[];
  /** What else its result depends on: versions, switches. */
  settings?: readonly string[];
  /** Files that must be there afterwards, relative to the root. */
  outputs: readonly string[];
}

export function isUpToDate(name: string, parts: Parts): boolean {
  const stamp = join(STAMPS, name);
  return (
    parts.outputs.every((output) => existsSync(join(ROOT, output))) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === fingerprint(parts)
  );
}

/** To be called when it was built, with the fingerprint of before: what changed meanwhile is then built the next time. */
export function stamp(name: string, taken: string): void {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), taken);
}

export function fingerprint({ inputs, settings = [] }: Parts): string {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of inputs.flatMap(filesBelow)) {
    // The length keeps a name apart from the contents that follow it.
    const contents = readFileSync(join(ROOT, file));
    hash.update(`${file}\0${contents.length}\0`).update(contents);
  }
  return hash.digest('hex');
}

/** The files of a folder, at any depth, in a fixed order. */
export function filesBelow(path: string): string[] {
  const absolute = join(ROOT, path);
  if (!existsSync(absolute)) {
    return [];
  }
  if (statSync(absolute).isFile()) {
    return [path];
  }
  return readdirSync(absolute, { withFileTypes: true })
    .filter((entry) => !BUILT.has(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)]))
    .sort();
}
