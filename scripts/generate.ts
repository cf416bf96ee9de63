/**
 * Writes what is derived from something else and committed:
 *   agent/collect/generated/<stem>.ts   from the types in bpf/.output/<stem>.bpf.o
 *   bpf/histogram_bounds.h              from wire/histogram.ts
 *
 * npm run generate              writes what differs
 * npm run generate -- --check   writes nothing; prints the difference and exits with 1 if there is one
 *
 * A folder given as an argument stands in for the repository's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { generate, type Generated } from './generate/files';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true });
  const root = resolve(positionals[0] ?? dirname(__dirname));
  const generated = await generate(root);
  return values.check ? check(root, generated) : write(root, generated);
}

function write(root: string, { wanted, stale }: Generated): number {
  for (const [path, text] of wanted) {
    if (differs(path, text)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      console.log(`wrote ${relative(root, path)}`);
    }
  }
  for (const path of stale) {
    rmSync(path);
    console.log(`removed ${relative(root, path)}`);
  }
  return 0;
}

function check(root: string, { wanted, stale }: Generated): number {
  const changed = [...wanted].filter(([path, text]) => differs(path, text));
  for (const [path, text] of changed) {
    const name = relative(root, path);
    const committed = existsSync(path) ? path : '/dev/null';
    spawnSync('diff', ['-u', `--label=${name}`, `--label=${name} (generated)`, committed, '-'], {
      input: text,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
  }
  for (const path of stale) {
    console.log(`${relative(root, path)} is generated from nothing any more`);
  }
  if (changed.length + stale.length === 0) {
    return 0;
  }
  console.error(`${changed.length + stale.length} generated file(s) differ from their sources. Run: npm run generate`);
  return 1;
}

const differs = (path: string, text: string) => !existsSync(path) || readFileSync(path, 'utf8') !== text;

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  }
);
