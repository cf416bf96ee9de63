/** A kernel in QEMU: no hardware help, no disk, no network; two serial lines, one to read and one to evaluate. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const MEMORY_MIB = 1_536;
const CPUS = Math.min(2, availableParallelism());
/** The guest tells every few seconds that it is alive; before that comes its start, which takes less than one minute. */
const SILENCE_MS = 3 * 60_000;
const LOOK_MS = 1_000;

export interface Boot {
  image: string;
  /**
   * A feature that the processor has not. QEMU 7.2 emulates cmpxchg16b (cx16) so that it now and then leaves flags that
   * no processor has; the kernel's memory allocator uses it, and that of Linux 6.12 dies of it in one boot of six. Later
   * kernels give no memory to socket storage without it (kmalloc_nolock).
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

/** How a machine ended: by itself, because it told nothing any more, or because its time was over. */
export type Ending = 'off' | 'silent' | 'late';

export async function boot({ image, without, archive, words, console, results, timeoutMs }: Boot): Promise<Ending> {
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
  let ending: Ending = 'off';
  const end = (why: Ending) => {
    ending = why;
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => end('late'), timeoutMs);
  const watch = whenSilent(results, () => end('silent'));
  await once(child, 'exit');
  clearTimeout(timer);
  clearInterval(watch);
  return ending;
}

/** Calls once the file has not grown for long enough. */
function whenSilent(file: string, call: () => void): NodeJS.Timeout {
  let [size, grewMs] = [0, performance.now()];
  return setInterval(() => {
    const now = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (now !== size) {
      [size, grewMs] = [now, performance.now()];
    } else if (performance.now() - grewMs > SILENCE_MS) {
      call();
    }
  }, LOOK_MS);
}
