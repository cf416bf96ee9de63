import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll } from './build/targets';
import { mountCgroup2, requireRoot } from './setup/kernel';
import { ROOT, StepError } from './setup/steps.mjs';

/**
 * `npm run bench [-- name…]`: the scripts of bench/, one after the other; each prints its own ratio.
 *
 * @returns the exit code: 1 when one of them failed
 */
export async function main(names: string[]): Promise<number> {
  requireRoot('npm run bench');
  const scripts = chosen(names);
  mountCgroup2();
  await buildAll(['bpf', 'native', 'agent', 'demo']);
  let failed = 0;
  for (const script of scripts) {
    console.log(`\n${script}`);
    const child = spawn(process.execPath, ['--import', 'tsx', join('bench', `${script}.ts`)], {
      cwd: ROOT,
      stdio: 'inherit',
    });
    const [code] = await once(child, 'exit');
    failed += Number(code !== 0);
  }
  return failed > 0 ? 1 : 0;
}

function chosen(names: string[]): string[] {
  const all = readdirSync(join(ROOT, 'bench'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/\.ts$/, ''));
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new StepError(`There is no benchmark "${unknown}"; there are: ${all.join(', ')}.`);
  }
  return names.length > 0 ? names : all;
}
