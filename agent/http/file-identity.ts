import { statSync } from 'node:fs';

/**
 * Changes whenever the file does; empty when there is none to be read.
 *
 * Files are looked at rather than watched: a Kubernetes secret changes by a symbolic link two folders up, which no watch
 * on the file reports.
 */
export function fileIdentity(path: string): string {
  try {
    const stat = statSync(path, { bigint: true });
    return `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`;
  } catch {
    return '';
  }
}
