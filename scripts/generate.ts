/**
 * Writes what is derived from something else and committed:
 *   agent/collect/generated/<stem>.ts   from the types in bpf/.output/<stem>.bpf.o
 *   bpf/histogram_bounds.h              from wire/histogram.ts
 *
 * npm run generate              writes what differs
 * npm run generate -- --check   writes nothing; prints the difference and exits with 1 if there is one
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { boundsHeader } from './generate/bounds';
import { Btf } from './generate/btf';
import { moduleText } from './generate/module';

const ROOT = dirname(__dirname);
const PROGRAMS = join(ROOT, 'bpf');
const READERS = join(ROOT, 'agent/collect/generated');

async function main(check: boolean): Promise<number> {
  const wanted = new Map([[join(PROGRAMS, 'histogram_bounds.h'), boundsHeader()]]);
  for (const stem of stems(PROGRAMS, '.bpf.c')) {
    const path = join(READERS, `${stem}.ts`);
    wanted.set(path, await reader(stem, path));
  }
  const stale = stems(READERS, '.ts')
    .map((stem) => join(READERS, `${stem}.ts`))
    .filter((path) => !wanted.has(path));
  const changed = [...wanted].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);

  for (const [path, text] of changed) {
    if (check) {
      showDifference(path, text);
    } else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      console.log(`wrote ${relative(ROOT, path)}`);
    }
  }
  for (const path of stale) {
    console.log(`${check ? 'has no source' : 'removed'}: ${relative(ROOT, path)}`);
    if (!check) {
      rmSync(path);
    }
  }
  const differences = changed.length + stale.length;
  if (check && differences > 0) {
    console.error(`${differences} generated file(s) differ from their sources. Run: npm run generate`);
    return 1;
  }
  return 0;
}

async function reader(stem: string, path: string): Promise<string> {
  const object = join(PROGRAMS, '.output', `${stem}.bpf.o`);
  if (!existsSync(object)) {
    throw new Error(`${relative(ROOT, object)} is missing. Run: make -C bpf`);
  }
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

function showDifference(path: string, text: string): void {
  const name = relative(ROOT, path);
  const committed = existsSync(path) ? path : '/dev/null';
  spawnSync('diff', ['-u', `--label=${name}`, `--label=${name} (generated)`, committed, '-'], {
    input: text,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
}

main(process.argv.includes('--check')).then(
  (status) => (process.exitCode = status),
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  }
);
