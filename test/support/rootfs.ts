/** A file system for a container with nothing in it but this machine's Node and the libraries it needs: ready at once. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Makes it in an empty folder; Node is at /usr/local/bin/node. */
export function nodeOnly(folder: string): void {
  const copy = (from: string, to: string) => {
    mkdirSync(join(folder, dirname(to)), { recursive: true });
    cpSync(from, join(folder, to), { dereference: true });
  };
  copy(process.execPath, '/usr/local/bin/node');
  // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader by its path alone.
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
  for (const [, library] of libraries) {
    copy(library, library);
  }
  mkdirSync(join(folder, 'tmp'));
}
