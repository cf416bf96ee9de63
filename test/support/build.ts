/** Compiles the C that a test brings along. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** What it built is in a folder of its own, until `remove()`. */
export class Build {
  readonly folder = mkdtempSync(join(tmpdir(), 'ringside-build-'));

  /** Compiles `x.bpf.c` (a path from the repository's root) as the agent's own programs are. Returns the object's path. */
  bpf(source: string): string {
    run('make', ['-s', '-C', join(ROOT, 'bpf'), `OUTPUT=${this.folder}`, `SOURCES=${join(ROOT, source)}`]);
    return join(this.folder, basename(source).replace(/\.c$/, '.o'));
  }

  /** Compiles a host program. Returns its path. */
  host(source: string): string {
    const program = join(this.folder, basename(source, '.c'));
    run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, join(ROOT, source)]);
    return program;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function run(command: string, args: string[]): void {
  try {
    execFileSync(command, args, { stdio: 'pipe', encoding: 'utf8' });
  } catch (error) {
    throw new Error(
      `${command} ${args.join(' ')}: ${(error as { stderr?: string }).stderr || (error as Error).message}`
    );
  }
}
