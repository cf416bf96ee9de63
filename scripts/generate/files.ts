import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { boundsHeader } from './bounds';
import { Btf } from './btf';
import { moduleText } from './module';

/** What should be in the repository: the text of each generated file by its path, and files whose source is gone. */
export interface Generated {
  wanted: Map<string, string>;
  stale: string[];
}

export async function generate(root: string): Promise<Generated> {
  const programs = join(root, 'bpf');
  const readers = join(root, 'agent/collect/generated');

  const wanted = new Map([[join(programs, 'histogram_bounds.h'), boundsHeader()]]);
  for (const stem of stems(programs, '.bpf.c')) {
    const object = join(programs, '.output', `${stem}.bpf.o`);
    if (!existsSync(object)) {
      throw new Error(`${relative(root, object)} is missing. Run: make -C bpf`);
    }
    const path = join(readers, `${stem}.ts`);
    wanted.set(path, await readersOf(stem, object, path));
  }
  const present = stems(readers, '.ts').map((stem) => join(readers, `${stem}.ts`));
  return { wanted, stale: present.filter((path) => !wanted.has(path)) };
}

async function readersOf(stem: string, object: string, path: string): Promise<string> {
  try {
    const text = moduleText(stem, Btf.ofFile(object));
    return await format(text, { ...(await resolveConfig(path)), parser: 'typescript' });
  } catch (cause) {
    throw new Error(`${stem}.bpf.o: ${(cause as Error).message}`, { cause });
  }
}

/** Names in a folder without their ending, sorted. */
function stems(folder: string, ending: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => basename(name, ending))
    .sort();
}
