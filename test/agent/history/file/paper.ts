/** Files for histories under test: what is written to them is known write by write, and one can be ended at any. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDisk, type Disk, type OpenDisk } from '../../../../agent/history/file/disk';
import { HistoryFile } from '../../../../agent/history/file/file';
import { History, MIN_HISTORY_BYTES } from '../../../../agent/history/history';
import type { ScanOptions } from '../../../../agent/history/scanner';
import { labelOf, SeriesTable } from '../../../../agent/history/series';
import { LABELS } from '../../../../wire/metrics';

export const NODE = 'node-23';

/** A folder that is there for one test file. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'ringside-history-'));

  file(name = 'history'): string {
    return join(this.path, name);
  }

  empty(): void {
    readdirSync(this.path).forEach((name) => rmSync(this.file(name)));
  }

  remove(): void {
    endAll();
    rmSync(this.path, { recursive: true, force: true });
  }
}

const alive = new Set<HistoryFile>();

/** Lets go of every file, as the end of a process does. */
export function endAll(): void {
  alive.forEach((file) => file.close());
  alive.clear();
}

export interface Life {
  table: SeriesTable;
  file: HistoryFile;
  history: History;
  said: string[];
}

/** An agent's history, from the start of its process on. */
export function live(
  path: string,
  { bytes = MIN_HISTORY_BYTES, node = NODE, open = openDisk }: { bytes?: number; node?: string; open?: OpenDisk } = {}
): Life {
  const table = new SeriesTable();
  const said: string[] = [];
  const log = { info: (text: string) => said.push(text), error: (text: string) => said.push(text) };
  const file = new HistoryFile({ path, node, open, log });
  alive.add(file);
  return { table, file, history: new History({ bytes, series: table, file }), said };
}

export interface Write {
  bytes: Buffer;
  at: number;
}

/** Everything a disk is told to write, in the order of time. */
export class Recording {
  readonly writes: Write[] = [];

  readonly open: OpenDisk = (path, flags) => {
    const disk = openDisk(path, flags);
    return {
      get size() {
        return disk.size;
      },
      read: (into, at) => disk.read(into, at),
      write: (bytes, from, length, at) => {
        this.writes.push({ bytes: Buffer.from(bytes.subarray(from, from + length)), at });
        disk.write(bytes, from, length, at);
      },
      sync: () => disk.sync(),
      fate: () => disk.fate(),
      close: () => disk.close(),
    } satisfies Disk;
  };
}

/** A file as it was after some of the writes to it. */
export class Replay {
  readonly #image: Buffer;

  constructor(image: Buffer) {
    this.#image = Buffer.from(image);
  }

  static of(path: string): Replay {
    return new Replay(readFileSync(path));
  }

  apply({ bytes, at }: Write): void {
    bytes.copy(this.#image, at);
  }

  /** Leaves the file as it would be if the process had ended in the middle of the next write, or before it. */
  put(path: string, next?: Write, length = 0): void {
    const image = Buffer.from(this.#image);
    next?.bytes.copy(image, next.at, 0, length);
    writeFileSync(path, image);
  }
}

/** What a scan tells, record by record, with labels where it says ids. */
export function told(
  { history, table }: Pick<Life, 'history' | 'table'>,
  range: Partial<ScanOptions> = {}
): Array<[number, number, ...string[]]> {
  const records: Array<[number, number, ...string[]]> = [];
  const names = new Map<number, string>();
  const nameOf = (id: number) => {
    const series = table.get(id)!;
    const name = [series.metric.name, ...LABELS.map((label) => labelOf(series, label))].join(' ');
    names.set(id, name);
    return name;
  };
  const add = (id: number, ...values: unknown[]) =>
    records[records.length - 1].push(`${names.get(id) ?? nameOf(id)} ${values.join(' ')}`);
  const wanted = new Uint8Array(table.capacity).fill(1);
  history.scan(
    { fromMs: -Infinity, toMs: Infinity, wanted, ...range },
    {
      at: (toMs, coveredMs) => records.push([toMs, coveredMs]),
      histogram: (id, sum, buckets, counts, length) =>
        add(id, sum, buckets.slice(0, length).join(), counts.slice(0, length).join()),
      counter: (id, increase) => add(id, increase),
      gauge: (id, last, levelMilliseconds) => add(id, last, levelMilliseconds),
    }
  );
  records.forEach((record) => record.splice(2, Infinity, ...(record.slice(2) as string[]).sort()));
  return records;
}
