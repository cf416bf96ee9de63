/**
 * Whose cgroup is it: from the id the kernel knows (the inode of the cgroup's directory) to labels.
 *
 * What a path says by itself is used at once: the container id that every container runtime puts in it, or the unit
 * that systemd made it for. A cgroup that is gone keeps the name it had.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import type { Labels } from '../history/series';
import type { OwnerResolver } from './program';

/** How long an id that could not be found is not looked for again. */
const RETRY_MS = 1_000;
/** docker-<id>.scope, cri-containerd-<id>.scope, crio-<id>.scope, libpod-<id>.scope, or the bare id (cgroupfs driver). */
const CONTAINER = /(?:^|[-/])([0-9a-f]{64})(?:\.scope)?$/;
const UNIT = /^[^/]+\.service$/;
/** As long as `docker ps` shows them. */
const CONTAINER_ID_LENGTH = 12;

export interface OwnersOptions {
  /** Where the cgroup v2 hierarchy is mounted. */
  mount: string;
  /** The directory below which every owner lies. */
  scope: string;
  node: string;
}

export class Owners implements OwnerResolver {
  readonly #options: OwnersOptions;
  readonly #labels = new Map<bigint, Labels>();
  readonly #missedAtMs = new Map<bigint, number>();

  constructor(options: OwnersOptions) {
    this.#options = options;
    this.#walk();
  }

  labelsOf(cgroupId: bigint): Labels {
    const known = this.#labels.get(cgroupId);
    if (known) {
      return known;
    }
    const nowMs = Date.now();
    if (nowMs - (this.#missedAtMs.get(cgroupId) ?? -Infinity) >= RETRY_MS) {
      this.#walk();
      const found = this.#labels.get(cgroupId);
      if (found) {
        this.#missedAtMs.delete(cgroupId);
        return found;
      }
      this.#missedAtMs.set(cgroupId, nowMs);
    }
    // It was removed before we saw it: the traffic still counts, under the only name there is.
    return { node: this.#options.node, cgroup: `removed:${cgroupId}` };
  }

  /** Forgets nothing: a cgroup that is not there any more keeps its name. */
  #walk(): void {
    const pending = [this.#options.scope];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      try {
        const id = statSync(directory, { bigint: true }).ino;
        if (!this.#labels.has(id)) {
          this.#labels.set(id, this.#describe(directory));
        }
        for (const entry of readdirSync(directory, { withFileTypes: true })) {
          if (entry.isDirectory()) {
            pending.push(join(directory, entry.name));
          }
        }
      } catch (error) {
        // Removed between being listed and being read.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENODEV') {
          throw error;
        }
      }
    }
  }

  #describe(directory: string): Labels {
    const path = `/${relative(this.#options.mount, directory)}`;
    return { node: this.#options.node, cgroup: path, ...nameFromPath(path) };
  }
}

/** What a cgroup's path says about who lives there. */
export function nameFromPath(path: string): Labels {
  const container = CONTAINER.exec(path)?.[1];
  if (container) {
    return { container: container.slice(0, CONTAINER_ID_LENGTH) };
  }
  const unit = path
    .split('/')
    .reverse()
    .find((part) => UNIT.test(part));
  return unit ? { workload: basename(unit, '.service') } : {};
}
