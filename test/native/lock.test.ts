/** One at a time, and nobody for ever: the kernel takes a lock back however its holder ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lock } from '../../native';
import { Bpffs } from '../support/bpffs';
import { requireRoot } from '../support/requirements';
import { until } from '../support/wait';

let folder: string;
let bpffs: Bpffs | undefined;
beforeEach(() => {
  requireRoot();
  folder = mkdtempSync(join(tmpdir(), 'ringside-lock-'));
});
afterEach(() => {
  bpffs?.unmount();
  bpffs = undefined;
  rmSync(folder, { recursive: true });
});

const HOLD = 'echo held; exec sleep 600';

/** Locks it by the same system call, from a program that is not ours. */
async function holder(path: string): Promise<ChildProcess> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'flock', '--no-fork', path, 'sh', '-c', HOLD], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

const isFree = (path: string) => {
  try {
    lock(path)();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(EAGAIN|EWOULDBLOCK)$/), step: 'lock', subject: path });
    expect((error as Error).message).toMatch(/another process has the lock/);
    return false;
  }
};

it.each(['file', 'directory', 'directory of a BPF file system'])('holds a %s until it is given back', async (kind) => {
  bpffs = kind.includes('BPF') ? Bpffs.mount() : undefined;
  const path = bpffs?.path ?? (kind === 'file' ? join(folder, 'file') : folder);
  if (kind === 'file') {
    writeFileSync(path, '');
  }
  const release = lock(path);
  expect(isFree(path)).toBe(false);
  release();
  release();
  expect(isFree(path)).toBe(true);

  const child = await holder(path);
  expect(isFree(path)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until('the lock of a dead process', () => isFree(path));
});

it('says what cannot be locked', () => {
  expect(() => lock(join(folder, 'nothing'))).toThrow(/there is no such file or directory \(ENOENT\)/);
  expect(() => lock('')).toThrow(TypeError);
});
