/**
 * The cgroups there are and whose they are, in memory that outlives the agent: a cgroup that is removed while no agent
 * runs takes its path with it, and what was counted for it must not lose its name.
 */
import type { BpfMap } from '../../native';
import type { Labels } from '../history/series';
import type { Owners } from '../identity/owners';

const ID_BYTES = 8;
/** Of a note: enough for every path a container runtime makes, and for names of ordinary length. */
const NOTE_BYTES = 768;

/** How a cgroup is noted. */
interface Note {
  path: string;
  excluded: boolean;
  /** Left out where they are too long. */
  labels?: Labels;
}

interface Noted {
  labels?: Labels;
  excluded: boolean;
}

const PATH_ONLY: Noted = { excluded: false };

export class OwnerNotes {
  readonly #table: BpfMap;
  /** What is noted of each, by the object that its labels are: another one when its name has become known. */
  readonly #noted = new Map<bigint, Noted>();

  constructor(table: BpfMap) {
    this.#table = table;
  }

  static readonly keyBytes = ID_BYTES;
  static readonly noteBytes = NOTE_BYTES;

  /** Tells of those who are not there any more. */
  recall(owners: Owners): void {
    const { keys, values, count } = this.#table.entries();
    const ids = new BigUint64Array(keys.buffer, keys.byteOffset, count);
    ids.forEach((cgroupId, i) => {
      const note = parse(values.subarray(i * NOTE_BYTES, (i + 1) * NOTE_BYTES));
      if (note) {
        owners.recall(cgroupId, note);
      }
      this.#noted.set(cgroupId, PATH_ONLY);
    });
  }

  /** A cgroup that was made. */
  add(cgroupId: bigint, path: string): void {
    this.#write(cgroupId, { path, excluded: false });
    this.#noted.set(cgroupId, PATH_ONLY);
  }

  /** Brings the notes up to date: of all that are known, and of no others. */
  update(owners: Owners): void {
    const known = new Set<bigint>();
    for (const { cgroupId, path, labels, excluded } of owners.known()) {
      const noted = this.#noted.get(cgroupId);
      known.add(cgroupId);
      if (noted === undefined || noted.labels !== labels || noted.excluded !== excluded) {
        this.#write(cgroupId, { path, excluded, labels });
        this.#noted.set(cgroupId, { labels, excluded });
      }
    }
    for (const cgroupId of this.#noted.keys()) {
      if (!known.has(cgroupId)) {
        this.#table.delete(BigUint64Array.of(cgroupId));
        this.#noted.delete(cgroupId);
      }
    }
  }

  #write(cgroupId: bigint, note: Note): void {
    const bytes = encode(note) ?? encode({ ...note, labels: undefined });
    if (bytes) {
      try {
        this.#table.update(BigUint64Array.of(cgroupId), bytes);
      } catch (error) {
        // Full, or no memory: it is measured all the same, and only may lose its name.
        if (!['E2BIG', 'ENOMEM'].includes((error as NodeJS.ErrnoException).code ?? '')) {
          throw error;
        }
      }
    }
  }
}

/** Undefined when it is too long. */
function encode(note: Note): Uint8Array | undefined {
  const bytes = new Uint8Array(NOTE_BYTES);
  const text = new TextEncoder().encode(JSON.stringify(note));
  if (text.length > NOTE_BYTES) {
    return undefined;
  }
  bytes.set(text);
  return bytes;
}

function parse(bytes: Uint8Array): Note | undefined {
  const end = bytes.indexOf(0);
  try {
    return JSON.parse(new TextDecoder().decode(bytes.slice(0, end < 0 ? NOTE_BYTES : end)));
  } catch {
    return undefined;
  }
}
