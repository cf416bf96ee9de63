// Builds native/build/Release/ringside.node: node native/build.mjs [--debug]
//
// Node's headers come from beside the running node when they are there (as in the packages of Debian and NodeSource);
// only otherwise does node-gyp download them.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const prefix = resolve(dirname(realpathSync(process.execPath)), '..');

const options = process.argv.slice(2);
if (existsSync(resolve(prefix, 'include/node/node_api.h'))) {
  options.push(`--nodedir=${prefix}`);
}
// configure + build, not rebuild: make compiles only what changed.
const { status, error } = spawnSync(process.execPath, [nodeGyp, 'configure', 'build', '-C', folder, ...options], {
  stdio: 'inherit',
});
if (error) {
  console.error(`Cannot run node-gyp: ${error.message}`);
}
process.exitCode = status ?? 1;
