/** Why the file cannot be kept, as the second half of a sentence that its path begins. */
export class FileTrouble extends Error {
  override readonly name = 'FileTrouble';
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'is in a directory that does not exist; make the directory',
  ENOTDIR: 'is in a directory that does not exist; make the directory',
  EACCES: 'may not be written by this process; give it the right to, and to make files in that directory',
  EPERM: 'may not be written by this process; give it the right to, and to make files in that directory',
  EROFS: 'is on a file system that is mounted read-only; mount it for writing',
  ENOSPC: 'has no room: its file system is full',
  EDQUOT: 'has no room: the quota of its file system is used up',
  EIO: 'cannot be written: the medium reports an error',
  EBUSY: 'is a mount of its own, and cannot be replaced; mount the directory that it is in',
};

export function troubleOf(error: unknown): FileTrouble {
  if (error instanceof FileTrouble) {
    return error;
  }
  const { code, message } = Object(error) as { code?: string; message?: string };
  const reason = REASONS[code ?? ''];
  return new FileTrouble(reason === undefined ? `cannot be kept: ${message}` : `${reason} (${code})`);
}
