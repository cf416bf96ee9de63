import { closeSync } from 'node:fs';
import { binding } from './binding';
import { checkName } from './check';

/**
 * Takes an exclusive lock of a file or directory (flock). The kernel takes it back when the process ends, however it does.
 *
 * Throws a `BpfError`: `EWOULDBLOCK` or `EAGAIN`, which are one number, when another process has it, else why the path
 * cannot be opened.
 *
 * @returns gives the lock back; may be called again
 */
export function lock(path: string): () => void {
  checkName('path', path);
  let fd = binding().lock(path);
  return () => {
    if (fd >= 0) {
      closeSync(fd);
    }
    fd = -1;
  };
}
