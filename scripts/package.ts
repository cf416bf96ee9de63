import { createWriteStream, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import archiver from 'archiver';
import { filesBelow } from './build/fingerprint';
import { buildAll } from './build/targets';
import { ROOT, step } from './setup/steps.mjs';

/** The earliest time a zip file can say, so that the same files always make the same zip. */
const ZIP_EPOCH = new Date('1980-01-01T00:00:00Z');

/** `npm run package`: the plugin as `grafana cli --pluginUrl … plugins install` and the catalogue want it. */
export async function main(): Promise<void> {
  await buildAll(['plugin']);
  const file = await packagePlugin();
  console.log(`\n${file} (${Math.ceil(statSync(file).size / 1024)} KiB)`);
}

/** @returns the path of the zip: one folder, named by the plugin's id, with what is in dist/ */
export async function packagePlugin(): Promise<string> {
  const plugin = JSON.parse(readFileSync(join(ROOT, 'dist', 'plugin.json'), 'utf8'));
  const folder = join(ROOT, 'build');
  const file = join(folder, `${plugin.id}-${plugin.info.version}.zip`);
  await step('Zip', async () => {
    mkdirSync(folder, { recursive: true });
    rmSync(file, { force: true });
    await write(file, plugin.id);
  });
  return file;
}

async function write(file: string, root: string): Promise<void> {
  const zip = archiver('zip', { zlib: { level: 9 } });
  for (const path of filesBelow('dist')) {
    zip.append(readFileSync(join(ROOT, path)), { name: path.replace(/^dist/, root), date: ZIP_EPOCH, mode: 0o644 });
  }
  await Promise.all([zip.finalize(), pipeline(zip, createWriteStream(file))]);
}
