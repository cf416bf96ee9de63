import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file system in the making: a folder that stands for `/`, filled from this machine's own. */
export class FileSystem {
  constructor(readonly folder: string) {}

  /** Where something will be is there on this machine now. */
  at(path: string): string {
    return join(this.folder, path);
  }

  makeFolder(path: string): void {
    mkdirSync(this.at(path), { recursive: true });
  }

  write(path: string, text: string, mode = 0o644): void {
    this.makeFolder(dirname(path));
    writeFileSync(this.at(path), text, { mode });
  }

  copy(from: string, to: string): void {
    if (!existsSync(this.at(to))) {
      this.makeFolder(dirname(to));
      cpSync(from, this.at(to), { dereference: true });
    }
  }

  /** A program, with the libraries that it is linked with. */
  addProgram(path: string): void {
    this.copy(path, path);
    this.addLibraries(path);
  }

  /** @param path of a program or a library of this machine */
  addLibraries(path: string): void {
    // "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)", and the loader by its path alone.
    const libraries = execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g);
    for (const [, library] of libraries) {
      this.copy(library, library);
    }
  }
}
