/** What has to be the same for one agent to go on with what another has pinned. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Limits } from '../collect/program';

/**
 * Another number for every change of what the agent keeps in its own pinned memory: of regions, of their order or
 * contents, of notes and tables. The rest is in the hash by itself.
 */
const FORMAT = 1;
const OBJECTS = ['cgroup', 'http', 'tcp'];

export interface LayoutOptions {
  /** The folder with the `*.bpf.o` files. */
  objects: string;
  limits: Limits;
  /** The cgroup that is measured: its path, and its id, as another one may be made under the same path. */
  scope: { path: string; cgroupId: bigint; level: number };
}

/** 16 hexadecimal digits: the same for the same programs, sizes and scope. */
export function layoutOf({ objects, limits, scope }: LayoutOptions): string {
  const hash = createHash('sha256');
  const { maxSeries, maxTcpSeries, maxSeriesPerContainer, maxConnections } = limits;
  const sizes = [maxSeries, maxTcpSeries, maxSeriesPerContainer, maxConnections];
  hash.update(JSON.stringify([FORMAT, sizes, scope.path, String(scope.cgroupId), scope.level]));
  for (const name of OBJECTS) {
    hash.update(`\n${name}\n`).update(readFileSync(join(objects, `${name}.bpf.o`)));
  }
  return hash.digest('hex').slice(0, 16);
}
