/** One agent a file: the kernel takes the lock back from one that is killed. */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { Refusal } from '../../refusal';
import { FileTrouble } from './trouble';

/** Takes an exclusive lock of a file, or throws EAGAIN; returns what gives it back. */
export type Lock = (path: string) => () => void;

/** As long as an agent takes to close, and some: in a rolling restart the next one waits for it. */
const PATIENCE_MS = 8_000;
const RETRY_MS = 100;

/**
 * Locks the file, or waits for an agent that is about to end. The lock is a file beside it: the history file itself may
 * be replaced by a new one.
 *
 * @returns what gives it back; undefined where nothing can be locked, because nothing can be written there
 * @throws Refusal when another agent has it, and keeps it
 */
export async function claim(path: string, lock: Lock, patienceMs = PATIENCE_MS): Promise<(() => void) | undefined> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return tryClaim(path, lock);
    } catch (error) {
      if (!(error instanceof FileTrouble)) {
        throw error;
      }
      if (performance.now() >= deadlineMs) {
        throw new Refusal(
          `--history-file ${path} ${error.message}, which did not end within ${patienceMs / 1000} s. ` +
            'Stop it, or give this one a file of its own.'
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/**
 * The same without waiting.
 *
 * @throws FileTrouble when another agent has it
 */
export function tryClaim(path: string, lock: Lock): (() => void) | undefined {
  const beside = `${path}.lock`;
  // Where none can be made, the file itself cannot be replaced either, and may be locked.
  for (const place of [makeFile(beside) ? beside : path, beside]) {
    try {
      return lock(place);
    } catch (error) {
      const { code } = Object(error) as { code?: string };
      if (code === 'EAGAIN' || code === 'EWOULDBLOCK') {
        throw new FileTrouble(`is written by another agent${holderOf(place)}`);
      }
    }
  }
  return undefined;
}

function makeFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'a', 0o600));
    return true;
  } catch {
    return false;
  }
}

/** Who has the lock, where the kernel says so. */
function holderOf(path: string): string {
  try {
    const { ino } = statSync(path);
    const line = new RegExp(`FLOCK\\s+\\S+\\s+\\S+\\s+(\\d+) \\S+:${ino} `).exec(readFileSync('/proc/locks', 'utf8'));
    return line && line[1] !== '0' ? ` (process ${line[1]})` : '';
  } catch {
    return '';
  }
}
