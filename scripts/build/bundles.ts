/** The two programs that run outside of the checkout too: one JavaScript file each, with all of its packages inside. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { ROOT, StepError, type Log } from '../setup/steps.mjs';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/**
 * Packages that the agent loads when they are first needed. Each is a file of its own: V8 holds the source of a file as
 * long as one function of it can be called, so that in the bundle they would cost memory without ever being used.
 */
const RARE = new Map([
  ['@fastify/swagger', 'swagger.js'],
  ['re2js', 're2js.js'],
]);

/** build/agent: the bundle, and beside it what it loads from there: rare packages, the addon and the BPF objects. */
export async function bundleAgent(log: Log): Promise<void> {
  const folder = emptied('build/agent');
  await bundle(log, 'agent/main.ts', join(folder, 'main.js'), 'Ringside agent', [besideTheBundle]);
  for (const [name, file] of RARE) {
    await bundle(log, name, join(folder, file), `Ringside agent: ${name}`);
  }
  copyFileSync(join(ROOT, 'native/build/Release/ringside.node'), join(folder, 'ringside.node'));
  const objects = join(ROOT, 'bpf', '.output');
  for (const name of readdirSync(objects).filter((name) => name.endsWith('.bpf.o'))) {
    copyFileSync(join(objects, name), join(folder, name));
  }
}

/** build/demo: all services of the shop in one file; its argument says which one to be. */
export async function bundleDemo(log: Log): Promise<void> {
  await bundle(log, 'demo/main.ts', join(emptied('build/demo'), 'main.js'), 'Ringside demo shop');
}

const besideTheBundle: Plugin = {
  name: 'beside the bundle',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path }) => {
      const file = RARE.get(path);
      return file === undefined ? undefined : { path: `./${file}`, external: true };
    });
  },
};

async function bundle(log: Log, entry: string, outfile: string, title: string, plugins: Plugin[] = []): Promise<void> {
  try {
    await build({
      absWorkingDir: ROOT,
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20.11',
      format: 'cjs',
      sourcemap: 'linked',
      // V8 keeps the source of all functions: short, it is 2 MB less of the agent's memory. Names of functions stay, and
      // `node --enable-source-maps` reads the lines of a stack in the log from the map.
      minify: true,
      keepNames: true,
      legalComments: 'linked',
      banner: { js: `#!/usr/bin/env node\n// ${title} ${version}. Apache-2.0.` },
      loader: { '.node': 'copy' },
      plugins,
      logLevel: 'silent',
    });
  } catch (error) {
    log.write(`${(error as Error).message}\n`);
    throw new StepError(`${entry} could not be bundled.`);
  }
}

function emptied(folder: string): string {
  const path = join(ROOT, folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}
