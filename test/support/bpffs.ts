/** BPF file systems of a test's own: nothing that others have pinned is within reach, and nothing is left behind. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireRoot } from './requirements';

export class Bpffs {
  private constructor(readonly path: string) {}

  static mount(): Bpffs {
    requireRoot();
    const path = mkdtempSync(join(tmpdir(), 'ringside-bpffs-'));
    execFileSync('mount', ['-t', 'bpf', 'bpf', path]);
    return new Bpffs(path);
  }

  /** From now on it can only be read, or written to again. */
  remount(mode: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${mode}`, this.path]);
  }

  /** With it goes whatever is pinned in it. */
  unmount(): void {
    execFileSync('umount', [this.path]);
    rmdirSync(this.path);
  }
}
