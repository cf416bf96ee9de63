/** What is found at the file's path, and putting a file there: whole or not at all, and never over something else. */
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Disk, OpenDisk } from './disk';
import { HEADER_BYTES, isMagic, readHeader, type Header, type HeaderFault } from './layout';
import { FileTrouble, troubleOf } from './trouble';

export interface Found {
  header: Header;
  disk: Disk;
  /** Why it can only be read. */
  readOnly?: FileTrouble;
}

/** One of ours that cannot be gone on with, and why not. */
export interface Other {
  why: string;
}

const FAULTS: Record<Exclude<HeaderFault, 'foreign'>, string> = {
  format: 'is of another version of Ringside',
  damaged: 'is damaged where it says what it is',
};

/**
 * Opens what is there.
 *
 * @returns undefined where nothing is, or only what a process left that ended while it made the file
 * @throws FileTrouble, or what `node:fs` throws
 */
export function find(path: string, node: string, open: OpenDisk): Found | Other | undefined {
  const size = sizeOf(path);
  if (size === undefined || size === 0) {
    return undefined;
  }
  const { disk, readOnly } = openForBoth(path, open);
  const start = new Uint8Array(HEADER_BYTES);
  try {
    disk.read(start, 0);
    const header = readHeader(start);
    if (header === 'foreign') {
      throw new FileTrouble(
        'is not a history file of Ringside, and nothing is written to it; name another path, or remove it'
      );
    }
    const why = typeof header === 'string' ? FAULTS[header] : ofAnotherNode(header, node);
    if (typeof header !== 'string' && why === undefined) {
      return { header, disk, readOnly };
    }
    disk.close();
    return { why: why ?? '' };
  } catch (error) {
    disk.close();
    throw error;
  }
}

function ofAnotherNode({ node: other }: Header, node: string): string | undefined {
  return other === node ? undefined : `is the history of the node ${JSON.stringify(other.slice(0, 253))}`;
}

/** @throws FileTrouble when it is no file */
function sizeOf(path: string): number | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isFile()) {
    throw new FileTrouble(`is ${stats.isDirectory() ? 'a directory' : 'not a file'}; name a file in a directory`);
  }
  return stats?.size;
}

/** A past that can only be read is worth reading. */
function openForBoth(path: string, open: OpenDisk): Pick<Found, 'disk' | 'readOnly'> {
  try {
    return { disk: open(path, 'r+') };
  } catch (error) {
    try {
      return { disk: open(path, 'r'), readOnly: troubleOf(error) };
    } catch {
      throw error;
    }
  }
}

/** Keeps what is at `path` as `path.old`; one of these is kept, the last. */
export function moveAside(path: string, open: OpenDisk): string {
  const aside = `${path}.old`;
  checkReplaceable(aside, open);
  renameSync(path, aside);
  return aside;
}

/**
 * Makes a file: beside its place, and put there when all of it is written.
 *
 * @param write writes all of it
 */
export function create(path: string, open: OpenDisk, write: (disk: Disk) => void): Disk {
  const place = realPathOf(path);
  const fresh = `${place}.new`;
  checkReplaceable(fresh, open);
  rmSync(fresh, { force: true });
  let disk: Disk | undefined;
  try {
    disk = open(fresh, 'wx+');
    write(disk);
    disk.sync();
    renameSync(fresh, place);
  } catch (error) {
    disk?.close();
    // It holds the room that something else may need.
    rmSync(fresh, { force: true });
    throw error;
  }
  syncFolder(dirname(place));
  return disk;
}

/** A file that is put over another one must not take its link's place. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return join(dirname(path), basename(path));
  }
}

/** @throws FileTrouble when something is there that Ringside has not made */
function checkReplaceable(path: string, open: OpenDisk): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats || (stats.isFile() && stats.size === 0)) {
    return;
  }
  const start = new Uint8Array(HEADER_BYTES);
  if (stats.isFile()) {
    const disk = open(path, 'r');
    disk.read(start, 0);
    disk.close();
  }
  const isOurs = stats.isFile() && (isMagic(start) || start.every((byte) => byte === 0));
  if (!isOurs) {
    throw new FileTrouble(`needs the name ${path}, where something else is; move that away, or name another path`);
  }
}

/** A name is on the medium when its directory is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } catch {
    // Some file systems cannot, and do it by themselves.
  } finally {
    closeSync(fd);
  }
}
