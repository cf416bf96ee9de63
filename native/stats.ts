import { closeSync } from 'node:fs';
import { binding } from './binding';

/**
 * Has the kernel count and time the runs of all BPF programs on this machine, for `BpfObject.stats`; it costs each run some
 * tens of nanoseconds. Ends when the returned function is called, or with the process.
 */
export function enableStats(): () => void {
  let fd = binding().enableStats();
  return () => {
    if (fd >= 0) {
      closeSync(fd);
    }
    fd = -1;
  };
}
