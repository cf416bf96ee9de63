/** The file system in which the kernel lists its tracepoints; a fresh machine has not always mounted it. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { requireRoot } from './requirements';

/** Where libbpf looks; the kernel makes this directory, for this and nothing else. */
const PATH = '/sys/kernel/tracing';

/** Mounts it where that is missing. Returns what takes it away again, which is nothing where it was there before. */
export function mountTracefs(): () => void {
  requireRoot();
  if (existsSync(`${PATH}/events`)) {
    return () => undefined;
  }
  execFileSync('mount', ['-t', 'tracefs', 'tracefs', PATH]);
  return () => void execFileSync('umount', [PATH]);
}
