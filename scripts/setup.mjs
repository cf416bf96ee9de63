/**
 * What every `npm run …` of this project goes through: checks and installs what the machine lacks, then hands over to
 * the command itself (scripts/<command>.ts). It runs before the first `npm ci`, so it is plain JavaScript and needs
 * nothing but Node.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { installNpmPackages } from './setup/npm-packages.mjs';
import { requireNode } from './setup/node-version.mjs';
import { installSystemPackages } from './setup/system-packages.mjs';
import { ROOT, StepError } from './setup/steps.mjs';

/** The commands, and the groups of system packages each one needs. */
const COMMANDS = {
  // The packages and nothing else.
  prepare: ['build'],
  start: ['build'],
  build: ['build'],
  agent: ['build'],
  package: [],
  test: ['build', 'test', 'fuzz', 'kernels'],
  fuzz: ['build', 'fuzz'],
  kernels: ['build', 'kernels'],
  bench: ['build', 'bench'],
  soak: ['build', 'soak'],
};

const [command, ...args] = process.argv.slice(2);

try {
  requireNode();
  if (!Object.hasOwn(COMMANDS, command)) {
    throw new StepError(`Usage: node scripts/setup.mjs ${Object.keys(COMMANDS).join('|')} [options]`);
  }
  await installSystemPackages(COMMANDS[command]);
  await installNpmPackages();

  // From here on the packages are there, tsx among them: everything else is TypeScript, in this same process.
  if (command !== 'prepare') {
    const require = createRequire(import.meta.url);
    require('tsx/cjs');
    process.exitCode = (await require(`./${command}.ts`).main(args)) ?? 0;
  }
} catch (error) {
  console.error(`\n${error.message}`);
  if (error.name !== 'StepError') {
    // A fault of these scripts rather than of the machine: its stack is for whoever mends it.
    mkdirSync(`${ROOT}build/logs`, { recursive: true });
    writeFileSync(`${ROOT}build/logs/error.log`, `${error.stack}\n`);
    console.error('(more in build/logs/error.log)');
  }
  process.exitCode = 1;
}
