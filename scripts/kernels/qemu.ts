/** A kernel in QEMU: no hardware help, no disk, no network; two serial lines, one to read and one to evaluate. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

const MEMORY_MIB = 1_536;
const CPUS = Math.min(2, availableParallelism());

export interface Boot {
  image: string;
  /**
   * A feature that the processor has not. QEMU 7.2 emulates cmpxchg16b (cx16) so that it now and then leaves flags that
   * no processor has; the memory allocator of Linux 6.12 uses it, and dies of that in one boot of six. Later kernels give
   * no memory to socket storage without it (kmalloc_nolock).
   */
  without?: 'cx16';
  archive: string;
  /** Words of the kernel's command line, and of ours. */
  words: readonly string[];
  /** Files that the two lines go to. */
  console: string;
  results: string;
  timeoutMs: number;
}

/** @returns whether the machine turned itself off in time */
export async function boot({ image, without, archive, words, console, results, timeoutMs }: Boot): Promise<boolean> {
  const args = [
    ...['-accel', 'tcg', '-cpu', without ? `max,-${without}` : 'max'],
    ...['-smp', String(CPUS), '-m', String(MEMORY_MIB)],
    ...['-kernel', image, '-initrd', archive],
    ...['-append', ['console=ttyS0', 'quiet', 'panic=-1', 'random.trust_cpu=on', ...words].join(' ')],
    ...['-nographic', '-no-reboot', '-nodefaults', '-nic', 'none'],
    ...['-serial', `file:${console}`, '-serial', `file:${results}`],
  ];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'nice', '-n', '19', 'qemu-system-x86_64', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  return code === 0;
}
